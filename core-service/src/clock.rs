//! The only place that reads the clock.

use sfbridge_values::Timestamp;

/// The present, to the microsecond.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(chrono::Utc::now().timestamp_micros())
}
