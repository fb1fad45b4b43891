//! Idempotency keys.

use std::collections::BTreeMap;

use super::given::{
    OURS, at, bad, batch, enrich, enrichments, event, events, igrp, item, lead, quarantine, rate,
    rating, ratings, record, seven,
};
use crate::domain::{GivenTime, RejectionReason};
use crate::store::Store;

pub(super) async fn a_key_leaves_one_record_however_requests_race(store: &Store) {
    let writes: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                (
                    record(&store, n, item(event("Deal")).keyed("k")).await,
                    rate(&store, n, item(rating("C", "Good", 1)).keyed("k")).await,
                    enrich(&store, n, item(lead(1)).from(OURS).keyed("k")).await,
                )
            })
        })
        .collect();
    let mut recorded = [0; 3];
    for write in writes {
        let (event, rating, lead) = write.await.unwrap();
        for (count, result) in recorded.iter_mut().zip([event, rating, lead]) {
            match result {
                crate::recording::ItemResult::Recorded(_) => *count += 1,
                other => drop(other.duplicate()),
            }
        }
    }
    assert_eq!(recorded, [1, 1, 1]);
    assert_eq!(events(store, seven()).await.len(), 1);
    assert_eq!(ratings(store, seven()).await.len(), 1);
    let jobs = enrichments(store, seven()).await;
    assert_eq!((jobs.len(), jobs[0].request_count), (1, 1));
}

pub(super) async fn a_key_that_is_twice_in_a_batch_leaves_one_record(store: &Store) {
    let items = (0..3).map(|_| item(event("Deal")).keyed("k"));
    let results = store.record_events(batch(1, items)).await.unwrap();
    assert_eq!(results[0].recorded(), results[1].duplicate());
    assert_eq!(results[0].recorded(), results[2].duplicate());
}

pub(super) async fn the_same_content_again_changes_nothing(store: &Store) {
    let id = record(store, 1, item(event("Deal")).keyed("k"))
        .await
        .recorded();
    let again = record(store, 9, item(event("Deal")).keyed("k")).await;
    assert_eq!(again.duplicate(), id);
    let kept = store.event(id).await.unwrap().unwrap();
    assert!(kept.warnings.is_empty(), "{:?}", kept.warnings);
    assert_eq!((kept.receive_time, kept.event_time), (at(1), at(1)));

    rate(store, 1, item(rating("C", "Good", 1)).keyed("k"))
        .await
        .recorded();
    rate(store, 9, item(rating("C", "Good", 1)).keyed("k"))
        .await
        .duplicate();
    assert_eq!(ratings(store, seven()).await[0].receive_time, at(1));

    // The first request comes again after a second one has joined the job.
    let first = || {
        let mut first = lead(1);
        first.known_values = BTreeMap::from([("Infinity_Source__c".to_owned(), "old".to_owned())]);
        item(first).from(OURS).keyed("1")
    };
    let mut second = lead(1);
    second.known_values = BTreeMap::from([("Infinity_Source__c".to_owned(), "new".to_owned())]);
    enrich(store, 1, first()).await.recorded();
    enrich(store, 2, item(second).from(OURS).keyed("2"))
        .await
        .recorded();
    enrich(store, 3, first()).await.duplicate();
    let job = enrichments(store, seven()).await.remove(0);
    assert_eq!(job.known_values["Infinity_Source__c"], "new");
    assert_eq!((job.request_count, job.update_time), (2, at(2)));
}

pub(super) async fn an_event_stays_as_first_recorded_and_warns(store: &Store) {
    let id = record(store, 1, item(event("first")).keyed("k"))
        .await
        .recorded();
    for second in 2..5 {
        let again = record(store, second, item(event("other")).keyed("k")).await;
        assert_eq!(again.duplicate(), id);
    }
    let kept = store.event(id).await.unwrap().unwrap();
    assert_eq!(kept.title, "first");
    assert_eq!(kept.warnings.len(), 1, "{:?}", kept.warnings);
    assert!(kept.warnings[0].contains("other content"));
}

pub(super) async fn a_rating_takes_the_newer_content_in_place(store: &Store) {
    let id = rate(store, 1, item(rating("C", "Good", 1)).keyed("k"))
        .await
        .recorded();
    let again = rate(store, 2, item(rating("D", "Bad", 5)).keyed("k")).await;
    assert_eq!(again.duplicate(), id);
    let kept = ratings(store, seven()).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].call_ref.as_str(), kept[0].rating.as_str()),
        ("D", "Bad")
    );
    assert_eq!((kept[0].receive_time, kept[0].rating_time), (at(1), at(5)));
    assert!(kept[0].is_current);
    assert!(
        store
            .current_rating(seven(), "C".to_owned())
            .await
            .unwrap()
            .is_none()
    );

    // Without a time of its own, the first receipt is its time.
    let mut without_time = rating("D", "Worse", 0);
    without_time.time = GivenTime::RECEIVED;
    rate(store, 9, item(without_time).keyed("k"))
        .await
        .duplicate();
    assert_eq!(ratings(store, seven()).await[0].rating_time, at(1));
}

pub(super) async fn an_open_enrichment_takes_the_newer_content(store: &Store) {
    let id = enrich(store, 5, item(lead(1)).from(OURS).keyed("k"))
        .await
        .recorded();
    let mut newer = lead(1);
    newer.known_values = BTreeMap::from([("Infinity_Source__c".to_owned(), "new".to_owned())]);
    let again = enrich(store, 9, item(newer).from(OURS).keyed("k")).await;
    assert_eq!(again.duplicate(), id);
    let job = store.lead_enrichment(id).await.unwrap().unwrap();
    assert_eq!(job.known_values["Infinity_Source__c"], "new");
    assert_eq!((job.request_count, job.as_of_time), (1, at(5)));
}

pub(super) async fn a_repeat_that_is_not_accepted_leaves_a_warning(store: &Store) {
    let id = record(store, 1, item(event("Deal")).keyed("k"))
        .await
        .recorded();
    let again = record(store, 2, bad(RejectionReason::InvalidDecimal).keyed("k")).await;
    assert_eq!(again.duplicate(), id);
    let kept = store.event(id).await.unwrap().unwrap();
    assert!(
        kept.warnings[0].contains("INVALID_DECIMAL"),
        "{:?}",
        kept.warnings
    );
    assert_eq!(kept.title, "Deal");
    assert!(quarantine(store).await.is_empty());
}

pub(super) async fn warnings_do_not_grow_without_end(store: &Store) {
    let id = record(store, 1, item(event("Deal")).keyed("k"))
        .await
        .recorded();
    let items = (0..300).map(|n| {
        let mut bad = bad(RejectionReason::InvalidDecimal).keyed("k");
        bad.content.as_mut().unwrap_err().description = n.to_string();
        bad
    });
    store.record_events(batch(2, items)).await.unwrap();
    let kept = store.event(id).await.unwrap().unwrap();
    assert_eq!(kept.warnings.len(), 100);
}

pub(super) async fn a_callers_key_counts_in_its_installation(store: &Store) {
    let seven = record(store, 1, item(event("")).keyed("k"))
        .await
        .recorded();
    let eight = item(event("")).of(igrp(8)).keyed("k");
    let eight = record(store, 1, eight).await.recorded();
    assert_ne!(seven, eight);
}

pub(super) async fn a_notifications_key_counts_whatever_the_installation(store: &Store) {
    let id = record(store, 1, item(event("")).notified("k"))
        .await
        .recorded();
    let moved = item(event("")).of(igrp(8)).notified("k");
    assert_eq!(record(store, 2, moved).await.duplicate(), id);
    // An event stays where it was, so nothing was created for it.
    assert!(store.installation(igrp(8)).await.unwrap().is_none());
    assert_eq!(store.event(id).await.unwrap().unwrap().igrp, seven());
}

pub(super) async fn keys_of_one_kind_do_not_count_for_another(store: &Store) {
    record(store, 1, item(event("")).notified("k"))
        .await
        .recorded();
    rate(store, 1, item(rating("C", "Good", 1)).notified("k"))
        .await
        .recorded();
    enrich(store, 1, item(lead(1)).from(OURS).notified("k"))
        .await
        .recorded();
}

pub(super) async fn a_record_that_moves_takes_its_new_installation_along(store: &Store) {
    let id = rate(store, 1, item(rating("C", "Good", 1)).notified("k"))
        .await
        .recorded();
    let moved = item(rating("C", "Good", 1)).of(igrp(8)).notified("k");
    assert_eq!(rate(store, 2, moved).await.duplicate(), id);
    assert!(ratings(store, seven()).await.is_empty());
    assert_eq!(ratings(store, igrp(8)).await.len(), 1);
    assert!(store.installation(igrp(8)).await.unwrap().is_some());
}

pub(super) async fn a_key_does_not_open_what_the_caller_does_not_cover(store: &Store) {
    rate(store, 1, item(rating("C", "Good", 1)).notified("k"))
        .await
        .recorded();
    let moved = item(rating("C", "Bad", 2)).of(igrp(8)).notified("k");
    let stranger = batch(2, [moved]).covering([igrp(8)]);
    let results = store.rate_calls(stranger).await.unwrap();
    assert_eq!(
        results[0].rejected().0,
        RejectionReason::UnknownInstallation
    );
    assert_eq!(ratings(store, seven()).await[0].rating, "Good");
    assert!(ratings(store, igrp(8)).await.is_empty());
}
