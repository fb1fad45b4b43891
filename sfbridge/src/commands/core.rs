//! `sfbridge core`: the core alone.

use core_service::Core;
use soap_gateway::CoreService;

use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use crate::process::{self, CoreProbe, Process, Roles, cannot_start};

/// Runs the core until a signal comes.
pub(crate) fn run(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    process::live(config, async || {
        let mut process = Process::start(config).await?;
        let core = bind(config, &mut process).await?;
        let roles = Roles {
            probe: CoreProbe::Local(core.health()),
            gateway: None,
            core: Some(core),
        };
        process.run(config, roles, output).await
    })
}

/// Binds a core that also explains and replays, for which it has the mapping of
/// a gateway beside it.
pub(super) async fn bind(config: &Config, process: &mut Process) -> Result<Core, Failure> {
    let mut core = core_service::bind(process.core_config(config)?, &mut process.registry)
        .await
        .map_err(|error| cannot_start("core", "--core-listen", error))?;
    let for_callers = CoreService::in_process(core.for_callers());
    core.serve_also(soap_gateway::mapping_service(&config.gateway, for_callers))
        .await;
    Ok(core)
}
