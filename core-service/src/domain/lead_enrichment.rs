//! Lead enrichments: jobs that write marketing data into Salesforce Leads.
//!
//! What becomes of a job when something happens is decided in `transition.rs`,
//! and only there. A store keeps what comes of it.

mod attempt;
mod attribution;
mod back_off;
mod known_lead;
mod progress;
mod settlement;
mod state;
mod transition;

pub use attempt::{Attempt, AttemptOutcome, Attempts};
pub use attribution::{KeptAttribution, KeptShare};
pub use back_off::retry_delay;
pub use known_lead::{KnownLead, WrittenMarks};
pub use progress::{HeldLease, Lease, Progress};
pub use settlement::{Awaited, PlannedPush, RunResult, SalesforceRefusal, Settlement};
pub use state::LeadEnrichmentState;
pub use transition::{Claim, NotOpen};

use std::collections::BTreeMap;

use sfbridge_values::{CallRef, Igrp, OrganizationId, SalesforceId, Timestamp, VisitorId};
use uuid::Uuid;

use super::{AttributionModelId, Fingerprint, LeadFieldMapping, Origin};

/// A request to enrich a lead as it came in, every value parsed.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct LeadToEnrich {
    pub visitor_id: Option<VisitorId>,
    pub call_ref: Option<CallRef>,
    pub organization_id: OrganizationId,
    pub record_id: SalesforceId,
    /// Unset: the first receipt.
    pub as_of_time: Option<Timestamp>,
    pub attribution_model_id: Option<AttributionModelId>,
    pub field_mapping: LeadFieldMapping,
    pub overwrite_policy: Option<OverwritePolicy>,
    pub known_values: BTreeMap<String, String>,
    pub warnings: Vec<String>,
    pub origin: Option<Origin>,
}

impl LeadToEnrich {
    /// What tells a repeat of this request from one with other content.
    pub fn fingerprint(&self, igrp: Igrp) -> [u8; 16] {
        let visitor_id = self.visitor_id.map(|id| id.to_string());
        let field_mapping = self.field_mapping.clone().into_fields();
        Fingerprint::default()
            .integer(igrp.get())
            .optional(visitor_id.as_deref())
            .optional(self.call_ref.as_ref().map(CallRef::as_str))
            .text(self.organization_id.key())
            .text(self.record_id.key())
            .optional_integer(self.as_of_time.map(Timestamp::micros))
            .optional_integer(self.attribution_model_id.map(|id| i64::from(id.get())))
            .pairs(texts(&field_mapping))
            .integer(match self.overwrite_policy {
                None => 0,
                Some(OverwritePolicy::Always) => 1,
                Some(OverwritePolicy::Empty) => 2,
            })
            .pairs(texts(&self.known_values))
            .finish()
    }
}

fn texts(map: &BTreeMap<String, String>) -> impl ExactSizeIterator<Item = (&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// What to do when a Lead field already holds something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverwritePolicy {
    /// Write over it.
    Always,
    /// Write only into empty fields, and over what sfbridge wrote itself.
    Empty,
}

/// A lead enrichment as it is kept.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct LeadEnrichment {
    pub lead_enrichment_id: Uuid,
    pub igrp: Igrp,
    pub visitor_id: Option<VisitorId>,
    pub call_ref: Option<String>,
    pub organization_id: String,
    pub record_id: String,
    pub state: LeadEnrichmentState,
    pub as_of_time: Timestamp,
    pub attribution_model_id: Option<i32>,
    pub field_mapping: BTreeMap<String, String>,
    pub overwrite_policy: Option<OverwritePolicy>,
    pub known_values: BTreeMap<String, String>,
    pub receive_time: Timestamp,
    pub update_time: Timestamp,
    pub request_count: u32,
    pub warnings: Vec<String>,
    pub origin: Option<Origin>,
    /// How far it has come.
    pub progress: Progress,
}

impl LeadEnrichment {
    /// Takes a newer request for the same lead, first received at
    /// `receive_time`, into the open job: newer options replace older ones, and
    /// the earliest as-of time stays.
    pub fn join(&mut self, request: LeadToEnrich, receive_time: Timestamp, now: Timestamp) {
        let LeadToEnrich {
            visitor_id,
            call_ref,
            organization_id,
            record_id,
            as_of_time,
            attribution_model_id,
            field_mapping,
            overwrite_policy,
            known_values,
            warnings,
            origin,
        } = request;
        // The newer request may know only one of the two.
        self.visitor_id = visitor_id.or(self.visitor_id);
        self.call_ref = call_ref
            .map(|call_ref| call_ref.as_str().to_owned())
            .or(self.call_ref.take());
        organization_id
            .as_str()
            .clone_into(&mut self.organization_id);
        record_id.as_str().clone_into(&mut self.record_id);
        self.as_of_time = self.as_of_time.min(as_of_time.unwrap_or(receive_time));
        self.attribution_model_id = attribution_model_id.map(AttributionModelId::get);
        self.field_mapping = field_mapping.into_fields();
        self.overwrite_policy = overwrite_policy;
        self.known_values = known_values;
        self.warnings = warnings;
        self.origin = origin.or(self.origin.take());
        self.joined(now);
    }
}

#[cfg(test)]
mod tests;
