//! Batches, and the life of a store.

use super::given::{at, bad, batch, event, events, item, record, seven};
use crate::domain::RejectionReason;
use crate::store::{Store, StoreError, StoreState};

pub(super) async fn what_is_recorded_is_there_after_the_store_is_opened_again(store: &Store) {
    // Readers have connections of their own, so they see only what is committed.
    let id = record(store, 1, item(event("Deal"))).await.recorded();
    let kept = store.event(id).await.unwrap().unwrap();
    assert_eq!((kept.title.as_str(), kept.receive_time), ("Deal", at(1)));
}

pub(super) async fn one_bad_item_never_fails_its_batch(store: &Store) {
    let items = [
        item(event("first")).keyed("1"),
        bad(RejectionReason::InvalidDecimal),
        item(event("first again")).keyed("1"),
        item(event("last")),
    ];
    let results = store.record_events(batch(1, items)).await.unwrap();
    assert_eq!(results.len(), 4);
    assert_eq!(results[0].recorded(), results[2].duplicate());
    let rejected = results[1].rejected();
    assert_eq!(rejected, (RejectionReason::InvalidDecimal, None));
    results[3].recorded();
    assert_eq!(events(store, seven()).await.len(), 2);
}

pub(super) async fn what_is_queued_is_finished_before_the_store_closes(store: &Store) {
    let writes: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let items = [item(event(&n.to_string()))];
                store.record_events(batch(1, items)).await
            })
        })
        .collect();
    store.close().await;
    for write in writes {
        // Each was finished, or never began; none is left without an answer.
        match write.await.unwrap() {
            Ok(results) => drop(results[0].recorded()),
            Err(error) => assert!(matches!(error, StoreError::Closed), "{error}"),
        }
    }
    assert_eq!(*store.state().borrow(), StoreState::Closed);
}

pub(super) async fn a_closed_store_takes_nothing(store: &Store) {
    store.close().await;
    let written = store.record_events(batch(1, [item(event(""))])).await;
    assert!(matches!(written, Err(StoreError::Closed)), "{written:?}");
    let read = store.installation(seven()).await;
    assert!(matches!(read, Err(StoreError::Closed)));
    let probed = store.probe(at(1)).await;
    assert!(matches!(probed, Err(StoreError::Closed)));
    // Closing twice is no error.
    store.close().await;
}
