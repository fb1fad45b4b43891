//! Lead enrichments of the contract.

use std::collections::BTreeMap;

use sfbridge_proto::v1 as pb;
use sfbridge_values::{OrganizationId, SalesforceId};

use super::batch::Draft;
use super::event_message::{keep_time, visitor};
use super::notification_message::{ReadNotification, write_origin};
use super::time;
use crate::domain::{
    Attempt, AttemptOutcome, AttributionModelId, KeptAttribution, KeptShare, LeadEnrichment,
    LeadEnrichmentState, LeadFieldMapping, LeadToEnrich, OverwritePolicy, Rejection,
    RejectionReason,
};
use crate::error::Error;
use crate::recording::Item;

pub(super) fn read(
    lead: pb::LeadToEnrich,
    notification: Option<ReadNotification>,
) -> Item<LeadToEnrich> {
    let pb::LeadToEnrich {
        igrp,
        visitor_id,
        call_ref,
        organization_id,
        record_id,
        as_of_time,
        attribution_model_id,
        field_mapping,
        overwrite_policy,
        known_values,
        idempotency_key,
        salesforce,
        warnings,
    } = lead;

    let mut draft = Draft::new(igrp, notification, warnings);
    let (origin, _) = draft.origin(salesforce);
    let organization = read_organization(&mut draft, &organization_id);
    let record_id = read_record_id(&mut draft, &record_id);
    if visitor_id.trim().is_empty() && call_ref.trim().is_empty() {
        draft.reject(Rejection::new(
            RejectionReason::MissingVisitor,
            "visitor_id",
            "There is nobody to look up: the lead has neither a visitor id nor a call reference.",
        ));
    }
    let visitor_id = draft.visitor_id(&visitor_id);
    let call_ref = draft.call_ref(&call_ref);
    let as_of_time = as_of_time.and_then(|as_of| {
        let as_of = time::read(as_of);
        keep_time(&mut draft, "as_of_time", as_of)
    });
    let attribution_model_id = attribution_model_id.and_then(|id| {
        keep(
            &mut draft,
            "attribution_model_id",
            AttributionModelId::new(id),
        )
    });
    // Sorted, so that the same request always gets the same answer.
    let field_mapping: BTreeMap<_, _> = field_mapping.into_iter().collect();
    let mapping = LeadFieldMapping::parse(
        field_mapping
            .iter()
            .map(|(name, field)| (name.as_str(), field.as_str())),
    );
    let field_mapping = keep(&mut draft, "field_mapping", mapping);
    let overwrite_policy = read_overwrite_policy(overwrite_policy);
    let overwrite_policy = keep(&mut draft, "overwrite_policy", overwrite_policy).flatten();

    let content = match (&organization, record_id, field_mapping) {
        (Some(organization_id), Some(record_id), Some(field_mapping)) => Some(LeadToEnrich {
            visitor_id,
            call_ref,
            organization_id: organization_id.clone(),
            record_id,
            as_of_time,
            attribution_model_id,
            field_mapping,
            overwrite_policy,
            known_values: known_values.into_iter().collect(),
            warnings: std::mem::take(&mut draft.warnings),
            origin,
        }),
        // What is missing has left its fault.
        _ => None,
    };
    draft.finish(organization, &idempotency_key, content)
}

fn read_organization(draft: &mut Draft, text: &str) -> Option<OrganizationId> {
    if text.trim().is_empty() {
        draft.reject(Rejection::new(
            RejectionReason::OrganizationNotLinked,
            "organization_id",
            "The lead names no Salesforce organisation: set organization_id.",
        ));
    }
    draft.optional(
        RejectionReason::OrganizationNotLinked,
        "organization_id",
        text,
        OrganizationId::parse,
    )
}

fn read_record_id(draft: &mut Draft, text: &str) -> Option<SalesforceId> {
    // The limit of the rule comes before the form.
    draft.short_text("record_id", text);
    let record_id = SalesforceId::parse(text);
    keep(draft, "record_id", record_id)
}

/// Keeps what the request says beside its record; a fault in it makes the
/// request malformed.
fn keep<T, E: std::fmt::Display>(draft: &mut Draft, field: &str, value: Result<T, E>) -> Option<T> {
    match value {
        Ok(value) => Some(value),
        Err(invalid) => {
            let reason = RejectionReason::MalformedNotification;
            draft.reject(Rejection::of_field(reason, field, invalid));
            None
        }
    }
}

pub(super) fn write(enrichment: LeadEnrichment) -> pb::LeadEnrichment {
    let LeadEnrichment {
        lead_enrichment_id,
        igrp,
        visitor_id,
        call_ref,
        organization_id,
        record_id,
        state,
        as_of_time,
        attribution_model_id,
        field_mapping,
        overwrite_policy,
        known_values,
        receive_time,
        update_time,
        request_count,
        warnings,
        origin,
        progress,
    } = enrichment;
    let next_attempt_time = progress.next_attempt_time().map(time::write);
    pb::LeadEnrichment {
        lead_enrichment_id: lead_enrichment_id.to_string(),
        igrp: igrp.get(),
        visitor_id: visitor(visitor_id),
        call_ref: call_ref.unwrap_or_default(),
        organization_id,
        record_id,
        state: write_state(state).into(),
        as_of_time: Some(time::write(as_of_time)),
        attribution_model_id,
        field_mapping: field_mapping.into_iter().collect(),
        overwrite_policy: match overwrite_policy {
            None => pb::OverwritePolicy::Unspecified,
            Some(OverwritePolicy::Always) => pb::OverwritePolicy::Always,
            Some(OverwritePolicy::Empty) => pb::OverwritePolicy::Empty,
        }
        .into(),
        known_values: known_values.into_iter().collect(),
        receive_time: Some(time::write(receive_time)),
        update_time: Some(time::write(update_time)),
        request_count: count(request_count),
        warnings,
        salesforce: write_origin(origin),
        attempts: progress.attempts.iter().map(write_attempt).collect(),
        attempt_count: count(progress.attempt_count),
        written_fields: progress.written_fields.into_iter().collect(),
        failure: progress.failure.map(|failure| pb::LeadEnrichmentFailure {
            code: failure.code,
            description: failure.description,
        }),
        next_attempt_time,
        attribution: progress.attribution.map(write_attribution),
    }
}

fn write_attempt(attempt: &Attempt) -> pb::Attempt {
    let Attempt {
        number,
        start_time,
        end_time,
        outcome,
        code,
        description,
        written_fields,
        warnings,
        next_attempt_time,
    } = attempt.clone();
    pb::Attempt {
        number: count(number),
        start_time: Some(time::write(start_time)),
        end_time: Some(time::write(end_time)),
        outcome: write_outcome(outcome).into(),
        code,
        description,
        written_fields,
        warnings,
        next_attempt_time: next_attempt_time.map(time::write),
    }
}

fn write_outcome(outcome: AttemptOutcome) -> pb::AttemptOutcome {
    match outcome {
        AttemptOutcome::Succeeded => pb::AttemptOutcome::Succeeded,
        AttemptOutcome::Unchanged => pb::AttemptOutcome::Unchanged,
        AttemptOutcome::NoData => pb::AttemptOutcome::NoData,
        AttemptOutcome::Failed => pb::AttemptOutcome::Failed,
        AttemptOutcome::Refused => pb::AttemptOutcome::Refused,
        AttemptOutcome::WaitedForData => pb::AttemptOutcome::WaitedForData,
        AttemptOutcome::WaitedForConnection => pb::AttemptOutcome::WaitedForConnection,
        AttemptOutcome::Postponed => pb::AttemptOutcome::Postponed,
        AttemptOutcome::Interrupted => pb::AttemptOutcome::Interrupted,
    }
}

fn write_attribution(attribution: KeptAttribution) -> pb::LeadAttribution {
    let KeptAttribution {
        attribution_model_id,
        attribution_model_name,
        is_late,
        shares,
        share_count,
    } = attribution;
    let share = |share: KeptShare| pb::VisitShare {
        visit_id: share.visit_id.to_string(),
        visit_time: Some(time::write(share.visit_time)),
        channel_name: share.channel_name,
        channel_type: share.channel_type,
        share: count(share.parts),
        is_chosen: share.is_chosen,
    };
    pb::LeadAttribution {
        attribution_model_id,
        attribution_model_name,
        is_late,
        shares: shares.into_iter().map(share).collect(),
        share_count: count(share_count),
    }
}

fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Reads a policy; unset means none.
pub(super) fn read_overwrite_policy(policy: i32) -> Result<Option<OverwritePolicy>, &'static str> {
    match pb::OverwritePolicy::try_from(policy) {
        Ok(pb::OverwritePolicy::Unspecified) => Ok(None),
        Ok(pb::OverwritePolicy::Always) => Ok(Some(OverwritePolicy::Always)),
        Ok(pb::OverwritePolicy::Empty) => Ok(Some(OverwritePolicy::Empty)),
        Err(_) => Err("has an unknown value"),
    }
}

/// Reads a state to filter by.
pub(super) fn read_state(state: i32) -> Result<Option<LeadEnrichmentState>, Error> {
    let invalid = |_| Error::invalid("state", "has an unknown value");
    let asked = pb::LeadEnrichmentState::try_from(state).map_err(invalid)?;
    let mut states = LeadEnrichmentState::ALL.into_iter();
    Ok(states.find(|state| write_state(*state) == asked))
}

fn write_state(state: LeadEnrichmentState) -> pb::LeadEnrichmentState {
    match state {
        LeadEnrichmentState::Pending => pb::LeadEnrichmentState::Pending,
        LeadEnrichmentState::WaitingForConnection => pb::LeadEnrichmentState::WaitingForConnection,
        LeadEnrichmentState::WaitingForData => pb::LeadEnrichmentState::WaitingForData,
        LeadEnrichmentState::Pushing => pb::LeadEnrichmentState::Pushing,
        LeadEnrichmentState::Succeeded => pb::LeadEnrichmentState::Succeeded,
        LeadEnrichmentState::Unchanged => pb::LeadEnrichmentState::Unchanged,
        LeadEnrichmentState::NoData => pb::LeadEnrichmentState::NoData,
        LeadEnrichmentState::Failed => pb::LeadEnrichmentState::Failed,
        LeadEnrichmentState::Cancelled => pb::LeadEnrichmentState::Cancelled,
        LeadEnrichmentState::Parked => pb::LeadEnrichmentState::Parked,
    }
}
