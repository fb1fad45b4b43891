//! The quarantine.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::{Page, PageRequest, QuarantineFilter, StoreError};
use super::columns::{self, text};
use super::listing::{Conditions, Listing};
use crate::domain::{
    Coverage, Notification, QuarantineState, QuarantinedNotification, Rejection, RejectionReason,
    identity,
};
use crate::recording::{Batch, ItemResult, RecordKind, new_record_id};

/// A notification that is in the quarantine already.
#[derive(Debug)]
pub(super) struct Held {
    /// Its quarantine record.
    pub(super) id: Uuid,
    /// When it was first received.
    pub(super) receive_time: Timestamp,
    /// The record that it became, if it did.
    pub(super) resolved_record_id: Option<Uuid>,
    /// Whether an item replays it, rather than delivers it again.
    pub(super) is_replay: bool,
    state: QuarantineState,
}

/// A notification that can't be recorded.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    /// The installation that it names, if that is readable and the caller's.
    pub(super) igrp: Option<Igrp>,
    /// What tells a redelivery.
    pub(super) digest: Option<[u8; 16]>,
    /// The notification.
    pub(super) notification: Notification,
    /// Why it can't be recorded.
    pub(super) rejection: &'a Rejection,
}

/// Finds the quarantine record that is replayed, or else that of a key.
pub(super) fn held(
    connection: &Connection,
    coverage: &Coverage,
    digest: Option<&[u8; 16]>,
    replay_of: Option<Uuid>,
) -> Result<Option<Held>, StoreError> {
    if let Some(id) = replay_of {
        let found = find_held(connection, "quarantined_notification_id", id.as_bytes())?;
        // One without an installation may be anybody's.
        let is_ours = |igrp: Option<Igrp>| match igrp {
            Some(igrp) => coverage.covers(igrp),
            None => *coverage == Coverage::All,
        };
        if let Some((igrp, held)) = found
            && is_ours(igrp)
        {
            return Ok(Some(Held {
                is_replay: true,
                ..held
            }));
        }
    }
    let Some(digest) = digest else {
        return Ok(None);
    };
    Ok(match find_held(connection, "key_digest", digest)? {
        Some((Some(igrp), _)) if !coverage.covers(igrp) => None,
        found => found.map(|(_, held)| held),
    })
}

/// The column's name comes from the code.
fn find_held(
    connection: &Connection,
    column: &str,
    value: &[u8; 16],
) -> Result<Option<(Option<Igrp>, Held)>, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT quarantined_notification_id, igrp, receive_time, state, resolved_record_id
             FROM quarantined_notifications WHERE {column} = ?1"
        ))?
        .query_row([value], |row| {
            let held = Held {
                id: columns::uuid(row, "quarantined_notification_id")?,
                receive_time: columns::timestamp(row, "receive_time")?,
                resolved_record_id: columns::optional_uuid(row, "resolved_record_id")?,
                is_replay: false,
                state: state(row)?,
            };
            Ok((Igrp::new(row.get("igrp")?).ok(), held))
        })
        .optional()?)
}

impl Held {
    /// Resolves it, now that it has become a record.
    pub(super) fn release(
        &self,
        connection: &Connection,
        record_id: Uuid,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_discarded = self.state == QuarantineState::Discarded;
        if is_discarded || self.resolved_record_id == Some(record_id) {
            return Ok(());
        }
        let state = if self.is_replay {
            QuarantineState::Replayed
        } else {
            QuarantineState::Recorded
        };
        connection
            .prepare_cached(
                "UPDATE quarantined_notifications
                 SET state = ?2, resolve_time = ?3, resolved_record_id = ?4
                 WHERE quarantined_notification_id = ?1",
            )?
            .execute(params![
                self.id.as_bytes(),
                state_number(state),
                now.micros(),
                record_id.as_bytes()
            ])?;
        Ok(())
    }
}

/// Puts a notification into the quarantine. A redelivery keeps its one record,
/// which then holds what was sent last.
pub(super) fn hold(
    connection: &Connection,
    held: Option<&Held>,
    arrival: Arrival<'_>,
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    let Arrival {
        igrp,
        digest,
        notification,
        rejection,
    } = arrival;
    let Notification {
        endpoint,
        query,
        origin,
        fields,
        replay_of: _,
    } = notification;
    let id = held.map_or_else(|| new_record_id(now), |held| held.id);
    let key = |id: Option<&str>| id.map(|id| identity(id).to_owned());
    connection
        .prepare_cached(
            "INSERT INTO quarantined_notifications (
                 quarantined_notification_id, key_digest, igrp, reason, field, description,
                 endpoint, query, organization_id, organization_key, action_id,
                 notification_id, notification_key, object_type, record_id, record_key,
                 fields, receive_time, last_receive_time, delivery_count, state)
             VALUES (
                 :id,
                 -- The key may be that of a notification that is not the caller's.
                 CASE WHEN EXISTS (SELECT 1 FROM quarantined_notifications
                                   WHERE key_digest = :key_digest)
                     THEN NULL ELSE :key_digest END,
                 :igrp, :reason, :field, :description,
                 :endpoint, :query, :organization_id, :organization_key, :action_id,
                 :notification_id, :notification_key, :object_type, :record_id, :record_key,
                 :fields, :now, :now, 1, :open)
             ON CONFLICT (quarantined_notification_id) DO UPDATE SET
                 igrp = excluded.igrp, reason = excluded.reason, field = excluded.field,
                 description = excluded.description, object_type = excluded.object_type,
                 record_id = excluded.record_id, record_key = excluded.record_key,
                 fields = excluded.fields, last_receive_time = excluded.last_receive_time,
                 delivery_count = delivery_count + 1",
        )?
        .execute(named_params! {
            ":id": id.as_bytes(),
            ":key_digest": digest,
            ":igrp": igrp.map_or(0, Igrp::get),
            ":reason": rejection.reason.name(),
            ":field": rejection.field,
            ":description": rejection.description,
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
            ":fields": columns::to_json(&fields)?,
            ":now": now.micros(),
            ":open": state_number(QuarantineState::Open),
        })?;
    Ok(id)
}

/// Quarantines notifications that became no item.
pub(super) fn record(
    connection: &Connection,
    batch: Batch<std::convert::Infallible>,
) -> Result<Vec<ItemResult>, StoreError> {
    let (now, coverage) = (batch.now, batch.coverage);
    batch
        .items
        .into_iter()
        .filter_map(|item| {
            Some((
                item.igrp,
                item.idempotency_key,
                item.notification?,
                item.content,
            ))
        })
        .map(|(igrp, key, notification, content)| {
            let Err(rejection) = content;
            let kind = RecordKind::of_endpoint(&notification.endpoint);
            let digest = key.and_then(|key| Some(key.digest(kind?)));
            let held = held(connection, &coverage, digest.as_ref(), None)?;
            let arrival = Arrival {
                igrp: igrp.filter(|igrp| coverage.covers(*igrp)),
                digest,
                notification,
                rejection: &rejection,
            };
            let id = hold(connection, held.as_ref(), arrival, now)?;
            Ok(if held.is_some() {
                ItemResult::Duplicate(id)
            } else {
                ItemResult::Recorded(id)
            })
        })
        .collect()
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
    Ok(connection
        .prepare_cached(
            "SELECT * FROM quarantined_notifications WHERE quarantined_notification_id = ?1",
        )?
        .query_row([id.as_bytes()], |row| {
            let mut notification = read(row)?;
            notification.fields = columns::json(row, "fields")?;
            Ok(notification)
        })
        .optional()?)
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
            &columns::igrp_in(igrps),
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
    listing.page(connection, page, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<QuarantinedNotification> {
    let reason: String = row.get("reason")?;
    Ok(QuarantinedNotification {
        quarantined_notification_id: columns::uuid(row, "quarantined_notification_id")?,
        igrp: Igrp::new(row.get("igrp")?).ok(),
        reason: RejectionReason::named(&reason)
            .ok_or_else(|| columns::unreadable("reason", &reason))?,
        field: row.get("field")?,
        description: row.get("description")?,
        endpoint: row.get("endpoint")?,
        query: row.get("query")?,
        origin: columns::origin(row)?.unwrap_or_default(),
        fields: std::collections::BTreeMap::new(),
        receive_time: columns::timestamp(row, "receive_time")?,
        last_receive_time: columns::timestamp(row, "last_receive_time")?,
        delivery_count: row.get("delivery_count")?,
        state: state(row)?,
        resolve_time: columns::optional_timestamp(row, "resolve_time")?,
        resolved_record_id: columns::optional_uuid(row, "resolved_record_id")?,
    })
}

/// The contract's number of a state.
fn state_number(state: QuarantineState) -> i64 {
    match state {
        QuarantineState::Open => 1,
        QuarantineState::Replayed => 2,
        QuarantineState::Discarded => 3,
        QuarantineState::Recorded => 4,
    }
}

fn state(row: &Row<'_>) -> rusqlite::Result<QuarantineState> {
    match row.get("state")? {
        1_i64 => Ok(QuarantineState::Open),
        2 => Ok(QuarantineState::Replayed),
        3 => Ok(QuarantineState::Discarded),
        4 => Ok(QuarantineState::Recorded),
        other => Err(columns::unreadable(
            "state",
            format!("{other} is no quarantine state"),
        )),
    }
}
