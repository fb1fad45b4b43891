//! Databases of earlier releases.

use refinery::Target;
use rusqlite::Connection;
use uuid::Uuid;

use super::super::file::{self, embedded};
use super::Folder;
use crate::domain::{Coverage, LeadEnrichmentState, Perishable};
use crate::recording::{IdempotencyKey, KeyDigest, RecordKind};
use crate::store::conformance::given::{
    OURS, at, event, events, item, organization, record, seven, short,
};
use crate::store::conformance::metrics;
use crate::store::{EnrichmentClaim, Expiry, PageRequest, Store};

/// A database as it was at a version of the schema.
fn at_version(folder: &Folder, version: i32) -> Connection {
    let mut connection = file::open_for_writing(&folder.path()).unwrap();
    embedded::migrations::runner()
        .set_target(Target::Version(version))
        .run(&mut connection)
        .unwrap();
    connection
}

#[tokio::test]
async fn what_the_first_release_kept_is_there_and_restricts_nobody() {
    let folder = Folder::new();
    at_version(&folder, 1)
        .execute_batch(&format!(
            "INSERT INTO installations VALUES
                 (7, 'Acme', 'Europe/London', 'GBP', 'GB', 3, '{OURS}', '00D000000000062',
                  '[{{\"text\":\"New Lead\",\"captures_value\":true,\"currency\":null}}]',
                  '{{\"chName\":\"Channel__c\"}}', 0, 1000000, 2000000);
             INSERT INTO api_keys (api_key_id, display_name, roles, igrps, secret_hash, create_time)
                 VALUES ('0011223344556677', 'first', '[3]', NULL, zeroblob(32), 1000000);
             INSERT INTO events (event_id, igrp, action, action_folded, title, event_time,
                     event_time_source, receive_time, match_mode, is_void)
                 VALUES (randomblob(16), 7, 'sale', 'sale', 'Deal', 1000000, 4, 1000000, 1, 0);"
        ))
        .unwrap();

    let (store, migrated) = Store::open(&folder.config(), metrics()).await.unwrap();
    assert_eq!(migrated.from, 1);
    assert!(migrated.to > 1, "{migrated:?}");
    let installation = store.installation(seven()).await.unwrap().unwrap();
    assert_eq!(installation.display_name.as_str(), "Acme");
    assert_eq!(installation.rating_items.iter().len(), 1);
    assert!(installation.address_ranges.is_empty());
    assert!(installation.client_certificates.is_empty());
    assert!(installation.attribution_models.is_empty());
    let access = store.organization_access(organization(OURS), Coverage::All);
    let access = access.await.unwrap();
    assert!(access.is_linked && access.restrictions.is_empty());
    assert_eq!(events(&store, seven()).await[0].title.as_str(), "Deal");
    let keys = store.api_keys(PageRequest::ALL).await.unwrap().rows;
    assert!(keys[0].is_master());
    assert!(
        store
            .url_tokens(None, PageRequest::ALL)
            .await
            .unwrap()
            .rows
            .is_empty()
    );

    // What it keeps is written again by this release.
    let changed = store.update_installation(seven(), Ok::<_, ()>).await;
    changed.unwrap().unwrap().unwrap();
    store.close().await;
}

#[tokio::test]
async fn jobs_that_were_accepted_before_are_worked_on() {
    let folder = Folder::new();
    at_version(&folder, 3)
        .execute_batch(&format!(
            "INSERT INTO lead_enrichments (lead_enrichment_id, igrp, visitor_id, organization_id,
                     organization_key, record_id, record_key, state, is_open, as_of_time,
                     field_mapping, overwrite_policy, known_values, receive_time, update_time,
                     request_count)
                 VALUES (zeroblob(16), 7, randomblob(16), '{OURS}', '00D000000000062',
                     '00Q000000000001EAA', '00Q000000000001', 1, 1, 1000000, '{{}}', 0, '{{}}',
                     1000000, 1000000, 1);"
        ))
        .unwrap();

    let (store, _) = Store::open(&folder.config(), metrics()).await.unwrap();
    let counts = store.enrichment_counts().await.unwrap();
    assert_eq!(counts[&LeadEnrichmentState::Pending], 1);
    assert_eq!(
        store.due_enrichments(at(2)).await.unwrap().installations,
        [seven()]
    );
    let claim = EnrichmentClaim {
        igrp: seven(),
        owner: Uuid::from_u128(1),
        now: at(2),
        lease_until: at(9),
        limit: 200,
    };
    let claimed = store.claim_enrichments(claim).await.unwrap();
    assert_eq!(claimed[0].lease.attempt, 1);
    store.close().await;
}

#[tokio::test]
async fn what_was_kept_before_anything_expired_goes_when_it_is_old() {
    let folder = Folder::new();
    at_version(&folder, 6)
        .execute_batch(&format!(
            "INSERT INTO quarantined_notifications (quarantined_notification_id, igrp, reason,
                     field, description, endpoint, query, fields, receive_time, last_receive_time,
                     delivery_count, state, resolve_time)
                 VALUES
                     (x'01', 7, 'RECORD_GONE', '', '', 'events', '', '{{}}', 1000000, 1000000, 1, 1,
                      NULL),
                     (x'02', 7, 'RECORD_GONE', '', '', 'events', '', '{{}}', 1000000, 1000000, 1, 3,
                      2000000);
             INSERT INTO lead_enrichments (lead_enrichment_id, igrp, organization_id,
                     organization_key, record_id, record_key, state, is_open, as_of_time,
                     field_mapping, overwrite_policy, known_values, receive_time, update_time,
                     request_count)
                 VALUES (zeroblob(16), 7, '{OURS}', '00D000000000062', '00Q000000000001EAA',
                     '00Q000000000001', 5, 0, 1000000, '{{}}', 0, '{{}}', 1000000, 1000000, 1);"
        ))
        .unwrap();
    let (store, _) = Store::open(&folder.config(), metrics()).await.unwrap();
    for what in [
        Perishable::OpenNotification,
        Perishable::ResolvedNotification,
        Perishable::LeadEnrichment,
    ] {
        let expired = store.expire(Expiry::new(what, at(3))).await.unwrap();
        assert_eq!(expired.count, 1, "{what:?}");
    }
    store.close().await;
}

const KEY: &str = "00D000000000062/04l000000000001/events/0123456789abcdef0123456789abcdef";

/// The digest of a notification's key, which is another than its hash.
fn digest() -> KeyDigest {
    let digest = IdempotencyKey::of_notification(short(KEY)).digest(RecordKind::Event);
    assert_ne!(digest.as_bytes(), digest.hash());
    digest
}

#[tokio::test]
async fn a_key_that_is_known_by_its_hash_is_still_known() {
    let folder = Folder::new();
    let database = at_version(&folder, 9);
    database
        .execute(
            "INSERT INTO events (event_id, igrp, action, action_folded, title, event_time,
                 event_time_source, receive_time, match_mode, is_void)
             VALUES (zeroblob(16), 7, 'sale', 'sale', 'Deal', 1, 4, 1, 1, 0)",
            [],
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO idempotency_keys VALUES (?1, zeroblob(16), zeroblob(16), 1)",
            [digest().hash()],
        )
        .unwrap();
    drop(database);

    let (store, _) = Store::open(&folder.config(), metrics()).await.unwrap();
    let again = record(&store, 2, item(event("Deal")).notified(KEY)).await;
    assert_eq!(again.duplicate(), Uuid::nil());
    store.close().await;
}

#[tokio::test]
async fn hashes_are_looked_for_until_the_last_key_of_then_has_expired() {
    let folder = Folder::new();
    let keys = |change: &str| -> i64 {
        let database = file::open_for_writing(&folder.path()).unwrap();
        database.execute_batch(change).unwrap();
        let count = database.query_row("SELECT count(*) FROM unordered_keys", [], |row| row.get(0));
        count.unwrap()
    };
    let reopen = async || {
        let (store, _) = Store::open(&folder.config(), metrics()).await.unwrap();
        store.close().await;
    };
    drop(at_version(&folder, 9));
    reopen().await;
    assert_eq!(keys(""), 0, "there is none in a new store");

    let given = "INSERT INTO unordered_keys VALUES (1, 1000);
                 INSERT INTO idempotency_keys VALUES (zeroblob(16), zeroblob(16), zeroblob(16), 999)";
    assert_eq!(keys(given), 1);
    reopen().await;
    assert_eq!(keys("UPDATE idempotency_keys SET receive_time = 1000"), 1);
    reopen().await;
    assert_eq!(keys(""), 0);
}
