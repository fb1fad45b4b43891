//! Things that are known by what they are rather than by a key.
//!
//! A transaction reads those that are there, has the items decided about one
//! after the other, each seeing what those before it will have written, and
//! writes what has come of them with one statement for the new ones and one for
//! the changed ones.

use std::collections::BTreeMap;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use crate::domain::Rejection;
use crate::recording::{ItemResult, new_record_id};

/// Something that is known by what it is.
pub(super) trait Known {
    /// What it is known by. Sorted, so that transactions which lock what they
    /// read do so in one order.
    type Key: Ord + Clone;

    /// What it is known by in its installation.
    fn key(&self, igrp: Igrp) -> Self::Key;

    /// What tells a repeat of it from one with other content.
    fn content_hash(&self) -> [u8; 16];
}

/// What is there of something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) id: Uuid,
    pub(super) content_hash: [u8; 16],
}

/// What will be there of something.
#[derive(Debug)]
pub(super) struct Changed<T> {
    pub(super) id: Uuid,
    pub(super) content: T,
    pub(super) content_hash: [u8; 16],
    /// When it first came, if it is new.
    pub(super) receive_time: Timestamp,
    /// Whether nothing was there of it.
    pub(super) is_new: bool,
}

/// What is there of things, and what will be.
#[derive(Debug)]
pub(super) struct Upserts<T: Known> {
    kept: BTreeMap<T::Key, Kept>,
    changed: BTreeMap<T::Key, Changed<T>>,
}

impl<T: Known> Upserts<T> {
    /// With what is there.
    pub(super) fn new(kept: BTreeMap<T::Key, Kept>) -> Self {
        Self {
            kept,
            changed: BTreeMap::new(),
        }
    }

    /// Takes a batch that was judged; one result each, in order.
    pub(super) fn record(
        &mut self,
        judged: Vec<Result<(Igrp, T), Rejection>>,
        now: Timestamp,
    ) -> Vec<ItemResult> {
        let record = |admitted| match admitted {
            Ok((igrp, content)) => self.put(igrp, content, now),
            Err(rejection) => ItemResult::Rejected {
                rejection,
                quarantined: None,
            },
        };
        judged.into_iter().map(record).collect()
    }

    fn put(&mut self, igrp: Igrp, content: T, now: Timestamp) -> ItemResult {
        let key = content.key(igrp);
        let content_hash = content.content_hash();
        let kept = self.kept.get(&key).copied();
        let id = match kept {
            Some(kept) if kept.content_hash == content_hash => {
                return ItemResult::Duplicate(kept.id);
            }
            Some(kept) => kept.id,
            None => new_record_id(now),
        };
        let before = self.changed.get(&key);
        let changed = Changed {
            id,
            content,
            content_hash,
            receive_time: before.map_or(now, |before| before.receive_time),
            is_new: before.map_or(kept.is_none(), |before| before.is_new),
        };
        self.kept.insert(key.clone(), Kept { id, content_hash });
        self.changed.insert(key, changed);
        ItemResult::Recorded(id)
    }

    /// What is to be written.
    pub(super) fn into_changes(self) -> BTreeMap<T::Key, Changed<T>> {
        self.changed
    }
}
