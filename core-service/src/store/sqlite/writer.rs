//! The one thread that writes.
//!
//! It takes the requests that wait, runs each in a savepoint of one
//! transaction, commits once, and only then lets the answers go. So
//! concurrent requests share a sync, and no answer is ahead of the disk.
//!
//! Senders take turns ([`super::super::queue`]), and a transaction is short: whoever
//! comes late waits for the rest of it and for one item of each other sender.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{oneshot, watch};
use tracing::{error, info};

use super::super::queue::{Queue, Refusal};
use super::super::queued::{Queued, class};
use super::super::{Migrated, Pace, StoreError, StoreState};
use super::alarm::Alarm;
use super::file::{self, Lock};
use super::log::{self, Log};

use super::slowness::Slowness;
use crate::domain::LeadEnrichmentState;
use crate::metrics::{ClassLabel, StateLabel, StoreMetrics};
use crate::recording::{Batch, ItemResult, Sender};

/// Requests that may share a transaction, so that none waits for too many.
const GROUP: usize = 256;

/// The handle of the writing thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    entrance: Arc<Entrance>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    state: watch::Receiver<StoreState>,
    alarm: Arc<Alarm>,
    event_alarm: Arc<Alarm>,
    metrics: StoreMetrics,
}

/// The way into the queue. The thread ends when nobody has it any more.
#[derive(Debug)]
struct Entrance(Arc<Queue<Job>>);

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// One request: its work, and afterwards its answer.
struct Job {
    /// Does the work in a transaction, or learns why there is none.
    run: Box<Work>,
    /// How many items it writes.
    items: usize,
    came_at: Instant,
    class: ClassLabel,
    /// Counts it for as long as it waits.
    queued: Queued,
}

type Work = dyn FnOnce(Result<&Connection, &StoreError>) -> Done + Send;

/// What became of a request's work, before the commit.
enum Done {
    /// Nothing was done: the caller has gone, or has its refusal.
    Nothing,
    /// It is done, and answers when it learns how the commit went.
    Worked(Answer),
    /// It was only tried: it must be undone, and then answers.
    Tried(Answer),
    /// It failed and must be undone, alone or, when the transaction is lost,
    /// with its group.
    Failed(StoreError, Answer),
}

/// Sends the answer; the argument is why the work is not durable, if so.
type Answer = Box<dyn FnOnce(Option<StoreError>) + Send>;

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

impl Writer {
    /// Opens the database and starts the thread.
    pub(super) async fn open(
        path: PathBuf,
        pace: Pace,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        let log = Log::of(&path);
        let opened = tokio::task::spawn_blocking(move || {
            let lock = Lock::take(&path)?;
            let mut connection = file::open_for_writing(&path)?;
            let migrated = file::migrate(&mut connection)?;
            Ok::<_, StoreError>((lock, connection, migrated))
        });
        let (lock, connection, migrated) = opened
            .await
            .map_err(|error| StoreError::Failed(error.to_string()))??;

        let queue = Arc::new(Queue::new());
        let (state, watched) = watch::channel(StoreState::Ready);
        let (alarm, event_alarm) = (Arc::new(Alarm::default()), Arc::new(Alarm::default()));
        let mut thread = WriterThread {
            connection,
            log,
            queue: Arc::clone(&queue),
            slowness: Slowness::new(pace.write_delay),
            pace,
            last_commit: Duration::ZERO,
            state,
            alarm: Arc::clone(&alarm),
            event_alarm: Arc::clone(&event_alarm),
            metrics: metrics.clone(),
            _lock: lock,
        };
        let handle = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run())
            .map_err(|error| StoreError::Failed(format!("no thread for the writer: {error}")))?;

        let writer = Self {
            entrance: Arc::new(Entrance(queue)),
            thread: Arc::new(Mutex::new(Some(handle))),
            state: watched,
            alarm,
            event_alarm,
            metrics,
        };
        Ok((writer, migrated))
    }

    /// Follows whether writes are taken.
    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.state.clone()
    }

    /// Rings after a commit if work has set it: a job is due sooner.
    pub(super) fn alarm(&self) -> Arc<Alarm> {
        Arc::clone(&self.alarm)
    }

    /// Rings after a commit if work has set it: there are new events.
    pub(super) fn event_alarm(&self) -> Arc<Alarm> {
        Arc::clone(&self.event_alarm)
    }

    /// Counts lead enrichments that have come to an end.
    pub(super) fn count_enrichments(&self, state: LeadEnrichmentState, count: u64) {
        if count > 0 {
            let state = StateLabel {
                state: state.name(),
            };
            let results = &self.metrics.enrichment_results;
            results.get_or_create(&state).inc_by(count);
        }
    }

    /// Has a batch recorded by `work`, on its sender's account, and answers
    /// after the commit.
    pub(super) async fn record<T: Send + 'static>(
        &self,
        batch: Batch<T>,
        work: impl FnOnce(&Connection, Batch<T>) -> Result<Vec<ItemResult>, StoreError> + Send + 'static,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let (sender, items) = (batch.sender(), batch.items.len());
        self.submit(
            sender,
            items,
            move |connection| work(connection, batch),
            Done::Worked,
        )
        .await
    }

    /// Runs `work`, which is small, in the writer's transaction and answers
    /// after its commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Sender::Settings, 1, work, Done::Worked).await
    }

    /// Runs `work` on so many items that nobody waits for.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        items: usize,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Sender::Background, items, work, Done::Worked)
            .await
    }

    /// Runs `work` like a batch of this sender's, and undoes what it wrote.
    pub(super) async fn try_out<T: Send + 'static>(
        &self,
        (sender, items): (Sender, usize),
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(sender, items, work, Done::Tried).await
    }

    async fn submit<T: Send + 'static>(
        &self,
        account: Sender,
        items: usize,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        done: fn(Answer) -> Done,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let run = move |transaction: Result<&Connection, &StoreError>| {
            let connection = match transaction {
                _ if sender.is_closed() => return Done::Nothing,
                Ok(connection) => connection,
                Err(refusal) => {
                    let _ = sender.send(Err(refusal.clone()));
                    return Done::Nothing;
                }
            };
            match work(connection) {
                Ok(value) => done(Box::new(move |failure| {
                    // The caller may have gone meanwhile; its retry finds the work done.
                    let _ = sender.send(failure.map_or(Ok(value), Err));
                })),
                Err(error) => {
                    let own = error.clone();
                    let answer: Answer = Box::new(move |failure| {
                        let _ = sender.send(Err(failure.unwrap_or(own)));
                    });
                    Done::Failed(error, answer)
                }
            }
        };
        let class = class(&account);
        let queued = Queued::new(&self.metrics.queued_requests.get_or_create(&class));
        let job = Job {
            run: Box::new(run),
            items,
            came_at: Instant::now(),
            class,
            queued,
        };
        self.enqueue(account, job)?;
        // The sender is dropped unused only when the work or the thread panics.
        receiver
            .await
            .unwrap_or_else(|_| Err(self.reason_of_silence()))
    }

    fn enqueue(&self, account: Sender, job: Job) -> Result<(), StoreError> {
        if let StoreState::Failed(reason) = &*self.state.borrow() {
            return Err(StoreError::Failed(reason.clone()));
        }
        let (class, items) = (job.class.clone(), job.items);
        let pushed = self.entrance.0.push(account, items, job);
        pushed.map_err(|refusal| match refusal {
            Refusal::Full => {
                self.metrics.overloaded.get_or_create(&class).inc();
                StoreError::Overloaded
            }
            Refusal::Closed => match &*self.state.borrow() {
                StoreState::Failed(reason) => StoreError::Failed(reason.clone()),
                StoreState::Ready
                | StoreState::Full
                | StoreState::Unreachable
                | StoreState::Closed => StoreError::Closed,
            },
        })
    }

    fn reason_of_silence(&self) -> StoreError {
        match &*self.state.borrow() {
            StoreState::Failed(reason) => StoreError::Failed(reason.clone()),
            StoreState::Closed => StoreError::Closed,
            StoreState::Ready | StoreState::Full | StoreState::Unreachable => StoreError::Defect,
        }
    }

    /// Finishes what is queued and ends the thread.
    pub(super) async fn close(&self) {
        self.entrance.0.close();
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // Joining blocks, and a panic in the thread was reported by itself.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// The thread's own side.
struct WriterThread {
    connection: Connection,
    log: Log,
    queue: Arc<Queue<Job>>,
    slowness: Slowness,
    pace: Pace,
    /// How long the last commit took.
    last_commit: Duration,
    state: watch::Sender<StoreState>,
    alarm: Arc<Alarm>,
    event_alarm: Arc<Alarm>,
    metrics: StoreMetrics,
    _lock: Lock,
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        // Nobody would learn otherwise that no more writes are taken.
        if std::thread::panicking() {
            let reason = "the writing thread ran into a defect".to_owned();
            self.state.send_replace(StoreState::Failed(reason));
        }
        // Dropping a request drops its sender, and its caller asks why.
        self.queue.abandon();
    }
}

/// Requests that share a transaction.
#[derive(Default)]
struct Group {
    requests: usize,
    /// Whether there is work to commit.
    has_worked: bool,
    answers: Vec<Answer>,
}

impl WriterThread {
    fn run(&mut self) {
        while let Some(first) = self.next().or_else(|| self.rest()) {
            self.run_group(first);
            if matches!(*self.state.borrow(), StoreState::Failed(_)) {
                self.queue.abandon();
                return;
            }
        }
        // Leaves one file behind instead of three.
        log::fold(&self.connection);
        self.state.send_replace(StoreState::Closed);
    }

    /// The request whose turn it is, if any waits. Those that have waited too
    /// long are refused on the way.
    fn next(&self) -> Option<Job> {
        loop {
            let job = self.queue.pop()?;
            if job.came_at.elapsed() <= self.pace.longest_wait {
                return Some(job);
            }
            self.metrics.overloaded.get_or_create(&job.class).inc();
            (job.run)(Err(&StoreError::Overloaded));
        }
    }

    /// Waits for the next request; none when the queue is closed.
    fn rest(&mut self) -> Option<Job> {
        let job = self.queue.wait();
        self.slowness.rest();
        job
    }

    fn run_group(&mut self, first: Job) {
        let changes = self.connection.total_changes();
        let mut group = Group::default();
        let outcome = self.work(first, &mut group).and_then(|()| {
            if group.has_worked {
                self.commit(group.requests)?;
            } else {
                self.rollback()?;
            }
            Ok(group.has_worked)
        });
        match outcome {
            Ok(has_worked) => {
                // What wrote nothing says nothing about the room on the disk.
                if has_worked && self.connection.total_changes() > changes {
                    self.recover();
                }
                self.alarm.ring();
                self.event_alarm.ring();
                for answer in group.answers {
                    answer(None);
                }
                self.log.bound(&self.connection);
            }
            Err(error) => {
                self.metrics.commit_failures.inc();
                // The transaction may be gone already, and then this fails.
                let _ = self.rollback();
                self.take_note(&error);
                for answer in group.answers {
                    answer(Some(error.clone()));
                }
            }
        }
    }

    /// Runs requests, each in its savepoint, until the transaction has enough
    /// of them. Fails when the whole transaction is lost.
    fn work(&mut self, first: Job, group: &mut Group) -> Result<(), StoreError> {
        let end = Instant::now() + self.transaction_time();
        let mut lost = self.execute("BEGIN IMMEDIATE").err();
        let mut next = Some(first);
        while let Some(job) = next {
            lost = self.run_job(job, lost, group);
            // What can't be done takes no time.
            let is_open = group.requests < GROUP && (lost.is_some() || Instant::now() < end);
            next = if is_open { self.next() } else { None };
        }
        lost.map_or(Ok(()), Err)
    }

    /// After how much work a transaction takes no more requests. Where commits
    /// take long, work may take some times as long: else the store would do
    /// little but commit.
    fn transaction_time(&self) -> Duration {
        const TIMES: u32 = 4;
        const LONGEST: Duration = Duration::from_millis(100);

        let in_proportion = self.last_commit.saturating_mul(TIMES).min(LONGEST);
        self.pace.transaction_time.max(in_proportion)
    }

    /// Runs a request in its savepoint, unless the transaction is lost. Says
    /// why it is lost then, if it is.
    fn run_job(
        &mut self,
        job: Job,
        lost: Option<StoreError>,
        group: &mut Group,
    ) -> Option<StoreError> {
        let Job {
            run, items, queued, ..
        } = job;
        drop(queued);
        group.requests += 1;
        let lost = lost.or_else(|| self.execute("SAVEPOINT request").err());
        if let Some(error) = lost {
            run(Err(&error));
            return Some(error);
        }
        // One request's defect must not take the store from all others. What
        // it has half done is undone with its savepoint.
        let run = AssertUnwindSafe(|| run(Ok(&self.connection)));
        let mut undone = None;
        let undo = match catch_unwind(run) {
            Ok(Done::Nothing) => None,
            Ok(Done::Worked(answer)) => {
                self.slowness.write(items);
                group.has_worked = true;
                group.answers.push(answer);
                None
            }
            Ok(Done::Tried(answer)) => {
                group.answers.push(answer);
                undone = self.execute("ROLLBACK TO request").err();
                None
            }
            Ok(Done::Failed(error, answer)) => {
                group.answers.push(answer);
                Some(error)
            }
            Err(_) => Some(StoreError::Defect),
        };
        let lost = match undo {
            Some(error) if loses_transaction(&error) => Some(error),
            Some(_) => self.execute("ROLLBACK TO request").err(),
            None => undone,
        };
        lost.or_else(|| self.execute("RELEASE request").err())
    }

    fn commit(&mut self, size: usize) -> Result<(), StoreError> {
        let start = Instant::now();
        self.execute("COMMIT")?;
        self.last_commit = start.elapsed();
        self.metrics.commits.inc();
        self.metrics
            .commit_duration
            .observe(self.last_commit.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        self.metrics.group_requests.observe(size as f64);
        Ok(())
    }

    fn rollback(&self) -> Result<(), StoreError> {
        // SQLite may have rolled back by itself.
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.execute("ROLLBACK")
        }
    }

    fn execute(&self, statement: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    fn recover(&self) {
        let was_full = self.state.send_if_modified(|state| {
            let is_full = *state == StoreState::Full;
            if is_full {
                *state = StoreState::Ready;
            }
            is_full
        });
        if was_full {
            info!("the store has room again and takes writes");
        }
    }

    fn take_note(&self, failure: &StoreError) {
        match failure {
            StoreError::Full(_) => {
                if self.state.send_replace(StoreState::Full) != StoreState::Full {
                    error!(
                        error = failure as &dyn std::error::Error,
                        "the store can't write: make room on its disk"
                    );
                }
            }
            StoreError::Failed(reason) => {
                self.state.send_replace(StoreState::Failed(reason.clone()));
                error!(
                    error = failure as &dyn std::error::Error,
                    "the store takes no more writes: check its disk, then restart"
                );
            }
            other => {
                error!(
                    error = other as &dyn std::error::Error,
                    "a transaction was lost"
                );
            }
        }
    }
}

/// Whether the transaction is gone for the whole group.
fn loses_transaction(error: &StoreError) -> bool {
    matches!(error, StoreError::Full(_) | StoreError::Failed(_))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => {
                return Self::Unreadable {
                    table: "the store",
                    what: error.to_string(),
                };
            }
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(Arc::new(error)),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Overloaded,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory,
            ) => Self::Failed(error.to_string()),
            _ => Self::Refused(Arc::new(error)),
        }
    }
}
