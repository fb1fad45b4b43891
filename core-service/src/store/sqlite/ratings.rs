//! Call ratings.
//!
//! The ratings of a call stand in the order of their rating time, among equals
//! of their receipt. The last is current; one that says the same as the one
//! before it is unchanged. Writing a rating touches only its neighbours, so a
//! call with a long history costs no more than another.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::{CallRatingFilter, Page, PageRequest, StoreError};
use super::columns::{self, text};
use super::listing::{Conditions, Listing};
use super::recording::{self, Admitted, Repeat, Steps};
use crate::domain::{CallRating, NewCallRating, Rejection, identity};
use crate::recording::{Batch, ItemResult, RecordKind, canonical_rating, new_record_id};

const SELECT: &str = "SELECT call_ratings.*,
    EXISTS (SELECT 1 FROM calls
            WHERE calls.igrp = call_ratings.igrp AND calls.call_ref = call_ratings.call_ref)
    AS is_call_known
    FROM call_ratings";

/// Records a batch in the present transaction.
pub(super) fn record(
    connection: &Connection,
    batch: Batch<NewCallRating>,
) -> Result<Vec<ItemResult>, StoreError> {
    let now = batch.now;
    let steps = Steps {
        kind: RecordKind::CallRating,
        fingerprint: NewCallRating::fingerprint,
        repeat: |id, admitted: Admitted<'_, NewCallRating>| replace(connection, id, admitted),
        insert: |admitted: Admitted<'_, NewCallRating>| {
            let Admitted {
                content,
                installation,
                receive_time,
                idempotency_key,
            } = admitted;
            let id = new_record_id(now);
            match canonical_rating(id, content, installation, receive_time, idempotency_key) {
                Err(rejection) => Ok(Err(rejection)),
                Ok(rating) => {
                    insert(connection, &rating)?;
                    Ok(Ok(id))
                }
            }
        },
    };
    recording::record(connection, batch, &steps)
}

/// A rating is about the present state, so a repeat with other content takes
/// the older one's place.
fn replace(
    connection: &Connection,
    id: Uuid,
    admitted: Admitted<'_, NewCallRating>,
) -> Result<Result<Repeat, Rejection>, StoreError> {
    let Admitted {
        content,
        installation,
        receive_time: repeat_time,
        idempotency_key,
    } = admitted;
    let receive_time = receive_time(connection, id)?.unwrap_or(repeat_time);
    let rating = match canonical_rating(id, content, installation, receive_time, idempotency_key) {
        Ok(rating) => rating,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let old = place(connection, id)?;
    connection
        .prepare_cached("DELETE FROM call_ratings WHERE call_rating_id = ?1")?
        .execute([id.as_bytes()])?;
    if let Some(old) = old {
        settle(connection, &old)?;
    }
    insert(connection, &rating)?;
    Ok(Ok(Repeat::Replaced))
}

fn receive_time(connection: &Connection, id: Uuid) -> Result<Option<Timestamp>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT receive_time FROM call_ratings WHERE call_rating_id = ?1")?
        .query_row([id.as_bytes()], |row| {
            columns::timestamp(row, "receive_time")
        })
        .optional()?)
}

/// Where a rating stands among those of its call.
struct Place {
    igrp: i64,
    call_ref: String,
    rating_time: i64,
    receive_order: i64,
}

fn place(connection: &Connection, id: Uuid) -> Result<Option<Place>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT igrp, call_ref, rating_time, receive_order FROM call_ratings
             WHERE call_rating_id = ?1",
        )?
        .query_row([id.as_bytes()], |row| {
            Ok(Place {
                igrp: row.get(0)?,
                call_ref: row.get(1)?,
                rating_time: row.get(2)?,
                receive_order: row.get(3)?,
            })
        })
        .optional()?)
}

fn insert(connection: &Connection, rating: &CallRating) -> Result<(), StoreError> {
    let origin = rating.origin.as_ref();
    let record_id = origin.and_then(|origin| text(origin.record_id.as_ref()));
    connection
        .prepare_cached(
            "INSERT INTO call_ratings (
                 call_rating_id, igrp, call_ref, rating, rating_folded, transaction_value, currency,
                 rating_time, rating_time_source, receive_time, receive_order, is_current,
                 is_unchanged, warnings, idempotency_key, organization_id, action_id,
                 notification_id, object_type, record_id, record_key)
             VALUES (
                 :id, :igrp, :call_ref, :rating, :rating_folded, :transaction_value, :currency,
                 :rating_time, :rating_time_source, :receive_time,
                 (SELECT COALESCE(MAX(receive_order), 0) + 1 FROM call_ratings
                  WHERE igrp = :igrp AND call_ref = :call_ref AND rating_time = :rating_time),
                 FALSE, FALSE, :warnings, :idempotency_key, :organization_id, :action_id,
                 :notification_id, :object_type, :record_id, :record_key)",
        )?
        .execute(named_params! {
            ":id": rating.call_rating_id.as_bytes(),
            ":igrp": rating.igrp.get(),
            ":call_ref": rating.call_ref,
            ":rating": rating.rating,
            ":rating_folded": rating.rating.to_lowercase(),
            ":transaction_value": rating.transaction_value,
            ":currency": rating.currency,
            ":rating_time": rating.rating_time.micros(),
            ":rating_time_source": columns::time_source_number(rating.rating_time_source),
            ":receive_time": rating.receive_time.micros(),
            ":warnings": columns::warnings(&rating.warnings)?,
            ":idempotency_key": rating.idempotency_key,
            ":organization_id": origin.and_then(|origin| text(origin.organization_id.as_ref())),
            ":action_id": origin.and_then(|origin| text(origin.action_id.as_ref())),
            ":notification_id": origin.and_then(|origin| text(origin.notification_id.as_ref())),
            ":object_type": origin.and_then(|origin| text(origin.object_type.as_ref())),
            ":record_id": record_id,
            ":record_key": record_id.map(identity),
        })?;
    match place(connection, rating.call_rating_id)? {
        Some(place) => settle(connection, &place),
        None => Ok(()),
    }
}

/// Works out again what depends on the ratings around a place: whether the one
/// there and the one after it are unchanged, and which is current.
fn settle(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let Place {
        igrp,
        call_ref,
        rating_time,
        receive_order,
    } = place;
    connection
        .prepare_cached(
            "UPDATE call_ratings AS own SET is_unchanged = COALESCE((
                 SELECT before.rating = own.rating
                     AND before.transaction_value IS own.transaction_value
                     AND before.currency IS own.currency
                 FROM call_ratings AS before
                 WHERE before.igrp = own.igrp AND before.call_ref = own.call_ref
                     AND (before.rating_time, before.receive_order)
                         < (own.rating_time, own.receive_order)
                 ORDER BY before.rating_time DESC, before.receive_order DESC LIMIT 1), FALSE)
             WHERE number IN (
                 SELECT number FROM call_ratings
                 WHERE igrp = ?1 AND call_ref = ?2 AND (rating_time, receive_order) >= (?3, ?4)
                 ORDER BY rating_time, receive_order LIMIT 2)",
        )?
        .execute(params![igrp, call_ref, rating_time, receive_order])?;

    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT number FROM call_ratings WHERE igrp = ?1 AND call_ref = ?2
             ORDER BY rating_time DESC, receive_order DESC LIMIT 1",
        )?
        .query_row(params![igrp, call_ref], |row| row.get(0))
        .optional()?;
    // First off, then on: only one may be current at any moment.
    connection
        .prepare_cached(
            "UPDATE call_ratings SET is_current = 0
             WHERE igrp = ?1 AND call_ref = ?2 AND is_current = 1 AND number IS NOT ?3",
        )?
        .execute(params![igrp, call_ref, last])?;
    connection
        .prepare_cached(
            "UPDATE call_ratings SET is_current = 1 WHERE number = ?1 AND is_current = 0",
        )?
        .execute(params![last])?;
    Ok(())
}

/// The current rating of a call.
pub(super) fn current(
    connection: &Connection,
    igrp: Igrp,
    call_ref: &str,
) -> Result<Option<CallRating>, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "{SELECT} WHERE igrp = ?1 AND call_ref = ?2 AND is_current = 1"
        ))?
        .query_row(params![igrp.get(), call_ref], read)
        .optional()?)
}

/// One rating.
pub(super) fn find(connection: &Connection, id: Uuid) -> Result<Option<CallRating>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("{SELECT} WHERE call_rating_id = ?1"))?
        .query_row([id.as_bytes()], read)
        .optional()?)
}

/// A page of ratings.
pub(super) fn list(
    connection: &Connection,
    filter: CallRatingFilter,
    page: PageRequest,
) -> Result<Page<CallRating>, StoreError> {
    let CallRatingFilter {
        igrp,
        call_ref,
        rating,
        record_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if(
        "call_ref = ?",
        call_ref.map(|call_ref| call_ref.as_str().to_owned()),
    );
    conditions.add_if(
        "rating_folded = ?",
        rating.map(|rating| rating.trim().to_lowercase()),
    );
    conditions.add_if(
        "record_key = ?",
        record_id.map(|id| identity(&id).to_owned()),
    );
    conditions.add_range("rating_time", time);
    let listing = Listing {
        select: SELECT,
        conditions,
        key: "rating_time",
        number: "number",
    };
    listing.page(connection, page, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<CallRating> {
    Ok(CallRating {
        call_rating_id: columns::uuid(row, "call_rating_id")?,
        igrp: columns::igrp(row)?,
        call_ref: row.get("call_ref")?,
        rating: row.get("rating")?,
        transaction_value: row.get("transaction_value")?,
        currency: row.get("currency")?,
        rating_time: columns::timestamp(row, "rating_time")?,
        rating_time_source: columns::time_source(row, "rating_time_source")?,
        receive_time: columns::timestamp(row, "receive_time")?,
        is_current: row.get("is_current")?,
        is_unchanged: row.get("is_unchanged")?,
        is_call_known: row.get("is_call_known")?,
        warnings: columns::json(row, "warnings")?,
        idempotency_key: row.get("idempotency_key")?,
        origin: columns::origin(row)?,
    })
}
