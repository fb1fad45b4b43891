//! The quarantine.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::given::{
    at, bad, batch, event, events, igrp, item, notification, quarantine, rate, rating, ratings,
    record, seven,
};
use crate::domain::{
    NewEvent, QuarantineState, QuarantinedNotification, RawFields, RejectionReason,
};
use crate::recording::Item;
use crate::store::Store;

const BAD: RejectionReason = RejectionReason::InvalidVisitorId;

fn bad_event() -> Item<NewEvent> {
    bad(BAD)
}

/// Puts a notification into the quarantine, first received at 1.
async fn held(store: &Store, key: &str) -> Uuid {
    record(store, 1, bad_event().notified(key))
        .await
        .quarantined()
}

async fn get(store: &Store, id: Uuid) -> QuarantinedNotification {
    store.quarantined(id).await.unwrap().unwrap()
}

pub(super) async fn a_rejected_notification_is_kept_and_an_item_without_one_is_not(store: &Store) {
    let alone = record(store, 1, bad_event().keyed("alone")).await;
    assert_eq!(alone.rejected(), (BAD, None));
    let mut without_installation = bad_event().notified("k");
    without_installation.igrp = None;
    let id = record(store, 1, without_installation).await.quarantined();
    let kept = get(store, id).await;
    assert_eq!((kept.igrp, kept.reason), (None, BAD));
    assert_eq!(RawFields::from(kept.fields), notification().fields);
    assert_eq!(kept.origin, notification().origin);
    assert_eq!(
        (kept.state, kept.delivery_count),
        (QuarantineState::Open, 1)
    );
    assert_eq!(quarantine(store).await.len(), 1);
    assert!(events(store, seven()).await.is_empty());
}

pub(super) async fn a_redelivered_bad_notification_keeps_its_one_record(store: &Store) {
    let id = held(store, "k").await;
    let mut again = bad(RejectionReason::InvalidDecimal).notified("k");
    again.notification.as_mut().unwrap().fields =
        BTreeMap::from([("Name".to_owned(), "newer".to_owned())]).into();
    assert_eq!(record(store, 5, again).await.quarantined(), id);
    let kept = get(store, id).await;
    assert_eq!((kept.receive_time, kept.last_receive_time), (at(1), at(5)));
    assert_eq!(kept.delivery_count, 2);
    // It holds what was sent last, and why that is no good.
    assert_eq!(kept.reason, RejectionReason::InvalidDecimal);
    assert_eq!(kept.fields["Name"], "newer");
    assert_eq!(quarantine(store).await.len(), 1);
}

pub(super) async fn a_good_redelivery_resolves_it_and_keeps_the_first_receive_time(store: &Store) {
    let id = held(store, "k").await;
    let event_id = record(store, 5, item(event("")).notified("k"))
        .await
        .recorded();
    let kept = get(store, id).await;
    assert_eq!(kept.state, QuarantineState::Recorded);
    assert_eq!(kept.resolved_record_id, Some(event_id));
    assert_eq!(kept.resolve_time, Some(at(5)));
    let event = store.event(event_id).await.unwrap().unwrap();
    assert_eq!((event.receive_time, event.event_time), (at(1), at(1)));
    // Bad once more, it is still that event.
    let again = record(store, 6, bad_event().notified("k")).await;
    assert_eq!(again.duplicate(), event_id);
    assert_eq!(get(store, id).await.delivery_count, 1);
}

pub(super) async fn a_replay_resolves_what_it_replays(store: &Store) {
    let id = held(store, "k").await;
    let replay = || item(event("mended")).replaying("k with other parameters", id);
    let event_id = record(store, 5, replay()).await.recorded();
    let kept = get(store, id).await;
    assert_eq!(kept.state, QuarantineState::Replayed);
    assert_eq!(kept.resolved_record_id, Some(event_id));
    let event = store.event(event_id).await.unwrap().unwrap();
    assert_eq!(event.receive_time, at(1));
    // The answer may be lost, and the replay made again.
    assert_eq!(record(store, 6, replay()).await.duplicate(), event_id);
    assert_eq!(get(store, id).await.resolve_time, Some(at(5)));
}

pub(super) async fn a_replayed_notification_that_comes_again_is_a_duplicate(store: &Store) {
    let id = held(store, "k").await;
    let replay = item(rating("C", "Good", 1)).replaying("other parameters", id);
    // A replay may make another kind of record; that is not the event's.
    rate(store, 2, replay).await.recorded();
    let event_id = record(store, 3, item(event("")).notified("k"))
        .await
        .recorded();
    assert_eq!(events(store, seven()).await.len(), 1);
    assert_eq!(ratings(store, seven()).await.len(), 1);

    let id = held(store, "l").await;
    let replay = item(event("mended")).replaying("l mended", id);
    let mended = record(store, 4, replay).await.recorded();
    assert_ne!(mended, event_id);
    for content in [item(event("as it was sent")), bad_event()] {
        let again = record(store, 5, content.notified("l")).await;
        assert_eq!(again.duplicate(), mended);
    }
    // Replayed twice with different parameters, it is still one event.
    let twice = item(event("mended again")).replaying("l mended again", id);
    assert_eq!(record(store, 6, twice).await.duplicate(), mended);
    assert_eq!(events(store, seven()).await.len(), 2);
    let event = store.event(mended).await.unwrap().unwrap();
    assert_eq!(event.title, "mended");
}

pub(super) async fn a_replay_that_fails_leaves_everything_as_it_is(store: &Store) {
    let id = held(store, "k").await;
    let replay = bad(RejectionReason::InvalidDecimal).replaying("other parameters", id);
    assert_eq!(record(store, 5, replay).await.quarantined(), id);
    let kept = get(store, id).await;
    assert_eq!((kept.state, kept.reason), (QuarantineState::Open, BAD));
    assert_eq!((kept.delivery_count, kept.last_receive_time), (1, at(1)));
    assert_eq!(quarantine(store).await.len(), 1);
}

pub(super) async fn a_replay_of_what_is_not_there_loses_nothing(store: &Store) {
    let nowhere = Uuid::from_bytes([9; 16]);
    let rejected = record(store, 1, bad_event().replaying("k", nowhere)).await;
    assert_eq!(
        get(store, rejected.quarantined()).await.state,
        QuarantineState::Open
    );
    record(store, 1, item(event("")).replaying("l", nowhere))
        .await
        .recorded();
}

pub(super) async fn a_replay_does_not_reach_what_the_caller_does_not_cover(store: &Store) {
    let id = held(store, "k").await;
    let mut nobodys = bad_event().notified("l");
    nobodys.igrp = None;
    let nobodys = record(store, 1, nobodys).await.quarantined();
    for (n, id) in [id, nobodys].into_iter().enumerate() {
        let replay = item(event("")).of(igrp(8)).replaying(&n.to_string(), id);
        let stranger = batch(5, [replay]).covering([igrp(8)]);
        let results = store.record_events(stranger).await.unwrap();
        let event = store.event(results[0].recorded()).await.unwrap().unwrap();
        assert_eq!(event.receive_time, at(5));
        assert_eq!(get(store, id).await.state, QuarantineState::Open);
    }
}

pub(super) async fn a_discarded_notification_stays_discarded(store: &Store) {
    let id = held(store, "k").await;
    let discarded = QuarantineState::Discarded;
    let count = store
        .resolve_quarantined(vec![id, id], discarded, at(2))
        .await;
    assert_eq!(count.unwrap(), Ok(1));
    assert_eq!(
        record(store, 3, bad_event().notified("k"))
            .await
            .quarantined(),
        id
    );
    let kept = get(store, id).await;
    assert_eq!((kept.state, kept.delivery_count), (discarded, 2));
    record(store, 4, item(event("")).notified("k"))
        .await
        .recorded();
    let kept = get(store, id).await;
    assert_eq!((kept.state, kept.resolve_time), (discarded, Some(at(2))));
    let count = store
        .resolve_quarantined(vec![id], QuarantineState::Replayed, at(5))
        .await;
    assert_eq!(count.unwrap(), Ok(0));
}

pub(super) async fn notifications_are_resolved_all_or_none(store: &Store) {
    let id = held(store, "k").await;
    let nowhere = Uuid::from_bytes([9; 16]);
    let state = QuarantineState::Discarded;
    let refused = store
        .resolve_quarantined(vec![id, nowhere], state, at(2))
        .await;
    assert_eq!(refused.unwrap(), Err(nowhere));
    assert_eq!(get(store, id).await.state, QuarantineState::Open);
}

pub(super) async fn a_notification_that_became_no_item_is_kept_once(store: &Store) {
    let notified = || bad(BAD).notified("k");
    let first = store
        .quarantine(batch(1, [notified(), notified()]))
        .await
        .unwrap();
    let id = first[0].recorded();
    assert_eq!(first[1].duplicate(), id);
    let again = store.quarantine(batch(2, [notified()])).await.unwrap();
    assert_eq!(again[0].duplicate(), id);
    // Once it can be mapped, it is the same notification.
    record(store, 3, item(event("")).notified("k"))
        .await
        .recorded();
    assert_eq!(get(store, id).await.state, QuarantineState::Recorded);
}

pub(super) async fn a_stranger_plants_nothing_in_an_installation(store: &Store) {
    held(store, "k").await;
    let stranger = || batch(5, [bad_event().notified("l")]).covering([igrp(8)]);
    let results = store.record_events(stranger()).await.unwrap();
    let id = results[0].quarantined();
    assert_eq!(
        results[0].rejected().0,
        RejectionReason::UnknownInstallation
    );
    assert_eq!(get(store, id).await.igrp, None);
    let again = store.record_events(stranger()).await.unwrap();
    assert_eq!(again[0].quarantined(), id);
    // Nor does the key of another's notification reach it.
    let others = batch(6, [bad_event().notified("k")]).covering([igrp(8)]);
    let results = store.record_events(others).await.unwrap();
    assert_ne!(results[0].quarantined(), id);
    let kept = quarantine(store).await;
    assert_eq!(kept.len(), 3);
    let sevens = kept.iter().find(|kept| kept.igrp == Some(seven())).unwrap();
    assert_eq!(
        (sevens.delivery_count, sevens.last_receive_time),
        (1, at(1))
    );
}
