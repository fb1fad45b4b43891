//! What was seen before.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::GenericClient;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::{self, Columns};
use super::rows::Rows;
use super::statements::Statement;
use crate::recording::{RecordKind, Seen, UsedKey};

/// The table of a kind's records, and its column of ids.
pub(super) fn table(kind: RecordKind) -> (&'static str, &'static str) {
    match kind {
        RecordKind::Event => ("events", "event_id"),
        RecordKind::CallRating => ("call_ratings", "call_rating_id"),
        RecordKind::LeadEnrichment => ("lead_enrichments", "lead_enrichment_id"),
    }
}

/// What keys were used for, by digest. A key whose record was deleted was never
/// used. The keys are locked, in one order.
pub(super) async fn find(
    transaction: &impl GenericClient,
    kind: RecordKind,
    digests: &BTreeSet<[u8; 16]>,
) -> Result<Vec<([u8; 16], Seen)>, StoreError> {
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    let (table, id) = table(kind);
    let select = format!(
        "SELECT keys.key_digest, keys.record_id, keys.content_hash, records.igrp,
             records.receive_time, records.warnings
         FROM idempotency_keys AS keys
         LEFT JOIN {table} AS records ON records.{id} = keys.record_id
         WHERE keys.key_digest = ANY($1)
         ORDER BY keys.key_digest FOR UPDATE OF keys"
    );
    let statement = transaction.prepare_cached(&select).await?;
    let digests: Vec<Uuid> = digests.iter().copied().map(Uuid::from_bytes).collect();
    let rows = transaction.query(&statement, &[&digests]).await?;
    let mut seen = Vec::with_capacity(rows.len());
    let mut unused = Vec::new();
    for row in &rows {
        let digest: [u8; 16] = Columns::get(row, "key_digest")?;
        if Columns::get::<Option<i64>>(row, "igrp")?.is_none() {
            unused.push(Uuid::from_bytes(digest));
            continue;
        }
        let used = Seen {
            record_id: columns::uuid(row, "record_id")?,
            igrp: columns::igrp(row)?,
            content_hash: Columns::get(row, "content_hash")?,
            receive_time: columns::timestamp(row, "receive_time")?,
            warnings: columns::json(row, "warnings")?,
        };
        seen.push((digest, used));
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
pub(super) fn writing(used: &BTreeMap<[u8; 16], UsedKey>) -> impl Iterator<Item = Statement<'_>> {
    let columns = |was_seen: bool| {
        let used = || used.iter().filter(move |(_, key)| key.was_seen == was_seen);
        Rows::default()
            .column(
                "key_digest",
                used().map(|(digest, _)| Uuid::from_bytes(*digest)),
            )
            .column("record_id", used().map(|(_, key)| key.record_id))
            .column(
                "content_hash",
                used().map(|(_, key)| Uuid::from_bytes(key.content_hash)),
            )
            .column(
                "receive_time",
                used().map(|(_, key)| key.receive_time.micros()),
            )
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
