//! sfbridge beside other receivers: messages a second, their times, processor
//! and memory.
//!
//! Everything is started here, on ports and in folders of its own. Each load is
//! measured in rounds, and in each round all setups in turn, so that whatever
//! else the machine does is shared by all of them. Afterwards each setup that
//! keeps anything is asked whether it has what it acknowledged, exactly once.

mod alone;
mod goals;
mod load;
mod machine;
mod markdown;
mod receiver;
mod results;
mod running;
mod setup;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};

pub(crate) use goals::{Goal, Target, mebibytes};
pub(crate) use load::Load;
pub(crate) use markdown::goals_table;
pub(crate) use running::{Places, Running};
pub(crate) use setup::Setup;

use crate::Table;
use crate::postgres::Postgres;
use crate::report::line;
use crate::round::Round;
use results::Results;

/// What one setup used and did in one round.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) round: Round,
    /// Of all its processes.
    processor: Duration,
    /// The most memory of each of its processes, by name, in bytes.
    pub(crate) peak: Vec<(&'static str, u64)>,
}

impl Places {
    /// The places of this program, and a folder for data that is made and that
    /// nobody else uses.
    pub(crate) fn new(sfbridge: Option<&Path>, folder: &Path) -> anyhow::Result<Self> {
        let beside = std::env::current_exe()?;
        let beside = beside.parent().context("this program is in no folder")?;
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let data = folder.join(format!("data-{}", std::process::id()));
        fs::create_dir_all(&data)?;
        let sfbridge = sfbridge.map_or_else(|| beside.join("sfbridge"), PathBuf::from);
        Ok(Self {
            sfbridge: sfbridge
                .canonicalize()
                .with_context(|| format!("there is no {}", sfbridge.display()))?,
            warp_receiver: beside.join("warp-receiver"),
            tools: folder.join("tools"),
            data,
        })
    }
}

/// Measures, prints the tables and writes them where it is asked to.
pub(crate) async fn measure(asked: &Table) -> anyhow::Result<()> {
    let places = Places::new(asked.sfbridge.as_deref(), &asked.folder)?;
    install(asked, &places)?;
    let measured = run(asked, &places).await;
    // What failed is looked into; what went well needs no gigabytes.
    if measured.is_ok() {
        fs::remove_dir_all(&places.data)?;
    } else {
        line(&format!("logs and data are in {}", places.data.display()));
    }
    let (results, checked) = measured?;
    let text = markdown::run(asked, &results, &checked, &machine::describe()?);
    line(&text);
    if let Some(file) = &asked.write {
        let page = format!("{}{text}", markdown::TITLE);
        fs::write(file, page).with_context(|| format!("{} can't be written", file.display()))?;
    }
    if let Some(file) = &asked.append {
        append(file, &text)?;
    }
    Ok(())
}

/// Adds a text to a file.
pub(crate) fn append(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = fs::File::options();
    let added = options
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    added.with_context(|| format!("{} can't be written", file.display()))
}

/// Installs the receivers that are asked for and are not there.
fn install(asked: &Table, places: &Places) -> anyhow::Result<()> {
    let mut receivers: Vec<_> = asked.setup.iter().filter_map(|s| s.receiver()).collect();
    receivers.sort_unstable();
    receivers.dedup();
    if receivers.is_empty() {
        return Ok(());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/receivers/install");
    let installed = Command::new(script)
        .arg(&places.tools)
        .args(&receivers)
        .stdin(Stdio::null())
        .status()?;
    ensure!(
        installed.success(),
        "receivers can't be installed (see bench/README.md); choose others with --setup"
    );
    Ok(())
}

/// What was measured, and for each setup how many notifications it has.
type Run = (Results, Vec<(Setup, u64)>);

async fn run(asked: &Table, places: &Places) -> anyhow::Result<Run> {
    let needs_postgres = |setup: &Setup| matches!(setup, Setup::Postgres | Setup::PostgresCores);
    let postgres = if asked.setup.iter().any(needs_postgres) {
        Some(Postgres::start(&places.data.join("server")).await?)
    } else {
        None
    };
    // Notifications have numbers of ten digits that nobody has sent before.
    let first = rand::random_range(1..8_000_000_000_u64);
    let mut next = first;
    let mut running = Vec::new();
    for setup in &asked.setup {
        running.push((
            *setup,
            Running::start(*setup, places, postgres.as_ref()).await?,
        ));
    }
    for (_, running) in &mut running {
        running.ready(next).await?;
        next += 1;
    }
    let time = Duration::from_secs(asked.seconds.into());
    let mut results = Results::default();
    for load in &asked.load {
        let each = u64::from(load.notifications);
        let messages = Arc::new(AtomicU64::new(next.div_ceil(each)));
        for number in 0..=asked.rounds {
            for (setup, running) in &mut running {
                if !setup.takes(*load) {
                    continue;
                }
                let measured = running.measure(*load, time, &messages).await?;
                progress(*setup, *load, number, &measured);
                // The first round fills caches and makes connections.
                if number > 0 {
                    results.add(*load, *setup, measured);
                }
            }
        }
        next = messages.load(Ordering::Relaxed) * each;
    }
    let mut checked = Vec::new();
    for (setup, running) in &running {
        if let Some(count) = running.check(first).await? {
            checked.push((*setup, count));
        }
    }
    // All at once: each may take a moment to end.
    for (_, running) in &mut running {
        running.end();
    }
    Ok((results, checked))
}

/// Says on standard error how far it is, and what is odd.
#[expect(
    clippy::print_stderr,
    reason = "the result alone goes to standard output"
)]
fn progress(setup: Setup, load: Load, number: u32, measured: &Measured) {
    let round = &measured.round;
    eprintln!(
        "{load}, round {number}: {setup:?} {:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
        round.rate(),
        round.quantile(500),
        round.quantile(990)
    );
    if let Some(refusal) = &round.refusal {
        eprintln!("  {} were refused: {refusal}", round.refused);
    }
}
