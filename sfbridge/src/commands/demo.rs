//! `sfbridge demo`: the whole story on one machine, with a pretend Salesforce
//! org and a small data set.

mod cast;
mod story;
mod tried;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use salesforce_sim::{DefinitionDescription, DemoKey, OrgDescription, SimConfig, Trigger};
use soap_gateway::Endpoint;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Layers, Role, Setting};
use crate::failure::Failure;
use crate::output::Output;
use crate::process::{self, Process, cannot_start, reachable};
use story::{Place, Story};

/// Shows a web lead arriving, being enriched and written back, and leaves
/// everything running to play with.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the pretend org listens; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    simulator_listen: SocketAddr,
    /// End when the story is told
    #[arg(long)]
    once: bool,
}

impl Demo {
    /// Runs it. `flags` are settings that were given as flags.
    pub(crate) fn run(
        self,
        config_file: Option<&Path>,
        flags: Vec<(Setting, String)>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        if config_file.is_some() {
            return Err(Failure::usage(
                "the demo reads no configuration file, so that nothing of yours is touched; leave \
                 --config out",
            ));
        }
        let folder = tempfile::Builder::new()
            .prefix("sfbridge-demo-")
            .tempdir()
            .context("no folder for the demo's data can be made")?;
        let settings = Settings {
            flags,
            folder: folder.path(),
        };
        let config = settings.config(None)?;
        process::live(&config, async || self.live(&settings, output).await)
    }

    async fn live(&self, settings: &Settings<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
        let key = DemoKey::generate().context("no key for the log-in can be made")?;
        let mut org = OrgDescription::default();
        org.app.certificate = Some(key.public_key().to_owned());
        let sim = salesforce_sim::bind(SimConfig {
            org: org.clone(),
            ..SimConfig::new(self.simulator_listen)
        })
        .await
        .map_err(|error| cannot_start("simulator", "--simulator-listen", error))?;
        let simulator = reachable(sim.local_addr());

        let config = settings.config(Some(simulator))?;
        let mut process = Process::start(&config).await?;
        let roles = super::up::bind(&config, &mut process).await?;
        let handle = sim.handle();
        let stop_simulator = CancellationToken::new();
        let simulating = tokio::spawn(sim.run(stop_simulator.clone()));

        let told = process
            .run_with(&config, roles, output, async |addresses, output| {
                let (Some(gateway), Some(core)) = (addresses.gateway, addresses.core) else {
                    return Ok(self.next());
                };
                let place = Place {
                    gateway: reachable(gateway),
                    core: reachable(core),
                    simulator,
                };
                handle
                    .define(&new_leads(place.gateway))
                    .context("the pretend org sends no messages")?;
                let story = Story::new(place, &org, key.private_key(), &handle).await?;
                story.tell(output).await?;
                Ok(self.next())
            })
            .await;
        stop_simulator.cancel();
        simulating.await.context("the simulator has crashed")?;
        told
    }

    fn next(&self) -> process::Next {
        if self.once {
            process::Next::End
        } else {
            process::Next::Serve
        }
    }
}

/// The outbound message that tells of new and changed Leads.
fn new_leads(gateway: SocketAddr) -> DefinitionDescription {
    DefinitionDescription {
        name: "Leads to sfbridge".to_owned(),
        object: "Lead".to_owned(),
        endpoint: format!(
            "http://{gateway}{}?igrp={}",
            Endpoint::LeadEnrich.path(),
            cast::IGRP
        ),
        fields: Vec::new(),
        on: Trigger::CreateOrUpdate,
        keep_failures: true,
    }
}

/// The settings of the demo: its own folder, and what was given as flags.
struct Settings<'a> {
    flags: Vec<(Setting, String)>,
    folder: &'a Path,
}

impl Settings<'_> {
    fn config(&self, simulator: Option<SocketAddr>) -> Result<Config, Failure> {
        // The story is on standard output, and whoever wants the log too says so.
        let mut flags = vec![(Setting::Log, "warn".to_owned())];
        flags.extend(self.flags.iter().cloned());
        flags.push((Setting::DataDir, self.folder.display().to_string()));
        flags.push((Setting::Installations, "strict".to_owned()));
        if let Some(simulator) = simulator {
            flags.push((Setting::SalesforceExtraHosts, simulator.to_string()));
        }
        let layers = Layers::read(None, [], flags)?;
        Ok(Config::new(layers, Role::Up)?)
    }
}
