//! The stream of events: places in it, and what is read from there on.

use sfbridge_values::Igrp;

use crate::domain::{Coverage, Event};

/// A place in the stream of events, right after one. Nothing that is recorded
/// later comes before a place that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPlace {
    /// In which life of the store it was given out: restoring a backup begins
    /// another.
    pub life: i64,
    /// The transaction of the event before it; 0 where transactions come one
    /// after the other, as they do in the embedded store.
    pub transaction: i64,
    /// The number of the event before it.
    pub number: i64,
}

/// Where to read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStart {
    /// The first event that is kept.
    Beginning,
    /// Behind the last event.
    Now,
    /// Right after a place.
    After(StreamPlace),
}

/// Which events of the stream.
#[derive(Clone, Debug)]
pub struct StreamFilter {
    /// Those of these installations.
    pub coverage: Coverage,
    /// Only this installation, whether or not it is covered.
    pub igrp: Option<Igrp>,
    /// Only this action, in any case.
    pub action: Option<String>,
}

impl StreamFilter {
    /// The one installation that is asked for, if it is one.
    pub(super) fn only_igrp(&self) -> Option<Igrp> {
        match (self.igrp, &self.coverage) {
            (Some(igrp), _) => Some(igrp),
            (None, Coverage::Only(igrps)) if igrps.len() == 1 => igrps.first().copied(),
            (None, _) => None,
        }
    }
}

/// How much to read at once.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    /// At most this many events.
    pub events: usize,
    /// No further events once those read hold this many bytes.
    pub bytes: usize,
    /// At most this many events are looked at, whether or not they are among
    /// those that are asked for.
    pub looked_at: u32,
}

/// The next events of the stream.
#[derive(Clone, Debug)]
pub struct StreamPage {
    /// The events, each with the place after it.
    pub events: Vec<(StreamPlace, Event)>,
    /// Where to go on. It may be far behind the last of these events, when
    /// those between are not among what is asked for.
    pub next: StreamPlace,
    /// Whether this was everything that there is at the moment.
    pub is_caught_up: bool,
    /// Whether somebody is writing at the moment, so that what is durable
    /// already may have to wait for its place.
    pub has_unsettled: bool,
}
