//! How fast a store goes.

use std::time::Duration;

/// How fast a store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long the store takes for each item, at least. More than nothing
    /// only in rehearsals of a slow disk.
    pub write_delay: Duration,
    /// After this time a transaction takes no more requests. Stores whose
    /// commits are slow take more time, so that more requests share each.
    pub transaction_time: Duration,
    /// How long a request may wait. An older one is refused: its sender will
    /// have given up before it is done, and the time is better spent on one
    /// that is still waited for.
    pub longest_wait: Duration,
}

impl Default for Pace {
    /// As fast as the disk; 10 milliseconds; 5 seconds.
    fn default() -> Self {
        Self {
            write_delay: Duration::ZERO,
            transaction_time: Duration::from_millis(10),
            longest_wait: Duration::from_secs(5),
        }
    }
}
