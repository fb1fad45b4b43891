//! One run: everything is started, broken under load, healed, and counted.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sfbridge_faults::{CoreCaller, LeadFindings, Outcome};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;
use tokio::time::{Instant, sleep};

use crate::fault::{Counts, Fault};
use crate::line;
use crate::plan::Plan;
use crate::proxy::Weather;
use crate::senders::Senders;
use crate::shim::Disk;
use crate::waiting::until;
use crate::world::{Setting, Shape, World};

/// How many Leads there are.
const LEADS: u32 = 300;

/// How long it may take until messages are acknowledged again.
const LONGEST_OUTAGE: Duration = Duration::from_secs(90);

/// How long the work that is owed may take in the end.
const LONGEST_SETTLEMENT: Duration = Duration::from_mins(3);

/// How long a disk is left broken when nobody notices.
const LONGEST_BREAK: Duration = Duration::from_secs(3);

/// What a run has come to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) shape: Shape,
    pub(crate) counts: Counts,
    pub(crate) outcome: Outcome,
    /// How many times a process of the product ended by itself.
    pub(crate) ends: u32,
    /// The folder, when something is wrong.
    pub(crate) kept: Option<PathBuf>,
}

struct Run {
    world: World,
    senders: Senders,
    random: StdRng,
    counts: Counts,
    violations: Vec<String>,
    /// Whether each fault is told when it comes.
    told: bool,
}

/// Does a run.
///
/// # Errors
///
/// When it can't be done; what is wrong with the product is in the outcome.
pub(crate) async fn run(setting: &Setting, plan: &Plan, told: bool) -> anyhow::Result<Ran> {
    let mut random = StdRng::seed_from_u64(plan.seed);
    let world = World::start(setting, LEADS, &mut random).await?;
    let caller = CoreCaller::of(world.cores[0].address)?;
    caller.set_up(&world.org.url(), LEADS).await?;
    world.org.misbehave().await?;
    let senders = Senders::start(world.entrances.clone(), LEADS, &mut random)?;
    let mut run = Run {
        world,
        senders,
        random,
        counts: Counts::default(),
        violations: Vec::new(),
        told,
    };
    let folder = run.world.folder.path().to_owned();
    let outcome = match run.broken_and_counted(plan, &caller).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(error.context(format!("see {}", folder.display()))),
    };
    run.world.stop().await?;
    let kept = if outcome.violations.is_empty() {
        fs::remove_dir_all(&folder)?;
        None
    } else {
        Some(folder)
    };
    Ok(Ran {
        shape: run.world.shape,
        ends: run.world.processes().iter().map(|one| one.ends()).sum(),
        counts: run.counts,
        outcome,
        kept,
    })
}

impl Run {
    async fn broken_and_counted(
        &mut self,
        plan: &Plan,
        caller: &CoreCaller,
    ) -> anyhow::Result<Outcome> {
        for fault in &plan.faults {
            if !self.goes_on().await? {
                self.violations.push(format!(
                    "nothing was acknowledged for {LONGEST_OUTAGE:?} before the next {}",
                    fault.name()
                ));
                break;
            }
            let anywhere = self.random.random_range(0..30_000);
            sleep(Duration::from_micros(anywhere)).await;
            let begun = Instant::now();
            if self.told {
                let acknowledged = self.senders.acknowledged();
                let failed = self.senders.failed();
                line(&format!(
                    "  {}: {acknowledged} acknowledged, {failed} posts failed",
                    fault.name()
                ));
            }
            let kills = self.inject(*fault).await?;
            if self.told {
                line(&format!("    {:?}", begun.elapsed()));
            }
            self.counts.add(*fault, kills);
        }
        self.senders.stop().await;
        self.world.heal().await?;
        if !self.senders.send_again(&mut self.random).await {
            let what = "what was acknowledged is not acknowledged again";
            self.violations.push(what.to_owned());
        }
        let jobs = self.settled(caller).await?;
        let held = caller.held(&jobs).await?;
        let ledger = self.senders.ledger();
        let records = self.world.org.records().await?;
        let calls = self.world.org.calls().await?;
        let leads = LeadFindings::of(&ledger.leads(), &jobs, &records, &calls);
        let mut outcome = Outcome::of(&ledger, &held, &leads);
        outcome.violations.append(&mut self.violations);
        for process in self.world.processes() {
            let log = fs::read_to_string(process.log()).unwrap_or_default();
            for line in log.lines().filter(|line| line.contains("panicked at")) {
                let what = format!("{} has panicked: {line}", process.name());
                outcome.violations.push(what);
            }
        }
        Ok(outcome)
    }

    /// Waits until some more messages are acknowledged; whether they are.
    async fn goes_on(&mut self) -> anyhow::Result<bool> {
        let before = self.senders.acknowledged();
        let more = self.random.random_range(1..60);
        let deadline = Instant::now() + LONGEST_OUTAGE;
        while self.senders.acknowledged() < before + more {
            if Instant::now() > deadline {
                return Ok(false);
            }
            self.world.revive().await?;
            sleep(Duration::from_millis(5)).await;
        }
        Ok(true)
    }

    /// The jobs, once they are all done, or when that takes too long.
    async fn settled(&self, caller: &CoreCaller) -> anyhow::Result<Vec<pb::LeadEnrichment>> {
        let mut last = Vec::new();
        let deadline = Instant::now() + LONGEST_SETTLEMENT;
        until(
            LONGEST_SETTLEMENT * 2,
            "an answer of the core",
            async || {
                if let Ok(jobs) = caller.jobs().await {
                    last = jobs;
                }
                let is_done = |job: &pb::LeadEnrichment| {
                    !matches!(
                        job.state(),
                        State::Pending
                            | State::Pushing
                            | State::WaitingForConnection
                            | State::WaitingForData
                    )
                };
                let is_over = last.iter().all(is_done) || Instant::now() > deadline;
                Ok(is_over.then_some(()))
            },
        )
        .await?;
        Ok(last)
    }

    /// Has something go wrong, and ends it; how many processes were killed.
    async fn inject(&mut self, fault: Fault) -> anyhow::Result<u64> {
        match fault {
            Fault::KillCore => {
                let core = self.random.random_range(0..self.world.cores.len());
                let process = &mut self.world.cores[core].process;
                process.kill().await?;
                process.start().await?;
                return Ok(1);
            }
            Fault::KillGateway => {
                let gateway = self.random.random_range(0..self.world.gateways.len());
                let process = &mut self.world.gateways[gateway];
                process.kill().await?;
                process.start().await?;
                return Ok(1);
            }
            Fault::KillAll => {
                let mut kills = 0;
                for process in self.world.processes() {
                    process.kill().await?;
                    kills += 1;
                }
                for process in self.world.processes() {
                    process.start().await?;
                }
                return Ok(kills);
            }
            Fault::KillDatabase => {
                if let Some(database) = &mut self.world.database {
                    database.kill().await?;
                    database.revive().await?;
                    return Ok(1);
                }
            }
            Fault::KillBackend => {
                let chance = self.random.random_range(0..usize::MAX);
                if let Some(database) = &mut self.world.database {
                    return Ok(u64::from(database.kill_backend(chance).await?));
                }
            }
            Fault::Restart => {
                let process = self.any_process();
                process.terminate().await?;
                process.start().await?;
            }
            Fault::Pause => {
                let pause = self.some_time(100..1_500);
                let process = self.any_process();
                process.pause().await?;
                sleep(pause).await;
                process.go_on().await?;
            }
            Fault::Cut => self.weather(Weather::Cut).await,
            Fault::Delay => {
                let delay = self.some_time(20..400);
                self.weather(Weather::Late(delay)).await;
            }
            Fault::Slowness => self.weather(Weather::Slow).await,
            Fault::HalfOpen => self.weather(Weather::Silent).await,
            Fault::FullDisk => {
                let full = match self.world.database {
                    None => Disk::IsFull,
                    // A database has made room for its log before.
                    Some(_) => Disk::CantGrow,
                };
                self.break_disk(full).await?;
            }
            Fault::SyncError => {
                self.break_disk(Disk::SyncFails).await?;
                if self.world.database.is_none() {
                    // After a failed sync nobody knows what the disk holds: the
                    // store stays closed until a restart.
                    let core = &mut self.world.cores[0].process;
                    core.terminate().await?;
                    core.start().await?;
                }
            }
            Fault::ClockJump => self.move_clock()?,
        }
        Ok(0)
    }

    fn any_process(&mut self) -> &mut crate::process::Process {
        let mut processes = self.world.processes();
        let any = self.random.random_range(0..processes.len());
        processes.swap_remove(any)
    }

    fn some_time(&mut self, millis: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(millis))
    }

    /// Has one piece of the network do something for a while.
    async fn weather(&mut self, weather: Weather) {
        let lasting = self.some_time(200..2_500);
        let link = self.random.random_range(0..self.world.links.len());
        self.world.links[link].set(weather);
        sleep(lasting).await;
        self.world.links[link].set(Weather::Fair);
    }

    /// Breaks the store's disk until it is noticed, or for a while.
    async fn break_disk(&mut self, disk: Disk) -> anyhow::Result<()> {
        let before = self.senders.failed();
        if let Some(shim) = self.world.disk() {
            shim.set_disk(disk)?;
        }
        let deadline = Instant::now() + LONGEST_BREAK;
        while self.senders.failed() == before && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        let lasting = self.some_time(0..500);
        sleep(lasting).await;
        if let Some(shim) = self.world.disk() {
            shim.set_disk(Disk::Sound)?;
        }
        Ok(())
    }

    /// Sets the clocks of all cores, or of one.
    fn move_clock(&mut self) -> anyhow::Result<()> {
        const HOUR: i64 = 3_600;
        const JUMPS: [i64; 6] = [-72, -26, -1, 1, 26, 72];
        let ahead = JUMPS[self.random.random_range(0..JUMPS.len())] * HOUR;
        let only: Option<usize> = self
            .random
            .random::<bool>()
            .then(|| self.random.random_range(0..self.world.cores.len()));
        for (number, core) in self.world.cores.iter_mut().enumerate() {
            if let (true, Some(shim)) = (only.is_none_or(|only| only == number), &mut core.shim) {
                shim.set_clock(ahead)?;
            }
        }
        let most = self.world.most_ahead.unwrap_or(0);
        self.world.most_ahead = Some(most.max(ahead));
        Ok(())
    }
}
