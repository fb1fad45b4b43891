//! The row of a lead enrichment.

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use super::progress;
use crate::domain::{LeadEnrichment, LeadEnrichmentState, Origin, OverwritePolicy};

/// Reads a lead enrichment.
pub(in super::super) fn read(row: &impl Columns) -> Result<LeadEnrichment, StoreError> {
    Ok(LeadEnrichment {
        lead_enrichment_id: columns::uuid(row, "lead_enrichment_id")?,
        igrp: columns::igrp(row)?,
        visitor_id: columns::visitor_id(row, "visitor_id")?,
        call_ref: row.get("call_ref")?,
        organization_id: row.get("organization_id")?,
        record_id: row.get("record_id")?,
        state: read_state(row)?,
        as_of_time: columns::timestamp(row, "as_of_time")?,
        attribution_model_id: row.get("attribution_model_id")?,
        field_mapping: columns::json(row, "field_mapping")?,
        overwrite_policy: match row.get("overwrite_policy")? {
            0_i64 => None,
            1 => Some(OverwritePolicy::Always),
            2 => Some(OverwritePolicy::Empty),
            other => {
                return Err(unreadable(
                    "overwrite_policy",
                    format!("{other} is no policy"),
                ));
            }
        },
        known_values: columns::json(row, "known_values")?,
        receive_time: columns::timestamp(row, "receive_time")?,
        update_time: columns::timestamp(row, "update_time")?,
        request_count: row.get("request_count")?,
        warnings: columns::json(row, "warnings")?,
        origin: origin(row)?,
        progress: progress::read(row)?,
    })
}

/// Where the last request came from. The lead and its organisation are the
/// job's own, and alone say nothing of that.
fn origin(row: &impl Columns) -> Result<Option<Origin>, StoreError> {
    Ok(columns::origin(row)?.filter(|origin| {
        origin.action_id.is_some()
            || origin.notification_id.is_some()
            || origin.object_type.is_some()
    }))
}

/// The contract's number of a state.
pub(in super::super) fn state_number(state: LeadEnrichmentState) -> i64 {
    match state {
        LeadEnrichmentState::Pending => 1,
        // Queries and indexes name these two by their number.
        LeadEnrichmentState::WaitingForConnection => 2,
        LeadEnrichmentState::WaitingForData => 3,
        LeadEnrichmentState::Pushing => 4,
        LeadEnrichmentState::Succeeded => 5,
        LeadEnrichmentState::Unchanged => 6,
        LeadEnrichmentState::NoData => 7,
        LeadEnrichmentState::Failed => 8,
        LeadEnrichmentState::Cancelled => 9,
        LeadEnrichmentState::Parked => 10,
    }
}

pub(in super::super) fn read_state(row: &impl Columns) -> Result<LeadEnrichmentState, StoreError> {
    let number: i64 = row.get("state")?;
    LeadEnrichmentState::ALL
        .into_iter()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| unreadable("state", format!("{number} is no state of a job")))
}

/// The contract's number of a policy.
pub(in super::super) fn overwrite_policy_number(policy: Option<OverwritePolicy>) -> i64 {
    match policy {
        None => 0,
        Some(OverwritePolicy::Always) => 1,
        Some(OverwritePolicy::Empty) => 2,
    }
}
