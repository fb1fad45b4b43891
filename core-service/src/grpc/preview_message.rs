//! Previews of lead enrichments.

use std::collections::BTreeMap;

use sfbridge_proto::v1 as pb;
use sfbridge_values::{CallRef, Timestamp, VisitorId};

use super::{lead_enrichment_message, time, visit_message};
use crate::domain::{
    Attribution, AttributionModel, AttributionModelId, Decision, FieldTexts, Installation,
    LeadFieldMapping, LeadState, LeadTarget, OverwritePolicy, PlannedField, VisitorHistory,
    WrittenMarks, plan,
};
use crate::error::{Error, Violation};

/// The most visits that an answer shows.
const MAX_VISITS: usize = 1_000;

/// A lead to look at, every value parsed.
pub(super) struct Asked {
    pub(super) visitor_id: Option<VisitorId>,
    pub(super) call_ref: Option<CallRef>,
    pub(super) as_of: Timestamp,
    attribution_model_id: Option<AttributionModelId>,
    field_mapping: LeadFieldMapping,
    overwrite_policy: Option<OverwritePolicy>,
    known_values: FieldTexts,
}

/// Reads what is asked for, but for the installation.
pub(super) fn read(lead: pb::LeadToEnrich, now: Timestamp) -> Result<Asked, Error> {
    let mut violations = Vec::new();
    let visitor_id = keep(
        &mut violations,
        "lead.visitor_id",
        given(&lead.visitor_id).map(VisitorId::parse),
    );
    let call_ref = keep(
        &mut violations,
        "lead.call_ref",
        given(&lead.call_ref).map(CallRef::parse),
    );
    if given(&lead.visitor_id).is_none() && given(&lead.call_ref).is_none() {
        let neither = Err("is empty, and so is lead.call_ref; one of them is needed");
        keep::<(), _>(&mut violations, "lead.visitor_id", Some(neither));
    }
    let as_of = keep(
        &mut violations,
        "lead.as_of_time",
        lead.as_of_time.map(time::read),
    );
    let attribution_model_id = keep(
        &mut violations,
        "lead.attribution_model_id",
        lead.attribution_model_id.map(AttributionModelId::new),
    );
    let mapping: BTreeMap<_, _> = lead.field_mapping.into_iter().collect();
    let mapping = mapping
        .iter()
        .map(|(name, field)| (name.as_str(), field.as_str()));
    let field_mapping = keep(
        &mut violations,
        "lead.field_mapping",
        Some(LeadFieldMapping::parse(mapping)),
    );
    let overwrite_policy = keep(
        &mut violations,
        "lead.overwrite_policy",
        Some(lead_enrichment_message::read_overwrite_policy(
            lead.overwrite_policy,
        )),
    );
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    Ok(Asked {
        visitor_id,
        call_ref,
        as_of: as_of.unwrap_or(now),
        attribution_model_id,
        field_mapping: field_mapping.unwrap_or_default(),
        overwrite_policy: overwrite_policy.flatten(),
        known_values: FieldTexts::new(lead.known_values),
    })
}

fn given(text: &str) -> Option<&str> {
    (!text.trim().is_empty()).then_some(text)
}

fn keep<T, E: std::fmt::Display>(
    violations: &mut Vec<Violation>,
    field: &str,
    value: Option<Result<T, E>>,
) -> Option<T> {
    value?
        .map_err(|invalid| violations.push(Violation::new(field, invalid)))
        .ok()
}

/// Says what an enrichment would find and write.
pub(super) fn write(
    asked: &Asked,
    installation: &Installation,
    history: &VisitorHistory,
) -> Result<pb::PreviewLeadEnrichmentResponse, Error> {
    let id = asked
        .attribution_model_id
        .unwrap_or(installation.attribution_model_id);
    let model = AttributionModel::find(id).ok_or_else(|| {
        Error::invalid(
            "lead.attribution_model_id",
            "is not a model of this installation",
        )
    })?;
    let attribution = model.attribute(&history.journey, asked.as_of);
    let data = history.marketing_data(attribution.as_ref(), asked.as_of);
    let targets = LeadTarget::resolve(&installation.lead_field_mapping, &asked.field_mapping);
    let lead = LeadState {
        fields: None,
        present: &asked.known_values,
        written: &WrittenMarks::default(),
        overwrite_policy: asked.overwrite_policy,
        zone: installation.time_zone,
    };
    let fields = plan(&targets, &data, &lead);
    let visits = data.considered.visits();
    Ok(pb::PreviewLeadEnrichmentResponse {
        visitor_id: history
            .visitor_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        as_of_time: Some(time::write(asked.as_of)),
        attribution_model_id: id.get(),
        attribution_model_name: model.display_name().as_str().to_owned(),
        journey: write_journey(history, attribution.as_ref(), asked.as_of),
        visit_count: count(visits.len()),
        call_count: count(history.call_count),
        fields: fields.into_iter().map(write_field).collect(),
        warnings: warnings(&model, attribution.as_ref(), visits.is_empty()),
    })
}

fn write_journey(
    history: &VisitorHistory,
    attribution: Option<&Attribution<'_>>,
    as_of: Timestamp,
) -> Vec<pb::AttributedVisit> {
    let shares: BTreeMap<_, _> = attribution
        .map(|attribution| attribution.shares.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|share| (share.visit.visit_id, share.parts))
        .collect();
    let chosen = attribution.and_then(Attribution::chosen);
    let visits = history.journey.as_of(as_of).visits();
    let shown = visits.len().saturating_sub(MAX_VISITS);
    visits[shown..]
        .iter()
        .map(|visit| pb::AttributedVisit {
            share: shares
                .get(&visit.visit_id)
                .map_or(0, |parts| i32::try_from(*parts).unwrap_or(i32::MAX)),
            is_chosen: chosen.is_some_and(|chosen| chosen.visit_id == visit.visit_id),
            visit: Some(visit_message::write(visit.clone())),
        })
        .collect()
}

fn warnings(
    model: &AttributionModel,
    attribution: Option<&Attribution<'_>>,
    is_unknown: bool,
) -> Vec<String> {
    let warning = match attribution {
        Some(attribution) if attribution.is_late => {
            "There is no visit up to 5 minutes after the as-of time; the earliest later one \
             stands in."
                .to_owned()
        }
        Some(_) => return Vec::new(),
        None if is_unknown => {
            "No visit of this visitor is known; an enrichment waits for one for up to 24 hours."
                .to_owned()
        }
        None => format!(
            "The model {} selects none of the visits.",
            model.display_name().as_str()
        ),
    };
    vec![warning]
}

fn write_field(field: PlannedField) -> pb::PlannedLeadField {
    let PlannedField {
        target,
        decision,
        value,
        is_cut,
    } = field;
    pb::PlannedLeadField {
        attribute: target.attribute.to_string(),
        lead_field: target.field.to_string(),
        decision: write_decision(decision).into(),
        value: value.map(|value| value.to_text()).unwrap_or_default(),
        is_cut,
        is_default: target.is_default,
    }
}

fn write_decision(decision: Decision) -> pb::LeadFieldDecision {
    match decision {
        Decision::Write => pb::LeadFieldDecision::Write,
        Decision::Unchanged => pb::LeadFieldDecision::Unchanged,
        Decision::Kept => pb::LeadFieldDecision::Kept,
        Decision::NoValue => pb::LeadFieldDecision::NoValue,
        Decision::NoField => pb::LeadFieldDecision::NoField,
        Decision::ReadOnly => pb::LeadFieldDecision::ReadOnly,
        Decision::Misfit => pb::LeadFieldDecision::Misfit,
    }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
