//! The row of a quarantined notification.

use sfbridge_values::Igrp;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{QuarantineState, QuarantinedNotification, RejectionReason};
use crate::recording::{Held, RecordKind};

/// The column `record_kind`: what kind of record a notification in the
/// quarantine, called `held`, has become, if that is still there. (For `EXISTS`
/// PostgreSQL may read all events, to have them at hand for many notifications.)
pub(in super::super) const RECORD_KIND: &str = "CASE
     WHEN held.resolved_record_id IS NULL THEN NULL
     WHEN (SELECT 1 FROM events WHERE event_id = held.resolved_record_id) = 1 THEN 1
     WHEN (SELECT 1 FROM call_ratings WHERE call_rating_id = held.resolved_record_id) = 1 THEN 2
     WHEN (SELECT 1 FROM lead_enrichments
           WHERE lead_enrichment_id = held.resolved_record_id) = 1 THEN 3
     END AS record_kind";

/// Reads what decides about a redelivery.
pub(in super::super) fn held(row: &impl Columns) -> Result<Held, StoreError> {
    let kind = match row.get("record_kind")? {
        None => None,
        Some(1_i64) => Some(RecordKind::Event),
        Some(2) => Some(RecordKind::CallRating),
        Some(3) => Some(RecordKind::LeadEnrichment),
        Some(other) => return Err(unreadable("record_kind", format!("{other} is no kind"))),
    };
    Ok(Held {
        id: columns::uuid(row, "quarantined_notification_id")?,
        key_digest: row.get("key_digest")?,
        igrp: Igrp::new(row.get("igrp")?).ok(),
        receive_time: columns::timestamp(row, "receive_time")?,
        record: kind.zip(columns::optional_uuid(row, "resolved_record_id")?),
        state: state(row)?,
    })
}

/// Reads a notification with its fields.
pub(in super::super) fn read_whole(
    row: &impl Columns,
) -> Result<QuarantinedNotification, StoreError> {
    let mut notification = read(row)?;
    notification.fields = columns::json(row, "fields")?;
    Ok(notification)
}

/// Reads a notification, without its fields.
pub(in super::super) fn read(row: &impl Columns) -> Result<QuarantinedNotification, StoreError> {
    let reason: String = row.get("reason")?;
    Ok(QuarantinedNotification {
        quarantined_notification_id: columns::uuid(row, "quarantined_notification_id")?,
        igrp: Igrp::new(row.get("igrp")?).ok(),
        reason: RejectionReason::named(&reason).ok_or_else(|| unreadable("reason", &reason))?,
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
pub(in super::super) fn state_number(state: QuarantineState) -> i64 {
    match state {
        QuarantineState::Open => 1,
        QuarantineState::Replayed => 2,
        QuarantineState::Discarded => 3,
        QuarantineState::Recorded => 4,
    }
}

fn state(row: &impl Columns) -> Result<QuarantineState, StoreError> {
    match row.get("state")? {
        1_i64 => Ok(QuarantineState::Open),
        2 => Ok(QuarantineState::Replayed),
        3 => Ok(QuarantineState::Discarded),
        4 => Ok(QuarantineState::Recorded),
        other => Err(unreadable(
            "state",
            format!("{other} is no quarantine state"),
        )),
    }
}
