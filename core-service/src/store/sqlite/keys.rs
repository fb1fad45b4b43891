//! What was seen before.

use rusqlite::{Connection, OptionalExtension, params};
use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::StoreError;
use super::columns;
use crate::recording::RecordKind;

/// What a key was used for.
#[derive(Debug)]
pub(super) struct Seen {
    /// The record that it was first used for.
    pub(super) record_id: Uuid,
    /// The record's installation.
    pub(super) igrp: Igrp,
    /// What tells the content that was accepted with the key from another.
    pub(super) content_hash: [u8; 16],
}

/// The table of a kind's records, and its column of ids.
pub(super) fn table(kind: RecordKind) -> (&'static str, &'static str) {
    match kind {
        RecordKind::Event => ("events", "event_id"),
        RecordKind::CallRating => ("call_ratings", "call_rating_id"),
        RecordKind::LeadEnrichment => ("lead_enrichments", "lead_enrichment_id"),
    }
}

/// What a key was used for. A key whose record was deleted was never used.
pub(super) fn find(
    connection: &Connection,
    kind: RecordKind,
    digest: &[u8; 16],
) -> Result<Option<Seen>, StoreError> {
    let (table, id) = table(kind);
    Ok(connection
        .prepare_cached(&format!(
            "SELECT keys.record_id, keys.content_hash, records.igrp
             FROM idempotency_keys AS keys
             JOIN {table} AS records ON records.{id} = keys.record_id
             WHERE keys.key_digest = ?1"
        ))?
        .query_row([digest], |row| {
            Ok(Seen {
                record_id: columns::uuid(row, "record_id")?,
                igrp: columns::igrp(row)?,
                content_hash: row.get("content_hash")?,
            })
        })
        .optional()?)
}

/// Whether there is a record of this kind and id.
pub(super) fn has_record(
    connection: &Connection,
    kind: RecordKind,
    record_id: Uuid,
) -> Result<bool, StoreError> {
    let (table, id) = table(kind);
    Ok(connection
        .prepare_cached(&format!("SELECT 1 FROM {table} WHERE {id} = ?1"))?
        .exists([record_id.as_bytes()])?)
}

/// Remembers a key and the content that was accepted with it.
pub(super) fn put(
    connection: &Connection,
    digest: &[u8; 16],
    record_id: Uuid,
    content_hash: &[u8; 16],
    receive_time: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO idempotency_keys (key_digest, record_id, content_hash, receive_time)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key_digest) DO UPDATE
             SET record_id = excluded.record_id, content_hash = excluded.content_hash,
                 receive_time = excluded.receive_time",
        )?
        .execute(params![
            digest,
            record_id.as_bytes(),
            content_hash,
            receive_time.micros()
        ])?;
    Ok(())
}
