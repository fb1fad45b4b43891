//! The only place that reads the clock.

use chrono::{DateTime, Utc};

/// The present.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
