//! Setups that run, on ports and in folders of their own.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use core_service::store::Store;
use sfbridge_bench::message::{Kind, Requests};
use sfbridge_bench::shape;
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::receiver::{RECEIVERS, Receiver};
use super::setup::Setup;
use super::{Measured, alone};
use crate::closed_loop::Busy;
use crate::connection::Connection;
use crate::instance::Instance;
use crate::postgres::Postgres;
use crate::process::{End, Process, free_addresses};
use crate::round::Round;
use crate::{generator, recorded, usage};

/// How long a setup may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where programs and data are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The sfbridge that is measured.
    pub(crate) sfbridge: PathBuf,
    /// The receiver that is built beside this program.
    pub(crate) warp_receiver: PathBuf,
    /// Where receivers are installed.
    pub(crate) tools: PathBuf,
    /// For data and logs, each setup's in a folder of its own.
    pub(crate) data: PathBuf,
}

/// A setup that runs.
#[derive(Debug)]
pub(crate) struct Running {
    setup: Setup,
    /// What is measured of the machine, by name.
    parts: Vec<(&'static str, u32)>,
    work: Work,
    /// The notifications of messages that were acknowledged: the first of each
    /// message, and how many.
    acknowledged: Vec<(u64, u32)>,
    /// They end with this value.
    processes: Vec<Process>,
}

/// Who does the work.
#[derive(Debug)]
enum Work {
    Http {
        gateway: SocketAddr,
        records: Records,
    },
    Store(Store),
    Reader,
    Tokens,
    Disk(PathBuf),
}

/// Where it can be looked up what was recorded.
#[derive(Debug)]
enum Records {
    Nowhere,
    Core(SocketAddr),
    Database(PathBuf),
}

impl Running {
    /// Starts a setup.
    pub(crate) async fn start(
        setup: Setup,
        places: &Places,
        postgres: Option<&Postgres>,
    ) -> anyhow::Result<Self> {
        let folder = places.data.join(format!("{setup:?}").to_lowercase());
        std::fs::create_dir_all(&folder)?;
        let mut running = Self {
            setup,
            parts: Vec::new(),
            work: Work::Reader,
            acknowledged: Vec::new(),
            processes: Vec::new(),
        };
        running.work = match setup {
            Setup::Reader => Work::Reader,
            Setup::Tokens => Work::Tokens,
            Setup::Disk => Work::Disk(folder),
            Setup::Store => Work::Store(alone::open_store(&folder.join("sfbridge.db")).await?),
            Setup::One => running.start_one(places, &folder)?,
            Setup::Two => running.start_cores(places, &folder, 1, None)?,
            Setup::Postgres | Setup::PostgresCores => {
                let server = postgres.context("there is no PostgreSQL server")?;
                let cores = if setup == Setup::Postgres { 1 } else { 2 };
                let store = server.database(&format!("cores_{cores}"))?;
                running.parts.push(("postgres", server.process.id()));
                running.start_cores(places, &folder, cores, Some(&store))?
            }
            Setup::Warp | Setup::WarpXml => running.start_receiver(places, &folder, None)?,
            Setup::Gsoap | Setup::Node | Setup::Python => {
                running.start_receiver(places, &folder, None)?
            }
            Setup::GsoapSqlite | Setup::NodeSqlite | Setup::PythonSqlite => {
                let database = folder.join("receiver.db");
                running.start_receiver(places, &folder, Some(database))?
            }
        };
        Ok(running)
    }

    fn start_one(&mut self, places: &Places, folder: &Path) -> anyhow::Result<Work> {
        let instance = Instance::start(&places.sfbridge, folder, &[])?;
        self.parts.push(("sfbridge", instance.process.id()));
        self.processes.push(instance.process);
        Ok(Work::Http {
            gateway: instance.gateway,
            records: Records::Core(instance.core),
        })
    }

    fn start_cores(
        &mut self,
        places: &Places,
        folder: &Path,
        cores: u32,
        store: Option<&str>,
    ) -> anyhow::Result<Work> {
        let mut urls = Vec::new();
        let mut last = None;
        for number in 1..=cores {
            let [core, operator] = free_addresses()?;
            let data = folder.join(format!("core-{number}"));
            let mut arguments = vec![
                "core".to_owned(),
                format!("--data-dir={}", data.display()),
                format!("--core-listen={core}"),
                format!("--operator-listen={operator}"),
            ];
            if let Some(store) = store {
                arguments.push(format!("--store={store}"));
            }
            self.start_sfbridge("core", places, folder, &arguments)?;
            urls.push(format!("http://{core}"));
            last = Some(core);
        }
        let [gateway, operator] = free_addresses()?;
        let arguments = [
            "gateway".to_owned(),
            format!("--data-dir={}", folder.join("gateway").display()),
            format!("--core-url={}", urls.join(",")),
            format!("--gateway-listen={gateway}"),
            format!("--operator-listen={operator}"),
        ];
        self.start_sfbridge("gateway", places, folder, &arguments)?;
        Ok(Work::Http {
            gateway,
            records: last.map_or(Records::Nowhere, Records::Core),
        })
    }

    fn start_sfbridge(
        &mut self,
        name: &'static str,
        places: &Places,
        folder: &Path,
        arguments: &[String],
    ) -> anyhow::Result<()> {
        let log = folder.join(format!("{name}-{}.log", self.processes.len()));
        let process = Process::start(&places.sfbridge, arguments, &[], folder, &log, End::Gently)?;
        self.parts.push((name, process.id()));
        self.processes.push(process);
        Ok(())
    }

    fn start_receiver(
        &mut self,
        places: &Places,
        folder: &Path,
        database: Option<PathBuf>,
    ) -> anyhow::Result<Work> {
        let [address] = free_addresses()?;
        let modules = places.tools.join("node/node_modules");
        let receiver = Receiver::of(self.setup, places, address, database.as_deref(), &modules)?;
        let process = Process::start(
            receiver.program,
            receiver.arguments,
            &receiver.variables,
            Path::new(RECEIVERS),
            &folder.join("receiver.log"),
            End::Gently,
        )?;
        self.parts.push(("receiver", process.id()));
        self.processes.push(process);
        Ok(Work::Http {
            gateway: address,
            records: database.map_or(Records::Nowhere, Records::Database),
        })
    }

    /// Sends one message until it is acknowledged: then the setup has started.
    pub(crate) async fn ready(&mut self, number: u64) -> anyhow::Result<()> {
        let Work::Http { gateway, .. } = self.work else {
            return Ok(());
        };
        let organization = shape::organization(shape::FIRST_IGRP);
        let mut requests = Requests::new(gateway, Kind::Full, shape::FIRST_IGRP, &organization, 1);
        let mut connection = Connection::to(gateway);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = connection.exchange(requests.numbered(number)).await;
            if answer.as_ref().is_ok_and(|answer| answer.is_acknowledged) {
                self.acknowledged.push((number, 1));
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{:?} does not start ({answer:?}); see its log",
                self.setup
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Measures it with a load for a while. Messages take their numbers from
    /// `next`.
    pub(crate) async fn measure(
        &mut self,
        load: Load,
        time: Duration,
        next: &Arc<AtomicU64>,
    ) -> anyhow::Result<Measured> {
        for (_, id) in &self.parts {
            usage::mark_memory(*id)?;
        }
        let before = self.processor_time()?;
        let round = match &self.work {
            Work::Http { gateway, .. } => send(*gateway, load, time, next).await?,
            Work::Store(store) => alone::store(store, load, time, next).await?,
            Work::Reader => alone::reader(load, time).await?,
            Work::Tokens => alone::bare_tokens(load, time).await?,
            Work::Disk(folder) => alone::disk(folder, time).await?,
        };
        let processor = self.processor_time()?.saturating_sub(before);
        let mut peak = Vec::new();
        for (name, id) in &self.parts {
            peak.push((*name, usage::peak_memory(*id)?));
        }
        let each = load.notifications;
        let first = |message: &u64| (message * u64::from(each), each);
        self.acknowledged
            .extend(round.acknowledged.iter().map(first));
        Ok(Measured {
            round,
            processor,
            peak,
        })
    }

    fn processor_time(&self) -> anyhow::Result<Duration> {
        let times = self.parts.iter().map(|(_, id)| usage::processor_time(*id));
        times.sum()
    }

    /// Fails unless all that was acknowledged is there, exactly once. Says how
    /// many notifications that are, where anything is kept.
    pub(crate) async fn check(&self, first: u64) -> anyhow::Result<Option<u64>> {
        let Work::Http { records, .. } = &self.work else {
            return Ok(None);
        };
        let found = match records {
            Records::Nowhere => return Ok(None),
            Records::Core(core) => recorded::in_core(*core, shape::FIRST_IGRP, first).await?,
            Records::Database(file) => in_database(file)?,
        };
        let acknowledged = self
            .acknowledged
            .iter()
            .flat_map(|(first, count)| *first..first + u64::from(*count));
        let name = format!("{:?}", self.setup);
        recorded::ensure_all(&name, acknowledged, &found).map(Some)
    }

    /// Asks it to end, without waiting for that.
    pub(super) fn end(&mut self) {
        for process in &mut self.processes {
            process.end();
        }
    }
}

/// Loads a gateway or receiver for a while.
async fn send(
    gateway: SocketAddr,
    load: Load,
    time: Duration,
    next: &Arc<AtomicU64>,
) -> anyhow::Result<Round> {
    let Some(rate) = load.rate else {
        let busy = Busy {
            gateways: vec![gateway],
            kind: Kind::Full,
            igrp: shape::FIRST_IGRP,
            notifications: load.notifications,
            connections: load.connections,
            time,
        };
        return busy.send(next).await;
    };
    let open = generator::Load {
        gateways: vec![gateway],
        kind: Kind::Full,
        igrp: shape::FIRST_IGRP,
        organization: shape::organization(shape::FIRST_IGRP),
        notifications: load.notifications,
        first: 0,
        rate,
        time,
        connections: load.connections,
    };
    let first = next.fetch_add(open.count(), std::sync::atomic::Ordering::Relaxed);
    let start = Instant::now();
    let answers = generator::Load { first, ..open }.send().await?;
    let mut round = Round::default();
    for outcome in answers.iter() {
        match outcome.answer {
            Some(answer) if answer.is_acknowledged => {
                round.acknowledge(outcome.number, outcome.time);
            }
            Some(answer) => round.refuse(|| format!("status {}", answer.status)),
            None => round.refuse(|| "no answer".to_owned()),
        }
    }
    Ok(round.end(start.elapsed()))
}

/// The numbers of the notifications in a receiver's database, whose key sees to
/// it that none is there twice.
fn in_database(file: &Path) -> anyhow::Result<HashSet<u64>> {
    let listed = Command::new(format!("{RECEIVERS}/recorded"))
        .arg(file)
        .output()?;
    ensure!(
        listed.status.success(),
        "{} can't be read: {}",
        file.display(),
        String::from_utf8_lossy(&listed.stderr)
    );
    let text = String::from_utf8(listed.stdout)?;
    text.lines().map(recorded::number_of).collect()
}
