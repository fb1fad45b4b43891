//! What goes because it was kept long enough.

use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, on_backend};
use crate::domain::Perishable;

/// One small step of letting go what is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// What goes.
    pub what: Perishable,
    /// What is older than this goes.
    pub before: Timestamp,
    /// Where the step before it ended.
    pub from: ExpiryPlace,
}

/// Where a step ended: of meaning to the store alone. The default is the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryPlace(pub(super) Uuid);

/// What a step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many records went.
    pub count: u64,
    /// Where the next step is to begin; absent: nothing old is left.
    pub next: Option<ExpiryPlace>,
}

impl Store {
    /// Makes room ahead of time for what is recorded around `now`, where a backend
    /// keeps records by their time. To be called at a start and now and then; what
    /// has no room of its own is kept all the same.
    pub async fn make_room(&self, now: Timestamp) -> Result<(), StoreError> {
        on_backend!(self, store => store.make_room(now).await)
    }

    /// Deletes a few records that are older than a time, and says where to go on.
    /// A step is small, so that nobody waits for it, and may be done again and by
    /// several processes at once.
    ///
    /// The ratings of a call go together, once all are old. What is remembered of
    /// a Lead goes with the last of its lead enrichments. Events of one month may
    /// go together, once all of them are old.
    pub async fn expire(&self, step: Expiry) -> Result<Expired, StoreError> {
        on_backend!(self, store => store.expire(step).await)
    }
}

impl Expiry {
    /// The first step.
    pub fn new(what: Perishable, before: Timestamp) -> Self {
        Self {
            what,
            before,
            from: ExpiryPlace::default(),
        }
    }
}

impl ExpiryPlace {
    /// The end of an installation's records.
    pub(super) fn after_installation(igrp: i64) -> Self {
        Self(Uuid::from_u64_pair(0, u64::try_from(igrp).unwrap_or(0)))
    }

    /// The installation whose records it is the end of.
    pub(super) fn installation(self) -> i64 {
        i64::try_from(self.0.as_u64_pair().1).unwrap_or(i64::MAX)
    }
}

/// The lowest id of a record that was recorded then or later: ids begin with
/// their time in milliseconds.
pub(super) fn first_id(time: Timestamp) -> Uuid {
    let millis = u64::try_from(time.micros().div_euclid(1_000)).unwrap_or(0);
    Uuid::from_u64_pair(millis << 16, 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::new_record_id;

    proptest! {
        #[test]
        fn ids_are_told_apart_by_their_millisecond(
            recorded in 0..4_000_000_000_000_000_i64,
            distance in -5_000..5_000_i64,
        ) {
            let id = new_record_id(Timestamp::from_micros(recorded));
            let limit = Timestamp::from_micros(recorded + distance);
            let is_older = recorded / 1_000 < (recorded + distance).div_euclid(1_000);
            prop_assert_eq!(id < first_id(limit), is_older);
        }

        #[test]
        fn an_installation_is_found_again(igrp in 1..i64::MAX) {
            let place = ExpiryPlace::after_installation(igrp);
            prop_assert_eq!(place.installation(), igrp);
        }
    }
}
