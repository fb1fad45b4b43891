//! What is known of writes beside the tables.

use super::alarm::Alarm;
use super::event_references::EventReferences;

/// What work on the store has to say beside the rows that it writes.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// A job is due sooner than somebody knows.
    pub(super) jobs: Alarm,
    /// There are new events.
    pub(super) events: Alarm,
    /// What new events refer to.
    pub(super) references: EventReferences,
}
