//! The work on lead enrichments.

use std::collections::BTreeMap;

use sfbridge_values::Igrp;
use uuid::Uuid;

use super::given::{
    OURS, at, batch, call, call_ref, enrich, enrichments, igrp, item, lead, seven, visit, visitor,
};
use crate::domain::{
    AttemptOutcome, AttributionModel, Awaited, KeptAttribution, LeadEnrichment,
    LeadEnrichmentState as State, Lease, PlannedPush, RunResult, SalesforceRefusal, Settlement,
};
use crate::store::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, PageRequest, Store};

/// Opens jobs for the leads of these numbers, in the installation seven.
async fn open(store: &Store, seconds: i64, leads: std::ops::Range<u32>) -> Vec<Uuid> {
    let items = leads.map(|number| item(lead(number)).from(OURS));
    let results = store.enrich_leads(batch(seconds, items)).await.unwrap();
    results.iter().map(|result| result.recorded()).collect()
}

/// Takes up jobs for a minute.
async fn claim_of(
    store: &Store,
    igrp: Igrp,
    owner: u128,
    seconds: i64,
    limit: usize,
) -> Vec<ClaimedEnrichment> {
    let claim = EnrichmentClaim {
        igrp,
        owner: Uuid::from_u128(owner),
        now: at(seconds),
        lease_until: at(seconds + 60),
        limit,
    };
    store.claim_enrichments(claim).await.unwrap()
}

async fn claim(store: &Store, seconds: i64) -> Vec<ClaimedEnrichment> {
    claim_of(store, seven(), 1, seconds, 200).await
}

/// Takes up the one job that is due.
async fn claim_one(store: &Store, seconds: i64) -> ClaimedEnrichment {
    let mut claimed = claim(store, seconds).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

fn settlement(lease: Lease, result: RunResult) -> Settlement {
    Settlement {
        lease,
        result,
        attribution: None,
        warnings: Vec::new(),
    }
}

async fn settle(store: &Store, lease: Lease, result: RunResult, seconds: i64) -> Option<State> {
    let settlements = vec![settlement(lease, result)];
    let settled = store.settle_enrichments(settlements, at(seconds)).await;
    settled.unwrap().remove(0)
}

fn fields(value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("Source__c".to_owned(), value.to_owned())])
}

fn push(lease: Lease, value: &str) -> PlannedPush {
    PlannedPush {
        lease,
        fields: fields(value),
        attribution: None,
    }
}

async fn job(store: &Store, id: Uuid) -> LeadEnrichment {
    store.lead_enrichment(id).await.unwrap().unwrap()
}

async fn due(store: &Store, seconds: i64) -> DueEnrichments {
    store.due_enrichments(at(seconds)).await.unwrap()
}

/// What the runner would say of a job that nothing is known of.
async fn nothing_known(store: &Store, job: &LeadEnrichment) -> RunResult {
    let call_ref = job.call_ref.as_deref().map(call_ref);
    let history = store.history(job.igrp, job.visitor_id, call_ref, job.as_of_time);
    RunResult::NothingKnown(Awaited::from(&history.await.unwrap()))
}

/// Has a job wait for data.
async fn wait_for_data(store: &Store, seconds: i64) -> Uuid {
    let claimed = claim_one(store, seconds).await;
    let result = nothing_known(store, &claimed.enrichment).await;
    let state = settle(store, claimed.lease, result, seconds).await;
    assert_eq!(state, Some(State::WaitingForData));
    claimed.enrichment.lead_enrichment_id
}

async fn record_visit(store: &Store, seconds: i64, of: u8, time: i64) {
    let visits = batch(seconds, [item(visit(visitor(of), time))]);
    store.record_visits(visits).await.unwrap();
}

async fn record_call(store: &Store, seconds: i64, name: &str, of: Option<u8>) {
    let calls = batch(seconds, [item(call(name, of.map(visitor), seconds))]);
    store.record_calls(calls).await.unwrap();
}

pub(super) async fn a_job_is_worked_on_by_one_until_its_lease_ends(store: &Store) {
    let id = open(store, 1, 1..2).await[0];
    let first = claim_one(store, 2).await;
    assert_eq!(first.enrichment.lead_enrichment_id, id);
    assert!(claim(store, 61).await.is_empty());
    let second = claim_of(store, seven(), 2, 62, 200).await.remove(0);
    assert_eq!((first.lease.attempt, second.lease.attempt), (1, 2));

    // What the first one did is not taken any more, and changes nothing.
    let before = format!("{:?}", job(store, id).await);
    let begun = store.begin_push(vec![push(first.lease, "x")], at(200), at(63));
    assert_eq!(begun.await.unwrap(), [false]);
    assert_eq!(
        settle(store, first.lease, RunResult::Unchanged, 63).await,
        None
    );
    assert_eq!(format!("{:?}", job(store, id).await), before);
    let kept = settle(store, second.lease, RunResult::Unchanged, 64).await;
    assert_eq!(kept, Some(State::Unchanged));
    assert_eq!(
        settle(store, second.lease, RunResult::Unchanged, 65).await,
        None
    );
    let outcomes: Vec<_> = job(store, id)
        .await
        .progress
        .attempts
        .iter()
        .map(|a| a.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [AttemptOutcome::Interrupted, AttemptOutcome::Unchanged]
    );
}

pub(super) async fn what_an_earlier_process_was_at_goes_on(store: &Store) {
    open(store, 1, 1..3).await;
    let claimed = claim(store, 2).await;
    settle(store, claimed[0].lease, RunResult::Unchanged, 3).await;
    assert_eq!(due(store, 4).await.installations, []);
    // Where there may be other processes, nobody knows that it is gone before
    // its lease ends.
    let (ended, goes_on) = if store.is_shared() { (0, 62) } else { (1, 4) };
    assert_eq!(store.end_lost_leases(at(4)).await.unwrap(), ended);
    assert!(claim(store, goes_on - 1).await.is_empty());
    let again = claim_one(store, goes_on).await;
    assert_eq!(
        again.lease.lead_enrichment_id,
        claimed[1].lease.lead_enrichment_id
    );
    let result = RunResult::Unchanged;
    assert_eq!(settle(store, claimed[1].lease, result, 63).await, None);
}

pub(super) async fn two_that_claim_at_once_share_the_jobs(store: &Store) {
    open(store, 1, 0..300).await;
    let claims: Vec<_> = (0..6)
        .map(|owner| {
            let store = store.clone();
            tokio::spawn(async move { claim_of(&store, seven(), owner, 2, 60).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    let mut count = 0;
    for claim in claims {
        for claimed in claim.await.unwrap() {
            ids.insert(claimed.enrichment.lead_enrichment_id);
            count += 1;
        }
    }
    assert_eq!((ids.len(), count), (300, 300));
}

pub(super) async fn a_claim_takes_what_is_due_longest_of_one_installation(store: &Store) {
    open(store, 5, 0..120).await;
    let first = open(store, 1, 500..501).await[0];
    enrich(store, 1, item(lead(1)).from(OURS).of(igrp(8)))
        .await
        .recorded();
    assert_eq!(due(store, 9).await.installations.len(), 2);
    let claimed = claim_of(store, seven(), 1, 9, 110).await;
    assert_eq!(claimed.len(), 110);
    assert_eq!(claimed[0].enrichment.lead_enrichment_id, first);
    assert!(claimed.iter().all(|one| one.enrichment.igrp == seven()));
    assert_eq!(claim(store, 9).await.len(), 11);
    assert_eq!(due(store, 9).await.installations, [igrp(8)]);
    assert_eq!(claim_of(store, igrp(8), 1, 9, 200).await.len(), 1);
}

pub(super) async fn it_is_known_what_is_due_and_what_will_be_next(store: &Store) {
    assert_eq!(due(store, 9).await, DueEnrichments::default());
    enrich(store, 3, item(lead(1)).from(OURS).of(igrp(9)))
        .await
        .recorded();
    open(store, 2, 1..3).await;
    let all = due(store, 9).await;
    assert_eq!(
        (all.installations, all.next_time),
        (vec![seven(), igrp(9)], None)
    );
    let early = due(store, 2).await;
    assert_eq!(
        (early.installations, early.next_time),
        (vec![seven()], Some(at(3)))
    );

    let claimed = claim(store, 9).await;
    // A lease that ends is work again.
    assert_eq!(due(store, 9).await.next_time, Some(at(69)));
    let later = RunResult::Postponed(at(30), "Quota.".to_owned());
    settle(store, claimed[0].lease, later, 10).await;
    settle(store, claimed[1].lease, RunResult::Unchanged, 10).await;
    let now = due(store, 10).await;
    assert_eq!(
        (now.installations, now.next_time),
        (vec![igrp(9)], Some(at(30)))
    );
}

pub(super) async fn whoever_works_hears_of_what_becomes_due(store: &Store) {
    let mut alarm = store.enrichment_alarm();
    let mut rung = async || {
        let has_changed = alarm.has_changed().unwrap();
        alarm.mark_unchanged();
        has_changed
    };
    record_visit(store, 1, 1, 1).await;
    assert!(!rung().await);
    let mut request = lead(1);
    request.visitor_id = Some(visitor(2));
    let id = enrich(store, 1, item(request).from(OURS)).await.recorded();
    assert!(rung().await);
    let claimed = claim_one(store, 2).await;
    assert!(!rung().await);
    let no = RunResult::NoConnection("No log-in.".to_owned());
    settle(store, claimed.lease, no, 3).await;
    assert!(!rung().await);
    store
        .release_connection_waits(seven(), at(4))
        .await
        .unwrap();
    assert!(rung().await);
    wait_for_data(store, 5).await;
    rung().await;
    record_visit(store, 6, 1, 6).await;
    assert!(!rung().await);
    record_visit(store, 6, 2, 6).await;
    assert!(rung().await);
    let claimed = claim_one(store, 7).await;
    settle(store, claimed.lease, RunResult::Unchanged, 8).await;
    assert!(!rung().await);
    store
        .retry_enrichment(id, at(9))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(rung().await);
}

pub(super) async fn what_is_about_to_be_written_is_kept_before_it_is_sent(store: &Store) {
    let id = open(store, 1, 1..2).await[0];
    let claimed = claim_one(store, 2).await;
    assert!(claimed.enrichment.progress.planned_fields.is_empty());
    let begun = store.begin_push(vec![push(claimed.lease, "Google")], at(99), at(3));
    assert_eq!(begun.await.unwrap(), [true]);
    assert_eq!(job(store, id).await.state, State::Pushing);
    assert!(claim(store, 98).await.is_empty());

    // Its process went away before it could say what Salesforce answered.
    let again = claim_one(store, 99).await;
    assert_eq!(again.enrichment.progress.planned_fields, fields("Google"));
    assert!(again.written.is_ours("source__c", "Google"));
    let result = RunResult::Succeeded(fields("Google"));
    assert_eq!(
        settle(store, again.lease, result, 100).await,
        Some(State::Succeeded)
    );
    let done = job(store, id).await;
    assert_eq!(done.progress.written_fields, fields("Google"));
    assert!(done.progress.planned_fields.is_empty());

    // The next job for the Lead knows what is ours.
    open(store, 200, 1..2).await;
    let next = claim_one(store, 201).await;
    assert!(next.written.is_ours("Source__c", "Google"));
    assert!(!next.written.is_ours("Source__c", "Bing"));
}

pub(super) async fn everything_about_a_run_is_kept(store: &Store) {
    let id = open(store, 1, 1..2).await[0];
    record_visit(store, 1, 1, 1).await;
    let history = store
        .history(seven(), Some(visitor(1)), None, at(1))
        .await
        .unwrap();
    let model = &AttributionModel::built_in()[7];
    let attribution = model.attribute(&history.journey, at(1)).unwrap();
    let attribution = KeptAttribution::of(model, &attribution);
    let claimed = claim_one(store, 2).await;
    let refusal = SalesforceRefusal {
        code: "REQUIRED_FIELD_MISSING".to_owned(),
        description: "Required fields are missing: [Company]".to_owned(),
    };
    let settlement = Settlement {
        attribution: Some(attribution.clone()),
        warnings: vec!["A value was cut.".to_owned()],
        ..settlement(claimed.lease, RunResult::Failed(refusal.clone()))
    };
    store
        .settle_enrichments(vec![settlement], at(3))
        .await
        .unwrap();
    let kept = job(store, id).await;
    assert_eq!((kept.state, kept.update_time), (State::Failed, at(3)));
    assert_eq!(kept.warnings, ["A value was cut."]);
    assert_eq!(kept.progress.failure, Some(refusal));
    assert_eq!(kept.progress.attribution, Some(attribution));
    let attempt = kept.progress.attempts.last().unwrap();
    assert_eq!(
        (attempt.number, attempt.start_time, attempt.end_time),
        (1, at(2), at(3))
    );
    assert_eq!(attempt.code, "REQUIRED_FIELD_MISSING");
    assert_eq!(attempt.warnings, ["A value was cut."]);
    // It is the same in the list.
    let listed = enrichments(store, seven()).await;
    assert_eq!(listed[0].progress, kept.progress);
}

pub(super) async fn many_are_settled_at_once_and_each_stands_for_itself(store: &Store) {
    open(store, 1, 0..120).await;
    let claimed = claim(store, 2).await;
    let mut settlements: Vec<_> = claimed
        .iter()
        .map(|one| settlement(one.lease, RunResult::Unchanged))
        .collect();
    settlements[60].lease.attempt = 7;
    settlements[61].lease.lead_enrichment_id = Uuid::nil();
    let settled = store.settle_enrichments(settlements, at(3)).await.unwrap();
    let lost: Vec<_> = (0..settled.len())
        .filter(|n| settled[*n].is_none())
        .collect();
    assert_eq!((settled.len(), lost), (120, vec![60, 61]));
}

pub(super) async fn a_visit_wakes_the_jobs_that_wait_for_its_visitor_alone(store: &Store) {
    open(store, 1, 1..2).await;
    let waits = wait_for_data(store, 2).await;
    record_visit(store, 10, 2, 10).await;
    assert_eq!(due(store, 10).await.next_time, Some(at(2 + 86_400)));
    let elsewhere = item(visit(visitor(1), 10)).of(igrp(8));
    store.record_visits(batch(10, [elsewhere])).await.unwrap();
    assert!(due(store, 10).await.installations.is_empty());
    record_visit(store, 11, 1, 10).await;
    assert_eq!(due(store, 11).await.installations, [seven()]);
    let woken = claim_one(store, 11).await;
    assert_eq!(woken.enrichment.lead_enrichment_id, waits);
    // The same visit again is no news.
    settle(store, woken.lease, RunResult::Unchanged, 12).await;
    record_visit(store, 13, 1, 10).await;
    assert!(due(store, 14).await.installations.is_empty());
}

pub(super) async fn a_call_wakes_the_jobs_that_wait_for_it_or_its_visitor(store: &Store) {
    let mut by_phone = lead(1);
    by_phone.visitor_id = None;
    by_phone.call_ref = Some(call_ref("C"));
    enrich(store, 1, item(by_phone).from(OURS)).await.recorded();
    wait_for_data(store, 2).await;
    record_call(store, 3, "D", Some(9)).await;
    assert!(due(store, 3).await.installations.is_empty());
    record_call(store, 4, "C", None).await;
    assert_eq!(due(store, 4).await.installations, [seven()]);
    // The call's visitor is known by now, and none of its visits.
    wait_for_data(store, 5).await;
    record_call(store, 6, "C", Some(2)).await;
    wait_for_data(store, 7).await;
    record_visit(store, 8, 2, 1).await;
    assert_eq!(due(store, 8).await.installations, [seven()]);
    let woken = claim_one(store, 8).await;
    settle(store, woken.lease, RunResult::Unchanged, 9).await;

    open(store, 10, 2..3).await;
    wait_for_data(store, 11).await;
    record_call(store, 12, "E", Some(1)).await;
    assert_eq!(due(store, 12).await.installations, [seven()]);
}

pub(super) async fn what_arrives_while_a_job_looks_up_is_not_missed(store: &Store) {
    for (number, arrives) in [(1_u32, "visit"), (2, "call"), (3, "call of the visitor")] {
        let mut request = lead(number);
        request.visitor_id = (number != 2).then(|| visitor(u8::try_from(number).unwrap()));
        request.call_ref = (number == 2).then(|| call_ref("C"));
        enrich(store, 1, item(request).from(OURS)).await.recorded();
        let claimed = claim_one(store, 2).await;
        let result = nothing_known(store, &claimed.enrichment).await;
        match number {
            1 => record_visit(store, 3, 1, 1).await,
            2 => record_call(store, 1, "C", Some(8)).await,
            _ => record_call(store, 1, "D", Some(3)).await,
        }
        // Whoever works on it keeps it meanwhile.
        assert!(claim(store, 4).await.is_empty(), "{arrives}");
        settle(store, claimed.lease, result, 5).await;
        let again = claim_one(store, 5).await;
        settle(store, again.lease, RunResult::Unchanged, 6).await;
    }
}

pub(super) async fn a_job_that_nothing_becomes_known_of_ends_after_24_hours(store: &Store) {
    let id = open(store, 1, 1..2).await[0];
    wait_for_data(store, 2).await;
    assert!(claim(store, 86_401).await.is_empty());
    let claimed = claim_one(store, 86_402).await;
    let result = nothing_known(store, &claimed.enrichment).await;
    let state = settle(store, claimed.lease, result, 86_402).await;
    assert_eq!(state, Some(State::NoData));
    assert!(!job(store, id).await.state.is_open());
}

pub(super) async fn jobs_wait_for_a_connection_until_it_works(store: &Store) {
    open(store, 1, 0..120).await;
    enrich(store, 1, item(lead(1)).from(OURS).of(igrp(8)))
        .await
        .recorded();
    let no = || RunResult::NoConnection("There is no log-in.".to_owned());
    for installation in [seven(), igrp(8)] {
        let claimed = claim_of(store, installation, 1, 2, 200).await;
        let all = claimed
            .iter()
            .map(|one| settlement(one.lease, no()))
            .collect();
        store.settle_enrichments(all, at(3)).await.unwrap();
    }
    assert_eq!(due(store, 1_000_000).await, DueEnrichments::default());
    assert_eq!(
        store
            .release_connection_waits(seven(), at(9))
            .await
            .unwrap(),
        120
    );
    assert_eq!(
        store
            .release_connection_waits(seven(), at(9))
            .await
            .unwrap(),
        0
    );
    assert_eq!(due(store, 9).await.installations, [seven()]);
    assert_eq!(claim(store, 9).await.len(), 120);
}

pub(super) async fn a_request_that_joins_while_it_is_worked_on_is_not_lost(store: &Store) {
    let id = open(store, 1, 1..2).await[0];
    let claimed = claim_one(store, 2).await;
    let begun = store.begin_push(vec![push(claimed.lease, "Google")], at(99), at(3));
    assert_eq!(begun.await.unwrap(), [true]);
    let mut newer = lead(1);
    newer.visitor_id = Some(visitor(2));
    let joined = enrich(store, 4, item(newer).from(OURS)).await;
    assert_eq!(joined.recorded(), id);
    assert!(claim(store, 5).await.is_empty());
    let result = RunResult::Succeeded(fields("Google"));
    assert_eq!(
        settle(store, claimed.lease, result, 6).await,
        Some(State::Pending)
    );
    let again = claim_one(store, 6).await;
    assert_eq!(again.enrichment.visitor_id, Some(visitor(2)));
    assert_eq!(again.enrichment.progress.written_fields, fields("Google"));
    let state = settle(store, again.lease, RunResult::Unchanged, 7).await;
    assert_eq!(state, Some(State::Succeeded));
    // Only what comes later opens another job.
    assert_ne!(open(store, 8, 1..2).await[0], id);
}

pub(super) async fn a_lead_that_is_enriched_over_and_over_is_parked(store: &Store) {
    for n in 0..5 {
        open(store, n * 10, 1..2).await;
        let claimed = claim_one(store, n * 10 + 1).await;
        settle(store, claimed.lease, RunResult::Unchanged, n * 10 + 2).await;
    }
    let id = open(store, 60, 1..3).await[0];
    // Another Lead goes on.
    let other = claim_one(store, 61).await;
    assert_ne!(other.enrichment.lead_enrichment_id, id);
    settle(store, other.lease, RunResult::Unchanged, 61).await;
    let parked = job(store, id).await;
    assert_eq!(parked.state, State::Parked);
    assert!(parked.warnings[0].contains("loop"), "{:?}", parked.warnings);
    // What comes meanwhile joins it and begins nothing.
    assert_eq!(open(store, 62, 1..2).await[0], id);
    assert_eq!(due(store, 1_000_000).await, DueEnrichments::default());
    let retried = store.retry_enrichment(id, at(70)).await.unwrap().unwrap();
    assert_eq!(retried.unwrap().state, State::Pending);
    claim_one(store, 70).await;
}

pub(super) async fn an_operator_retries_what_has_ended_unless_another_is_open(store: &Store) {
    let id = open(store, 1, 1..2).await[0];
    let claimed = claim_one(store, 2).await;
    settle(store, claimed.lease, RunResult::Unchanged, 3).await;
    let newer = open(store, 4, 1..2).await[0];
    let refused = store.retry_enrichment(id, at(5)).await.unwrap().unwrap();
    assert_eq!(refused.unwrap_err(), newer);
    let cancelled = store
        .cancel_enrichment(newer, at(6))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(cancelled.unwrap().state, State::Cancelled);
    let retried = store.retry_enrichment(id, at(7)).await.unwrap().unwrap();
    assert_eq!(retried.unwrap().state, State::Pending);
    assert_eq!(claim_one(store, 7).await.enrichment.lead_enrichment_id, id);
    assert!(
        store
            .retry_enrichment(Uuid::nil(), at(8))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .cancel_enrichment(Uuid::nil(), at(8))
            .await
            .unwrap()
            .is_none()
    );
}

pub(super) async fn a_cancelled_job_is_worked_on_no_more(store: &Store) {
    let ids = open(store, 1, 1..3).await;
    let claimed = claim(store, 2).await;
    for id in &ids {
        store
            .cancel_enrichment(*id, at(3))
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
    assert_eq!(due(store, 1_000_000).await, DueEnrichments::default());
    let begun = store.begin_push(vec![push(claimed[0].lease, "Google")], at(99), at(4));
    assert_eq!(begun.await.unwrap(), [false]);
    // What was on its way is kept and shown.
    let result = RunResult::Succeeded(fields("Google"));
    let state = settle(store, claimed[0].lease, result, 5).await;
    assert_eq!(state, Some(State::Cancelled));
    let kept = job(store, claimed[0].enrichment.lead_enrichment_id).await;
    assert_eq!(kept.progress.written_fields, fields("Google"));
    let again = store
        .cancel_enrichment(ids[0], at(6))
        .await
        .unwrap()
        .unwrap();
    again.unwrap();
    // A newer request is another job.
    assert!(!ids.contains(&open(store, 9, 1..2).await[0]));
}

pub(super) async fn jobs_are_counted_by_state(store: &Store) {
    let counts = async || {
        let counts = store.enrichment_counts().await.unwrap();
        assert_eq!(counts.len(), State::ALL.len());
        let kept = counts.into_iter().filter(|(_, count)| *count > 0);
        kept.collect::<Vec<_>>()
    };
    assert_eq!(counts().await, []);
    let ids = open(store, 1, 0..5).await;
    assert_eq!(counts().await, [(State::Pending, 5)]);
    let claimed = claim(store, 2).await;
    settle(store, claimed[0].lease, RunResult::Unchanged, 3).await;
    let begun = store.begin_push(vec![push(claimed[1].lease, "x")], at(99), at(3));
    begun.await.unwrap();
    store.cancel_enrichment(ids[4], at(3)).await.unwrap();
    let expected = [
        (State::Pending, 2),
        (State::Pushing, 1),
        (State::Unchanged, 1),
        (State::Cancelled, 1),
    ];
    assert_eq!(counts().await, expected);
    store.delete_installation(seven(), true).await.unwrap();
    assert_eq!(counts().await, []);
}

pub(super) async fn nothing_is_known_of_the_leads_of_a_deleted_installation(store: &Store) {
    open(store, 1, 1..2).await;
    let claimed = claim_one(store, 2).await;
    let result = RunResult::Succeeded(fields("Google"));
    settle(store, claimed.lease, result, 3).await;
    open(store, 4, 1..2).await;
    let lost = claim_one(store, 5).await;
    assert!(lost.written.is_ours("Source__c", "Google"));
    store.delete_installation(seven(), true).await.unwrap();
    assert_eq!(
        settle(store, lost.lease, RunResult::Unchanged, 6).await,
        None
    );
    open(store, 7, 1..2).await;
    assert!(
        !claim_one(store, 8)
            .await
            .written
            .is_ours("Source__c", "Google")
    );
}

pub(super) async fn jobs_are_listed_by_each_state(store: &Store) {
    open(store, 1, 0..2).await;
    let claimed = claim(store, 2).await;
    settle(store, claimed[0].lease, RunResult::Unchanged, 3).await;
    for (state, count) in [
        (State::Pending, 1),
        (State::Unchanged, 1),
        (State::Parked, 0),
    ] {
        let filter = crate::store::LeadEnrichmentFilter {
            state: Some(state),
            ..super::given::all_enrichments(seven())
        };
        let page = store
            .lead_enrichments(filter, PageRequest::ALL)
            .await
            .unwrap();
        assert_eq!(page.rows.len(), count, "{state:?}");
    }
}
