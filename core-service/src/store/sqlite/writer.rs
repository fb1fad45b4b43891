//! The one thread that writes.
//!
//! It takes the requests that wait, does them in one transaction, commits once,
//! and only then lets the answers go. So concurrent requests share a sync, and
//! no answer is ahead of the disk. Batches to record are decided about together;
//! other work is done in a savepoint of its own.
//!
//! Senders take turns ([`super::super::queue`]), and a transaction is short: whoever
//! comes late waits for the rest of it and for one item of each other sender.

mod thread;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::super::queue::{Queue, Refusal};
use super::super::queued::{Queued, class};
use super::super::{Migrated, Pace, StoreError, StoreState};
use super::event_references::EventReferences;
use super::file::{self, Lock};
use super::keys;
use super::log::Log;
use super::signals::Signals;
use super::slowness::Slowness;
use crate::domain::LeadEnrichmentState;
use crate::metrics::{ClassLabel, StateLabel, StoreMetrics};
use crate::recording::{ItemResult, Request, Sender};
use thread::WriterThread;

/// The handle of the writing thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    entrance: Arc<Entrance>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    state: watch::Receiver<StoreState>,
    signals: Arc<Signals>,
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
    work: Work,
    /// How many items it writes.
    items: usize,
    came_at: Instant,
    class: ClassLabel,
    /// Counts it for as long as it waits.
    queued: Queued,
}

/// What a request has done.
enum Work {
    /// Recorded together with others.
    Record(Recording),
    /// Done alone, in a savepoint.
    Alone(Alone),
}

/// What is done in a transaction, or learns why there is none.
type Alone = Box<dyn FnOnce(Result<&Connection, &StoreError>) -> Done + Send>;

/// A batch to record, and who waits for its results.
struct Recording {
    request: Request,
    answer: oneshot::Sender<Result<Vec<ItemResult>, StoreError>>,
}

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

impl Work {
    /// Answers that it is not done, and why.
    fn refuse(self, reason: &StoreError) {
        match self {
            Self::Record(recording) => {
                let _ = recording.answer.send(Err(reason.clone()));
            }
            Self::Alone(run) => {
                run(Err(reason));
            }
        }
    }
}

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
        let opened = tokio::task::spawn_blocking(move || {
            let lock = Lock::wait(&path)?;
            let mut connection = file::open_for_writing(&path)?;
            let migrated = file::migrate(&mut connection)?;
            keys::forget_unordered(&connection)?;
            let references = EventReferences::open(&mut connection)?;
            let log = Log::of(&mut connection)?;
            Ok::<_, StoreError>((lock, connection, log, migrated, references))
        });
        let (lock, connection, log, migrated, references) = opened
            .await
            .map_err(|error| StoreError::Failed(error.to_string()))??;

        let queue = Arc::new(Queue::new());
        let (state, watched) = watch::channel(StoreState::Ready);
        let signals = Arc::new(Signals {
            references,
            ..Signals::default()
        });
        let mut thread = WriterThread {
            connection,
            log,
            queue: Arc::clone(&queue),
            slowness: Slowness::new(pace.write_delay),
            pace,
            last_commit: Duration::ZERO,
            state,
            signals: Arc::clone(&signals),
            careful: 0,
            item_time: Duration::ZERO,
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
            signals,
            metrics,
        };
        Ok((writer, migrated))
    }

    /// Follows whether writes are taken.
    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.state.clone()
    }

    /// What work has to say, which is told after its commit.
    pub(super) fn signals(&self) -> Arc<Signals> {
        Arc::clone(&self.signals)
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

    /// Has a batch recorded, on its sender's account, and answers after the
    /// commit.
    pub(super) async fn record(&self, request: Request) -> Result<Vec<ItemResult>, StoreError> {
        let (account, items) = (request.sender(), request.items());
        let (answer, answered) = oneshot::channel();
        self.enqueue(account, items, Work::Record(Recording { request, answer }))?;
        self.wait(answered).await
    }

    /// Has a batch of so many items recorded by `work`, on its sender's account,
    /// and answers after the commit.
    pub(super) async fn upsert(
        &self,
        (sender, items): (Sender, usize),
        work: impl FnOnce(&Connection) -> Result<Vec<ItemResult>, StoreError> + Send + 'static,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.submit(sender, items, work, Done::Worked).await
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
        self.enqueue(account, items, Work::Alone(Box::new(run)))?;
        self.wait(receiver).await
    }

    /// Waits for an answer.
    async fn wait<T>(
        &self,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // The sender is dropped unused only when the work or the thread panics.
        answer
            .await
            .unwrap_or_else(|_| Err(self.reason_of_silence()))
    }

    fn enqueue(&self, account: Sender, items: usize, work: Work) -> Result<(), StoreError> {
        if let StoreState::Failed(reason) = &*self.state.borrow() {
            return Err(StoreError::Failed(reason.clone()));
        }
        let class = class(&account);
        let queued = Queued::new(&self.metrics.queued_requests.get_or_create(&class));
        let job = Job {
            work,
            items,
            came_at: Instant::now(),
            class: class.clone(),
            queued,
        };
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
