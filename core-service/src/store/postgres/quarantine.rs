//! The quarantine.

use std::collections::BTreeMap;

use deadpool_postgres::{Client, GenericClient};
use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::columns::{self, igrp_numbers, text};
use super::super::rows::quarantined_notification::{self, state_number};
use super::super::{Page, PageRequest, QuarantineFilter, StoreError};
use super::listing::{Conditions, Listing, Value};
use super::rows::Rows;
use super::statements::Statement;
use crate::domain::{Coverage, Origin, QuarantineState, QuarantinedNotification, identity};
use crate::recording::{Held, Hold, Needs, Release};

/// Those that are replayed, and those with these keys. They are locked, in one
/// order.
pub(super) async fn held(
    transaction: &impl GenericClient,
    needs: &Needs,
) -> Result<Vec<Held>, StoreError> {
    if needs.held_keys.is_empty() && needs.replays.is_empty() {
        return Ok(Vec::new());
    }
    let select = format!(
        "SELECT quarantined_notification_id, key_digest, igrp, receive_time, state,
             resolved_record_id, {}
         FROM quarantined_notifications AS held
         WHERE key_digest = ANY($1) OR quarantined_notification_id = ANY($2)
         ORDER BY quarantined_notification_id FOR UPDATE OF held",
        quarantined_notification::RECORD_KIND
    );
    let statement = transaction.prepare_cached(&select).await?;
    let digests = needs.held_keys.iter().copied();
    let digests: Vec<Uuid> = digests.map(Uuid::from_bytes).collect();
    let replays: Vec<Uuid> = needs.replays.iter().copied().collect();
    let rows = transaction.query(&statement, &[&digests, &replays]).await?;
    rows.iter().map(quarantined_notification::held).collect()
}

/// The statement that puts notifications into the quarantine, or counts up those
/// that are there; none if there are none.
pub(super) fn holding(holds: &[Hold]) -> Result<Option<Statement<'_>>, StoreError> {
    let all = || holds.iter();
    let origin = |field: fn(&Origin) -> Option<&str>| {
        holds
            .iter()
            .map(move |hold| field(&hold.notification.origin))
    };
    let fields: Vec<_> = all()
        .map(|hold| columns::fields(&hold.notification.fields))
        .collect::<Result<_, _>>()?;
    let open = state_number(QuarantineState::Open);
    Ok(Rows::default()
        .column("quarantined_notification_id", all().map(|hold| hold.id))
        .column(
            "key_digest",
            all().map(|hold| hold.key_digest.map(Uuid::from_bytes)),
        )
        .column("igrp", all().map(|hold| hold.igrp.map_or(0, Igrp::get)))
        .column("reason", all().map(|hold| hold.rejection.reason.name()))
        .column("field", all().map(|hold| hold.rejection.field.as_str()))
        .column(
            "description",
            all().map(|hold| hold.rejection.description.as_str()),
        )
        .column(
            "endpoint",
            all().map(|hold| hold.notification.endpoint.as_str()),
        )
        .column("query", all().map(|hold| hold.notification.query.as_str()))
        .column(
            "organization_id",
            origin(|origin| text(origin.organization_id.as_ref())),
        )
        .column(
            "organization_key",
            origin(|origin| text(origin.organization_id.as_ref()).map(identity)),
        )
        .column(
            "action_id",
            origin(|origin| text(origin.action_id.as_ref())),
        )
        .column(
            "notification_id",
            origin(|origin| text(origin.notification_id.as_ref())),
        )
        .column(
            "notification_key",
            origin(|origin| text(origin.notification_id.as_ref()).map(identity)),
        )
        .column(
            "object_type",
            origin(|origin| text(origin.object_type.as_ref())),
        )
        .column(
            "record_id",
            origin(|origin| text(origin.record_id.as_ref())),
        )
        .column(
            "record_key",
            origin(|origin| text(origin.record_id.as_ref()).map(identity)),
        )
        .column("fields", fields.into_iter())
        .column("receive_time", all().map(|hold| hold.receive_time.micros()))
        .column(
            "last_receive_time",
            all().map(|hold| hold.last_receive_time.micros()),
        )
        .column(
            "delivery_count",
            all().map(|hold| i64::from(hold.deliveries)),
        )
        .column("state", all().map(|_| open))
        .insertion(
            "quarantined_notifications AS held",
            "ON CONFLICT (quarantined_notification_id) DO UPDATE SET
                 igrp = excluded.igrp, reason = excluded.reason, field = excluded.field,
                 description = excluded.description, object_type = excluded.object_type,
                 record_id = excluded.record_id, record_key = excluded.record_key,
                 fields = excluded.fields, last_receive_time = excluded.last_receive_time,
                 delivery_count = held.delivery_count + excluded.delivery_count",
        ))
}

/// The statement that resolves those that have become records; none if there are
/// none.
pub(super) fn releasing(releases: &BTreeMap<Uuid, Release>) -> Option<Statement<'_>> {
    let all = || releases.values();
    Rows::default()
        .column("id", releases.keys().copied())
        .column("state", all().map(|release| state_number(release.state)))
        .column("resolve_time", all().map(|release| release.time.micros()))
        .column("resolved_record_id", all().map(|release| release.record_id))
        .change(
            "quarantined_notifications",
            "state = new.state, resolve_time = new.resolve_time,
             resolved_record_id = new.resolved_record_id",
            "kept.quarantined_notification_id = new.id",
        )
}

/// Marks notifications as replayed or discarded, all or none.
pub(super) async fn resolve(
    transaction: &impl GenericClient,
    ids: &[Uuid],
    state: QuarantineState,
    now: Timestamp,
) -> Result<Result<u32, Uuid>, StoreError> {
    let select = "SELECT quarantined_notification_id FROM quarantined_notifications
                  WHERE quarantined_notification_id = ANY($1)
                  ORDER BY quarantined_notification_id FOR UPDATE";
    let statement = transaction.prepare_cached(select).await?;
    let rows = transaction.query(&statement, &[&ids]).await?;
    let there = rows
        .iter()
        .map(|row| columns::uuid(row, "quarantined_notification_id"))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(missing) = ids.iter().find(|id| !there.contains(id)) {
        return Ok(Err(*missing));
    }
    let update = "UPDATE quarantined_notifications SET state = $2, resolve_time = $3
                  WHERE quarantined_notification_id = ANY($1) AND state = $4";
    let statement = transaction.prepare_cached(update).await?;
    let open = state_number(QuarantineState::Open);
    let resolved = transaction
        .execute(
            &statement,
            &[&ids, &state_number(state), &now.micros(), &open],
        )
        .await?;
    Ok(Ok(u32::try_from(resolved).unwrap_or(u32::MAX)))
}

/// One notification.
pub(super) async fn find(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<QuarantinedNotification>, StoreError> {
    let select = "SELECT * FROM quarantined_notifications WHERE quarantined_notification_id = $1";
    let statement = client.prepare_cached(select).await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    row.map(|row| quarantined_notification::read_whole(&row))
        .transpose()
}

/// A page of notifications, without their fields.
pub(super) async fn list(
    client: &Client,
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
        conditions.add("igrp = ANY(?)", [Box::new(igrp_numbers(igrps)) as Value]);
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
    listing
        .page(client, page, quarantined_notification::read)
        .await
}
