//! What a run of a job came to.

use std::collections::BTreeMap;
use std::time::Duration;

use sfbridge_values::{Timestamp, VisitorId};

use super::attempt::{MAX_CODE, MAX_TEXT, cut};
use super::{KeptAttribution, Lease};
use crate::domain::VisitorHistory;

/// What is about to be written into a Lead.
#[derive(Clone, Debug)]
pub struct PlannedPush {
    /// The right to.
    pub lease: Lease,
    /// Lead field to text, in the form of [`crate::domain::LeadValue::to_text`].
    pub fields: BTreeMap<String, String>,
    /// What it comes from.
    pub attribution: Option<KeptAttribution>,
}

/// What a run of a job came to.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The right to say so.
    pub lease: Lease,
    /// What it came to.
    pub result: RunResult,
    /// What the lead was attributed to, if that was found out.
    pub attribution: Option<KeptAttribution>,
    /// What was doubtful, one sentence each.
    pub warnings: Vec<String>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub enum RunResult {
    /// The Lead holds what was to be written: Lead field to text. Those that an
    /// interrupted run turns out to have written are among them.
    Succeeded(BTreeMap<String, String>),
    /// The Lead held everything already.
    Unchanged,
    /// There is nothing to write, and why.
    NoData(String),
    /// Salesforce refused for good.
    Failed(SalesforceRefusal),
    /// Salesforce refused for now, or did not answer.
    Refused {
        /// Its words.
        refusal: SalesforceRefusal,
        /// The least that it asked to wait.
        retry_after: Option<Duration>,
        /// A random number, which spreads retries.
        chance: u64,
    },
    /// There is no working log-in, and why.
    NoConnection(String),
    /// Nothing is known of the visitor yet.
    NothingKnown(Awaited),
    /// It was put off without a fault of its own, until a time, and why: the
    /// organisation's quota is used up, say, or the process goes down. Counted
    /// in no limit.
    Postponed(Timestamp, String),
}

/// Why Salesforce did not take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesforceRefusal {
    /// Salesforce's code, kept raw; empty when it said none.
    pub code: String,
    /// Its words, or ours when it said none.
    pub description: String,
}

impl SalesforceRefusal {
    /// With texts that are not too long to keep.
    pub(super) fn bounded(mut self) -> Self {
        cut(&mut self.code, MAX_CODE);
        cut(&mut self.description, MAX_TEXT);
        self
    }
}

/// What was known when there was not enough, to notice that more has become
/// known since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    visitor_id: Option<VisitorId>,
    visit_count: usize,
    call_count: usize,
}

impl Awaited {
    /// The visitor, given or by the call.
    pub fn visitor_id(&self) -> Option<VisitorId> {
        self.visitor_id
    }
}

impl From<&VisitorHistory> for Awaited {
    fn from(history: &VisitorHistory) -> Self {
        Self {
            visitor_id: history.visitor_id,
            visit_count: history.journey.visits().len(),
            call_count: history.call_count,
        }
    }
}
