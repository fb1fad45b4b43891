//! A disk without room, which a limit of pages plays.

use super::{Folder, write};
use crate::domain::RejectionReason;
use crate::store::conformance::given::{
    at, bad, batch, event, events, item, quarantine, record, seven,
};
use crate::store::{Store, StoreError, StoreState};

async fn limit(store: &Store, pages: u32) {
    let set = move |connection: &rusqlite::Connection| {
        Ok(connection.pragma_update(None, "max_page_count", pages)?)
    };
    write(store, set).await.unwrap();
}

fn too_much() -> impl Iterator<Item = crate::recording::Item<crate::domain::NewEvent>> {
    (0..1_000).map(|_| item(event(&"x".repeat(1_000))))
}

#[tokio::test]
async fn a_full_disk_is_refused_leaves_nothing_and_goes_on_by_itself() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    record(&store, 1, item(event("before")).keyed("k"))
        .await
        .recorded();
    // Less than there is means as much as there is.
    limit(&store, 1).await;

    let bad = bad(RejectionReason::InvalidDecimal).notified("bad");
    let refused = store.record_events(batch(2, too_much().chain([bad]))).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(*store.state().borrow(), StoreState::Full);
    assert_eq!(events(&store, seven()).await.len(), 1);
    assert!(quarantine(&store).await.is_empty());

    // What writes nothing can be answered, and says nothing about the room.
    record(&store, 3, item(event("before")).keyed("k"))
        .await
        .duplicate();
    assert_eq!(*store.state().borrow(), StoreState::Full);

    limit(&store, 1_000_000).await;
    store.record_events(batch(4, too_much())).await.unwrap();
    assert_eq!(*store.state().borrow(), StoreState::Ready);
    assert_eq!(events(&store, seven()).await.len(), 1_001);
    store.close().await;
}

#[tokio::test]
async fn a_probe_finds_that_there_is_room_again() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    limit(&store, 1).await;
    store.record_events(batch(2, too_much())).await.unwrap_err();
    limit(&store, 1_000_000).await;
    assert_eq!(*store.state().borrow(), StoreState::Full);
    store.probe(at(3)).await.unwrap();
    assert_eq!(*store.state().borrow(), StoreState::Ready);
    store.close().await;
}
