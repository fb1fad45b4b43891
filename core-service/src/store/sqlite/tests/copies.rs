use std::fs;

use super::Folder;
use crate::domain::Coverage;
use crate::store::conformance::given::{event, events, item, record, seven};
use crate::store::{
    StoreError, StreamFilter, StreamLimits, StreamPage, StreamPlace, StreamStart, backup, restore,
};

#[tokio::test]
async fn a_backup_restores_what_was_there() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let id = record(&store, 1, item(event("Deal")).keyed("k"))
        .await
        .recorded();
    let copy = folder.path().with_file_name("copy.db");
    assert!(backup(&folder.path(), &copy).unwrap() > 0);
    record(&store, 2, item(event("after the backup")))
        .await
        .recorded();
    store.close().await;

    restore(&copy, &folder.path(), true).unwrap();
    let store = folder.open().await.unwrap();
    assert_eq!(events(&store, seven()).await.len(), 1);
    // It also knows what it has seen before.
    assert_eq!(
        record(&store, 3, item(event("Deal")).keyed("k"))
            .await
            .duplicate(),
        id
    );
    store.close().await;
}

/// Reads on in the stream of events.
async fn streamed(store: &crate::store::Store, start: StreamStart) -> Option<StreamPage> {
    let filter = StreamFilter {
        coverage: Coverage::All,
        igrp: None,
        action: None,
    };
    let limits = StreamLimits {
        events: 9,
        bytes: usize::MAX,
        looked_at: 9,
    };
    store.stream_events(start, filter, limits).await.unwrap()
}

#[tokio::test]
async fn places_from_before_a_backup_go_on_after_it_and_those_of_lost_events_do_not() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    record(&store, 1, item(event("kept"))).await.recorded();
    let before = streamed(&store, StreamStart::Beginning).await.unwrap().next;
    let copy = folder.path().with_file_name("copy.db");
    backup(&folder.path(), &copy).unwrap();
    record(&store, 2, item(event("lost"))).await.recorded();
    let lost = streamed(&store, StreamStart::Now).await.unwrap().next;
    store.close().await;

    let mut of_earlier_lives = vec![lost];
    for _ in 0..2 {
        restore(&copy, &folder.path(), true).unwrap();
        let store = folder.open().await.unwrap();
        let instead = record(&store, 3, item(event("instead"))).await.recorded();
        for place in &of_earlier_lives {
            let page = streamed(&store, StreamStart::After(*place)).await;
            assert!(page.is_none(), "{place:?}");
        }
        let after = StreamStart::After(before);
        let page: StreamPage = streamed(&store, after).await.unwrap();
        let ids: Vec<_> = page
            .events
            .iter()
            .map(|(_, event)| event.event_id)
            .collect();
        assert_eq!(ids, [instead]);
        let end: StreamPlace = page.next;
        of_earlier_lives.push(end);
        store.close().await;
    }
}

#[tokio::test]
async fn a_backup_takes_the_place_of_a_database_that_was_killed() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    record(&store, 1, item(event("Deal"))).await.recorded();
    let copy = folder.path().with_file_name("copy.db");
    backup(&folder.path(), &copy).unwrap();
    record(&store, 2, item(event("after the backup")))
        .await
        .recorded();

    // What a kill leaves: the database, and a log that was not folded into it.
    let killed = Folder::new();
    for suffix in ["", "-wal"] {
        let beside = |folder: &Folder| super::super::file::beside(&folder.path(), suffix);
        fs::copy(beside(&folder), beside(&killed)).unwrap();
    }
    restore(&copy, &killed.path(), true).unwrap();
    store.close().await;

    let store = killed.open().await.unwrap();
    assert_eq!(events(&store, seven()).await.len(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_others_write_holds_whole_batches() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let (copy, database) = (folder.path().with_file_name("copy.db"), folder.path());
    let (to, of) = (copy.clone(), database.clone());
    let copied = tokio::task::spawn_blocking(move || backup(&of, &to));
    let mut written = 0;
    while !copied.is_finished() || written < 20 {
        let items = (0..10).map(|_| item(event("")));
        let batch = crate::store::conformance::given::batch(1, items);
        store.record_events(batch).await.unwrap();
        written += 1;
    }
    copied.await.unwrap().unwrap();
    store.close().await;
    restore(&copy, &database, true).unwrap();
    let store = folder.open().await.unwrap();
    assert_eq!(events(&store, seven()).await.len() % 10, 0);
    store.close().await;
}

#[tokio::test]
async fn a_copy_never_takes_the_place_of_another_file_unasked() {
    let folder = Folder::new();
    folder.open().await.unwrap().close().await;
    let copy = folder.path().with_file_name("copy.db");
    fs::write(&copy, "precious").unwrap();
    assert!(backup(&folder.path(), &copy).is_err());
    assert_eq!(fs::read(&copy).unwrap(), b"precious");
    fs::remove_file(&copy).unwrap();
    backup(&folder.path(), &copy).unwrap();
    assert!(restore(&copy, &folder.path(), false).is_err());
}

#[tokio::test]
async fn nothing_is_restored_under_a_running_core() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let copy = folder.path().with_file_name("copy.db");
    backup(&folder.path(), &copy).unwrap();
    let refused = restore(&copy, &folder.path(), true);
    assert!(
        matches!(refused, Err(StoreError::InUse { .. })),
        "{refused:?}"
    );
    store.close().await;
}

#[tokio::test]
async fn only_a_sound_copy_of_ours_is_restored() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let items = (0..1_000).map(|n| item(event(&"x".repeat(n))));
    let batch = crate::store::conformance::given::batch(1, items);
    store.record_events(batch).await.unwrap();
    let copy = folder.path().with_file_name("copy.db");
    backup(&folder.path(), &copy).unwrap();
    store.close().await;
    let before = fs::read(folder.path()).unwrap();

    let theirs = folder.path().with_file_name("theirs.db");
    let connection = rusqlite::Connection::open(&theirs).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(connection);
    let damaged = folder.path().with_file_name("damaged.db");
    let mut bytes = fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    fs::write(&damaged, bytes).unwrap();
    let nothing = folder.path().with_file_name("nothing.db");
    for from in [theirs, damaged, nothing] {
        let refused = restore(&from, &folder.path(), true);
        assert!(
            matches!(refused, Err(StoreError::Open { .. })),
            "{refused:?}"
        );
        assert_eq!(fs::read(folder.path()).unwrap(), before);
    }
    restore(&copy, &folder.path(), true).unwrap();
}
