//! Notifications that can't be recorded, and what becomes of them later.

use std::convert::Infallible;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::Draft;
use crate::domain::{Coverage, Notification, QuarantineState, Rejection};
use crate::recording::{Batch, ItemResult, RecordKind, new_record_id};

/// A notification that is in the quarantine.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its quarantine record.
    pub id: Uuid,
    /// What tells its redelivery.
    pub key_digest: Option<[u8; 16]>,
    /// The installation that it names, if that was readable.
    pub igrp: Option<Igrp>,
    /// When it was first received.
    pub receive_time: Timestamp,
    /// The record that it became, if it did and that is still there.
    pub record: Option<(RecordKind, Uuid)>,
    /// Whether it is open.
    pub state: QuarantineState,
}

/// A notification that goes into the quarantine. A redelivery keeps its one
/// record, which then holds what was sent last.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The quarantine record.
    pub id: Uuid,
    /// What tells its redelivery; none when that is taken by a notification
    /// that is not the caller's.
    pub key_digest: Option<[u8; 16]>,
    /// The installation that it names, if that is readable and the caller's.
    pub igrp: Option<Igrp>,
    /// The notification as it was sent last.
    pub notification: Notification,
    /// Why it can't be recorded.
    pub rejection: Rejection,
    /// When it was received, first within this transaction.
    pub receive_time: Timestamp,
    /// When it was received last.
    pub last_receive_time: Timestamp,
    /// How often it has come within this transaction.
    pub deliveries: u32,
    /// Whether it was in the quarantine before.
    pub was_held: bool,
}

/// A notification that leaves the quarantine, now that it has become a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Whether it was replayed, or delivered again and recorded.
    pub state: QuarantineState,
    /// When.
    pub time: Timestamp,
    /// The record.
    pub record_id: Uuid,
}

/// The quarantine record that concerns an item.
#[derive(Clone, Debug)]
pub(super) struct HeldForItem {
    pub(super) id: Uuid,
    pub(super) receive_time: Timestamp,
    pub(super) record: Option<(RecordKind, Uuid)>,
    /// Whether the item replays it, rather than delivers it again.
    pub(super) is_replay: bool,
}

/// A notification that can't be recorded.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The installation that it names, if that is readable and the caller's.
    pub(super) igrp: Option<Igrp>,
    /// What tells a redelivery.
    pub(super) key_hash: Option<[u8; 16]>,
    /// The notification.
    pub(super) notification: Notification,
    /// Why it can't be recorded.
    pub(super) rejection: Rejection,
}

impl Draft {
    /// Quarantines notifications that became no item; one result each, in
    /// order.
    pub fn quarantine(&mut self, batch: Batch<Infallible>) -> Vec<ItemResult> {
        let (now, coverage) = (batch.now, batch.coverage);
        let mut results = Vec::with_capacity(batch.items.len());
        for item in batch.items {
            let (Some(notification), Err(rejection)) = (item.notification, item.content) else {
                continue;
            };
            let kind = RecordKind::of_endpoint(&notification.endpoint);
            let key = item.idempotency_key;
            let key_hash = key.and_then(|key| Some(*key.digest(kind?).hash()));
            let held = self.held_for(&coverage, key_hash, None);
            let arrival = Arrival {
                igrp: item.igrp.filter(|igrp| coverage.covers(*igrp)),
                key_hash,
                notification,
                rejection,
            };
            let was_held = held.is_some();
            let id = self.hold(held.map(|held| held.id), arrival, now);
            results.push(if was_held {
                ItemResult::Duplicate(id)
            } else {
                ItemResult::Recorded(id)
            });
        }
        results
    }

    /// The quarantine record that is replayed, or else that of a key.
    pub(super) fn held_for(
        &self,
        coverage: &Coverage,
        key_hash: Option<[u8; 16]>,
        replay_of: Option<Uuid>,
    ) -> Option<HeldForItem> {
        let for_item = |held: &Held, is_replay| HeldForItem {
            id: held.id,
            receive_time: held.receive_time,
            record: held.record,
            is_replay,
        };
        let replayed = replay_of.and_then(|id| self.held.get(&id));
        if let Some(held) = replayed {
            // One without an installation may be anybody's.
            let is_ours = match held.igrp {
                Some(igrp) => coverage.covers(igrp),
                None => *coverage == Coverage::All,
            };
            if is_ours {
                return Some(for_item(held, true));
            }
        }
        let held = self.held.get(self.held_by_key.get(&key_hash?)?)?;
        match held.igrp {
            Some(igrp) if !coverage.covers(igrp) => None,
            _ => Some(for_item(held, false)),
        }
    }

    /// Puts a notification into the quarantine, where it may be already.
    pub(super) fn hold(&mut self, held: Option<Uuid>, arrival: Arrival, now: Timestamp) -> Uuid {
        let Arrival {
            igrp,
            key_hash,
            notification,
            rejection,
        } = arrival;
        let id = held.unwrap_or_else(|| new_record_id(now));
        // The key may be that of a notification that is not the caller's.
        let key_digest = key_hash.filter(|hash| !self.held_by_key.contains_key(hash));
        if held.is_none() {
            self.know_held(Held {
                id,
                key_digest,
                igrp,
                receive_time: now,
                record: None,
                state: QuarantineState::Open,
            });
        } else if let Some(held) = self.held.get_mut(&id) {
            held.igrp = igrp;
        }
        let holds = &mut self.changes.holds;
        match self.places.get(&id).and_then(|place| holds.get_mut(*place)) {
            Some(before) => {
                before.igrp = igrp;
                before.notification = notification;
                before.rejection = rejection;
                before.last_receive_time = now;
                before.deliveries += 1;
            }
            None => {
                self.places.insert(id, holds.len());
                holds.push(Hold {
                    id,
                    key_digest,
                    igrp,
                    notification,
                    rejection,
                    receive_time: now,
                    last_receive_time: now,
                    deliveries: 1,
                    was_held: held.is_some(),
                });
            }
        }
        id
    }

    /// Resolves a quarantine record, now that it has become a record.
    pub(super) fn release(
        &mut self,
        item: &HeldForItem,
        record: (RecordKind, Uuid),
        now: Timestamp,
    ) {
        let Some(held) = self.held.get_mut(&item.id) else {
            return;
        };
        if held.state == QuarantineState::Discarded || held.record == Some(record) {
            return;
        }
        held.state = if item.is_replay {
            QuarantineState::Replayed
        } else {
            QuarantineState::Recorded
        };
        held.record = Some(record);
        let release = Release {
            state: held.state,
            time: now,
            record_id: record.1,
        };
        self.changes.releases.insert(item.id, release);
    }
}
