//! What goes because it was kept long enough.
//!
//! A step looks for a few old rows on a connection that only reads, and has the
//! writer delete those that are still old. So it holds the writer for no longer
//! than a small batch does, and not at all when there is nothing old.

use rusqlite::{Connection, Params, params};
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns;
use super::super::expiry::{Expiry, ExpiryPlace, first_id};
use super::event_references;
use crate::domain::Perishable;

/// How many rows one transaction deletes at most.
pub(super) const SLICE: usize = 50;

/// How many rows a step looks at where old and young ones stand side by side.
const STRETCH: i64 = 1_000;

/// What a step found.
#[derive(Debug)]
pub(super) struct Found {
    /// What is to be deleted.
    pub(super) old: Old,
    /// Where the next step is to begin.
    pub(super) next: Option<ExpiryPlace>,
}

/// Rows that were old when they were looked for.
#[derive(Debug)]
pub(super) enum Old {
    /// By their number.
    Rows(Vec<i64>),
    /// Keys, by their digest.
    Keys(Vec<[u8; 16]>),
    /// Calls all of whose ratings are old.
    Calls(Vec<(i64, String)>),
}

impl Old {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows(numbers) => numbers.len(),
            Self::Keys(digests) => digests.len(),
            Self::Calls(calls) => calls.len(),
        }
    }
}

/// Looks for a few rows that are old.
pub(super) fn find(connection: &Connection, step: &Expiry) -> Result<Found, StoreError> {
    let before = step.before.micros();
    let first = first_id(step.before);
    let first = first.as_bytes();
    match step.what {
        Perishable::IdempotencyKey => keys(connection, step),
        Perishable::CallRating => calls_of_ratings(connection, step),
        Perishable::Event => rows(
            connection,
            // The newest stays until there is a newer one, for numbers go on from it.
            "SELECT number FROM events
             WHERE event_id < ?1 AND number < (SELECT max(number) FROM events)
             ORDER BY event_id LIMIT ?2",
            params![first, limit()],
        ),
        Perishable::LeadEnrichment => rows(
            connection,
            "SELECT number FROM lead_enrichments
             WHERE is_open = 0 AND update_time < ?1 ORDER BY update_time LIMIT ?2",
            params![before, limit()],
        ),
        Perishable::OpenNotification => rows(
            connection,
            "SELECT number FROM quarantined_notifications
             WHERE state = 1 AND last_receive_time < ?1 ORDER BY last_receive_time LIMIT ?2",
            params![before, limit()],
        ),
        Perishable::ResolvedNotification => rows(
            connection,
            "SELECT number FROM quarantined_notifications
             WHERE resolve_time < ?1 ORDER BY resolve_time LIMIT ?2",
            params![before, limit()],
        ),
        Perishable::Visit => of_next_installation(
            connection,
            step,
            "SELECT min(igrp) FROM visits WHERE igrp > ?1",
            "SELECT number FROM visits
             WHERE igrp = ?1 AND visit_time < ?2 ORDER BY visit_time, number LIMIT ?3",
        ),
        Perishable::Call => of_next_installation(
            connection,
            step,
            "SELECT min(igrp) FROM calls WHERE igrp > ?1",
            "SELECT number FROM calls
             WHERE igrp = ?1 AND start_time < ?2 ORDER BY start_time, number LIMIT ?3",
        ),
    }
}

/// Deletes those that are still old, and says how many records went.
pub(super) fn delete(connection: &Connection, step: &Expiry, old: &Old) -> Result<u64, StoreError> {
    let mut count = 0;
    match old {
        Old::Rows(numbers) => {
            for number in numbers {
                count += delete_row(connection, step, *number)?;
            }
            if step.what == Perishable::Event {
                event_references::delete_old(connection)?;
            }
        }
        Old::Keys(digests) => {
            let mut statement = connection.prepare_cached(
                "DELETE FROM idempotency_keys
                 WHERE key_digest = ?1 AND receive_time < ?2 AND record_id < ?3",
            )?;
            let (before, first) = (step.before.micros(), first_id(step.before));
            for digest in digests {
                count += statement.execute(params![digest, before, first.as_bytes()])?;
            }
        }
        Old::Calls(calls) => {
            // All ratings of a call go at once, so that none that stays has to
            // say anything else than before.
            let mut statement = connection.prepare_cached(
                "DELETE FROM call_ratings WHERE igrp = ?1 AND call_ref = ?2 AND NOT EXISTS (
                     SELECT 1 FROM call_ratings AS young
                     WHERE young.igrp = ?1 AND young.call_ref = ?2 AND young.call_rating_id >= ?3)",
            )?;
            let first = first_id(step.before);
            for (igrp, call_ref) in calls {
                count += statement.execute(params![igrp, call_ref, first.as_bytes()])?;
            }
        }
    }
    Ok(u64::try_from(count).unwrap_or(0))
}

fn delete_row(connection: &Connection, step: &Expiry, number: i64) -> Result<usize, StoreError> {
    let before = step.before.micros();
    let delete = match step.what {
        Perishable::Event => {
            let first = first_id(step.before);
            return Ok(connection
                .prepare_cached("DELETE FROM events WHERE number = ?1 AND event_id < ?2")?
                .execute(params![number, first.as_bytes()])?);
        }
        Perishable::LeadEnrichment => return delete_enrichment(connection, number, before),
        Perishable::OpenNotification => {
            "DELETE FROM quarantined_notifications
             WHERE number = ?1 AND state = 1 AND last_receive_time < ?2"
        }
        Perishable::ResolvedNotification => {
            "DELETE FROM quarantined_notifications WHERE number = ?1 AND resolve_time < ?2"
        }
        Perishable::Visit => "DELETE FROM visits WHERE number = ?1 AND visit_time < ?2",
        Perishable::Call => "DELETE FROM calls WHERE number = ?1 AND start_time < ?2",
        // These are not found by their numbers.
        Perishable::IdempotencyKey | Perishable::CallRating => return Ok(0),
    };
    Ok(connection
        .prepare_cached(delete)?
        .execute(params![number, before])?)
}

/// Deletes a job that has ended. What is remembered of its Lead goes with the
/// last one.
fn delete_enrichment(
    connection: &Connection,
    number: i64,
    before: i64,
) -> Result<usize, StoreError> {
    let lead = connection
        .prepare_cached(
            "DELETE FROM lead_enrichments WHERE number = ?1 AND is_open = 0 AND update_time < ?2
             RETURNING igrp, organization_key, record_key",
        )?
        .query_map(params![number, before], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let Some((igrp, organization_key, record_key)) = lead.first() else {
        return Ok(0);
    };
    connection
        .prepare_cached(
            "DELETE FROM known_leads
             WHERE igrp = ?1 AND organization_key = ?2 AND record_key = ?3 AND NOT EXISTS (
                 SELECT 1 FROM lead_enrichments AS others
                 WHERE others.igrp = ?1 AND others.record_key = ?3
                     AND others.organization_key = ?2)",
        )?
        .execute(params![igrp, organization_key, record_key])?;
    Ok(1)
}

/// A few rows that a statement finds. There may be more if it found as many as
/// it may.
fn rows(connection: &Connection, select: &str, values: impl Params) -> Result<Found, StoreError> {
    let numbers = numbers(connection, select, values)?;
    let next = (numbers.len() == SLICE).then(ExpiryPlace::default);
    Ok(Found {
        old: Old::Rows(numbers),
        next,
    })
}

/// A few rows of one installation, or the end of it.
fn of_next_installation(
    connection: &Connection,
    step: &Expiry,
    next_igrp: &str,
    select: &str,
) -> Result<Found, StoreError> {
    let after = step.from.installation();
    let igrp: Option<i64> = connection
        .prepare_cached(next_igrp)?
        .query_row([after], |row| row.get(0))?;
    let Some(igrp) = igrp else {
        return Ok(Found {
            old: Old::Rows(Vec::new()),
            next: None,
        });
    };
    let values = params![igrp, step.before.micros(), limit()];
    let numbers = numbers(connection, select, values)?;
    let next = if numbers.len() == SLICE {
        step.from
    } else {
        ExpiryPlace::after_installation(igrp)
    };
    Ok(Found {
        old: Old::Rows(numbers),
        next: Some(next),
    })
}

/// A few old keys. They stand in the order of their digests, old and young ones
/// side by side.
fn keys(connection: &Connection, step: &Expiry) -> Result<Found, StoreError> {
    let (before, first) = (step.before.micros(), first_id(step.before));
    let mut statement = connection.prepare_cached(
        "SELECT key_digest, receive_time, record_id FROM idempotency_keys
         WHERE key_digest > ?1 ORDER BY key_digest LIMIT ?2",
    )?;
    // There is no digest below the first place.
    let mut rows = statement.query(params![step.from.0.as_bytes(), STRETCH])?;
    let mut old = Vec::new();
    let mut seen = 0;
    let mut last = step.from;
    while let Some(row) = rows.next()? {
        seen += 1;
        let digest: [u8; 16] = row.get("key_digest")?;
        last = ExpiryPlace(Uuid::from_bytes(digest));
        let receive_time: i64 = row.get("receive_time")?;
        if receive_time < before && columns::uuid(row, "record_id")? < first {
            old.push(digest);
        }
        if old.len() == SLICE {
            break;
        }
    }
    let is_end = seen < STRETCH && old.len() < SLICE;
    Ok(Found {
        old: Old::Keys(old),
        next: (!is_end).then_some(last),
    })
}

/// A few calls whose ratings are all old.
fn calls_of_ratings(connection: &Connection, step: &Expiry) -> Result<Found, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT call_rating_id, igrp, call_ref, EXISTS (
             SELECT 1 FROM call_ratings AS young
             WHERE young.igrp = call_ratings.igrp AND young.call_ref = call_ratings.call_ref
                 AND young.call_rating_id >= ?2) AS is_young
         FROM call_ratings WHERE call_rating_id > ?1 AND call_rating_id < ?2
         ORDER BY call_rating_id LIMIT ?3",
    )?;
    let first = first_id(step.before);
    let values = params![step.from.0.as_bytes(), first.as_bytes(), STRETCH];
    let mut rows = statement.query(values)?;
    let mut old = Vec::new();
    let mut seen = 0;
    let mut last = step.from;
    while let Some(row) = rows.next()? {
        seen += 1;
        last = ExpiryPlace(columns::uuid(row, "call_rating_id")?);
        if !row.get::<_, bool>("is_young")? {
            old.push((row.get("igrp")?, row.get("call_ref")?));
        }
        if old.len() == SLICE {
            break;
        }
    }
    let is_end = seen < STRETCH && old.len() < SLICE;
    Ok(Found {
        old: Old::Calls(old),
        next: (!is_end).then_some(last),
    })
}

fn numbers(
    connection: &Connection,
    select: &str,
    values: impl Params,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(select)?;
    let numbers = statement.query_map(values, |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

fn limit() -> i64 {
    i64::try_from(SLICE).unwrap_or(i64::MAX)
}
