//! A process of the product, and who starts it again.

use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long a process may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ports that stay free while a process is down. Those that the system picks
/// may go to somebody's connection meanwhile.
#[derive(Debug)]
pub(crate) struct Ports {
    next: u32,
}

/// A process of the product.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    binary: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    data: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    is_stopped: bool,
    /// How many times it ended by itself.
    ends: u32,
}

impl Ports {
    pub(crate) fn new() -> Self {
        Self {
            next: std::process::id() * 100,
        }
    }

    /// The address of the next free port.
    pub(crate) fn take(&mut self) -> anyhow::Result<SocketAddr> {
        for _ in 0..10_000 {
            self.next = self.next.wrapping_add(1);
            let port = 20_000 + u16::try_from(self.next % 10_000)?;
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            if TcpListener::bind(address).is_ok() {
                return Ok(address);
            }
        }
        bail!("no port from 20000 to 30000 is free")
    }
}

impl Process {
    /// A process that is not started yet, with its data and its log in `folder`.
    pub(crate) fn new(name: &str, binary: &Path, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            binary: binary.to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            data: folder.join(name),
            log: folder.join(format!("{name}.log")),
            child: None,
            is_stopped: false,
            ends: 0,
        }
    }

    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    pub(crate) fn ends(&self) -> u32 {
        self.ends
    }

    /// Starts it and waits until it says where it listens. One that ends
    /// meanwhile, as without its database, is started again.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        const PAUSE: Duration = Duration::from_millis(200);
        let deadline = Instant::now() + PATIENCE;
        let addresses = self.data.join("addresses.json");
        let _ = fs::remove_file(&addresses);
        self.child = Some(self.spawn()?);
        while !addresses.exists() {
            ensure!(
                Instant::now() < deadline,
                "{} did not start:\n{}",
                self.name,
                self.last_words()
            );
            if self.has_ended()? {
                self.ends += 1;
                sleep(PAUSE).await;
                self.child = Some(self.spawn()?);
            }
            sleep(PAUSE / 20).await;
        }
        Ok(())
    }

    /// Starts it again if it has ended by itself.
    pub(crate) async fn revive(&mut self) -> anyhow::Result<()> {
        if self.has_ended()? {
            self.ends += u32::from(self.child.is_some());
            self.start().await?;
        }
        Ok(())
    }

    fn has_ended(&mut self) -> anyhow::Result<bool> {
        match &mut self.child {
            None => Ok(true),
            Some(child) => Ok(child.try_wait()?.is_some()),
        }
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SFBRIDGE_") {
                command.env_remove(name);
            }
        }
        command
            .args(&self.arguments)
            .arg("--data-dir")
            .arg(&self.data)
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let child = command.spawn();
        child.with_context(|| format!("{} can't be started", self.name))
    }

    /// Ends it so that it can't do anything about it.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.start_kill()?;
            child.wait().await?;
        }
        self.is_stopped = false;
        Ok(())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<()> {
        self.signal("TERM").await?;
        if let Some(mut child) = self.child.take() {
            let ended = timeout(PATIENCE, child.wait()).await;
            let status = ended.with_context(|| format!("{} did not end", self.name))??;
            ensure!(status.success(), "{} ended with {status}", self.name);
        }
        Ok(())
    }

    /// Stops it in the middle of whatever it is at.
    pub(crate) async fn pause(&mut self) -> anyhow::Result<()> {
        self.is_stopped = true;
        self.signal("STOP").await
    }

    /// Lets it go on.
    pub(crate) async fn go_on(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.is_stopped) {
            self.signal("CONT").await?;
        }
        Ok(())
    }

    async fn signal(&self, name: &str) -> anyhow::Result<()> {
        if let Some(id) = self.child.as_ref().and_then(Child::id) {
            signal(id, name).await?;
        }
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let from = log.len().saturating_sub(2_000);
        log.get(from..).unwrap_or(&log).to_owned()
    }
}

/// Sends a signal to a process of this suite. One that has ended already does
/// not mind.
pub(crate) async fn signal(id: u32, name: &str) -> anyhow::Result<()> {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, &id.to_string()]);
    kill.stderr(Stdio::null()).status().await?;
    Ok(())
}
