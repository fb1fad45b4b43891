//! A notification becomes a lead to enrich.

use std::collections::HashMap;

use sfbridge_proto::v1::{LeadToEnrich, RejectionReason};

use super::Origin;
use super::event_time::as_of_time;
use super::reading::Reading;
use super::rejection::Fault;
use crate::parameters::Target;
use crate::soap::{SObject, is_blank};

/// Maps a notification to a lead to enrich, as far as it can be.
pub(super) fn lead(reading: &mut Reading<'_>, origin: Origin) -> LeadToEnrich {
    judge_record(reading);
    let igrp = reading.igrp();
    let visitor_id = reading.text(Target::VisitorId);
    let call_ref = reading.text(Target::CallRef);
    let as_of_time = as_of_time(reading);
    let parameters = reading.parameters();

    LeadToEnrich {
        igrp,
        visitor_id,
        call_ref,
        organization_id: origin.salesforce.organization_id.clone(),
        record_id: origin.salesforce.record_id.clone(),
        as_of_time,
        attribution_model_id: parameters.attribution_model_id(),
        field_mapping: parameters
            .field_mapping()
            .map(|(attribute, field)| (attribute.to_string(), field.to_string()))
            .collect(),
        overwrite_policy: parameters.overwrite().into(),
        known_values: known_values(reading.record()),
        idempotency_key: origin.idempotency_key,
        salesforce: Some(origin.salesforce),
        warnings: reading.take_warnings(),
    }
}

/// Only Leads can be enriched, and only those that say which they are.
fn judge_record(reading: &mut Reading<'_>) {
    let record = reading.record();
    // Case does not count in Salesforce's API names.
    if !record.object_type.eq_ignore_ascii_case("Lead") {
        reading.reject(Fault {
            reason: RejectionReason::UnsupportedObject,
            field: String::new(),
            description: "The record is not a Lead, and only Leads can be enriched; point this \
                          outbound message at another endpoint."
                .to_owned(),
        });
    } else if record.record_id().is_empty() {
        let description = "The Lead has no `Id`, so nothing can be written to it; send the \
                           message as Salesforce makes it."
            .to_owned();
        reading.reject(Fault::malformed("Id", description));
    }
}

/// What the message says that the Lead holds.
fn known_values(record: &SObject) -> HashMap<String, String> {
    record
        .fields
        .iter()
        .filter(|(name, text)| !name.eq_ignore_ascii_case("Id") && !is_blank(text))
        .cloned()
        .collect()
}
