//! Items and batches.

use sfbridge_values::{Igrp, OrganizationId, ShortText, Timestamp};
use uuid::Uuid;

use crate::domain::{Coverage, Notification, Rejection};
use crate::recording::KeyDigest;

/// One item of a batch, as far as it could be read without the store.
#[derive(Clone, Debug)]
pub struct Item<T> {
    /// The installation that it names, if that is readable.
    pub igrp: Option<Igrp>,
    /// The organisation that it came from, if it came from one.
    pub organization_id: Option<OrganizationId>,
    /// The content, or the first of its faults. Without an installation it is
    /// always a fault.
    pub content: Result<T, Rejection>,
    /// The key that tells a repeat.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The notification that it was made from.
    pub notification: Option<Notification>,
}

/// Items to be recorded in one transaction.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// The items in the order of the answer.
    pub items: Vec<Item<T>>,
    /// What to do with installations that nobody has created.
    pub unknown_installations: UnknownInstallations,
    /// Which installations the caller may touch.
    pub coverage: Coverage,
    /// When the batch was received.
    pub now: Timestamp,
}

/// What to do with installations that nobody has created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownInstallations {
    /// Reject the item.
    Reject,
    /// Create the installation, linked to the item's organisation.
    Create,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemResult {
    /// It is durable under this id, once the transaction has committed.
    Recorded(Uuid),
    /// It was seen before, and this is the first record's id.
    Duplicate(Uuid),
    /// It breaks a rule; its notification, if it had one, is quarantined.
    Rejected {
        /// The rule.
        rejection: Rejection,
        /// The quarantine record.
        quarantined: Option<Uuid>,
    },
}

/// The kinds of record that keys are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// Events.
    Event,
    /// Call ratings.
    CallRating,
    /// Lead enrichments.
    LeadEnrichment,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Event, Self::CallRating, Self::LeadEnrichment];

    /// What the notifications of an endpoint become.
    pub fn of_endpoint(endpoint: &str) -> Option<Self> {
        match endpoint {
            "events" => Some(Self::Event),
            "callRating" => Some(Self::CallRating),
            "leadEnrich" => Some(Self::LeadEnrichment),
            _ => None,
        }
    }
}

/// A new id for a record: unique, and in the order of time.
pub fn new_record_id(now: Timestamp) -> Uuid {
    let (seconds, nanos) = now.to_parts();
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        u64::try_from(seconds).unwrap_or(0),
        u32::try_from(nanos).unwrap_or(0),
    ))
}

/// A key that tells a repeat, and where it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    text: ShortText,
    // `None`: unique whatever the installation.
    igrp: Option<Igrp>,
}

impl IdempotencyKey {
    /// A caller's own key, which counts in its installation.
    pub fn in_installation(text: ShortText, igrp: Igrp) -> Self {
        Self {
            text,
            igrp: Some(igrp),
        }
    }

    /// The key of a notification, which counts whatever the installation: a
    /// record whose IGRP id changed between two tries stays one record.
    pub fn of_notification(text: ShortText) -> Self {
        Self { text, igrp: None }
    }

    /// The key as given.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// A narrow form for the store.
    pub fn digest(&self, kind: RecordKind) -> KeyDigest {
        KeyDigest::of(kind, self.igrp, self.text.as_str())
    }
}
