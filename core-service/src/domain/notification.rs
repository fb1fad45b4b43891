//! Raw notifications, and those in the quarantine.

mod fields;

use std::collections::BTreeMap;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

pub use fields::RawFields;

use super::{Origin, RejectionReason};

/// The raw notification that an item was made from, as its receiver read it.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The endpoint's last path segment.
    pub endpoint: String,
    /// The canonical query, without the token.
    pub query: String,
    /// Where it came from.
    pub origin: Origin,
    /// The populated fields with their exact text.
    pub fields: RawFields,
    /// The quarantined notification that this is a replay of.
    pub replay_of: Option<Uuid>,
}

/// A notification in the quarantine.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct QuarantinedNotification {
    pub quarantined_notification_id: Uuid,
    pub igrp: Option<Igrp>,
    pub reason: RejectionReason,
    pub field: String,
    pub description: String,
    pub endpoint: String,
    pub query: String,
    pub origin: Origin,
    pub fields: BTreeMap<String, String>,
    pub receive_time: Timestamp,
    pub last_receive_time: Timestamp,
    pub delivery_count: u32,
    pub state: QuarantineState,
    pub resolve_time: Option<Timestamp>,
    pub resolved_record_id: Option<Uuid>,
}

/// Where a quarantined notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarantineState {
    /// Waiting for somebody to mend its mapping.
    Open,
    /// Replayed with other parameters.
    Replayed,
    /// Set aside by an operator.
    Discarded,
    /// Sent again, and then it was good.
    Recorded,
}
