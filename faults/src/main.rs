//! Starts the product, breaks it in every way it can think of, and counts what
//! is there afterwards.

mod database;
mod fault;
mod org;
mod plan;
mod process;
mod proxy;
mod run;
mod senders;
mod shim;
mod waiting;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};
use sfbridge_faults::Outcome;

use database::Server;
use fault::{Counts, Family};
use plan::Plan;
use shim::Library;
use world::{Setting, StoreKind};

/// Starts sfbridge as separate processes, breaks it at random points while
/// messages come, and checks that everything that was acknowledged is there
/// once.
///
/// Everything happens on 127.0.0.1 and in a folder of its own, which is kept
/// when something is wrong. Exit codes: 0 everything is as promised, 1 it is
/// not, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "scripts/faults", max_term_width = 100)]
struct Cli {
    /// The store [default: both, PostgreSQL where a server is installed]
    #[arg(long)]
    store: Option<StoreKind>,
    /// Go on until so many processes were killed on each store
    #[arg(long, value_name = "NUMBER")]
    kills: Option<u64>,
    /// How many runs on each store, each with a fresh one
    #[arg(long, value_name = "NUMBER", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    /// How many faults each run has
    #[arg(long, value_name = "NUMBER", default_value_t = 25,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    faults: u32,
    /// Only faults of this family; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<Family>,
    /// Decides what is left to chance; the second run has the next seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// One run on each store with a few faults of every family
    #[arg(long, conflicts_with_all = ["kills", "runs", "faults", "only"])]
    short: bool,
    /// Tell of each fault when it comes
    #[arg(long)]
    verbose: bool,
    /// The binary to break [default: `sfbridge` beside this one]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Runs of one store, added up.
#[derive(Default)]
struct Total {
    runs: u32,
    counts: Counts,
    outcome: Outcome,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    tokio::select! {
        done = suite(&cli) => done,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("signals can't be listened to")?;
            Ok(ExitCode::from(130))
        }
    }
}

async fn suite(cli: &Cli) -> anyhow::Result<ExitCode> {
    let binary = binary(cli)?;
    let server = Server::find();
    let library = Library::build();
    if let Err(reason) = &library {
        line(&format!(
            "SKIPPED: a full disk, failing syncs and clock jumps: {reason}"
        ));
    }
    let mut seed = cli.seed.unwrap_or_else(rand::random);
    let mut totals = Vec::new();
    for store in stores(cli, server.as_ref())? {
        let setting = Setting {
            binary: binary.clone(),
            store,
            server: server.clone(),
            library: library.as_ref().ok().cloned(),
        };
        totals.push((store, runs(cli, &setting, &mut seed).await?));
    }
    line("");
    let mut is_good = true;
    for (store, total) in totals {
        is_good &= total.outcome.violations.is_empty();
        line(&format!(
            "{store}: {} runs, {} kills ({}); {}",
            total.runs,
            total.counts.kills(),
            total.counts,
            total.outcome
        ));
    }
    if !is_good {
        line("NOT everything is as promised: see the violations above.");
        return Ok(ExitCode::FAILURE);
    }
    line("Everything that was acknowledged is there once.");
    Ok(ExitCode::SUCCESS)
}

/// The stores that are asked for and can be had.
fn stores(cli: &Cli, server: Option<&Server>) -> anyhow::Result<Vec<StoreKind>> {
    if server.is_some() || cli.store == Some(StoreKind::Sqlite) {
        return Ok(cli
            .store
            .map_or_else(|| StoreKind::ALL.to_vec(), |store| vec![store]));
    }
    ensure!(
        cli.store.is_none(),
        "no PostgreSQL server is installed; what is looked for is initdb, in the folder that \
         pg_config --bindir names or in /usr/lib/postgresql"
    );
    line("SKIPPED: PostgreSQL, of which no server is installed");
    Ok(vec![StoreKind::Sqlite])
}

/// As many runs on a store as are asked for.
async fn runs(cli: &Cli, setting: &Setting, seed: &mut u64) -> anyhow::Result<Total> {
    let mut total = Total::default();
    loop {
        let plan = if cli.short {
            Plan::short(*seed, setting.can())
        } else {
            Plan::drawn(*seed, setting.can(), &cli.only, cli.faults)
        };
        ensure!(
            !plan.faults.is_empty(),
            "none of these faults can be injected here"
        );
        let ran = run::run(setting, &plan, cli.verbose).await;
        let ran = ran.with_context(|| format!("the run with --seed {seed} could not be done"))?;
        total.runs += 1;
        total.counts += &ran.counts;
        total.outcome += &ran.outcome;
        line(&format!(
            "{} run {} seed {seed} ({}): {}; {}; {} processes ended by themselves",
            setting.store, total.runs, ran.shape, ran.counts, ran.outcome, ran.ends
        ));
        for violation in &ran.outcome.violations {
            line(&format!("  VIOLATION: {violation}"));
        }
        if let Some(folder) = ran.kept {
            line(&format!(
                "  kept: {}; again with --seed {seed}",
                folder.display()
            ));
        }
        *seed = seed.wrapping_add(1);
        let is_enough = match cli.kills {
            Some(kills) => total.counts.kills() >= kills,
            None => cli.short || total.runs >= cli.runs,
        };
        if is_enough {
            return Ok(total);
        }
    }
}

fn binary(cli: &Cli) -> anyhow::Result<PathBuf> {
    let binary = match &cli.binary {
        Some(binary) => binary.clone(),
        None => std::env::current_exe()?.with_file_name("sfbridge"),
    };
    let is_there = binary.is_file();
    ensure!(
        is_there,
        "{} is not there; build it with `cargo build -p sfbridge`",
        binary.display()
    );
    Ok(binary)
}

impl ValueEnum for StoreKind {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

/// Prints a line of the result.
#[expect(clippy::print_stdout, reason = "the result goes to standard output")]
fn line(text: &str) {
    println!("{text}");
}
