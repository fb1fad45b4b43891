//! When something happened, and how that is known.

use sfbridge_values::Timestamp;

/// How a record came by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The Salesforce field that `dtField` names.
    DtField,
    /// The record's `LastModifiedDate`.
    LastModifiedDate,
    /// The moment of its first receipt.
    Received,
    /// The caller set it.
    Given,
}

/// The time that an item came with, if it came with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenTime(Option<(Timestamp, TimeSource)>);

impl GivenTime {
    /// No time: the first receipt counts.
    pub const RECEIVED: Self = Self(None);

    /// A time and where it is from.
    pub fn new(time: Timestamp, source: TimeSource) -> Self {
        match source {
            TimeSource::Received => Self::RECEIVED,
            TimeSource::DtField | TimeSource::LastModifiedDate | TimeSource::Given => {
                Self(Some((time, source)))
            }
        }
    }

    /// The time, unless it is that of the receipt.
    pub fn given(self) -> Option<Timestamp> {
        self.0.map(|(time, _)| time)
    }

    /// The time and its source, for an item first received at `receive_time`.
    pub fn at(self, receive_time: Timestamp) -> (Timestamp, TimeSource) {
        self.0.unwrap_or((receive_time, TimeSource::Received))
    }
}
