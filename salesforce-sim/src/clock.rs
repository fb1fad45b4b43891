//! The org's clock, and the only place that reads the machine's.

use chrono::{DateTime, TimeDelta, Utc};

/// What time the org thinks it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    skew: TimeDelta,
}

impl Clock {
    /// The present in the org.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn now(self) -> DateTime<Utc> {
        let now = Utc::now();
        now.checked_add_signed(self.skew).unwrap_or(now)
    }

    /// A clock that is ahead by this much, or behind.
    pub(crate) fn skewed(seconds: i32) -> Self {
        Self {
            skew: TimeDelta::seconds(i64::from(seconds)),
        }
    }

    /// How far it is ahead, in seconds.
    pub(crate) fn skew_seconds(self) -> i64 {
        self.skew.num_seconds()
    }
}
