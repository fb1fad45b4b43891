//! Events.

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use sfbridge_values::{Timestamp, VisitorId};
use uuid::Uuid;

use super::super::columns::{self, Columns, text};
use super::super::rows::event;
use super::super::{EventFilter, Page, PageRequest, StoreError};
use super::event_references::{EventReferences, Reference};
use super::event_stream;
use super::listing::{Conditions, Listing};
use super::row::one;
use crate::domain::{Event, identity};

/// The columns of an event, and what is known of its call and visitor.
const SELECT: &str = "SELECT events.*,
    calls.number AS call_number, calls.visitor_id AS call_visitor_id,
    events.visitor_id IS NOT NULL AND (
        EXISTS (SELECT 1 FROM visits
                WHERE visits.igrp = events.igrp AND visits.visitor_id = events.visitor_id)
        OR EXISTS (SELECT 1 FROM calls AS others
                   WHERE others.igrp = events.igrp AND others.visitor_id = events.visitor_id)
    ) AS is_visitor_known
    FROM events
    LEFT JOIN calls ON calls.igrp = events.igrp AND calls.call_ref = events.call_ref";

/// Adds an event.
const INSERT: &str = "INSERT INTO events (
         number, event_id, igrp, action, action_folded, visitor_id, call_ref, title, value,
         transaction_value, currency, transaction_ref, event_time, event_time_source,
         receive_time, match_mode, source_phone_number, call_start_time, is_void,
         attributes, warnings, idempotency_key, organization_id, action_id,
         notification_id, object_type, record_id, record_key)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
         ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)";

/// So many events of one visitor or record are found by reading the newest first,
/// rather than by looking each of them up.
const MANY: usize = 100_000;

/// Adds events.
pub(super) fn insert(
    connection: &Connection,
    events: &[Event],
    references: &EventReferences,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    // Numbers only rise, also when the last event was deleted: whoever streams
    // events has read up to one of them.
    let mut number: i64 = connection
        .prepare_cached(event_stream::HIGHEST)?
        .query_row([], |row| row.get(0))?;
    let mut insert = connection.prepare_cached(INSERT)?;
    for event in events {
        number += 1;
        let origin = event.origin.as_ref();
        let record_id = origin.and_then(|origin| text(origin.record_id.as_ref()));
        // In the order of the columns: names would be looked up for each event.
        insert.execute(params![
            number,
            event.event_id.as_bytes(),
            event.igrp.get(),
            event.action,
            event.action.to_lowercase(),
            event.visitor_id.as_ref().map(VisitorId::as_bytes),
            event.call_ref,
            event.title,
            event.value,
            event.transaction_value,
            event.currency,
            event.transaction_ref,
            event.event_time.micros(),
            columns::time_source_number(event.event_time_source),
            event.receive_time.micros(),
            columns::match_mode_number(event.match_mode),
            event.source_phone_number,
            event.call_start_time.map(Timestamp::micros),
            event.is_void,
            columns::map(&event.attributes)?,
            columns::warnings(&event.warnings)?,
            event.idempotency_key,
            origin.and_then(|origin| text(origin.organization_id.as_ref())),
            origin.and_then(|origin| text(origin.action_id.as_ref())),
            origin.and_then(|origin| text(origin.notification_id.as_ref())),
            origin.and_then(|origin| text(origin.object_type.as_ref())),
            record_id,
            record_id.map(identity),
        ])?;
        references.note(event, number);
    }
    Ok(())
}

/// One event.
pub(super) fn find(connection: &Connection, event_id: Uuid) -> Result<Option<Event>, StoreError> {
    let select = format!("{SELECT} WHERE events.event_id = ?1");
    let statement = connection.prepare_cached(&select)?;
    one(statement, [event_id.as_bytes()], |row| event::read(row))
}

/// The event of this number, and about how many bytes it takes.
pub(super) fn numbered(
    connection: &Connection,
    number: i64,
) -> Result<Option<(Event, usize)>, StoreError> {
    let select = format!("{SELECT} WHERE events.number = ?1");
    let statement = connection.prepare_cached(&select)?;
    one(statement, [number], |row| {
        Ok((event::read(row)?, Columns::size(row)))
    })
}

/// A page of events.
pub(super) fn list(
    connection: &Connection,
    references: &EventReferences,
    filter: EventFilter,
    page: PageRequest,
) -> Result<Page<Event>, StoreError> {
    let EventFilter {
        igrp,
        action,
        visitor_id,
        call_ref,
        record_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("events.igrp = ?", Some(igrp.get()));
    conditions.add_if(
        "events.action_folded = ?",
        action.map(|action| action.to_lowercase()),
    );
    if let Some(visitor_id) = visitor_id {
        let bytes = || Value::from(visitor_id.as_bytes().to_vec());
        let own = references.find(connection, Reference::visitor(igrp, visitor_id))?;
        // The call's visitor stands in for the event's own.
        let igrp = || Value::from(igrp.get());
        let theirs = "SELECT own.number FROM calls AS theirs
             JOIN events AS own ON own.igrp = theirs.igrp AND own.call_ref = theirs.call_ref
             WHERE theirs.igrp = ? AND theirs.visitor_id = ?";
        if own.len() > MANY {
            conditions.add(
                &format!("(events.visitor_id = ? OR events.number IN ({theirs}))"),
                [bytes(), igrp(), bytes()],
            );
        } else {
            conditions.add(
                &format!(
                    "events.number IN (
                         SELECT own.number FROM json_each(?) AS candidates
                         CROSS JOIN events AS own ON own.number = candidates.value
                         WHERE own.igrp = ? AND own.visitor_id = ?
                         UNION {theirs})"
                ),
                [
                    columns::to_json(&own)?.into(),
                    igrp(),
                    bytes(),
                    igrp(),
                    bytes(),
                ],
            );
        }
    }
    conditions.add_if(
        "events.call_ref = ?",
        call_ref.map(|call_ref| call_ref.as_str().to_owned()),
    );
    if let Some(record_id) = record_id {
        let key = identity(&record_id);
        let own = references.find(connection, Reference::record(igrp, key))?;
        conditions.add("events.record_key = ?", [Value::from(key.to_owned())]);
        if own.len() <= MANY {
            let candidates = "events.number IN (SELECT value FROM json_each(?))";
            conditions.add(candidates, [columns::to_json(&own)?.into()]);
        }
    }
    conditions.add_range("events.event_time", time);
    let listing = Listing {
        select: SELECT,
        conditions,
        key: "events.event_time",
        number: "events.number",
    };
    listing.page(connection, page, |row| event::read(row))
}
