//! Lead enrichments.

use super::given::{
    OTHERS, OURS, at, enrich, enrichments, igrp, item, lead, organization, seven, visitor,
};
use crate::domain::{AttributionModelId, LeadFieldMapping, OverwritePolicy};
use crate::store::Store;

pub(super) async fn one_job_is_open_for_a_lead_however_requests_race(store: &Store) {
    let requests: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            let request = item(lead(1)).from(OURS).keyed(&n.to_string());
            tokio::spawn(async move { enrich(&store, 1, request).await.recorded() })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for request in requests {
        ids.insert(request.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    let jobs = enrichments(store, seven()).await;
    assert_eq!((jobs.len(), jobs[0].request_count), (1, 50));
}

pub(super) async fn another_installation_organisation_or_lead_has_its_own_job(store: &Store) {
    let mut ids = vec![
        enrich(store, 1, item(lead(1)).from(OURS)).await.recorded(),
        enrich(store, 1, item(lead(2)).from(OURS)).await.recorded(),
        enrich(store, 1, item(lead(1)).from(OURS).of(igrp(8)))
            .await
            .recorded(),
    ];
    let mut others = lead(1);
    others.organization_id = organization(OTHERS);
    let others = item(others).from(OTHERS).of(igrp(9));
    ids.push(enrich(store, 1, others).await.recorded());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

pub(super) async fn newer_options_replace_older_ones_and_the_earliest_time_stays(store: &Store) {
    let mut first = lead(1);
    first.as_of_time = Some(at(10));
    first.overwrite_policy = Some(OverwritePolicy::Always);
    let id = enrich(store, 20, item(first).from(OURS)).await.recorded();

    let mut second = lead(1);
    second.visitor_id = Some(visitor(2));
    second.as_of_time = Some(at(15));
    second.attribution_model_id = Some(AttributionModelId::new(3).unwrap());
    let joined = enrich(store, 21, item(second).from(OURS)).await;
    assert_eq!(joined.recorded(), id);
    let job = store.lead_enrichment(id).await.unwrap().unwrap();
    assert_eq!((job.as_of_time, job.receive_time), (at(10), at(20)));
    assert_eq!(job.attribution_model_id, Some(3));
    assert_eq!(
        (job.visitor_id, job.overwrite_policy),
        (Some(visitor(2)), None)
    );
    assert!(job.origin.is_none(), "{:?}", job.origin);

    let mut third = lead(1);
    third.as_of_time = Some(at(5));
    third.visitor_id = None;
    enrich(store, 22, item(third).from(OURS)).await.recorded();
    let job = store.lead_enrichment(id).await.unwrap().unwrap();
    assert_eq!((job.as_of_time, job.visitor_id), (at(5), Some(visitor(2))));
    assert_eq!((job.request_count, job.update_time), (3, at(22)));
}

pub(super) async fn of_what_a_lead_holds_only_mapped_fields_are_kept(store: &Store) {
    let mut request = lead(1);
    request.field_mapping = LeadFieldMapping::parse([("src", "LeadSource")]).unwrap();
    let held = [
        "LeadSource",
        "infinity_campaign__C",
        "Email",
        "Infinity_Source__c",
    ];
    request.known_values = held.map(|name| (name.to_owned(), "held".to_owned())).into();
    enrich(store, 1, item(request).from(OURS)).await.recorded();
    let job = enrichments(store, seven()).await.remove(0);
    let kept: Vec<_> = job.known_values.keys().map(String::as_str).collect();
    // What the source would go to by default is not where it goes.
    assert_eq!(kept, ["LeadSource", "infinity_campaign__C"]);
}
