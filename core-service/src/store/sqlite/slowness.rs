//! A writer that is slow on purpose.

use std::time::{Duration, Instant};

/// Makes a writer as slow as one whose disk needs so long for each item.
///
/// The pace is kept over all items, commits included, so that a writer with
/// work enough does one item in each such time; sleeps are not that exact.
#[derive(Debug)]
pub(super) struct Slowness {
    per_item: Duration,
    /// When the slow disk would be done.
    done_at: Instant,
}

impl Slowness {
    /// As slow as this; zero is not slow at all.
    pub(super) fn new(per_item: Duration) -> Self {
        Self {
            per_item,
            done_at: Instant::now(),
        }
    }

    /// Nothing was there to do until now.
    pub(super) fn rest(&mut self) {
        self.done_at = Instant::now();
    }

    /// Sleeps until the slow disk would have written so many items more.
    pub(super) fn write(&mut self, items: usize) {
        /// How far a writer may have fallen behind and still catch up.
        const BEHIND: Duration = Duration::from_secs(1);

        if self.per_item.is_zero() {
            return;
        }
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let now = Instant::now();
        let earliest = now.checked_sub(BEHIND).unwrap_or(now);
        self.done_at = self.done_at.max(earliest) + self.per_item.saturating_mul(items);
        std::thread::sleep(self.done_at.saturating_duration_since(now));
    }
}
