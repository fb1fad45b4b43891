//! `sfbridge gateway`: the gateway alone, in front of a core elsewhere.

use anyhow::Context as _;
use http::Uri;
use soap_gateway::CoreService;

use crate::client::core_tls;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use crate::process::{self, CoreProbe, Process, Roles, cannot_start};

/// Runs the gateway until a signal comes.
pub(crate) fn run(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    process::live(config, async || {
        let mut process = Process::start(config).await?;
        let cores = if config.upstream.urls.is_empty() {
            vec![Uri::from_static("http://127.0.0.1:50051")]
        } else {
            config.upstream.urls.clone()
        };
        let tls = core_tls(&config.upstream.tls)?;
        let probe = CoreProbe::remote(&cores, &tls)?;
        let api_key = config.upstream.api_key.clone();
        let to_core = CoreService::connect_with_tls(cores, api_key, &tls, config.gateway.core_time)
            .context("the core can't be called as configured")?;
        let gateway = soap_gateway::bind(
            process.gateway_config(config)?,
            to_core,
            &mut process.registry,
        )
        .await
        .map_err(|error| cannot_start("gateway", "--gateway-listen", error))?;
        let roles = Roles {
            gateway: Some(gateway),
            core: None,
            probe,
        };
        process.run(config, roles, output).await
    })
}
