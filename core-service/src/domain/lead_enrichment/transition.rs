//! What becomes of a job when something happens.
//!
//! Everything that changes a job's state is here, and goes through
//! [`LeadEnrichment::enter`], which keeps together what belongs together.

use std::time::Duration;

use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::{
    Attempt, AttemptOutcome, Awaited, HeldLease, KnownLead, LeadEnrichment, LeadEnrichmentState,
    Lease, PlannedPush, RunResult, SalesforceRefusal, Settlement, retry_delay,
};
use LeadEnrichmentState as State;

/// For how long refusals are retried, and data is waited for.
const PATIENCE: Duration = Duration::from_hours(24);

/// The most warnings of a job.
const MAX_WARNINGS: usize = 100;

/// What came of taking a job up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is the worker's until the lease ends.
    Claimed(Lease),
    /// It was parked instead: its Lead is enriched over and over.
    Parked,
}

/// The job has come to its end, so there is nothing to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lead enrichment has ended already, {}", .0.name())]
pub struct NotOpen(pub LeadEnrichmentState);

impl LeadEnrichment {
    /// A request has joined, whose options the job has taken. One that is
    /// worked on has to run once more; one that waits for data looks again, for
    /// the request may name somebody else.
    pub(super) fn joined(&mut self, now: Timestamp) {
        self.update_time = now;
        if self.progress.lease.is_some() {
            self.progress.is_joined = true;
        } else if self.state == State::WaitingForData {
            self.progress.data_deadline = None;
            self.enter(State::Pending, Some(now), now);
        }
    }

    /// Somebody takes the job up.
    pub fn claim(
        &mut self,
        owner: Uuid,
        lease_until: Timestamp,
        lead: &mut KnownLead,
        now: Timestamp,
    ) -> Claim {
        if let Some(lost) = self.progress.lease.take() {
            let description = "The process that worked on it went away.".to_owned();
            let end_time = self.progress.due_time.unwrap_or(now);
            let outcome = AttemptOutcome::Interrupted;
            self.note(lost.start_time, end_time, outcome, description);
        }
        if std::mem::take(&mut self.progress.is_fresh) && !lead.begin_run(now) {
            self.park(now);
            return Claim::Parked;
        }
        self.progress.attempt_count = self.progress.attempt_count.saturating_add(1);
        self.progress.lease = Some(HeldLease {
            owner,
            start_time: now,
        });
        self.progress.due_time = Some(lease_until);
        Claim::Claimed(Lease {
            lead_enrichment_id: self.lead_enrichment_id,
            owner,
            attempt: self.progress.attempt_count,
        })
    }

    fn park(&mut self, now: Timestamp) {
        self.warn(format!(
            "The Lead was enriched more than {} times within {} minutes, which looks like a loop: \
             a flow in Salesforce that sends the Lead again whenever sfbridge changes it. Exclude \
             the integration user, or the mapped fields, from the flow's entry conditions, then \
             retry this enrichment. Until then nothing is written into the Lead.",
            KnownLead::MAX_RUNS,
            KnownLead::WINDOW_MINUTES
        ));
        self.enter(State::Parked, None, now);
    }

    /// The values are about to be sent. `false` when the lease is lost, and
    /// nothing may be sent.
    pub fn begin_push(
        &mut self,
        push: PlannedPush,
        lease_until: Timestamp,
        lead: &mut KnownLead,
        now: Timestamp,
    ) -> bool {
        if !self.is_held_by(&push.lease) || self.state == State::Cancelled {
            return false;
        }
        for (field, text) in &push.fields {
            lead.written.plan(field, text);
        }
        // What an interrupted push may have written is not forgotten.
        self.progress.planned_fields.extend(push.fields);
        self.progress.attribution = push.attribution.or(self.progress.attribution.take());
        self.progress.due_time = Some(lease_until);
        self.state = State::Pushing;
        self.update_time = now;
        true
    }

    /// A run has ended. `None` when the lease is lost, and nothing has changed.
    /// `known` is what is known of the visitor by now.
    ///
    /// A job that was cancelled meanwhile stays so, but keeps what was written.
    pub fn settle(
        &mut self,
        settlement: Settlement,
        lead: &mut KnownLead,
        known: Option<Awaited>,
        now: Timestamp,
    ) -> Option<LeadEnrichmentState> {
        let Settlement {
            lease,
            result,
            attribution,
            warnings,
        } = settlement;
        if !self.is_held_by(&lease) {
            return None;
        }
        let start_time = self
            .progress
            .lease
            .take()
            .map_or(now, |held| held.start_time);
        self.progress.attribution = attribution.or(self.progress.attribution.take());
        let refusals = self.progress.refusal_count;
        let goes_on_counting = matches!(
            result,
            RunResult::Refused { .. } | RunResult::NoConnection(_) | RunResult::Postponed(..)
        );
        if !goes_on_counting {
            self.progress.refusal_count = 0;
            self.progress.retry_deadline = None;
        }

        let mut written_fields = Vec::new();
        let mut code = String::new();
        let (state, due_time, outcome, description) = match result {
            RunResult::Succeeded(fields) => {
                for (field, text) in &fields {
                    lead.written.confirm(field, text);
                }
                written_fields.extend(fields.keys().cloned());
                self.progress.written_fields.extend(fields);
                (
                    State::Succeeded,
                    None,
                    AttemptOutcome::Succeeded,
                    String::new(),
                )
            }
            // Its own write, which the Lead still holds.
            RunResult::Unchanged => (
                if self.progress.written_fields.is_empty() {
                    State::Unchanged
                } else {
                    State::Succeeded
                },
                None,
                AttemptOutcome::Unchanged,
                String::new(),
            ),
            RunResult::NoData(why) => (State::NoData, None, AttemptOutcome::NoData, why),
            RunResult::Failed(refusal) => {
                code.clone_from(&refusal.code);
                self.fail(refusal)
            }
            RunResult::Refused {
                refusal,
                retry_after,
                chance,
            } => {
                code.clone_from(&refusal.code);
                let next = after(now, retry_delay(refusals, retry_after, chance));
                self.progress.refusal_count = refusals.saturating_add(1);
                let deadline = *self
                    .progress
                    .retry_deadline
                    .get_or_insert_with(|| after(now, PATIENCE));
                if next > deadline {
                    self.fail(refusal)
                } else {
                    let outcome = AttemptOutcome::Refused;
                    (State::Pending, Some(next), outcome, refusal.description)
                }
            }
            RunResult::NoConnection(why) => {
                let outcome = AttemptOutcome::WaitedForConnection;
                (State::WaitingForConnection, None, outcome, why)
            }
            RunResult::NothingKnown(awaited) => self.await_data(awaited, known, now),
            RunResult::Postponed(until, why) => {
                (State::Pending, Some(until), AttemptOutcome::Postponed, why)
            }
        };
        for warning in &warnings {
            self.warn(warning.clone());
        }
        self.progress.attempts.push(Attempt {
            number: self.progress.attempt_count,
            start_time,
            end_time: now,
            outcome,
            code,
            description,
            written_fields,
            warnings,
            next_attempt_time: due_time.filter(|_| self.state.is_open()),
        });
        self.follow(state, due_time, now);
        Some(self.state)
    }

    /// Goes where a run has led to, unless something came in between.
    fn follow(&mut self, state: State, due_time: Option<Timestamp>, now: Timestamp) {
        let is_joined = std::mem::take(&mut self.progress.is_joined);
        let is_done = !state.is_open();
        if is_done {
            self.progress.planned_fields.clear();
        }
        if self.state == State::Cancelled {
            self.progress.failure = None;
            self.progress.awaited_visitor_id = None;
            self.update_time = now;
        } else if is_joined && (is_done || state == State::WaitingForData) {
            self.restart(now);
            self.progress.is_fresh = is_done;
        } else {
            let awaited = self.progress.awaited_visitor_id;
            self.enter(state, due_time, now);
            if state == State::WaitingForData {
                self.progress.awaited_visitor_id = awaited;
            }
        }
    }

    fn fail(&mut self, refusal: SalesforceRefusal) -> Next {
        let description = refusal.description.clone();
        self.progress.failure = Some(refusal.bounded());
        (State::Failed, None, AttemptOutcome::Failed, description)
    }

    fn await_data(&mut self, awaited: Awaited, known: Option<Awaited>, now: Timestamp) -> Next {
        let deadline = *self
            .progress
            .data_deadline
            .get_or_insert_with(|| after(now, PATIENCE));
        if known.is_some_and(|known| known != awaited) {
            // It arrived between the look and this.
            let outcome = AttemptOutcome::WaitedForData;
            return (State::Pending, Some(now), outcome, String::new());
        }
        if now >= deadline {
            let description = "Nothing became known of the visitor within 24 hours.".to_owned();
            return (State::NoData, None, AttemptOutcome::NoData, description);
        }
        self.progress.awaited_visitor_id = awaited.visitor_id();
        let outcome = AttemptOutcome::WaitedForData;
        (
            State::WaitingForData,
            Some(deadline),
            outcome,
            String::new(),
        )
    }

    /// A visit or a call has arrived that the job may wait for. Whether it goes
    /// on for that; one that is worked on looks again by itself.
    pub fn wake(&mut self, now: Timestamp) -> bool {
        let is_waiting = self.state == State::WaitingForData && self.progress.lease.is_none();
        if is_waiting {
            self.enter(State::Pending, Some(now), now);
        }
        is_waiting
    }

    /// The organisation has a log-in that works. Whether the job waited for it.
    pub fn release(&mut self, now: Timestamp) -> bool {
        let is_waiting = self.state == State::WaitingForConnection;
        if is_waiting {
            self.enter(State::Pending, Some(now), now);
        }
        is_waiting
    }

    /// An operator wants it tried now. One that is worked on runs once more
    /// afterwards.
    pub fn retry(&mut self, lead: &mut KnownLead, now: Timestamp) {
        if self.progress.lease.is_some() && self.state.is_open() {
            self.progress.is_joined = true;
            self.update_time = now;
            return;
        }
        lead.forget_runs();
        self.restart(now);
    }

    /// An operator ends it. A write that is on its way may still arrive.
    ///
    /// # Errors
    ///
    /// [`NotOpen`] when it has come to another end already.
    pub fn cancel(&mut self, now: Timestamp) -> Result<(), NotOpen> {
        if self.state == State::Cancelled {
            return Ok(());
        }
        if !self.state.is_open() {
            return Err(NotOpen(self.state));
        }
        let lease = self.progress.lease.take();
        self.enter(State::Cancelled, None, now);
        self.progress.is_joined = false;
        self.progress.lease = lease;
        Ok(())
    }

    /// Begins anew, at once.
    fn restart(&mut self, now: Timestamp) {
        self.enter(State::Pending, Some(now), now);
        self.progress.refusal_count = 0;
        self.progress.retry_deadline = None;
        self.progress.data_deadline = None;
        self.progress.is_joined = false;
        self.progress.is_fresh = false;
    }

    /// Changes the state, with what belongs to it.
    fn enter(&mut self, state: State, due_time: Option<Timestamp>, now: Timestamp) {
        let progress = &mut self.progress;
        if let Some(start) = progress.connection_wait_start.take() {
            let waited = now.micros().saturating_sub(start.micros()).max(0);
            for deadline in [&mut progress.retry_deadline, &mut progress.data_deadline]
                .into_iter()
                .flatten()
            {
                *deadline = Timestamp::from_micros(deadline.micros().saturating_add(waited));
            }
        }
        if state == State::WaitingForConnection {
            progress.connection_wait_start = Some(now);
        }
        if state != State::Failed {
            progress.failure = None;
        }
        progress.awaited_visitor_id = None;
        progress.lease = None;
        progress.due_time = due_time;
        self.state = state;
        self.update_time = now;
    }

    fn is_held_by(&self, lease: &Lease) -> bool {
        let held = self.progress.lease.as_ref();
        held.is_some_and(|held| held.owner == lease.owner)
            && self.progress.attempt_count == lease.attempt
            && self.lead_enrichment_id == lease.lead_enrichment_id
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) && self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    fn note(
        &mut self,
        start_time: Timestamp,
        end_time: Timestamp,
        outcome: AttemptOutcome,
        description: String,
    ) {
        self.progress.attempts.push(Attempt {
            number: self.progress.attempt_count,
            start_time,
            end_time,
            outcome,
            code: String::new(),
            description,
            written_fields: Vec::new(),
            warnings: Vec::new(),
            next_attempt_time: None,
        });
    }
}

/// A state, when it goes on, and what is noted of the attempt.
type Next = (State, Option<Timestamp>, AttemptOutcome, String);

fn after(now: Timestamp, delay: Duration) -> Timestamp {
    let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().saturating_add(micros))
}
