//! The row of an event, with what is known of its call and visitor.

use super::super::StoreError;
use super::super::columns::{self, Columns};
use crate::domain::{Event, Known, Match};

/// Reads an event. Beside its columns the row has `call_number`,
/// `call_visitor_id` and `is_visitor_known`.
pub(in super::super) fn read(row: &impl Columns) -> Result<Event, StoreError> {
    let igrp = columns::igrp(row)?;
    let visitor_id = columns::visitor_id(row, "visitor_id")?;
    let call_ref: Option<String> = row.get("call_ref")?;
    let is_call_known = row.get::<Option<i64>>("call_number")?.is_some();
    let call_visitor_id = columns::visitor_id(row, "call_visitor_id")?;
    let known = Known {
        call: is_call_known.then_some(call_visitor_id),
        is_visitor_known: row.get("is_visitor_known")?,
    };
    let tie = Match::new(visitor_id, call_ref.as_deref(), known);
    let mut warnings: Vec<String> = columns::json(row, "warnings")?;
    if tie.is_contradicted {
        warnings.push("The event names another visitor than its call; the call's counts.".into());
    }
    Ok(Event {
        event_id: columns::uuid(row, "event_id")?,
        igrp,
        action: row.get("action")?,
        visitor_id,
        call_ref,
        title: row.get("title")?,
        value: row.get("value")?,
        transaction_value: row.get("transaction_value")?,
        currency: row.get("currency")?,
        transaction_ref: row.get("transaction_ref")?,
        event_time: columns::timestamp(row, "event_time")?,
        event_time_source: columns::time_source(row, "event_time_source")?,
        receive_time: columns::timestamp(row, "receive_time")?,
        match_mode: columns::match_mode(row)?,
        source_phone_number: row.get("source_phone_number")?,
        call_start_time: columns::optional_timestamp(row, "call_start_time")?,
        is_void: row.get("is_void")?,
        attributes: columns::json(row, "attributes")?,
        warnings,
        idempotency_key: row.get("idempotency_key")?,
        origin: columns::origin(row)?,
        tie,
    })
}
