//! The tasks that record batches.
//!
//! Each takes the batches that wait, has them decided about together, writes
//! all that this comes to with one statement for each table, commits once, and
//! only then lets the answers go. So concurrent requests share round trips and
//! a sync. While one task waits for its commit, the next may work on its own
//! group, if that is worth it ([`Turns`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::super::queue::{Queue, Refusal};
use super::super::queued::{Queued, class};
use super::super::{Pace, StoreError};
use super::database::Database;
use super::notices::{Notices, Topic};
use super::recording::{self, Work};
use super::turns::Turns;
use crate::metrics::{ClassLabel, StoreMetrics};
use crate::recording::ItemResult;

/// So many tasks write at once.
const TASKS: usize = 2;

/// Batches that may share a transaction, so that none waits for too many.
const GROUP: usize = 256;

/// Items that may share a transaction, if it is more than one batch.
const GROUP_ITEMS: usize = 2_048;

/// The handle of the tasks that write.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: Arc<Queue<Job>>,
    turns: Arc<Turns>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    metrics: StoreMetrics,
}

/// One batch: what it asks, and who waits for the answer.
#[derive(Debug)]
struct Job {
    request: Work,
    came_at: Instant,
    class: ClassLabel,
    answer: oneshot::Sender<Result<Vec<ItemResult>, StoreError>>,
    /// Counts it for as long as it waits.
    queued: Queued,
}

impl Writer {
    /// Starts the tasks.
    pub(super) fn start(
        database: &Database,
        notices: &Notices,
        pace: Pace,
        metrics: StoreMetrics,
    ) -> Self {
        let queue = Arc::new(Queue::new());
        let turns = Arc::new(Turns::default());
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let task = Task {
                database: database.clone(),
                queue: Arc::clone(&queue),
                turns: Arc::clone(&turns),
                notices: notices.clone(),
                pace,
                metrics: metrics.clone(),
            };
            tasks.spawn(task.run());
        }
        Self {
            queue,
            turns,
            tasks: Arc::new(Mutex::new(tasks)),
            metrics,
        }
    }

    /// Has a batch recorded, on its sender's account, and answers after the
    /// commit.
    pub(super) async fn record(&self, request: Work) -> Result<Vec<ItemResult>, StoreError> {
        let (sender, items) = (request.sender(), request.items());
        let class = class(&sender);
        let (answer, answered) = oneshot::channel();
        let job = Job {
            request,
            came_at: Instant::now(),
            class: class.clone(),
            answer,
            queued: Queued::new(&self.metrics.queued_requests.get_or_create(&class)),
        };
        self.queue
            .push(sender, items, job)
            .map_err(|refusal| match refusal {
                Refusal::Full => {
                    self.metrics.overloaded.get_or_create(&class).inc();
                    StoreError::Overloaded
                }
                Refusal::Closed => StoreError::Closed,
            })?;
        self.turns.came(items);
        // Dropped unused only when the task panics.
        answered.await.unwrap_or(Err(StoreError::Defect))
    }

    /// Finishes what is queued and ends the tasks.
    pub(super) async fn close(&self) {
        self.queue.close();
        self.turns.close();
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        while tasks.join_next().await.is_some() {
            // The next one may wait for the queue.
            self.queue.close();
        }
    }
}

/// A task's own side.
struct Task {
    database: Database,
    queue: Arc<Queue<Job>>,
    turns: Arc<Turns>,
    notices: Notices,
    pace: Pace,
    metrics: StoreMetrics,
}

impl Task {
    async fn run(self) {
        loop {
            let _turn = self.turns.begin().await;
            let Some(first) = self.queue.arrival().await else {
                return;
            };
            let group = self.group(first);
            if !group.is_empty() {
                self.run_group(group).await;
            }
        }
    }

    /// The batches that share the next transaction. Those that have waited too
    /// long are refused on the way.
    fn group(&self, first: Job) -> Vec<Job> {
        let mut group = Vec::new();
        let mut items = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            self.turns.went(job.request.items());
            if job.came_at.elapsed() > self.pace.longest_wait {
                self.metrics.overloaded.get_or_create(&job.class).inc();
                let _ = job.answer.send(Err(StoreError::Overloaded));
            } else if !job.answer.is_closed() {
                items += job.request.items();
                group.push(job);
            }
            let is_open = group.len() < GROUP && items < GROUP_ITEMS;
            next = if is_open { self.queue.pop() } else { None };
        }
        group
    }

    async fn run_group(&self, group: Vec<Job>) {
        let mut requests = Vec::with_capacity(group.len());
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            drop(job.queued);
            requests.push(job.request);
            answers.push(job.answer);
        }
        match self.record(&requests).await {
            Ok(results) => {
                for (answer, results) in answers.into_iter().zip(results) {
                    // The caller may have gone meanwhile; its retry finds the work done.
                    let _ = answer.send(Ok(results));
                }
            }
            // What the database refuses of one batch must not fail the others.
            Err(StoreError::Refused(_) | StoreError::Unreadable { .. }) if requests.len() > 1 => {
                for (answer, request) in answers.into_iter().zip(requests) {
                    let result = self.record(&[request]).await;
                    let _ = answer.send(result.map(|mut results| results.remove(0)));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Records batches in one transaction; the results of each, in order.
    async fn record(&self, requests: &[Work]) -> Result<Vec<Vec<ItemResult>>, StoreError> {
        let items: usize = requests.iter().map(Work::items).sum();
        if !self.pace.write_delay.is_zero() {
            let items = u32::try_from(items).unwrap_or(u32::MAX);
            tokio::time::sleep(self.pace.write_delay.saturating_mul(items)).await;
        }
        let start = Instant::now();
        let recorded = recording::record(&self.database, requests)
            .await
            .inspect_err(|error| {
                self.metrics.commit_failures.inc();
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "a transaction was lost"
                );
            })?;
        if recorded.is_due {
            self.notices.ring(Topic::Enrichments);
        }
        if recorded.has_events {
            self.notices.ring(Topic::Events);
        }
        self.metrics.commits.inc();
        self.metrics
            .commit_duration
            .observe(start.elapsed().as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        self.metrics.group_requests.observe(requests.len() as f64);
        Ok(recorded.results)
    }
}
