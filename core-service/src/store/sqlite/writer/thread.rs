//! The thread's own side.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::watch;
use tracing::{error, info};

use super::super::super::queue::Queue;
use super::super::super::{Pace, StoreError, StoreState};
use super::super::file::Lock;
use super::super::log::{self, Log};
use super::super::recording;
use super::super::signals::Signals;
use super::super::slowness::Slowness;
use super::{Alone, Answer, Done, Job, Recording, Work};
use crate::metrics::StoreMetrics;

/// Requests that may share a transaction, so that none waits for too many.
const GROUP: usize = 256;

/// Items that are decided about at once, at most.
const TOGETHER: usize = 128;

/// How many requests are recorded one by one after one has failed: as many as may
/// wait, for each of them may be the one.
const CAREFUL: usize = 1_024;

/// The thread that writes.
pub(super) struct WriterThread {
    pub(super) connection: Connection,
    pub(super) log: Log,
    pub(super) queue: Arc<Queue<Job>>,
    pub(super) slowness: Slowness,
    pub(super) pace: Pace,
    /// How long the last commit took.
    pub(super) last_commit: Duration,
    pub(super) state: watch::Sender<StoreState>,
    pub(super) signals: Arc<Signals>,
    /// How many of the next requests are recorded one by one.
    pub(super) careful: usize,
    /// How long each of the items took that were recorded last.
    pub(super) item_time: Duration,
    pub(super) metrics: StoreMetrics,
    pub(super) _lock: Lock,
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
    /// Works until the queue is closed and empty, or the store has failed.
    pub(super) fn run(&mut self) {
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
            job.work.refuse(&StoreError::Overloaded);
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
            if !group.has_worked {
                self.rollback()?;
                return Ok(None);
            }
            let segment = self.signals.references.write_if_due(&self.connection)?;
            self.commit(group.requests)?;
            Ok(segment)
        });
        match outcome {
            Ok(segment) => {
                // What wrote nothing says nothing about the room on the disk.
                if group.has_worked && self.connection.total_changes() > changes {
                    self.recover();
                }
                if let Some(segment) = segment {
                    self.signals.references.forget(segment);
                }
                self.signals.jobs.ring();
                self.signals.events.ring();
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

    /// Runs requests, alone or together, until the transaction has enough
    /// of them. Fails when the whole transaction is lost.
    fn work(&mut self, first: Job, group: &mut Group) -> Result<(), StoreError> {
        let end = Instant::now() + self.transaction_time();
        let mut lost = self.execute("BEGIN IMMEDIATE").err();
        let mut next = Some(first);
        while let Some(job) = next {
            let after;
            (lost, after) = self.run_some(job, lost, group);
            // What can't be done takes no time.
            let is_open = group.requests < GROUP && (lost.is_some() || Instant::now() < end);
            next = after.or_else(|| if is_open { self.next() } else { None });
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

    /// How many items may be decided about at once. What that takes is how exactly
    /// the time of a transaction is kept, so it is no more than that.
    fn together(&self) -> usize {
        let time = self.transaction_time().as_nanos();
        let fitting = time / self.item_time.as_nanos().max(1);
        usize::try_from(fitting).map_or(TOGETHER, |fitting| fitting.clamp(1, TOGETHER))
    }

    /// Runs a request, with those behind it that can be recorded together with
    /// it. Says why the transaction is lost then, if it is, and which request has
    /// its turn now, if one does already.
    fn run_some(
        &mut self,
        job: Job,
        lost: Option<StoreError>,
        group: &mut Group,
    ) -> (Option<StoreError>, Option<Job>) {
        let Job {
            work,
            mut items,
            queued,
            ..
        } = job;
        drop(queued);
        group.requests += 1;
        let recording = match work {
            Work::Record(recording) => recording,
            Work::Alone(run) => return (self.run_alone(run, items, lost, group), None),
        };
        let mut recordings = vec![recording];
        let mut after = None;
        let most = if self.careful > 0 { 1 } else { self.together() };
        while items < most
            && group.requests < GROUP
            && let Some(job) = self.next()
        {
            match job.work {
                Work::Record(recording) => {
                    recordings.push(recording);
                    items += job.items;
                    group.requests += 1;
                }
                Work::Alone(_) => {
                    after = Some(job);
                    break;
                }
            }
        }
        (self.run_recordings(recordings, items, lost, group), after)
    }

    /// Records batches together, unless the transaction is lost. Says why it is
    /// lost then, if it is.
    ///
    /// A savepoint for each batch would take as long as recording it. So there is
    /// none, and a batch that fails takes its transaction with it, which is no
    /// fault that a caller can bring about. But its next try might: so for a while
    /// batches are recorded one by one, each in a savepoint of its own.
    fn run_recordings(
        &mut self,
        recordings: Vec<Recording>,
        items: usize,
        lost: Option<StoreError>,
        group: &mut Group,
    ) -> Option<StoreError> {
        // Nothing is done for a caller who has gone.
        let waiting = recordings
            .into_iter()
            .filter(|recording| !recording.answer.is_closed());
        let (requests, answers): (Vec<_>, Vec<_>) = waiting
            .map(|recording| (recording.request, recording.answer))
            .unzip();
        if requests.is_empty() {
            return lost;
        }
        let is_careful = self.careful > 0;
        self.careful = self.careful.saturating_sub(1);
        let begin = || {
            is_careful
                .then(|| self.execute("SAVEPOINT request").err())
                .flatten()
        };
        if let Some(error) = lost.or_else(begin) {
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
            return Some(error);
        }
        let start = Instant::now();
        let record = || recording::record(&self.connection, requests, &self.signals);
        let recorded = catch_unwind(AssertUnwindSafe(record)).unwrap_or(Err(StoreError::Defect));
        let error = match recorded {
            Ok(results) => {
                self.slowness.write(items);
                let items = u32::try_from(items).unwrap_or(u32::MAX).max(1);
                self.item_time = start.elapsed() / items;
                group.has_worked = true;
                for (answer, results) in answers.into_iter().zip(results) {
                    group.answers.push(Box::new(move |failure| {
                        // The caller may have gone meanwhile; its retry finds the
                        // work done.
                        let _ = answer.send(failure.map_or(Ok(results), Err));
                    }));
                }
                return is_careful
                    .then(|| self.execute("RELEASE request").err())
                    .flatten();
            }
            Err(error) => error,
        };
        for answer in answers {
            let own = error.clone();
            group.answers.push(Box::new(move |failure| {
                let _ = answer.send(Err(failure.unwrap_or(own)));
            }));
        }
        if !is_careful || loses_transaction(&error) {
            self.careful = CAREFUL;
            return Some(error);
        }
        self.execute("ROLLBACK TO request")
            .and_then(|()| self.execute("RELEASE request"))
            .err()
    }

    /// Runs a request's work in its savepoint, unless the transaction is lost.
    /// Says why it is lost then, if it is.
    fn run_alone(
        &mut self,
        run: Alone,
        items: usize,
        lost: Option<StoreError>,
        group: &mut Group,
    ) -> Option<StoreError> {
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
