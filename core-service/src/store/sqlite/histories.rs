//! What is known of a visitor, read from visits, calls and ratings.

use rusqlite::{Connection, params};
use sfbridge_values::{CallRef, Igrp, Timestamp, VisitorId};

use super::super::StoreError;
use super::super::rows::call;
use super::row::one;
use super::{calls, ratings, visits};
use crate::domain::{Call, Considered, Journey, VisitorHistory};

/// The history of a visitor, or of the one that a call names: a call decides,
/// as it does for events.
pub(super) fn find(
    connection: &Connection,
    igrp: Igrp,
    visitor_id: Option<VisitorId>,
    call_ref: Option<&CallRef>,
    as_of: Timestamp,
) -> Result<VisitorHistory, StoreError> {
    let call = match call_ref {
        Some(call_ref) => calls::find(connection, igrp, call_ref.as_str())?,
        None => None,
    };
    let visitor_id = match &call {
        Some(call) => call.visitor_id.or(visitor_id),
        None => visitor_id,
    };
    let until = Considered::until(as_of);
    let (journey, call_count, last_call) = match visitor_id {
        Some(visitor_id) => (
            Journey::new(visits::latest_of(connection, igrp, visitor_id)?),
            count_calls(connection, igrp, visitor_id, until)?,
            last_call(connection, igrp, visitor_id, until)?.or(call),
        ),
        None => (Journey::default(), usize::from(call.is_some()), call),
    };
    let call_rating = match &last_call {
        Some(call) => ratings::current(connection, igrp, &call.call_ref)?,
        None => None,
    };
    Ok(VisitorHistory {
        visitor_id,
        journey,
        call_count,
        last_call,
        call_rating,
    })
}

fn count_calls(
    connection: &Connection,
    igrp: Igrp,
    visitor_id: VisitorId,
    until: Timestamp,
) -> Result<usize, StoreError> {
    let count: i64 = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM calls
             WHERE igrp = ?1 AND visitor_id = ?2 AND start_time <= ?3",
        )?
        .query_row(
            params![igrp.get(), visitor_id.as_bytes(), until.micros()],
            |row| row.get(0),
        )?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn last_call(
    connection: &Connection,
    igrp: Igrp,
    visitor_id: VisitorId,
    until: Timestamp,
) -> Result<Option<Call>, StoreError> {
    let statement = connection.prepare_cached(
        "SELECT * FROM calls
         WHERE igrp = ?1 AND visitor_id = ?2 AND start_time <= ?3
         ORDER BY start_time DESC, call_ref DESC LIMIT 1",
    )?;
    let calls = params![igrp.get(), visitor_id.as_bytes(), until.micros()];
    one(statement, calls, |row| call::read(row))
}
