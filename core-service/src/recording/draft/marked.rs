//! What the items of a batch are told apart by.

use super::Recordable;
use crate::recording::{Batch, Item, KeyDigest};

/// A batch with the marks of its items.
///
/// They are hashes, and take a tenth of what recording takes. So they are worked
/// out by who asks, rather than by the one thread that writes.
#[derive(Clone, Debug)]
pub struct Marked<T> {
    pub(super) batch: Batch<T>,
    /// Those of each item, in order.
    pub(super) marks: Vec<Mark>,
}

/// What an item is told by from others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// That of its key, if it has one.
    pub(super) digest: Option<KeyDigest>,
    /// What tells its content from another; nothing where it is at fault.
    pub(super) content_hash: [u8; 16],
}

impl Mark {
    fn of<T: Recordable>(item: &Item<T>) -> Self {
        let content_hash = match (&item.content, item.igrp) {
            (Ok(content), Some(igrp)) => content.fingerprint(igrp),
            _ => Default::default(),
        };
        let key = item.idempotency_key.as_ref();
        Self {
            digest: key.map(|key| key.digest(T::KIND)),
            content_hash,
        }
    }
}

/// Marks the items of a batch.
pub(super) fn mark<T: Recordable>(batch: Batch<T>) -> Marked<T> {
    let marks = batch.items.iter().map(Mark::of).collect();
    Marked { batch, marks }
}
