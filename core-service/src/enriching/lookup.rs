//! Looking up how a lead came.

use std::collections::BTreeMap;

use sfbridge_values::{CallRef, SalesforceId};

use super::verdict;
use crate::domain::{
    AttributionModel, AttributionModelId, Awaited, Installation, KeptAttribution, LeadEnrichment,
    LeadFieldMapping, LeadTarget, MarketingData, RunResult, Settlement, VisitorHistory,
};
use crate::store::{ClaimedEnrichment, Store, StoreError};

/// A lead of which it is known how it came.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) claimed: ClaimedEnrichment,
    pub(super) record_id: SalesforceId,
    pub(super) targets: Vec<LeadTarget>,
    pub(super) attribution: KeptAttribution,
    history: VisitorHistory,
    model: AttributionModel,
}

/// What looking up came to.
#[derive(Debug)]
pub(super) enum LookedUp {
    /// It goes on.
    Found(Box<Found>),
    /// There is nothing to write, or nothing yet.
    Settled(Box<Settlement>),
}

/// Looks up how a lead came.
pub(super) async fn look_up(
    store: &Store,
    installation: &Installation,
    claimed: ClaimedEnrichment,
) -> Result<LookedUp, StoreError> {
    let job = &claimed.enrichment;
    let call_ref = job.call_ref.as_deref();
    let call_ref = call_ref.and_then(|text| CallRef::parse(text).ok());
    let history = store
        .history(job.igrp, job.visitor_id, call_ref, job.as_of_time)
        .await?;
    Ok(attribute(installation, claimed, history))
}

/// Has the model choose among what is known.
fn attribute(
    installation: &Installation,
    claimed: ClaimedEnrichment,
    history: VisitorHistory,
) -> LookedUp {
    let job = &claimed.enrichment;
    let settled = |result| {
        LookedUp::Settled(Box::new(Settlement {
            lease: claimed.lease,
            result,
            attribution: None,
            warnings: Vec::new(),
        }))
    };
    if history.journey.visits().is_empty() {
        return settled(RunResult::NothingKnown(Awaited::from(&history)));
    }
    let asked = job.attribution_model_id.map(AttributionModelId::new);
    let model = installation.model_of_lead(asked.and_then(Result::ok));
    let Ok(record_id) = SalesforceId::parse(&job.record_id) else {
        return settled(verdict::failed("The Lead's id is not a Salesforce id."));
    };
    let Some(attribution) = model.attribute(&history.journey, job.as_of_time) else {
        return settled(RunResult::NoData(format!(
            "The attribution model {} ({}) selects none of the visitor's visits.",
            model.display_name().as_str(),
            model.id().get()
        )));
    };
    let attribution = KeptAttribution::of(&model, &attribution);
    let targets = LeadTarget::resolve(&installation.lead_field_mapping, &own_mapping(job));
    LookedUp::Found(Box::new(Found {
        claimed,
        record_id,
        targets,
        attribution,
        history,
        model,
    }))
}

/// The mapping that the request brought. It was checked when it came in.
fn own_mapping(job: &LeadEnrichment) -> LeadFieldMapping {
    let fields: &BTreeMap<String, String> = &job.field_mapping;
    let pairs = fields
        .iter()
        .map(|(name, field)| (name.as_str(), field.as_str()));
    LeadFieldMapping::parse(pairs).unwrap_or_default()
}

impl Found {
    /// The job.
    pub(super) fn job(&self) -> &LeadEnrichment {
        &self.claimed.enrichment
    }

    /// What the Lead's fields are filled from.
    pub(super) fn with_data<T>(&self, use_data: impl FnOnce(&MarketingData<'_>) -> T) -> T {
        let as_of = self.job().as_of_time;
        let attribution = self.model.attribute(&self.history.journey, as_of);
        use_data(&self.history.marketing_data(attribution.as_ref(), as_of))
    }

    /// What the run came to.
    pub(super) fn settle(&self, result: RunResult, warnings: Vec<String>) -> Settlement {
        Settlement {
            lease: self.claimed.lease,
            result,
            attribution: Some(self.attribution.clone()),
            warnings,
        }
    }
}
