//! The one thread that writes.
//!
//! It takes all requests that wait, runs each in a savepoint of one
//! transaction, commits once, and only then lets the answers go. So
//! concurrent requests share a sync, and no answer is ahead of the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info};

use super::super::{Migrated, StoreError, StoreState};
use super::file::{self, Lock};
use super::log::{self, Log};
use crate::metrics::StoreMetrics;

/// Requests that may wait. More are refused at once.
const QUEUE: usize = 1_024;

/// Requests that may share a transaction, so that none waits for too many.
const GROUP: usize = 256;

/// The handle of the writing thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    // Taken at close, which ends the thread once the queue is empty.
    queue: Arc<Mutex<Option<mpsc::Sender<Job>>>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    state: watch::Receiver<StoreState>,
    metrics: StoreMetrics,
}

/// One request: its work, and afterwards its answer.
struct Job {
    /// Does the work in a transaction, or learns why there is none.
    run: Box<Work>,
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

        let (queue, jobs) = mpsc::channel(QUEUE);
        let (state, watched) = watch::channel(StoreState::Ready);
        let mut thread = WriterThread {
            connection,
            log,
            jobs,
            state,
            metrics: metrics.clone(),
            _lock: lock,
        };
        let handle = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run())
            .map_err(|error| StoreError::Failed(format!("no thread for the writer: {error}")))?;

        let writer = Self {
            queue: Arc::new(Mutex::new(Some(queue))),
            thread: Arc::new(Mutex::new(Some(handle))),
            state: watched,
            metrics,
        };
        Ok((writer, migrated))
    }

    /// Follows whether writes are taken.
    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.state.clone()
    }

    /// Runs `work` in the writer's transaction and answers after its commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(work, Done::Worked).await
    }

    /// Runs `work` like [`Writer::write`], and undoes what it wrote.
    pub(super) async fn try_out<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(work, Done::Tried).await
    }

    async fn run<T: Send + 'static>(
        &self,
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
        self.enqueue(Job { run: Box::new(run) })?;
        self.metrics.queued_requests.inc();
        // The sender is dropped unused only when the work or the thread panics.
        receiver
            .await
            .unwrap_or_else(|_| Err(self.reason_of_silence()))
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        if let StoreState::Failed(reason) = &*self.state.borrow() {
            return Err(StoreError::Failed(reason.clone()));
        }
        let queue = self.queue.lock().map_err(|_| StoreError::Closed)?;
        let queue = queue.as_ref().ok_or(StoreError::Closed)?;
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => self.reason_of_silence(),
        })
    }

    fn reason_of_silence(&self) -> StoreError {
        match &*self.state.borrow() {
            StoreState::Failed(reason) => StoreError::Failed(reason.clone()),
            StoreState::Closed => StoreError::Closed,
            StoreState::Ready | StoreState::Full => StoreError::Defect,
        }
    }

    /// Finishes what is queued and ends the thread.
    pub(super) async fn close(&self) {
        let queue = self.queue.lock().ok().and_then(|mut queue| queue.take());
        drop(queue);
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
    jobs: mpsc::Receiver<Job>,
    state: watch::Sender<StoreState>,
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
    }
}

impl WriterThread {
    fn run(&mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(job) = self.jobs.try_recv()
            {
                group.push(job);
            }
            self.metrics
                .queued_requests
                .dec_by(i64::try_from(group.len()).unwrap_or(0));
            self.run_group(group);
            if matches!(*self.state.borrow(), StoreState::Failed(_)) {
                self.refuse_the_rest();
                return;
            }
        }
        // Leaves one file behind instead of three.
        log::fold(&self.connection);
        self.state.send_replace(StoreState::Closed);
    }

    fn run_group(&mut self, group: Vec<Job>) {
        let size = group.len();
        let changes = self.connection.total_changes();
        let mut answers = Vec::with_capacity(size);
        let outcome = self.work(group, &mut answers).and_then(|has_worked| {
            if has_worked {
                self.commit(size)?;
            } else {
                self.rollback()?;
            }
            Ok(has_worked)
        });
        match outcome {
            Ok(has_worked) => {
                // What wrote nothing says nothing about the room on the disk.
                if has_worked && self.connection.total_changes() > changes {
                    self.recover();
                }
                for answer in answers {
                    answer(None);
                }
                self.log.bound(&self.connection);
            }
            Err(error) => {
                self.metrics.commit_failures.inc();
                // The transaction may be gone already, and then this fails.
                let _ = self.rollback();
                self.take_note(&error);
                for answer in answers {
                    answer(Some(error.clone()));
                }
            }
        }
    }

    /// Runs each job in its savepoint. Says whether there is work to commit;
    /// fails when the whole transaction is lost.
    fn work(&self, group: Vec<Job>, answers: &mut Vec<Answer>) -> Result<bool, StoreError> {
        let mut lost = self.execute("BEGIN IMMEDIATE").err();
        let mut has_worked = false;
        for job in group {
            lost = lost.or_else(|| self.execute("SAVEPOINT request").err());
            if let Some(error) = &lost {
                (job.run)(Err(error));
                continue;
            }
            // One request's defect must not take the store from all others. What
            // it has half done is undone with its savepoint.
            let run = AssertUnwindSafe(|| (job.run)(Ok(&self.connection)));
            let undo = match catch_unwind(run) {
                Ok(Done::Nothing) => None,
                Ok(Done::Worked(answer)) => {
                    has_worked = true;
                    answers.push(answer);
                    None
                }
                Ok(Done::Tried(answer)) => {
                    answers.push(answer);
                    lost = self.execute("ROLLBACK TO request").err();
                    None
                }
                Ok(Done::Failed(error, answer)) => {
                    answers.push(answer);
                    Some(error)
                }
                Err(_) => Some(StoreError::Defect),
            };
            lost = match undo {
                Some(error) if loses_transaction(&error) => Some(error),
                Some(_) => self.execute("ROLLBACK TO request").err(),
                None => lost,
            };
            lost = lost.or_else(|| self.execute("RELEASE request").err());
        }
        lost.map_or(Ok(has_worked), Err)
    }

    fn commit(&self, size: usize) -> Result<(), StoreError> {
        let start = Instant::now();
        self.execute("COMMIT")?;
        self.metrics.commits.inc();
        self.metrics
            .commit_duration
            .observe(start.elapsed().as_secs_f64());
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

    /// Answers what still waits, after the store has failed.
    fn refuse_the_rest(&mut self) {
        self.jobs.close();
        // Dropping a job drops its sender, and its caller asks why.
        while let Ok(job) = self.jobs.try_recv() {
            drop(job);
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
