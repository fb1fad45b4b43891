//! `sfbridge up`: gateway, core and embedded store in one process.

use soap_gateway::CoreService;

use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use crate::process::{self, CoreProbe, Process, Roles, cannot_start};

/// Runs both roles until a signal comes.
pub(crate) fn run(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    process::live(config, async || {
        let mut process = Process::start(config).await?;
        let roles = bind(config, &mut process).await?;
        process.run(config, roles, output).await
    })
}

/// Binds a core and a gateway in front of it.
pub(super) async fn bind(config: &Config, process: &mut Process) -> Result<Roles, Failure> {
    let core = super::core::bind(config, process).await?;
    // The gateway calls the core through the same generated client as over the
    // network, without a socket between them. Only what it records, which is
    // nearly all, is not encoded on the way.
    let to_core = CoreService::in_process(core.in_process()).recording_by(core.recorder());
    let gateway = soap_gateway::bind(
        process.gateway_config(config)?,
        to_core,
        &mut process.registry,
    )
    .await
    .map_err(|error| cannot_start("gateway", "--gateway-listen", error))?;
    Ok(Roles {
        probe: CoreProbe::Local(core.health()),
        gateway: Some(gateway),
        core: Some(core),
    })
}
