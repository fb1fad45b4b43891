//! Keys that were recorded before their digests were put in order.

use crate::recording::{IdempotencyKey, RecordKind};
use crate::store::conformance::given::{
    OURS, enrich, event, item, lead, rate, rating, record, short,
};
use crate::store::conformance::metrics;
use crate::store::{Store, StoreConfig};

const KEY: &str = "00D000000000062/04l000000000001/events/0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_key_that_is_known_by_its_hash_is_still_known() {
    let database = test_postgres::Database::create();
    let config: StoreConfig = database.url().parse().unwrap();
    let (store, _) = Store::open(&config, metrics()).await.unwrap();
    let noted = record(&store, 1, item(event("Deal")).notified(KEY))
        .await
        .recorded();
    let rated = rate(&store, 1, item(rating("C", "Good", 1)).notified(KEY))
        .await
        .recorded();
    let asked = enrich(&store, 1, item(lead(1)).from(OURS).notified(KEY))
        .await
        .recorded();
    for kind in RecordKind::ALL {
        let digest = IdempotencyKey::of_notification(short(KEY)).digest(kind);
        let hex = |bytes: &[u8; 16]| format!("{:032x}", u128::from_be_bytes(*bytes));
        let (ordered, hash) = (hex(digest.as_bytes()), hex(digest.hash()));
        assert_ne!(ordered, hash);
        database.psql(&format!(
            "UPDATE idempotency_keys SET key_digest = '{hash}' WHERE key_digest = '{ordered}'"
        ));
    }
    database.psql("INSERT INTO unordered_keys VALUES (1, 1000000000000000000)");

    let again = record(&store, 2, item(event("Deal")).notified(KEY)).await;
    assert_eq!(again.duplicate(), noted);
    let again = rate(&store, 2, item(rating("C", "Bad", 1)).notified(KEY)).await;
    assert_eq!(again.duplicate(), rated);
    let again = enrich(&store, 2, item(lead(1)).from(OURS).notified(KEY)).await;
    assert_eq!(again.duplicate(), asked);
    assert_eq!(database.psql("SELECT count(*) FROM idempotency_keys"), "3");
    store.close().await;
}

#[tokio::test]
async fn hashes_are_looked_for_until_the_last_key_of_then_has_expired() {
    let database = test_postgres::Database::create();
    let config: StoreConfig = database.url().parse().unwrap();
    let count = async |change: &str| {
        database.psql(change);
        let (store, _) = Store::open(&config, metrics()).await.unwrap();
        store.close().await;
        database.psql("SELECT count(*) FROM unordered_keys")
    };
    assert_eq!(count("SELECT 1").await, "0");
    let given = "INSERT INTO unordered_keys VALUES (1, 1000);
         INSERT INTO idempotency_keys
         VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 999)";
    assert_eq!(count(given).await, "1");
    assert_eq!(
        count("UPDATE idempotency_keys SET receive_time = 1000").await,
        "0"
    );
}
