//! `sfbridge core`: the core alone.

use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use crate::process::{self, CoreProbe, Process, Roles, cannot_start};

/// Runs the core until a signal comes.
pub(crate) fn run(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    process::live(config, async || {
        let mut process = Process::start(config).await?;
        let core = core_service::bind(process.core_config(config)?, &mut process.registry)
            .await
            .map_err(|error| cannot_start("core", "--core-listen", error))?;
        let roles = Roles {
            probe: CoreProbe::Local(core.health()),
            gateway: None,
            core: Some(core),
        };
        process.run(config, roles, output).await
    })
}
