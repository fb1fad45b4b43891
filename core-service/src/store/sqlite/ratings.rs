//! Call ratings.
//!
//! The ratings of a call stand in the order of their rating time, among equals
//! of their receipt. The last is current; one that says the same as the one
//! before it is unchanged. Writing a rating touches only its neighbours, so a
//! call with a long history costs no more than another.

use rusqlite::{Connection, OptionalExtension, named_params, params};
use sfbridge_values::Igrp;
use uuid::Uuid;

use super::super::columns::{self, text};
use super::super::rows::call_rating;
use super::super::{CallRatingFilter, Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use super::row::one;
use crate::domain::{CallRating, identity};
use crate::recording::PlacedRating;

const SELECT: &str = "SELECT call_ratings.*,
    EXISTS (SELECT 1 FROM calls
            WHERE calls.igrp = call_ratings.igrp AND calls.call_ref = call_ratings.call_ref)
    AS is_call_known
    FROM call_ratings";

/// Writes a rating, in the place of the older one with its id if there is one.
pub(super) fn place(connection: &Connection, placed: &PlacedRating) -> Result<(), StoreError> {
    let PlacedRating { rating, replaces } = placed;
    if *replaces {
        let id = rating.call_rating_id;
        let old = find_place(connection, id)?;
        connection
            .prepare_cached("DELETE FROM call_ratings WHERE call_rating_id = ?1")?
            .execute([id.as_bytes()])?;
        if let Some(old) = old {
            settle(connection, &old)?;
        }
    }
    insert(connection, rating)
}

/// Where a rating stands among those of its call.
struct Place {
    igrp: i64,
    call_ref: String,
    rating_time: i64,
    receive_order: i64,
}

fn find_place(connection: &Connection, id: Uuid) -> Result<Option<Place>, StoreError> {
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
    match find_place(connection, rating.call_rating_id)? {
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
    let select = format!("{SELECT} WHERE igrp = ?1 AND call_ref = ?2 AND is_current = 1");
    let statement = connection.prepare_cached(&select)?;
    one(statement, params![igrp.get(), call_ref], |row| {
        call_rating::read(row)
    })
}

/// One rating.
pub(super) fn find(connection: &Connection, id: Uuid) -> Result<Option<CallRating>, StoreError> {
    let select = format!("{SELECT} WHERE call_rating_id = ?1");
    let statement = connection.prepare_cached(&select)?;
    one(statement, [id.as_bytes()], |row| call_rating::read(row))
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
    listing.page(connection, page, |row| call_rating::read(row))
}
