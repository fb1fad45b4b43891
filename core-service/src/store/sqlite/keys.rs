//! What was seen before.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::columns::{self, Columns};
use crate::recording::{KeyDigest, RecordKind, Seen, UsedKey};

/// The table of a kind's records, and its column of ids.
pub(super) fn table(kind: RecordKind) -> (&'static str, &'static str) {
    match kind {
        RecordKind::Event => ("events", "event_id"),
        RecordKind::CallRating => ("call_ratings", "call_rating_id"),
        RecordKind::LeadEnrichment => ("lead_enrichments", "lead_enrichment_id"),
    }
}

/// What keys were used for, as far as they were. A key whose record was deleted
/// was never used.
pub(super) fn find(
    connection: &Connection,
    kind: RecordKind,
    digests: &BTreeSet<KeyDigest>,
) -> Result<Vec<(KeyDigest, Seen)>, StoreError> {
    let mut found = Vec::new();
    if digests.is_empty() {
        return Ok(found);
    }
    let may_be_unordered = connection
        .prepare_cached("SELECT 1 FROM unordered_keys")?
        .exists([])?;
    let (table, id) = table(kind);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT keys.record_id, keys.content_hash, records.igrp, records.receive_time,
             records.warnings
         FROM idempotency_keys AS keys
         JOIN {table} AS records ON records.{id} = keys.record_id
         WHERE keys.key_digest = ?1"
    ))?;
    let mut find = |key_digest: &[u8; 16]| -> Result<Option<Seen>, StoreError> {
        let mut rows = statement.query([key_digest])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(Seen {
            key_digest: *key_digest,
            record_id: columns::uuid(row, "record_id")?,
            igrp: columns::igrp(row)?,
            content_hash: Columns::get(row, "content_hash")?,
            receive_time: columns::timestamp(row, "receive_time")?,
            warnings: columns::json(row, "warnings")?,
        }))
    };
    for digest in digests {
        let mut seen = find(digest.as_bytes())?;
        if seen.is_none() && may_be_unordered && digest.is_ordered() {
            seen = find(digest.hash())?;
        }
        found.extend(seen.map(|seen| (*digest, seen)));
    }
    Ok(found)
}

/// Remembers keys and the content that was accepted with them.
pub(super) fn put(
    connection: &Connection,
    keys: &BTreeMap<KeyDigest, UsedKey>,
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO idempotency_keys (key_digest, record_id, content_hash, receive_time)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key_digest) DO UPDATE
         SET record_id = excluded.record_id, content_hash = excluded.content_hash,
             receive_time = excluded.receive_time",
    )?;
    for used in keys.values() {
        statement.execute(params![
            used.key_digest,
            used.record_id.as_bytes(),
            used.content_hash,
            used.receive_time.micros()
        ])?;
    }
    Ok(())
}

/// Stops looking for keys by their hashes, once all those have expired that may
/// be known by nothing else.
pub(super) fn forget_unordered(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM unordered_keys WHERE NOT EXISTS (
             SELECT 1 FROM idempotency_keys WHERE receive_time < unordered_keys.until)",
        [],
    )?;
    Ok(())
}
