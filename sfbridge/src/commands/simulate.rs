//! `sfbridge simulate`: a pretend Salesforce org to develop and show against.

mod greeting;
mod key_file;
mod target;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use salesforce_sim::{
    DefinitionDescription, Failure as SimFailure, Handle, MadeUp, ObjectType, OrgDescription,
    OutboundSettings, SimConfig, Trigger,
};
use sfbridge_values::Igrp;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::process::{self, Signals, cannot_start};
use greeting::Greeting;
use target::Target;

/// Runs a pretend Salesforce org.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Where it listens; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Listen beyond this machine, although anybody could change everything in
    /// the org then
    #[arg(long)]
    allow_remote: bool,
    /// What the org is to begin with: a TOML or JSON file, described in
    /// salesforce-sim/README.md
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Send an outbound message to this endpoint for each record that is made
    /// or changed: a Lead, for .../events an Opportunity, for .../callRating a
    /// Task, or what stands before it as in `Lead=http://...`. May be repeated
    #[arg(long, value_name = "URL")]
    send_to: Vec<Target>,
    /// How many Leads to make up [default: 20, or none with --data]; with
    /// --send-to as many Opportunities and Tasks, where they are sent
    #[arg(long, value_name = "NUMBER")]
    leads: Option<u32>,
    #[command(flatten)]
    sending: Sending,
    /// Let calls go wrong: `ON:WHAT[:TIMES]`, such as
    /// `update:UNABLE_TO_LOCK_ROW:3`, `any:503`, `update:lose-answer`,
    /// `token:drop` or `read:1500ms:0`. May be repeated
    #[arg(long, value_name = "FAILURE")]
    fail: Vec<SimFailure>,
    /// Check the signatures of JWTs with the RSA private key in this file,
    /// which is made if it is not there
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Be a sandbox, which wants `https://test.salesforce.com` as audience
    #[arg(long)]
    sandbox: bool,
    /// Take the permission Send Outbound Messages from the API's user, so that
    /// its updates fire nothing
    #[arg(long)]
    no_send_outbound_messages: bool,
    /// The installation that made-up records belong to
    #[arg(long, value_name = "ID", default_value = "1001")]
    igrp: String,
    /// Decides what is made up and left to chance
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// How outbound messages are sent.
#[derive(Debug, Args)]
struct Sending {
    /// With --send-to: how many Leads to make in a second; 0 is all at once
    #[arg(long, value_name = "NUMBER", default_value_t = 5.0)]
    rate: f64,
    /// How likely an acknowledged notification is sent again, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    duplicates: f64,
    /// Send in another order than things happened in
    #[arg(long)]
    shuffle: bool,
    /// How many times faster time passes between attempts: 3600 makes
    /// Salesforce's 24 hours of 24 seconds
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    time_factor: f64,
}

impl Simulate {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let plan = self.plan()?;
        process::live(config, async || plan.run(output).await)
    }

    /// Reads files and checks what was asked for.
    fn plan(self) -> Result<Plan, Failure> {
        let igrp = Igrp::parse(&self.igrp)
            .map_err(|error| Failure::usage(format!("--igrp {error}")))?
            .get();
        if !(0.0..=10_000.0).contains(&self.sending.rate) {
            return Err(Failure::usage("--rate must be from 0 to 10000"));
        }
        let mut org = match &self.data {
            Some(path) => read_data(path)?,
            None => OrgDescription::default(),
        };
        let key_file = self.key_file.map(key_file::KeyFile::open).transpose()?;
        if let Some(key_file) = &key_file {
            org.app.certificate = Some(key_file.public_key().to_owned());
        }
        org.org.sandbox |= self.sandbox;
        org.user.sends_outbound_messages &= !self.no_send_outbound_messages;

        let mut made_up = MadeUp::new(self.seed, igrp);
        let leads = self
            .leads
            .unwrap_or(if self.data.is_some() { 0 } else { 20 });
        let mut objects = vec![ObjectType::Lead];
        for target in &self.send_to {
            if !objects.contains(&target.object()) {
                objects.push(target.object());
            }
            org.outbound_messages.push(DefinitionDescription {
                name: format!("{} to sfbridge", target.object()),
                object: target.object().name().to_owned(),
                endpoint: target.url().to_owned(),
                fields: Vec::new(),
                on: Trigger::CreateOrUpdate,
                keep_failures: true,
            });
        }
        // Records that nobody is told of are there from the start.
        let to_make = if self.send_to.is_empty() {
            org.leads.extend((0..leads).map(|_| made_up.lead()));
            0
        } else {
            leads
        };
        Ok(Plan {
            config: SimConfig {
                allow_remote: self.allow_remote,
                org,
                outbound: OutboundSettings {
                    duplicates: self.sending.duplicates,
                    shuffle: self.sending.shuffle,
                    time_factor: self.sending.time_factor,
                },
                failures: self.fail,
                seed: self.seed,
                ..SimConfig::new(self.listen)
            },
            key_file: key_file.map(key_file::KeyFile::into_path),
            making: Making {
                objects,
                leads: to_make,
                rate: self.sending.rate,
                made_up,
            },
        })
    }
}

fn read_data(path: &std::path::Path) -> Result<OrgDescription, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("--data {} can't be read", path.display()))
        .map_err(Failure::Usage)?;
    OrgDescription::parse(path, &text)
        .with_context(|| format!("--data {} can't be used", path.display()))
        .map_err(Failure::Usage)
}

/// What is to be run.
struct Plan {
    config: SimConfig,
    key_file: Option<PathBuf>,
    making: Making,
}

impl Plan {
    async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut signals = Signals::listen().context("signals can't be listened to")?;
        let org = self.config.org.clone();
        let sim = salesforce_sim::bind(self.config)
            .await
            .map_err(|error| cannot_start("simulator", "--listen", error))?;
        let greeting = Greeting {
            address: sim.local_addr(),
            org: &org,
            key_file: self.key_file.as_deref(),
        };
        if greeting.print(output).is_err() {
            tracing::info!("standard output is closed");
        }

        let shutdown = CancellationToken::new();
        let making = tokio::spawn(self.making.run(sim.handle()));
        let serving = sim.run(shutdown.clone());
        tokio::pin!(serving);
        tokio::select! {
            signal = signals.next() => tracing::info!(signal, "shutting down"),
            () = &mut serving => {}
        }
        shutdown.cancel();
        making.abort();
        tokio::select! {
            () = serving => Ok(()),
            signal = signals.next() => Err(Failure::failed(format!(
                "a second signal ({signal}) cut the shutdown short"
            ))),
        }
    }
}

/// The records that are made while the org runs.
struct Making {
    objects: Vec<ObjectType>,
    leads: u32,
    rate: f64,
    made_up: MadeUp,
}

impl Making {
    async fn run(mut self, org: Handle) {
        if self.leads == 0 {
            return;
        }
        let pause = Duration::try_from_secs_f64(1.0 / self.rate).unwrap_or_default();
        for _ in 0..self.leads {
            for object in &self.objects {
                let fields = match object {
                    ObjectType::Lead => self.made_up.lead(),
                    ObjectType::Opportunity => self.made_up.opportunity(),
                    ObjectType::Task => self.made_up.task(),
                };
                if let Err(refused) = org.create(*object, &fields) {
                    note(format_args!("A {object} was refused: {refused}"));
                }
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        self.tell(&org).await;
    }

    /// Says when all that was to be told is told.
    async fn tell(&self, org: &Handle) {
        const PAUSE: Duration = Duration::from_millis(200);

        while org.outbound().waiting > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let counts = org.outbound();
        note(format_args!(
            "{} records were made; {} notifications were acknowledged, {} given up.",
            self.leads
                .saturating_mul(u32::try_from(self.objects.len()).unwrap_or(1)),
            counts.delivered,
            counts.failed
        ));
    }
}
