//! What was seen before.

use rusqlite::{Connection, OptionalExtension, params};
use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::super::StoreError;

/// The record that a key was first used for.
pub(super) fn find(connection: &Connection, digest: &[u8; 16]) -> Result<Option<Uuid>, StoreError> {
    let record_id: Option<[u8; 16]> = connection
        .prepare_cached("SELECT record_id FROM idempotency_keys WHERE key_digest = ?1")?
        .query_row([digest], |row| row.get(0))
        .optional()?;
    Ok(record_id.map(Uuid::from_bytes))
}

/// Remembers a key. One whose record was deleted is used anew.
pub(super) fn put(
    connection: &Connection,
    digest: &[u8; 16],
    record_id: Uuid,
    receive_time: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO idempotency_keys (key_digest, record_id, receive_time)
             VALUES (?1, ?2, ?3)
             ON CONFLICT (key_digest) DO UPDATE
             SET record_id = excluded.record_id, receive_time = excluded.receive_time",
        )?
        .execute(params![digest, record_id.as_bytes(), receive_time.micros()])?;
    Ok(())
}
