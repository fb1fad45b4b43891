//! What would become of items, with nothing kept.

use super::given::{
    bad, batch, call, call_ref, enrich, enrichments, event, events, igrp, item, lead, notification,
    quarantine, rate, rating, ratings, record, seven,
};
use crate::domain::{NewEvent, RejectionReason};
use crate::recording::{Batch, Item, Prospect, Verdict};
use crate::store::Store;

async fn try_out(store: &Store, batch: Batch<NewEvent>) -> Vec<Verdict> {
    store.try_events(batch).await.unwrap()
}

async fn try_one(store: &Store, item: Item<NewEvent>) -> Verdict {
    try_out(store, batch(1, [item])).await.remove(0)
}

#[track_caller]
fn recordable(verdict: Verdict) -> Prospect {
    match verdict {
        Verdict::Recordable(prospect) => prospect,
        other => panic!("not recordable: {other:?}"),
    }
}

/// That a store holds nothing at all.
async fn assert_empty(store: &Store) {
    assert!(events(store, seven()).await.is_empty());
    assert!(ratings(store, seven()).await.is_empty());
    assert!(enrichments(store, seven()).await.is_empty());
    assert!(quarantine(store).await.is_empty());
    assert!(store.installation(seven()).await.unwrap().is_none());
}

pub(super) async fn a_trial_leaves_nothing_of_any_kind(store: &Store) {
    let tried = [
        item(event("A")).notified("a"),
        bad(RejectionReason::InvalidAction).notified("b"),
    ];
    let verdicts = try_out(store, batch(1, tried)).await;
    recordable(verdicts[0].clone());
    assert!(matches!(&verdicts[1], Verdict::Rejected(why)
        if why.reason == RejectionReason::InvalidAction));
    let rating = batch(1, [item(rating("C", "Great", 1)).keyed("r")]);
    recordable(store.try_ratings(rating).await.unwrap().remove(0));
    let lead = batch(1, [item(lead(1)).keyed("l")]);
    recordable(store.try_leads(lead).await.unwrap().remove(0));
    assert_empty(store).await;
    // Nor has it used up a key.
    record(store, 1, item(event("A")).notified("a"))
        .await
        .recorded();
}

pub(super) async fn a_trial_knows_what_was_recorded_before(store: &Store) {
    let first = record(store, 1, item(event("A")).keyed("a"))
        .await
        .recorded();
    let again = try_one(store, item(event("B")).keyed("a")).await;
    assert_eq!(again, Verdict::Duplicate(Some(first)));
    // It would get a warning if it were delivered; it was not.
    assert!(events(store, seven()).await[0].warnings.is_empty());

    let first = rate(store, 1, item(rating("C", "Great", 1)).keyed("r"))
        .await
        .recorded();
    let other = batch(2, [item(rating("C", "Bad", 1)).keyed("r")]);
    let again = store.try_ratings(other).await.unwrap();
    assert_eq!(again, [Verdict::Duplicate(Some(first))]);
    assert_eq!(ratings(store, seven()).await[0].rating, "Great");

    enrich(store, 1, item(lead(1)).keyed("l")).await.recorded();
    let joining = store
        .try_leads(batch(2, [item(lead(1)).keyed("m")]))
        .await
        .unwrap();
    recordable(joining.into_iter().next().unwrap());
    assert_eq!(enrichments(store, seven()).await[0].request_count, 1);
}

pub(super) async fn a_trial_knows_the_items_before_it_in_its_batch(store: &Store) {
    let twice = [item(event("A")).keyed("a"), item(event("A")).keyed("a")];
    let verdicts = try_out(store, batch(1, twice)).await;
    assert!(matches!(verdicts[0], Verdict::Recordable(_)));
    assert_eq!(verdicts[1], Verdict::Duplicate(None));
}

pub(super) async fn a_trial_says_what_an_event_would_be_tied_to(store: &Store) {
    let naming = || NewEvent {
        call_ref: Some(call_ref("C")),
        ..event("")
    };
    let waiting = recordable(try_one(store, item(naming())).await);
    assert!(!waiting.tie.unwrap().is_matched);
    store
        .record_calls(batch(1, [item(call("C", None, 1))]))
        .await
        .unwrap();
    let tied = recordable(try_one(store, item(naming())).await);
    assert_eq!(tied.tie.unwrap().call_ref.as_deref(), Some("C"));
}

pub(super) async fn a_trial_is_judged_by_the_callers_own_installations(store: &Store) {
    record(store, 1, item(event("A"))).await.recorded();
    let elsewhere = batch(1, [item(event("A"))]).covering([igrp(8)]);
    let verdicts = try_out(store, elsewhere).await;
    assert!(matches!(&verdicts[0], Verdict::Rejected(why)
        if why.reason == RejectionReason::UnknownInstallation));
    let unknown = batch(1, [item(event("A")).of(igrp(9))]).strict();
    assert!(matches!(
        &try_out(store, unknown).await[0],
        Verdict::Rejected(_)
    ));
}

pub(super) async fn a_trial_of_a_replay_resolves_nothing(store: &Store) {
    let held = record(store, 1, bad(RejectionReason::InvalidAction).notified("a")).await;
    let replay = item(event("A")).replaying("b", held.quarantined());
    recordable(try_one(store, replay).await);
    let kept = quarantine(store).await;
    assert_eq!(kept[0].resolve_time, None);
    assert_eq!(kept[0].delivery_count, 1);
    assert_eq!(kept[0].origin, notification().origin);
}

/// Trials share the transactions of what is recorded, and must not undo it.
pub(super) async fn trials_and_recordings_at_once_keep_exactly_what_was_recorded(store: &Store) {
    let requests: Vec<_> = (0..60)
        .map(|n: i64| {
            let store = store.clone();
            tokio::spawn(async move {
                let item = item(event("A")).keyed(&format!("k{n}"));
                if n % 2 == 0 {
                    record(&store, 1, item).await.recorded();
                } else {
                    recordable(try_one(&store, item).await);
                }
            })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    assert_eq!(events(store, seven()).await.len(), 30);
}
