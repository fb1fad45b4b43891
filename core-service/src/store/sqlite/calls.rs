//! Calls.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, named_params, params};
use sfbridge_values::{Igrp, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::rows::call;
use super::super::{CallFilter, Page, PageRequest, StoreError};
use super::alarm::Alarm;
use super::listing::{Conditions, Listing};
use super::row::one;
use super::{lead_enrichments, recording};
use crate::domain::{Call, NewCall};
use crate::recording::{Batch, ItemResult, new_record_id};

/// Records a batch in the present transaction.
pub(super) fn record(
    connection: &Connection,
    batch: Batch<NewCall>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let now = batch.now;
    recording::upsert(connection, batch, |igrp, call| {
        let result = put(connection, igrp, &call, now)?;
        if matches!(result, ItemResult::Recorded(_)) {
            lead_enrichments::wake_by_call(connection, igrp, &call.call_ref, now, alarm)?;
            if let Some(visitor_id) = call.visitor_id {
                lead_enrichments::wake_by_visitor(connection, igrp, visitor_id, now, alarm)?;
            }
        }
        Ok(result)
    })
}

fn put(
    connection: &Connection,
    igrp: Igrp,
    call: &NewCall,
    now: Timestamp,
) -> Result<ItemResult, StoreError> {
    let fingerprint = call.fingerprint();
    let known: Option<([u8; 16], [u8; 16])> = connection
        .prepare_cached(
            "SELECT call_id, content_hash FROM calls WHERE igrp = ?1 AND call_ref = ?2",
        )?
        .query_row(params![igrp.get(), call.call_ref.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let call_id = match known {
        Some((id, hash)) if hash == fingerprint => {
            return Ok(ItemResult::Duplicate(Uuid::from_bytes(id)));
        }
        Some((id, _)) => Uuid::from_bytes(id),
        None => new_record_id(now),
    };
    connection
        .prepare_cached(
            "INSERT INTO calls (
                 call_id, igrp, call_ref, visitor_id, start_time, source_phone_number,
                 dialled_phone_number, destination_phone_number, ring_seconds, call_seconds,
                 bridge_seconds, state, receive_time, content_hash)
             VALUES (
                 :call_id, :igrp, :call_ref, :visitor_id, :start_time, :source_phone_number,
                 :dialled_phone_number, :destination_phone_number, :ring_seconds, :call_seconds,
                 :bridge_seconds, :state, :receive_time, :content_hash)
             ON CONFLICT (igrp, call_ref) DO UPDATE SET
                 visitor_id = excluded.visitor_id, start_time = excluded.start_time,
                 source_phone_number = excluded.source_phone_number,
                 dialled_phone_number = excluded.dialled_phone_number,
                 destination_phone_number = excluded.destination_phone_number,
                 ring_seconds = excluded.ring_seconds, call_seconds = excluded.call_seconds,
                 bridge_seconds = excluded.bridge_seconds, state = excluded.state,
                 content_hash = excluded.content_hash",
        )?
        .execute(named_params! {
            ":call_id": call_id.as_bytes(),
            ":igrp": igrp.get(),
            ":call_ref": call.call_ref.as_str(),
            ":visitor_id": call.visitor_id.as_ref().map(VisitorId::as_bytes),
            ":start_time": call.start_time.micros(),
            ":source_phone_number": call.source_phone_number.as_str(),
            ":dialled_phone_number": call.dialled_phone_number.as_str(),
            ":destination_phone_number": call.destination_phone_number.as_str(),
            ":ring_seconds": call.ring_seconds,
            ":call_seconds": call.call_seconds,
            ":bridge_seconds": call.bridge_seconds,
            ":state": call.state.as_str(),
            ":receive_time": now.micros(),
            ":content_hash": fingerprint,
        })?;
    Ok(ItemResult::Recorded(call_id))
}

/// One call.
pub(super) fn find(
    connection: &Connection,
    igrp: Igrp,
    call_ref: &str,
) -> Result<Option<Call>, StoreError> {
    let select = "SELECT * FROM calls WHERE igrp = ?1 AND call_ref = ?2";
    let statement = connection.prepare_cached(select)?;
    one(statement, params![igrp.get(), call_ref], |row| {
        call::read(row)
    })
}

/// A page of calls.
pub(super) fn list(
    connection: &Connection,
    filter: &CallFilter,
    page: PageRequest,
) -> Result<Page<Call>, StoreError> {
    let CallFilter {
        igrp,
        visitor_id,
        time,
    } = *filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if(
        "visitor_id = ?",
        visitor_id.map(|visitor_id| Value::from(visitor_id.as_bytes().to_vec())),
    );
    conditions.add_range("start_time", time);
    let listing = Listing {
        select: "SELECT * FROM calls",
        conditions,
        key: "start_time",
        number: "number",
    };
    listing.page(connection, page, |row| call::read(row))
}
