//! Transactions whose statements are sent together.

use std::collections::BTreeSet;

use deadpool_postgres::Client;
use uuid::Uuid;

use super::super::PostgresStore;
use super::super::installations;
use super::super::open_transaction::OpenTransaction;
use super::super::statements::Statement;
use crate::domain::Installation;
use crate::store::conformance::given::{at, event, events, igrp, item, record, seven};
use crate::store::conformance::metrics;
use crate::store::{Store, StoreConfig, StoreError};

async fn open() -> (Store, test_postgres::Database) {
    let database = test_postgres::Database::create();
    let config: StoreConfig = database.url().parse().unwrap();
    let (store, _) = Store::open(&config, metrics()).await.unwrap();
    (store, database)
}

fn postgres(store: &Store) -> &PostgresStore {
    match store {
        Store::Postgres(store) => store,
        Store::Sqlite(_) => panic!("it is a PostgreSQL store"),
    }
}

async fn client(store: &Store) -> Client {
    postgres(store).database.client().await.unwrap()
}

fn key(digest: u128) -> Statement<'static> {
    Statement {
        sql: "INSERT INTO idempotency_keys (key_digest, record_id, content_hash, receive_time)
              VALUES ($1, $1, $1, 1)"
            .to_owned(),
        values: vec![Box::new(Uuid::from_u128(digest))],
    }
}

const KEYS: &str = "SELECT count(*) FROM idempotency_keys";

#[tokio::test]
async fn a_commit_that_is_sent_behind_a_failed_statement_commits_nothing() {
    let (store, database) = open().await;
    let mut transaction = OpenTransaction::on(client(&store).await);
    transaction.begin().await.unwrap();
    // The second has a key of the first.
    let refused = transaction.commit(&[key(1), key(1), key(2)]).await;
    // The cause, and not what it led to.
    assert!(
        matches!(refused, Err(StoreError::Contended(_))),
        "{refused:?}"
    );
    transaction.end().await;
    assert_eq!(database.psql(KEYS), "0");

    let mut transaction = OpenTransaction::on(client(&store).await);
    transaction.begin().await.unwrap();
    transaction.commit(&[key(1), key(2)]).await.unwrap();
    transaction.end().await;
    assert_eq!(database.psql(KEYS), "2");
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_given_up_is_undone_and_its_connection_not_used_again() {
    let (store, database) = open().await;
    let transaction = OpenTransaction::on(client(&store).await);
    transaction.begin().await.unwrap();
    let Statement { sql, values: _ } = key(1);
    let given_up = transaction.client().unwrap();
    given_up
        .execute(&sql, &[&Uuid::from_u128(1)])
        .await
        .unwrap();
    drop(transaction);
    let idle = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle in transaction'";
    while database.psql(idle) != "0" {}
    assert_eq!(database.psql(KEYS), "0");
    record(&store, 1, item(event("next")).keyed("next"))
        .await
        .recorded();
    assert_eq!(database.psql(KEYS), "1");
    store.close().await;
}

#[tokio::test]
async fn an_installation_is_not_deleted_under_whoever_records_in_it() {
    let (store, database) = open().await;
    let eight = Installation::provisional(igrp(8), None, at(1));
    assert!(store.create_installation(eight).await.unwrap());
    record(&store, 1, item(event("first")).keyed("first"))
        .await
        .recorded();
    let recording = OpenTransaction::on(client(&store).await);
    recording.begin().await.unwrap();
    let igrps = BTreeSet::from([seven()]);
    let kept = recording.client().unwrap();
    installations::keep(kept, &igrps).await.unwrap();

    // Another one is not waited for.
    let deleted = store.delete_installation(igrp(8), false).await;
    assert_eq!(deleted.unwrap(), Some(true));
    let deleting = {
        let store = store.clone();
        tokio::spawn(async move { store.delete_installation(seven(), true).await })
    };
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while database.psql(waiting) != "1" {
        assert!(!deleting.is_finished(), "it was not waited for");
        tokio::task::yield_now().await;
    }
    assert_eq!(events(&store, seven()).await.len(), 1);
    recording.end().await;
    assert_eq!(deleting.await.unwrap().unwrap(), Some(true));
    assert_eq!(events(&store, seven()).await.len(), 0);
    store.close().await;
}
