//! The quarantine.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params};
use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::columns::{self, text};
use super::super::rows::quarantined_notification::{self, state_number};
use super::super::{Page, PageRequest, QuarantineFilter, StoreError};
use super::listing::{Conditions, Listing, igrp_in};
use super::row::one;
use crate::domain::{Coverage, Notification, QuarantineState, QuarantinedNotification, identity};
use crate::recording::{Held, Hold, Release};

/// One that is in the quarantine.
pub(super) fn held(connection: &Connection, id: Uuid) -> Result<Option<Held>, StoreError> {
    let found = find_held(connection, "quarantined_notification_id", [id.as_bytes()])?;
    Ok(found.into_iter().next())
}

/// Those with these keys that are in the quarantine.
pub(super) fn held_by_keys(
    connection: &Connection,
    digests: &BTreeSet<[u8; 16]>,
) -> Result<Vec<Held>, StoreError> {
    find_held(connection, "key_digest", digests)
}

/// The column's name comes from the code.
fn find_held<'a>(
    connection: &Connection,
    column: &str,
    values: impl IntoIterator<Item = &'a [u8; 16]>,
) -> Result<Vec<Held>, StoreError> {
    let mut values = values.into_iter().peekable();
    let mut found = Vec::new();
    if values.peek().is_none() {
        return Ok(found);
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT quarantined_notification_id, key_digest, igrp, receive_time, state,
             resolved_record_id, {}
         FROM quarantined_notifications AS held WHERE {column} = ?1",
        quarantined_notification::RECORD_KIND
    ))?;
    for value in values {
        let mut rows = statement.query([value])?;
        if let Some(row) = rows.next()? {
            found.push(quarantined_notification::held(row)?);
        }
    }
    Ok(found)
}

/// Puts a notification into the quarantine, or counts up one that is there.
pub(super) fn hold(connection: &Connection, hold: &Hold) -> Result<(), StoreError> {
    let Notification {
        endpoint,
        query,
        origin,
        fields,
        replay_of: _,
    } = &hold.notification;
    let key = |id: Option<&str>| id.map(|id| identity(id).to_owned());
    connection
        .prepare_cached(
            "INSERT INTO quarantined_notifications (
                 quarantined_notification_id, key_digest, igrp, reason, field, description,
                 endpoint, query, organization_id, organization_key, action_id,
                 notification_id, notification_key, object_type, record_id, record_key,
                 fields, receive_time, last_receive_time, delivery_count, state)
             VALUES (
                 :id, :key_digest, :igrp, :reason, :field, :description,
                 :endpoint, :query, :organization_id, :organization_key, :action_id,
                 :notification_id, :notification_key, :object_type, :record_id, :record_key,
                 :fields, :receive_time, :last_receive_time, :deliveries, :open)
             ON CONFLICT (quarantined_notification_id) DO UPDATE SET
                 igrp = excluded.igrp, reason = excluded.reason, field = excluded.field,
                 description = excluded.description, object_type = excluded.object_type,
                 record_id = excluded.record_id, record_key = excluded.record_key,
                 fields = excluded.fields, last_receive_time = excluded.last_receive_time,
                 delivery_count = delivery_count + excluded.delivery_count",
        )?
        .execute(named_params! {
            ":id": hold.id.as_bytes(),
            ":key_digest": hold.key_digest,
            ":igrp": hold.igrp.map_or(0, Igrp::get),
            ":reason": hold.rejection.reason.name(),
            ":field": hold.rejection.field,
            ":description": hold.rejection.description,
            ":endpoint": endpoint,
            ":query": query,
            ":organization_id": text(origin.organization_id.as_ref()),
            ":organization_key": key(text(origin.organization_id.as_ref())),
            ":action_id": text(origin.action_id.as_ref()),
            ":notification_id": text(origin.notification_id.as_ref()),
            ":notification_key": key(text(origin.notification_id.as_ref())),
            ":object_type": text(origin.object_type.as_ref()),
            ":record_id": text(origin.record_id.as_ref()),
            ":record_key": key(text(origin.record_id.as_ref())),
            ":fields": columns::fields(fields)?,
            ":receive_time": hold.receive_time.micros(),
            ":last_receive_time": hold.last_receive_time.micros(),
            ":deliveries": hold.deliveries,
            ":open": state_number(QuarantineState::Open),
        })?;
    Ok(())
}

/// Resolves one that has become a record.
pub(super) fn release(
    connection: &Connection,
    id: Uuid,
    release: &Release,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE quarantined_notifications
             SET state = ?2, resolve_time = ?3, resolved_record_id = ?4
             WHERE quarantined_notification_id = ?1",
        )?
        .execute(params![
            id.as_bytes(),
            state_number(release.state),
            release.time.micros(),
            release.record_id.as_bytes()
        ])?;
    Ok(())
}

/// Marks notifications as replayed or discarded, all or none.
pub(super) fn resolve(
    connection: &Connection,
    ids: &[Uuid],
    state: QuarantineState,
    now: Timestamp,
) -> Result<Result<u32, Uuid>, StoreError> {
    // The answer of a missing id is committed like any other, so nothing may
    // be written before all are known.
    for id in ids {
        let is_there = connection
            .prepare_cached(
                "SELECT 1 FROM quarantined_notifications WHERE quarantined_notification_id = ?1",
            )?
            .exists([id.as_bytes()])?;
        if !is_there {
            return Ok(Err(*id));
        }
    }
    let mut resolved = 0;
    for id in ids {
        let changed = connection
            .prepare_cached(
                "UPDATE quarantined_notifications SET state = ?2, resolve_time = ?3
                 WHERE quarantined_notification_id = ?1 AND state = ?4",
            )?
            .execute(params![
                id.as_bytes(),
                state_number(state),
                now.micros(),
                state_number(QuarantineState::Open)
            ])?;
        resolved += u32::try_from(changed).unwrap_or(0);
    }
    Ok(Ok(resolved))
}

/// One notification.
pub(super) fn find(
    connection: &Connection,
    id: Uuid,
) -> Result<Option<QuarantinedNotification>, StoreError> {
    let statement = connection.prepare_cached(
        "SELECT * FROM quarantined_notifications WHERE quarantined_notification_id = ?1",
    )?;
    one(statement, [id.as_bytes()], |row| {
        quarantined_notification::read_whole(row)
    })
}

/// A page of notifications, without their fields.
pub(super) fn list(
    connection: &Connection,
    filter: QuarantineFilter,
    page: PageRequest,
) -> Result<Page<QuarantinedNotification>, StoreError> {
    let QuarantineFilter {
        coverage,
        igrp,
        organization_id,
        notification_id,
        record_id,
        reason,
        endpoint,
        object_type,
        query,
        show_resolved,
    } = filter;
    let mut conditions = Conditions::default();
    if let Coverage::Only(igrps) = &coverage {
        conditions.add(
            &igrp_in(igrps),
            igrps.iter().map(|igrp| Value::from(igrp.get())),
        );
    }
    conditions.add_if("igrp = ?", igrp.map(Igrp::get));
    let key = |id: Option<String>| id.map(|id| identity(&id).to_owned());
    conditions.add_if("organization_key = ?", key(organization_id));
    conditions.add_if("notification_key = ?", key(notification_id));
    conditions.add_if("record_key = ?", key(record_id));
    conditions.add_if("reason = ?", reason.map(|reason| reason.name().to_owned()));
    conditions.add_if("endpoint = ?", endpoint);
    conditions.add_if("object_type = ?", object_type);
    conditions.add_if("query = ?", query);
    if !show_resolved {
        conditions.add_if("state = ?", Some(state_number(QuarantineState::Open)));
    }
    let listing = Listing {
        select: "SELECT number, quarantined_notification_id, igrp, reason, field, description,
                     endpoint, query, organization_id, action_id, notification_id, object_type,
                     record_id, receive_time, last_receive_time, delivery_count, state,
                     resolve_time, resolved_record_id
                 FROM quarantined_notifications",
        conditions,
        key: "receive_time",
        number: "number",
    };
    listing.page(connection, page, |row| quarantined_notification::read(row))
}
