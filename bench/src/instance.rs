//! A sfbridge in one process, on ports and in a folder of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};

use crate::process::{End, Process, free_addresses};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// sfbridge as `up` runs it, with its defaults. It ends with this value.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) gateway: SocketAddr,
    pub(crate) core: SocketAddr,
    pub(crate) process: Process,
}

impl Instance {
    /// Starts it, with its data in `folder`, which is made, and with settings
    /// beyond the defaults.
    ///
    /// # Errors
    ///
    /// When no process can be started.
    pub(crate) fn start(
        sfbridge: &Path,
        folder: &Path,
        settings: &[String],
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let [gateway, core, operator] = free_addresses()?;
        let mut arguments = vec![
            "up".to_owned(),
            format!("--data-dir={}", folder.display()),
            format!("--gateway-listen={gateway}"),
            format!("--core-listen={core}"),
            format!("--operator-listen={operator}"),
        ];
        arguments.extend_from_slice(settings);
        let log = folder.join("sfbridge.log");
        Ok(Self {
            gateway,
            core,
            process: Process::start(sfbridge, arguments, &[], folder, &log, End::Gently)?,
        })
    }

    /// Waits until its core can be called.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) async fn channel(&self) -> anyhow::Result<Channel> {
        let endpoint = Endpoint::new(format!("http://{}", self.core))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match endpoint.connect().await {
                Ok(channel) => return Ok(channel),
                Err(error) if Instant::now() > deadline => {
                    return Err(error).context("sfbridge does not start; see its log");
                }
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }
}
