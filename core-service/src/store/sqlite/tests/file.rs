use std::error::Error;
use std::fs;

use super::{Folder, metrics};
use crate::store::conformance::given::{event, item, record};
use crate::store::{Migrated, Store, StoreError};

/// An error with its sources, as an operator reads it.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

async fn refusal(folder: &Folder) -> String {
    told(&folder.open().await.unwrap_err())
}

#[tokio::test]
async fn a_schema_is_made_once() {
    let folder = Folder::new();
    let (store, migrated) = Store::open(&folder.config(), metrics()).await.unwrap();
    assert_eq!(migrated.from, 0);
    let latest = migrated.to;
    let id = record(&store, 1, item(event("Deal"))).await.recorded();
    store.close().await;
    let (store, migrated) = Store::open(&folder.config(), metrics()).await.unwrap();
    let nothing = Migrated {
        from: latest,
        to: latest,
    };
    assert_eq!(migrated, nothing);
    assert!(store.event(id).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_leaves_one_file_and_its_lock() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    record(&store, 1, item(event("Deal"))).await.recorded();
    store.close().await;
    assert_eq!(
        fs::metadata(folder.path().with_extension("db-wal")).map_or(0, |log| log.len()),
        0
    );
}

#[tokio::test]
async fn a_database_that_is_open_is_refused_to_another() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let second = folder.open().await;
    assert!(
        matches!(second, Err(StoreError::InUse { .. })),
        "{second:?}"
    );
    store.close().await;
    // Whoever was refused did not take the lock along.
    folder.open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_store_that_is_dropped_lets_its_database_go() {
    let folder = Folder::new();
    drop(folder.open().await.unwrap());
    // The thread ends by itself, in its own time.
    let reopened = loop {
        match folder.open().await {
            Ok(store) => break store,
            Err(StoreError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    reopened.close().await;
}

#[tokio::test]
async fn another_applications_database_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    let theirs = folder.connect();
    theirs
        .execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
        .unwrap();
    drop(theirs);
    let before = fs::read(folder.path()).unwrap();
    let refusal = refusal(&folder).await;
    assert!(
        refusal.contains("core.db") && refusal.contains("not a database of sfbridge"),
        "{refusal}"
    );
    assert_eq!(fs::read(folder.path()).unwrap(), before);

    // One that another application has marked, but not filled yet.
    let folder = Folder::new();
    folder
        .connect()
        .pragma_update(None, "application_id", 1)
        .unwrap();
    assert!(folder.open().await.is_err());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = Folder::new();
    fs::write(folder.path(), "dear diary, ".repeat(1_000)).unwrap();
    let refusal = refusal(&folder).await;
    assert!(
        refusal.contains("core.db") && refusal.contains("not a database"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused() {
    let folder = Folder::new();
    folder.open().await.unwrap().close().await;
    folder
        .connect()
        .execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')",
            [],
        )
        .unwrap();
    let refusal = refusal(&folder).await;
    assert!(refusal.contains("newer release"), "{refusal}");
}
