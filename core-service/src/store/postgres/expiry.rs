//! What goes because it was kept long enough.
//!
//! Months of events go as a whole ([`partitions`]); everything else, and events
//! that are in no month's partition, a few rows at a time. Several cores may do
//! it at once: rows that one has locked the others leave alone.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::{self, Columns, FromCell};
use super::super::expiry::{Expired, Expiry, ExpiryPlace, first_id};
use super::database::{Database, transact};
use super::partitions;
use crate::domain::Perishable;

/// How many rows one transaction deletes at most.
const SLICE: i64 = 200;

/// How many rows a step looks at where old and young ones stand side by side.
const STRETCH: i64 = 1_000;

/// Does one step.
pub(super) async fn expire(database: &Database, step: Expiry) -> Result<Expired, StoreError> {
    let mut dropped = 0;
    if step.what == Perishable::Event {
        let client = database.client().await?;
        dropped = partitions::drop_before(&client, step.before).await?;
    }
    let mut expired: Expired =
        transact!(database, |transaction| in_rows(&transaction, &step).await)?;
    expired.count += dropped;
    Ok(expired)
}

async fn in_rows(transaction: &Transaction<'_>, step: &Expiry) -> Result<Expired, StoreError> {
    let before = step.before.micros();
    match step.what {
        Perishable::IdempotencyKey => keys(transaction, step).await,
        Perishable::CallRating => calls_of_ratings(transaction, step).await,
        Perishable::LeadEnrichment => enrichments(transaction, before).await,
        Perishable::Event => {
            let delete = "WITH old AS (
                     SELECT event_id FROM events_other WHERE event_id < $1
                     ORDER BY event_id LIMIT $2 FOR UPDATE SKIP LOCKED)
                 DELETE FROM events_other AS kept USING old WHERE kept.event_id = old.event_id";
            first_rows(transaction, delete, &first_id(step.before)).await
        }
        Perishable::OpenNotification => {
            let delete = "WITH old AS (
                     SELECT number FROM quarantined_notifications
                     WHERE state = 1 AND last_receive_time < $1
                     ORDER BY last_receive_time LIMIT $2 FOR UPDATE SKIP LOCKED)
                 DELETE FROM quarantined_notifications AS kept USING old
                 WHERE kept.number = old.number";
            first_rows(transaction, delete, &before).await
        }
        Perishable::ResolvedNotification => {
            let delete = "WITH old AS (
                     SELECT number FROM quarantined_notifications WHERE resolve_time < $1
                     ORDER BY resolve_time LIMIT $2 FOR UPDATE SKIP LOCKED)
                 DELETE FROM quarantined_notifications AS kept USING old
                 WHERE kept.number = old.number";
            first_rows(transaction, delete, &before).await
        }
        Perishable::Visit => {
            let next = "SELECT min(igrp) AS igrp FROM visits WHERE igrp > $1";
            let delete = "WITH old AS (
                     SELECT number FROM visits WHERE igrp = $1 AND visit_time < $2
                     ORDER BY visit_time, number LIMIT $3 FOR UPDATE SKIP LOCKED)
                 DELETE FROM visits AS kept USING old WHERE kept.number = old.number";
            of_next_installation(transaction, step, next, delete).await
        }
        Perishable::Call => {
            let next = "SELECT min(igrp) AS igrp FROM calls WHERE igrp > $1";
            let delete = "WITH old AS (
                     SELECT number FROM calls WHERE igrp = $1 AND start_time < $2
                     ORDER BY start_time, number LIMIT $3 FOR UPDATE SKIP LOCKED)
                 DELETE FROM calls AS kept USING old WHERE kept.number = old.number";
            of_next_installation(transaction, step, next, delete).await
        }
    }
}

/// Deletes a few rows that a statement finds.
async fn first_rows(
    transaction: &Transaction<'_>,
    delete: &str,
    before: &(dyn ToSql + Sync),
) -> Result<Expired, StoreError> {
    let statement = transaction.prepare_cached(delete).await?;
    let count = transaction.execute(&statement, &[before, &SLICE]).await?;
    Ok(Expired {
        count,
        next: is_full(count).then(ExpiryPlace::default),
    })
}

/// Deletes a few rows of one installation, or comes to its end.
async fn of_next_installation(
    transaction: &Transaction<'_>,
    step: &Expiry,
    next_igrp: &str,
    delete: &str,
) -> Result<Expired, StoreError> {
    let statement = transaction.prepare_cached(next_igrp).await?;
    let after = step.from.installation();
    let row = transaction.query_one(&statement, &[&after]).await?;
    let igrp: Option<i64> = Columns::get(&row, "igrp")?;
    let Some(igrp) = igrp else {
        return Ok(Expired::default());
    };
    let statement = transaction.prepare_cached(delete).await?;
    let values: [&(dyn ToSql + Sync); 3] = [&igrp, &step.before.micros(), &SLICE];
    let count = transaction.execute(&statement, &values).await?;
    let next = if is_full(count) {
        step.from
    } else {
        ExpiryPlace::after_installation(igrp)
    };
    Ok(Expired {
        count,
        next: Some(next),
    })
}

/// Deletes jobs that have ended. What is remembered of a Lead goes with the last.
async fn enrichments(transaction: &Transaction<'_>, before: i64) -> Result<Expired, StoreError> {
    let delete = "WITH old AS (
             SELECT number FROM lead_enrichments WHERE NOT is_open AND update_time < $1
             ORDER BY update_time LIMIT $2 FOR UPDATE SKIP LOCKED)
         DELETE FROM lead_enrichments AS kept USING old WHERE kept.number = old.number
         RETURNING kept.igrp, kept.organization_key, kept.record_key";
    let statement = transaction.prepare_cached(delete).await?;
    let gone = transaction.query(&statement, &[&before, &SLICE]).await?;
    let igrps: Vec<i64> = all(&gone, "igrp")?;
    let organizations: Vec<String> = all(&gone, "organization_key")?;
    let records: Vec<String> = all(&gone, "record_key")?;
    let forget = "DELETE FROM known_leads AS kept
         USING unnest($1::int8[], $2::text[], $3::text[])
             AS gone (igrp, organization_key, record_key)
         WHERE kept.igrp = gone.igrp AND kept.organization_key = gone.organization_key
             AND kept.record_key = gone.record_key
             AND NOT EXISTS (
                 SELECT 1 FROM lead_enrichments AS others
                 WHERE others.igrp = gone.igrp AND others.record_key = gone.record_key
                     AND others.organization_key = gone.organization_key)";
    let statement = transaction.prepare_cached(forget).await?;
    let values: [&(dyn ToSql + Sync); 3] = [&igrps, &organizations, &records];
    transaction.execute(&statement, &values).await?;
    let count = u64::try_from(gone.len()).unwrap_or(u64::MAX);
    Ok(Expired {
        count,
        next: is_full(count).then(ExpiryPlace::default),
    })
}

/// Deletes a few old keys. They stand in the order of their digests, old and
/// young ones side by side.
async fn keys(transaction: &Transaction<'_>, step: &Expiry) -> Result<Expired, StoreError> {
    let select = "SELECT key_digest, receive_time < $2 AND record_id < $3 AS is_old
         FROM idempotency_keys WHERE key_digest > $1 ORDER BY key_digest LIMIT $4";
    let (before, first) = (step.before.micros(), first_id(step.before));
    let statement = transaction.prepare_cached(select).await?;
    let values: [&(dyn ToSql + Sync); 4] = [&step.from.0, &before, &first, &STRETCH];
    let seen = transaction.query(&statement, &values).await?;
    let mut old: Vec<Uuid> = Vec::new();
    for row in &seen {
        if Columns::get(row, "is_old")? {
            old.push(columns::uuid(row, "key_digest")?);
        }
    }
    let mut count = 0;
    if !old.is_empty() {
        let delete = "DELETE FROM idempotency_keys
             WHERE key_digest = ANY($1) AND receive_time < $2 AND record_id < $3";
        let statement = transaction.prepare_cached(delete).await?;
        let values: [&(dyn ToSql + Sync); 3] = [&old, &before, &first];
        count = transaction.execute(&statement, &values).await?;
    }
    Ok(Expired {
        count,
        next: end_of(&seen, "key_digest")?,
    })
}

/// Deletes the ratings of calls that have no younger one.
async fn calls_of_ratings(
    transaction: &Transaction<'_>,
    step: &Expiry,
) -> Result<Expired, StoreError> {
    let select = "SELECT call_rating_id, igrp, call_ref FROM call_ratings
         WHERE call_rating_id > $1 AND call_rating_id < $2 ORDER BY call_rating_id LIMIT $3";
    let first = first_id(step.before);
    let statement = transaction.prepare_cached(select).await?;
    let values: [&(dyn ToSql + Sync); 3] = [&step.from.0, &first, &STRETCH];
    let seen = transaction.query(&statement, &values).await?;
    let mut count = 0;
    if !seen.is_empty() {
        let delete = "DELETE FROM call_ratings AS kept
             USING (SELECT DISTINCT igrp, call_ref
                    FROM unnest($1::int8[], $2::text[]) AS calls (igrp, call_ref)) AS old
             WHERE kept.igrp = old.igrp AND kept.call_ref = old.call_ref AND NOT EXISTS (
                 SELECT 1 FROM call_ratings AS young
                 WHERE young.igrp = old.igrp AND young.call_ref = old.call_ref
                     AND young.call_rating_id >= $3)";
        let igrps: Vec<i64> = all(&seen, "igrp")?;
        let calls: Vec<String> = all(&seen, "call_ref")?;
        let statement = transaction.prepare_cached(delete).await?;
        let values: [&(dyn ToSql + Sync); 3] = [&igrps, &calls, &first];
        count = transaction.execute(&statement, &values).await?;
    }
    Ok(Expired {
        count,
        next: end_of(&seen, "call_rating_id")?,
    })
}

/// Where a stretch of rows ended, unless there are no more.
fn end_of(seen: &[Row], id: &str) -> Result<Option<ExpiryPlace>, StoreError> {
    let is_end = i64::try_from(seen.len()).unwrap_or(i64::MAX) < STRETCH;
    match seen.last() {
        Some(last) if !is_end => Ok(Some(ExpiryPlace(columns::uuid(last, id)?))),
        _ => Ok(None),
    }
}

/// A column of all rows.
fn all<T: FromCell>(rows: &[Row], column: &str) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| Columns::get(row, column)).collect()
}

fn is_full(count: u64) -> bool {
    i64::try_from(count).is_ok_and(|count| count >= SLICE)
}
