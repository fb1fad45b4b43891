//! Opening lead enrichments.

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use crate::domain::{
    AttributionModelId, Installation, LeadEnrichment, LeadEnrichmentState, LeadTarget,
    LeadToEnrich, Progress, Rejection,
};

/// The job that a request opens when none is open for its lead.
pub fn new_enrichment(
    lead_enrichment_id: Uuid,
    igrp: Igrp,
    request: LeadToEnrich,
    receive_time: Timestamp,
    now: Timestamp,
) -> LeadEnrichment {
    LeadEnrichment {
        lead_enrichment_id,
        igrp,
        visitor_id: request.visitor_id,
        call_ref: request
            .call_ref
            .map(|call_ref| call_ref.as_str().to_owned()),
        organization_id: request.organization_id.as_str().to_owned(),
        record_id: request.record_id.as_str().to_owned(),
        state: LeadEnrichmentState::Pending,
        as_of_time: request.as_of_time.unwrap_or(receive_time),
        attribution_model_id: request.attribution_model_id.map(AttributionModelId::get),
        field_mapping: request.field_mapping.into_fields(),
        overwrite_policy: request.overwrite_policy,
        known_values: request.known_values,
        receive_time,
        update_time: now,
        request_count: 1,
        warnings: request.warnings,
        origin: request.origin,
        progress: Progress::due(now),
    }
}

/// A request as its installation keeps it.
///
/// When it asks for a model that the installation does not have, the lead is
/// not lost for it: the request says so, and the installation's model stands in
/// unless it has the one asked for by the time of the work. Of what the Lead
/// holds, only fields that may be written are kept: the rest is a person's data
/// that nobody needs.
pub fn for_installation(request: LeadToEnrich, installation: &Installation) -> LeadToEnrich {
    let mut request = request;
    let targets = LeadTarget::resolve(&installation.lead_field_mapping, &request.field_mapping);
    let is_target = |name: &str| {
        let mut fields = targets.iter().map(|target| target.field.as_str());
        fields.any(|field| field.eq_ignore_ascii_case(name))
    };
    request.known_values.retain(|name, _| is_target(name));
    if let Some(id) = request.attribution_model_id
        && !installation.has_attribution_model(id)
    {
        request.warnings.push(format!(
            "Installation {} has no attribution model {}; its default, {}, is used unless that \
             model is there by then.",
            installation.igrp,
            id.get(),
            installation.attribution_model_id.get()
        ));
    }
    request
}

/// What a record says of a repeat that could not be read any more.
pub fn rejected_repeat_warning(rejection: &Rejection) -> String {
    format!(
        "It was delivered again with content that was not accepted ({}: {}); \
         what was recorded before stays.",
        rejection.reason.name(),
        rejection.description
    )
}
