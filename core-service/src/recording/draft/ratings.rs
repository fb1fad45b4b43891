//! Ratings of calls.

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::{Admitted, Draft, Recordable, Repeat, Seen};
use crate::domain::{CallRating, NewCallRating, Rejection};
use crate::recording::{KeyDigest, RecordKind, canonical_rating, new_record_id};

/// A rating to be written.
#[derive(Clone, Debug)]
pub struct PlacedRating {
    /// The rating.
    pub rating: CallRating,
    /// Whether it takes the place of an older one with its id.
    pub replaces: bool,
}

impl Draft {
    /// A rating that is to be written.
    pub(super) fn placed_rating(&self, id: Uuid) -> Option<&CallRating> {
        let mut placed = self.changes.ratings.iter().rev();
        placed
            .find(|placed| placed.rating.call_rating_id == id)
            .map(|placed| &placed.rating)
    }

    /// Has a rating written, after those that were received before it.
    fn place(&mut self, rating: CallRating, replaces: bool) {
        let id = rating.call_rating_id;
        let ratings = &mut self.changes.ratings;
        let mut placed = ratings.iter();
        let earlier = replaces
            .then(|| placed.position(|placed| placed.rating.call_rating_id == id))
            .flatten();
        let replaces = earlier.map_or(replaces, |place| ratings.remove(place).replaces);
        ratings.push(PlacedRating { rating, replaces });
        // What was added to the older content goes with it.
        self.changes.warnings.remove(&(RecordKind::CallRating, id));
    }
}

impl Recordable for NewCallRating {
    const KIND: RecordKind = RecordKind::CallRating;

    fn fingerprint(&self, igrp: Igrp) -> [u8; 16] {
        NewCallRating::fingerprint(self, igrp)
    }

    /// A rating is about the present state, so a repeat with other content
    /// takes the older one's place.
    fn repeat(
        draft: &mut Draft,
        (_, seen): (&KeyDigest, &Seen),
        item: Admitted<Self>,
        _: Timestamp,
    ) -> Result<Repeat, Rejection> {
        let rating = canonical_rating(
            seen.record_id,
            item.content,
            &item.installation,
            seen.receive_time,
            item.idempotency_key,
        )?;
        draft.place(rating, true);
        Ok(Repeat::Replaced)
    }

    fn insert(draft: &mut Draft, item: Admitted<Self>, now: Timestamp) -> Result<Uuid, Rejection> {
        let id = new_record_id(now);
        let rating = canonical_rating(
            id,
            item.content,
            &item.installation,
            item.receive_time,
            item.idempotency_key,
        )?;
        draft.place(rating, false);
        Ok(id)
    }
}
