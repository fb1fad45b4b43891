//! What was seen before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::{ClientWrapper, GenericClient};
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::{self, Columns};
use super::rows::Rows;
use super::statements::Statement;
use crate::recording::{KeyDigest, RecordKind, Seen, UsedKey};

/// The table of a kind's records, and its column of ids.
pub(super) fn table(kind: RecordKind) -> (&'static str, &'static str) {
    match kind {
        RecordKind::Event => ("events", "event_id"),
        RecordKind::CallRating => ("call_ratings", "call_rating_id"),
        RecordKind::LeadEnrichment => ("lead_enrichments", "lead_enrichment_id"),
    }
}

/// Whether a key is one of those that are asked for, of which [`lookup`] gives
/// the values. Old keys may be known by their hashes alone.
pub(super) const KNOWN: &str = "key_digest = ANY($1::uuid[] || coalesce(
             (SELECT $2::uuid[] FROM unordered_keys), '{}'))";

/// What [`KNOWN`] is asked with.
pub(super) fn lookup(digests: &BTreeSet<KeyDigest>) -> (Vec<Uuid>, Vec<Uuid>) {
    let ordered = digests.iter().map(|digest| *digest.as_bytes());
    let moved = digests.iter().filter(|digest| digest.is_ordered());
    let unordered = moved.map(|digest| *digest.hash());
    (
        ordered.map(Uuid::from_bytes).collect(),
        unordered.map(Uuid::from_bytes).collect(),
    )
}

/// What keys were used for. A key whose record was deleted was never
/// used. The keys are locked, in one order.
pub(super) async fn find(
    transaction: &impl GenericClient,
    kind: RecordKind,
    digests: &BTreeSet<KeyDigest>,
) -> Result<Vec<(KeyDigest, Seen)>, StoreError> {
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    let (table, id) = table(kind);
    let select = format!(
        "SELECT keys.key_digest, keys.record_id, keys.content_hash, records.igrp,
             records.receive_time, records.warnings
         FROM idempotency_keys AS keys
         LEFT JOIN {table} AS records ON records.{id} = keys.record_id
         WHERE {KNOWN}
         ORDER BY keys.key_digest FOR UPDATE OF keys"
    );
    let statement = transaction.prepare_cached(&select).await?;
    let (ordered, unordered) = lookup(digests);
    let rows = transaction
        .query(&statement, &[&ordered, &unordered])
        .await?;
    let by_hash: HashMap<_, _> = digests
        .iter()
        .map(|digest| (digest.hash(), digest))
        .collect();
    let by_digest = digests.iter().map(|digest| (digest.as_bytes(), digest));
    let asked: HashMap<_, _> = by_hash.into_iter().chain(by_digest).collect();
    let mut seen = Vec::with_capacity(rows.len());
    let mut unused = Vec::new();
    for row in &rows {
        let key_digest: [u8; 16] = Columns::get(row, "key_digest")?;
        if Columns::get::<Option<i64>>(row, "igrp")?.is_none() {
            unused.push(Uuid::from_bytes(key_digest));
            continue;
        }
        let used = Seen {
            key_digest,
            record_id: columns::uuid(row, "record_id")?,
            igrp: columns::igrp(row)?,
            content_hash: Columns::get(row, "content_hash")?,
            receive_time: columns::timestamp(row, "receive_time")?,
            warnings: columns::json(row, "warnings")?,
        };
        let asked = asked.get(&key_digest).map(|digest| (**digest, used));
        seen.extend(asked);
    }
    if !unused.is_empty() {
        let delete = "DELETE FROM idempotency_keys WHERE key_digest = ANY($1)";
        let statement = transaction.prepare_cached(delete).await?;
        transaction.execute(&statement, &[&unused]).await?;
    }
    Ok(seen)
}

/// The statements that remember keys and the content that was accepted with
/// them. A new key that somebody else has used since it was looked for is a
/// conflict.
pub(super) fn writing(used: &BTreeMap<KeyDigest, UsedKey>) -> impl Iterator<Item = Statement<'_>> {
    let columns = |was_seen: bool| {
        let used = || used.values().filter(move |key| key.was_seen == was_seen);
        Rows::default()
            .column(
                "key_digest",
                used().map(|key| Uuid::from_bytes(key.key_digest)),
            )
            .column("record_id", used().map(|key| key.record_id))
            .column(
                "content_hash",
                used().map(|key| Uuid::from_bytes(key.content_hash)),
            )
            .column("receive_time", used().map(|key| key.receive_time.micros()))
    };
    let insertion = columns(false).insertion("idempotency_keys", "");
    let change = columns(true).change(
        "idempotency_keys",
        "record_id = new.record_id, content_hash = new.content_hash,
         receive_time = new.receive_time",
        "kept.key_digest = new.key_digest",
    );
    insertion.into_iter().chain(change)
}

/// Stops looking for keys by their hashes, once all those have expired that may
/// be known by nothing else.
pub(super) async fn forget_unordered(client: &ClientWrapper) -> Result<(), StoreError> {
    let delete = "DELETE FROM unordered_keys WHERE NOT EXISTS (
             SELECT 1 FROM idempotency_keys WHERE receive_time < unordered_keys.until)";
    client.execute(delete, &[]).await?;
    Ok(())
}
