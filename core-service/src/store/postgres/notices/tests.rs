//! Two cores that tell each other.

use std::time::Duration;

use super::super::super::conformance::given::{OURS, enrich, item, lead};
use super::super::super::conformance::metrics;
use super::super::super::{Store, StoreConfig};
use super::WITH_NOTICES;

/// How long to wait for what must come. Only a failing test does.
const PATIENCE: Duration = Duration::from_mins(1);

/// A core's store, once it listens.
async fn open(database: &test_postgres::Database) -> Store {
    let config: StoreConfig = database.url().parse().unwrap();
    let (store, _) = Store::open(&config, metrics()).await.unwrap();
    listens(&store).await;
    store
}

async fn listens(store: &Store) {
    let listens = async {
        while store.longest_silence() != WITH_NOTICES {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, listens).await.unwrap();
}

async fn rings(alarm: &mut tokio::sync::watch::Receiver<()>) {
    let rung = tokio::time::timeout(PATIENCE, alarm.changed()).await;
    rung.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_core_hears_of_what_becomes_due() {
    let database = test_postgres::Database::create();
    let (one, other) = (open(&database).await, open(&database).await);
    let (mut own, mut far) = (one.enrichment_alarm(), other.enrichment_alarm());
    enrich(&one, 1, item(lead(1)).from(OURS)).await.recorded();
    assert!(own.has_changed().unwrap());
    rings(&mut own).await;
    rings(&mut far).await;
    // Nobody wakes by what they told themselves.
    enrich(&other, 1, item(lead(2)).from(OURS)).await.recorded();
    rings(&mut own).await;
    rings(&mut far).await;
    assert!(!far.has_changed().unwrap());
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_whose_connection_is_cut_looks_and_listens_again() {
    let database = test_postgres::Database::create();
    let (one, other) = (open(&database).await, open(&database).await);
    let mut alarm = other.enrichment_alarm();
    database.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'sfbridge'
             AND pid <> pg_backend_pid()",
    );
    // What was told meanwhile is lost, so it looks.
    rings(&mut alarm).await;
    listens(&one).await;
    listens(&other).await;
    alarm.mark_unchanged();
    enrich(&one, 1, item(lead(1)).from(OURS)).await.recorded();
    rings(&mut alarm).await;
    one.close().await;
    other.close().await;
}
