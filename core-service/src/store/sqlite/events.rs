//! Events.

use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use sfbridge_values::{Timestamp, VisitorId};
use uuid::Uuid;

use super::super::columns::{self, Columns, text};
use super::super::rows::event;
use super::super::{EventFilter, Page, PageRequest, StoreError};
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
pub(super) fn insert(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    let origin = event.origin.as_ref();
    let record_id = origin.and_then(|origin| text(origin.record_id.as_ref()));
    connection
        .prepare_cached(
            // Numbers only rise, also when the last event was deleted: whoever
            // streams events has read up to one of them.
            "INSERT INTO events (
                 number, event_id, igrp, action, action_folded, visitor_id, call_ref, title, value,
                 transaction_value, currency, transaction_ref, event_time, event_time_source,
                 receive_time, match_mode, source_phone_number, call_start_time, is_void,
                 attributes, warnings, idempotency_key, organization_id, action_id,
                 notification_id, object_type, record_id, record_key)
             VALUES (
                 1 + max((SELECT highest FROM event_numbers),
                         coalesce((SELECT max(number) FROM events), 0)),
                 :event_id, :igrp, :action, :action_folded, :visitor_id, :call_ref, :title, :value,
                 :transaction_value, :currency, :transaction_ref, :event_time, :event_time_source,
                 :receive_time, :match_mode, :source_phone_number, :call_start_time, :is_void,
                 :attributes, :warnings, :idempotency_key, :organization_id, :action_id,
                 :notification_id, :object_type, :record_id, :record_key)",
        )?
        .execute(named_params! {
            ":event_id": event.event_id.as_bytes(),
            ":igrp": event.igrp.get(),
            ":action": event.action,
            ":action_folded": event.action.to_lowercase(),
            ":visitor_id": event.visitor_id.as_ref().map(VisitorId::as_bytes),
            ":call_ref": event.call_ref,
            ":title": event.title,
            ":value": event.value,
            ":transaction_value": event.transaction_value,
            ":currency": event.currency,
            ":transaction_ref": event.transaction_ref,
            ":event_time": event.event_time.micros(),
            ":event_time_source": columns::time_source_number(event.event_time_source),
            ":receive_time": event.receive_time.micros(),
            ":match_mode": columns::match_mode_number(event.match_mode),
            ":source_phone_number": event.source_phone_number,
            ":call_start_time": event.call_start_time.map(Timestamp::micros),
            ":is_void": event.is_void,
            ":attributes": columns::map(&event.attributes)?,
            ":warnings": columns::warnings(&event.warnings)?,
            ":idempotency_key": event.idempotency_key,
            ":organization_id": origin.and_then(|origin| text(origin.organization_id.as_ref())),
            ":action_id": origin.and_then(|origin| text(origin.action_id.as_ref())),
            ":notification_id": origin.and_then(|origin| text(origin.notification_id.as_ref())),
            ":object_type": origin.and_then(|origin| text(origin.object_type.as_ref())),
            ":record_id": record_id,
            ":record_key": record_id.map(identity),
        })?;
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
        // The call's visitor stands in for the event's own.
        let igrp = || Value::from(igrp.get());
        conditions.add(
            "events.number IN (
                 SELECT own.number FROM events AS own
                 WHERE own.igrp = ? AND own.visitor_id = ?
                 UNION
                 SELECT own.number FROM calls AS theirs
                 JOIN events AS own ON own.igrp = theirs.igrp AND own.call_ref = theirs.call_ref
                 WHERE theirs.igrp = ? AND theirs.visitor_id = ?)",
            [igrp(), bytes(), igrp(), bytes()],
        );
    }
    conditions.add_if(
        "events.call_ref = ?",
        call_ref.map(|call_ref| call_ref.as_str().to_owned()),
    );
    conditions.add_if(
        "events.record_key = ?",
        record_id.map(|id| identity(&id).to_owned()),
    );
    conditions.add_range("events.event_time", time);
    let listing = Listing {
        select: SELECT,
        conditions,
        key: "events.event_time",
        number: "events.number",
    };
    listing.page(connection, page, |row| event::read(row))
}
