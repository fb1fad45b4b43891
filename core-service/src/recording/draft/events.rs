//! Events.

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::{Admitted, Draft, Recordable, Repeat, Seen};
use crate::domain::{NewEvent, Rejection};
use crate::recording::{KeyDigest, RecordKind, complete_event, new_record_id};

impl Recordable for NewEvent {
    const KIND: RecordKind = RecordKind::Event;

    fn fingerprint(&self, igrp: Igrp) -> [u8; 16] {
        NewEvent::fingerprint(self, igrp)
    }

    /// An event stays as it was first recorded.
    fn repeat(
        draft: &mut Draft,
        (digest, _): (&KeyDigest, &Seen),
        _: Admitted<Self>,
        _: Timestamp,
    ) -> Result<Repeat, Rejection> {
        let warning = "It was delivered again with other content; \
                       what was recorded first stays.";
        draft.add_warning(RecordKind::Event, digest, warning.to_owned());
        Ok(Repeat::Kept)
    }

    fn insert(draft: &mut Draft, item: Admitted<Self>, now: Timestamp) -> Result<Uuid, Rejection> {
        let id = new_record_id(now);
        draft.changes.events.push(complete_event(
            id,
            item.content,
            &item.installation,
            item.receive_time,
            item.idempotency_key,
        ));
        Ok(id)
    }
}
