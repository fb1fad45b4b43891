//! What events are tied to.

use super::given::{batch, call, call_ref, event, igrp, item, record, visit, visitor};
use crate::domain::{Event, NewEvent};
use crate::store::Store;

async fn put_call(store: &Store, reference: &str, visitor_id: Option<u8>) {
    let call = item(call(reference, visitor_id.map(visitor), 1));
    store.record_calls(batch(1, [call])).await.unwrap();
}

async fn put_visit(store: &Store, visitor_id: u8) {
    let visit = item(visit(visitor(visitor_id), 1));
    store.record_visits(batch(1, [visit])).await.unwrap();
}

fn naming(call: Option<&str>, visitor_id: Option<u8>) -> NewEvent {
    NewEvent {
        call_ref: call.map(call_ref),
        visitor_id: visitor_id.map(visitor),
        ..event("")
    }
}

async fn put(store: &Store, event: NewEvent) -> uuid::Uuid {
    record(store, 1, item(event)).await.recorded()
}

async fn get(store: &Store, id: uuid::Uuid) -> Event {
    store.event(id).await.unwrap().unwrap()
}

pub(super) async fn an_event_is_tied_by_its_call_whatever_arrives_first(store: &Store) {
    let before = put(store, naming(Some("C"), None)).await;
    let waiting = get(store, before).await.tie;
    assert!(!waiting.is_matched && waiting.call_ref.is_none());
    put_call(store, "C", Some(1)).await;
    let after = put(store, naming(Some("C"), None)).await;
    for id in [before, after] {
        let tie = get(store, id).await.tie;
        assert!(tie.is_matched);
        assert_eq!(tie.visitor_id, Some(visitor(1)));
        assert_eq!(tie.call_ref.as_deref(), Some("C"));
    }
}

pub(super) async fn an_event_is_tied_by_its_visitor_whatever_arrives_first(store: &Store) {
    let before = put(store, naming(None, Some(1))).await;
    let by_call = put(store, naming(None, Some(2))).await;
    assert!(!get(store, before).await.tie.is_matched);
    put_visit(store, 1).await;
    put_call(store, "C", Some(2)).await;
    let after = put(store, naming(None, Some(1))).await;
    for (id, n) in [(before, 1), (after, 1), (by_call, 2)] {
        let tie = get(store, id).await.tie;
        assert!(tie.is_matched, "{n}");
        assert_eq!((tie.visitor_id, tie.call_ref), (Some(visitor(n)), None));
    }
}

pub(super) async fn a_call_of_another_visitor_decides_and_leaves_a_warning(store: &Store) {
    put_visit(store, 2).await;
    let id = put(store, naming(Some("C"), Some(2))).await;
    // The call decides, also while it is not known.
    assert!(!get(store, id).await.tie.is_matched);
    put_call(store, "C", Some(1)).await;
    let event = get(store, id).await;
    assert_eq!(event.tie.visitor_id, Some(visitor(1)));
    assert_eq!(event.warnings.len(), 1, "{:?}", event.warnings);
    // It is a warning about what is known now, not about what once was.
    put_call(store, "C", Some(2)).await;
    assert!(get(store, id).await.warnings.is_empty());
}

pub(super) async fn an_event_is_tied_within_its_installation_only(store: &Store) {
    put_call(store, "C", Some(1)).await;
    put_visit(store, 1).await;
    for event in [naming(Some("C"), None), naming(None, Some(1))] {
        let id = record(store, 1, item(event).of(igrp(8))).await.recorded();
        assert!(!get(store, id).await.tie.is_matched);
    }
}
