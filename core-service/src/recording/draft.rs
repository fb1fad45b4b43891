//! What a transaction has read, and what it will write.
//!
//! A store reads what a group of batches [needs](Needs), has a [`Draft`] decide
//! about the items one after the other, each seeing what those before it will
//! have written, and writes the [`Changes`] that this comes to. So every backend
//! decides alike, and each reads and writes in the way that is fastest for it.

mod events;
mod held;
mod leads;
mod marked;
mod needs;
mod ratings;
mod request;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

pub use held::{Held, Hold, Release};
pub use marked::Marked;
pub use needs::{LeadKey, Needs};
pub use ratings::PlacedRating;
pub use request::Request;

use super::{
    Admission, Batch, Item, ItemResult, KeyDigest, RecordKind, admit, rejected_repeat_warning,
};
use crate::domain::{Event, Installation, LeadEnrichment, Rejection, RejectionReason};
use held::HeldForItem;
use marked::Mark;

/// The most warnings of a record, however often it is delivered again.
const MAX_WARNINGS: usize = 100;

/// What an idempotency key was used for.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The digest that the store knows the key by. That of an old key may be its
    /// hash alone.
    pub key_digest: [u8; 16],
    /// The record that it was first used for.
    pub record_id: Uuid,
    /// The record's installation.
    pub igrp: Igrp,
    /// What tells the content that was accepted with the key from another.
    pub content_hash: [u8; 16],
    /// When the record was first received.
    pub receive_time: Timestamp,
    /// The record's warnings.
    pub warnings: Vec<String>,
}

/// What a transaction has read, and what it will write.
#[derive(Debug, Default)]
pub struct Draft {
    installations: HashMap<Igrp, Arc<Installation>>,
    seen: HashMap<KeyDigest, Seen>,
    held: HashMap<Uuid, Held>,
    held_by_key: HashMap<[u8; 16], Uuid>,
    jobs: HashMap<Uuid, LeadEnrichment>,
    open_jobs: HashMap<LeadKey, Uuid>,
    /// In the order in which they first changed.
    changed_jobs: Vec<Uuid>,
    /// Where a notification stands among those that are held now.
    places: HashMap<Uuid, usize>,
    changes: Changes,
}

/// What is to be written, in this order: each may build on what stands above.
#[derive(Debug, Default)]
pub struct Changes {
    /// Installations that open mode creates or links.
    pub installations: BTreeMap<Igrp, ChangedInstallation>,
    /// New events.
    pub events: Vec<Event>,
    /// Ratings that are new or take the place of an older one with their id.
    pub ratings: Vec<PlacedRating>,
    /// Lead enrichments that are new or have changed.
    pub jobs: Vec<LeadEnrichment>,
    /// All warnings of records that have got one more.
    pub warnings: BTreeMap<(RecordKind, Uuid), Vec<String>>,
    /// What keys were used for.
    pub keys: BTreeMap<KeyDigest, UsedKey>,
    /// Notifications that go into the quarantine.
    pub holds: Vec<Hold>,
    /// Notifications that leave the quarantine.
    pub releases: BTreeMap<Uuid, Release>,
}

/// An installation that open mode creates, or links to the organisation that
/// first used it.
#[derive(Clone, Debug)]
pub struct ChangedInstallation {
    /// The installation as it will be.
    pub installation: Arc<Installation>,
    /// Whether it is created.
    pub is_new: bool,
}

/// What a key was used for, and whether it was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedKey {
    /// The digest that the store knows the key by.
    pub key_digest: [u8; 16],
    /// The record.
    pub record_id: Uuid,
    /// Of the content that was accepted with it.
    pub content_hash: [u8; 16],
    /// When that was received.
    pub receive_time: Timestamp,
    /// Whether a record with this key was there before. A key whose record was
    /// deleted may still have a row.
    pub was_seen: bool,
}

/// What a record holds after a repeat with other content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    /// What it held before.
    Kept,
    /// The newer content.
    Replaced,
}

/// An item that may be recorded.
#[derive(Debug)]
struct Admitted<T> {
    content: T,
    installation: Arc<Installation>,
    /// When it was first received: now, or when it was first quarantined.
    receive_time: Timestamp,
    idempotency_key: Option<String>,
}

/// What items become records of one kind.
trait Recordable: Sized {
    /// The kind.
    const KIND: RecordKind;

    /// What tells a repeat of an item from one with other content.
    fn fingerprint(&self, igrp: Igrp) -> [u8; 16];

    /// Takes a repeat with other content.
    fn repeat(
        draft: &mut Draft,
        seen: (&KeyDigest, &Seen),
        item: Admitted<Self>,
        now: Timestamp,
    ) -> Result<Repeat, Rejection>;

    /// Makes a new record, or finds a fault that takes the installation to see.
    fn insert(draft: &mut Draft, item: Admitted<Self>, now: Timestamp) -> Result<Uuid, Rejection>;
}

impl Draft {
    /// Takes in an installation that is there.
    pub fn know_installation(&mut self, installation: Installation) {
        self.installations
            .insert(installation.igrp, Arc::new(installation));
    }

    /// Takes in what a key was used for.
    pub fn know_key(&mut self, digest: KeyDigest, seen: Seen) {
        self.seen.insert(digest, seen);
    }

    /// Takes in a notification that is in the quarantine.
    pub fn know_held(&mut self, held: Held) {
        if let Some(digest) = held.key_digest {
            self.held_by_key.insert(digest, held.id);
        }
        self.held.insert(held.id, held);
    }

    /// Takes in a lead enrichment.
    pub fn know_job(&mut self, job: LeadEnrichment) {
        if job.state.is_open() {
            self.open_jobs
                .insert(LeadKey::of(&job), job.lead_enrichment_id);
        }
        self.jobs.insert(job.lead_enrichment_id, job);
    }

    /// An installation as it is or will be.
    pub fn installation(&self, igrp: Igrp) -> Option<Arc<Installation>> {
        self.installations.get(&igrp).cloned()
    }

    /// What is to be written.
    pub fn into_changes(mut self) -> Changes {
        let changed = self.changed_jobs.iter();
        self.changes.jobs = changed.filter_map(|id| self.jobs.remove(id)).collect();
        self.changes
    }

    /// Judges items that are known by what they are rather than by a key; one
    /// result each, in order.
    pub fn upsert<T>(&mut self, mut batch: Batch<T>) -> Vec<Result<(Igrp, T), Rejection>> {
        let items = std::mem::take(&mut batch.items);
        let judge = |item: Item<T>| {
            let installation = item.igrp.and_then(|igrp| self.installation(igrp));
            let admission = admit(&batch, &item, installation)?;
            let content = item.content?;
            self.create_if_needed(&admission);
            Ok((admission.installation().igrp, content))
        };
        items.into_iter().map(judge).collect()
    }

    /// Records items; one result each, in order.
    fn record<T: Recordable>(&mut self, marked: Marked<T>) -> Vec<ItemResult> {
        let Marked { mut batch, marks } = marked;
        let items = std::mem::take(&mut batch.items);
        let record = |(item, mark)| self.record_item(&batch, item, mark);
        items.into_iter().zip(marks).map(record).collect()
    }

    fn record_item<T: Recordable>(
        &mut self,
        batch: &Batch<T>,
        item: Item<T>,
        Mark {
            digest,
            content_hash,
        }: Mark,
    ) -> ItemResult {
        let now = batch.now;
        let installation = item.igrp.and_then(|igrp| self.installation(igrp));
        let admission = admit(batch, &item, installation);
        let Item {
            igrp,
            organization_id: _,
            content,
            idempotency_key,
            notification,
        } = item;
        let key_hash = digest.map(|digest| *digest.hash());
        let replay_of = notification
            .as_ref()
            .and_then(|notification| notification.replay_of);
        let held = self.held_for(&batch.coverage, key_hash, replay_of);

        // Admission has the item's own fault among its errors.
        let mut admitted = match (&admission, content) {
            (Ok(admission), Ok(content)) => Ok(Admitted {
                content,
                installation: Arc::clone(admission.installation()),
                receive_time: held.as_ref().map_or(now, |held| held.receive_time.min(now)),
                idempotency_key: idempotency_key.as_ref().map(|key| key.as_str().to_owned()),
            }),
            (Err(rejection), _) => Err(rejection.clone()),
            (Ok(_), Err(rejection)) => Err(rejection),
        };

        let seen = digest.and_then(|digest| Some((digest, self.seen.get(&digest)?.clone())));
        match seen {
            Some((_, seen)) if !batch.coverage.covers(seen.igrp) => admitted = Err(not_covered()),
            Some((digest, seen)) => {
                self.repeat_item((&digest, &seen), admitted, content_hash, &admission, now);
                if let Some(held) = held {
                    self.release(&held, (T::KIND, seen.record_id), now);
                }
                return ItemResult::Duplicate(seen.record_id);
            }
            None => {
                // A replay under another key has made a record of it.
                if let Some((kind, record_id)) = held.as_ref().and_then(|held| held.record)
                    && kind == T::KIND
                {
                    return ItemResult::Duplicate(record_id);
                }
            }
        }

        let rejection = match admitted {
            Err(rejection) => rejection,
            Ok(admitted) => {
                let igrp = admitted.installation.igrp;
                let receive_time = admitted.receive_time;
                match T::insert(self, admitted, now) {
                    Err(rejection) => rejection,
                    Ok(record_id) => {
                        if let Ok(admission) = &admission {
                            self.create_if_needed(admission);
                        }
                        if let Some(digest) = digest {
                            let seen = Seen {
                                key_digest: *digest.as_bytes(),
                                record_id,
                                igrp,
                                content_hash,
                                receive_time,
                                warnings: self.warnings_of(T::KIND, record_id),
                            };
                            self.use_key(digest, seen, receive_time, false);
                        }
                        if let Some(held) = held {
                            self.release(&held, (T::KIND, record_id), now);
                        }
                        return ItemResult::Recorded(record_id);
                    }
                }
            }
        };
        let quarantined = match (notification, held) {
            (None, _) => None,
            // A replay that fails leaves what it replays as it is.
            (
                Some(_),
                Some(HeldForItem {
                    id,
                    is_replay: true,
                    ..
                }),
            ) => Some(id),
            (Some(notification), held) => {
                let igrp = igrp.filter(|igrp| batch.coverage.covers(*igrp));
                let arrival = held::Arrival {
                    igrp,
                    key_hash,
                    notification,
                    rejection: rejection.clone(),
                };
                Some(self.hold(held.map(|held| held.id), arrival, now))
            }
        };
        ItemResult::Rejected {
            rejection,
            quarantined,
        }
    }

    /// Takes an item whose key was seen before. The same content again changes
    /// nothing.
    fn repeat_item<T: Recordable>(
        &mut self,
        (digest, seen): (&KeyDigest, &Seen),
        admitted: Result<Admitted<T>, Rejection>,
        content_hash: [u8; 16],
        admission: &Result<Admission, Rejection>,
        now: Timestamp,
    ) {
        let record_id = seen.record_id;
        let repeated = match admitted {
            Err(rejection) => Err(rejection),
            Ok(admitted) => {
                let igrp = admitted.installation.igrp;
                if content_hash == seen.content_hash {
                    return;
                }
                T::repeat(self, (digest, seen), admitted, now).map(|repeat| (repeat, igrp))
            }
        };
        match (repeated, admission) {
            (Ok((Repeat::Replaced, igrp)), Ok(admission)) => {
                // The newer content may name another installation.
                self.create_if_needed(admission);
                let seen = Seen {
                    key_digest: seen.key_digest,
                    record_id,
                    igrp,
                    content_hash,
                    receive_time: seen.receive_time,
                    warnings: self.warnings_of(T::KIND, record_id),
                };
                self.use_key(*digest, seen, now, true);
            }
            (Ok(_), _) => {}
            (Err(rejection), _) => {
                let warning = rejected_repeat_warning(&rejection);
                self.add_warning(T::KIND, digest, warning);
            }
        }
    }

    fn use_key(&mut self, digest: KeyDigest, seen: Seen, receive_time: Timestamp, was_seen: bool) {
        let used_before = self.changes.keys.get(&digest);
        let used = UsedKey {
            key_digest: seen.key_digest,
            record_id: seen.record_id,
            content_hash: seen.content_hash,
            receive_time,
            was_seen: used_before.map_or(was_seen, |before| before.was_seen),
        };
        self.changes.keys.insert(digest, used);
        self.seen.insert(digest, seen);
    }

    /// The warnings that a record of this transaction starts with.
    fn warnings_of(&self, kind: RecordKind, id: Uuid) -> Vec<String> {
        let warnings = match kind {
            RecordKind::Event => {
                let mut events = self.changes.events.iter().rev();
                events
                    .find(|event| event.event_id == id)
                    .map(|event| &event.warnings)
            }
            RecordKind::CallRating => self.placed_rating(id).map(|rating| &rating.warnings),
            // They stand in the job itself.
            RecordKind::LeadEnrichment => None,
        };
        warnings.cloned().unwrap_or_default()
    }

    /// Adds a warning to the record that a key was used for, once.
    fn add_warning(&mut self, kind: RecordKind, digest: &KeyDigest, warning: String) {
        let Some(seen) = self.seen.get_mut(digest) else {
            return;
        };
        let id = seen.record_id;
        let is_new =
            |warnings: &[String]| !warnings.contains(&warning) && warnings.len() < MAX_WARNINGS;
        if kind == RecordKind::LeadEnrichment {
            if let Some(job) = self.jobs.get_mut(&id)
                && is_new(&job.warnings)
            {
                job.warnings.push(warning);
                self.changed_jobs.push(id);
            }
        } else if is_new(&seen.warnings) {
            seen.warnings.push(warning);
            let warnings = seen.warnings.clone();
            self.changes.warnings.insert((kind, id), warnings);
        }
    }

    /// Creates or links the installation of an item that was admitted by that.
    fn create_if_needed(&mut self, admission: &Admission) {
        let (installation, is_new) = match admission {
            Admission::Known(_) => return,
            Admission::Create(installation) => {
                tracing::info!(
                    igrp = installation.igrp.get(),
                    "open mode created installation {}",
                    installation.igrp
                );
                (installation, true)
            }
            Admission::Link(installation) => {
                tracing::info!(
                    igrp = installation.igrp.get(),
                    "open mode linked installation {} to the organisation that first used it",
                    installation.igrp
                );
                (installation, false)
            }
        };
        let igrp = installation.igrp;
        self.installations.insert(igrp, Arc::clone(installation));
        let changed = &mut self.changes.installations;
        let was_new = changed.get(&igrp).is_some_and(|changed| changed.is_new);
        let installation = Arc::clone(installation);
        let is_new = is_new || was_new;
        changed.insert(
            igrp,
            ChangedInstallation {
                installation,
                is_new,
            },
        );
    }
}

fn not_covered() -> Rejection {
    Rejection::new(
        RejectionReason::UnknownInstallation,
        "idempotency_key",
        "The key was used for a record of an installation that the API key does not cover.",
    )
}
