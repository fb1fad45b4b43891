//! How far a job has come.

use std::collections::BTreeMap;

use sfbridge_values::{Timestamp, VisitorId};
use uuid::Uuid;

use super::{Attempts, KeptAttribution, SalesforceRefusal};

/// How far a job has come, and when it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// When somebody may take it up. Set as long as it goes on by itself; for
    /// one that is worked on, the end of its lease.
    pub due_time: Option<Timestamp>,
    /// Who works on it. One whose end has come is there until somebody else
    /// takes the job up; a cancelled job keeps that of a write that may still
    /// be on its way.
    pub lease: Option<HeldLease>,
    /// How many attempts have begun, those that are not kept included.
    pub attempt_count: u32,
    /// Those that are kept.
    pub attempts: Attempts,
    /// How many times in a row Salesforce refused for now.
    pub refusal_count: u32,
    /// When it is given up if Salesforce refuses on; set by the first refusal.
    pub retry_deadline: Option<Timestamp>,
    /// When it is given up if nothing becomes known of the visitor; set by the
    /// first wait.
    pub data_deadline: Option<Timestamp>,
    /// Since when it waits for a connection. No limit counts that time.
    pub connection_wait_start: Option<Timestamp>,
    /// The visitor whose visits and calls it waits for.
    pub awaited_visitor_id: Option<VisitorId>,
    /// Whether the next run is an enrichment of its own rather than a retry.
    pub is_fresh: bool,
    /// Whether a request joined while it was worked on, so that it must run
    /// once more.
    pub is_joined: bool,
    /// What is about to be written, or may have been by a push whose end nobody
    /// saw: Lead field to text.
    pub planned_fields: BTreeMap<String, String>,
    /// What was written, by Lead field.
    pub written_fields: BTreeMap<String, String>,
    /// Why it failed, if it did.
    pub failure: Option<SalesforceRefusal>,
    /// What it was attributed to.
    pub attribution: Option<KeptAttribution>,
}

/// Who works on a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// The worker.
    pub owner: Uuid,
    /// Since when.
    pub start_time: Timestamp,
}

/// The right to work on a job, until it ends. What tells it from every other
/// is the number of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub lead_enrichment_id: Uuid,
    /// The worker.
    pub owner: Uuid,
    /// The number of the attempt.
    pub attempt: u32,
}

impl Progress {
    /// A job that may be taken up at once.
    pub fn due(now: Timestamp) -> Self {
        Self {
            due_time: Some(now),
            is_fresh: true,
            ..Self::default()
        }
    }

    /// When the next attempt is to begin; `None` when one is under way, or none
    /// is planned.
    pub fn next_attempt_time(&self) -> Option<Timestamp> {
        self.due_time.filter(|_| self.lease.is_none())
    }
}
