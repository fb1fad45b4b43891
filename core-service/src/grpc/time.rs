//! Times of the contract.

use sfbridge_proto::v1 as pb;
use sfbridge_values::{InvalidTimestamp, Timestamp};

use crate::domain::{GivenTime, TimeSource};
use crate::error::Error;
use crate::store::TimeRange;

pub(super) fn read(time: prost_types::Timestamp) -> Result<Timestamp, InvalidTimestamp> {
    let prost_types::Timestamp { seconds, nanos } = time;
    Timestamp::from_parts(seconds, nanos)
}

pub(super) fn write(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.to_parts();
    prost_types::Timestamp { seconds, nanos }
}

/// Reads the bounds of a list.
pub(super) fn read_range(
    start: Option<prost_types::Timestamp>,
    end: Option<prost_types::Timestamp>,
) -> Result<TimeRange, Error> {
    let bound = |field: &str, time: Option<prost_types::Timestamp>| {
        time.map(read)
            .transpose()
            .map_err(|invalid| Error::invalid(field, invalid))
    };
    Ok(TimeRange {
        start: bound("start_time", start)?,
        end: bound("end_time", end)?,
    })
}

/// Reads the time of an item. Only an item that was made from a notification
/// knows better than `GIVEN` where its time is from.
pub(super) fn read_given(
    time: Option<prost_types::Timestamp>,
    source: i32,
    is_from_notification: bool,
) -> Result<GivenTime, InvalidTimestamp> {
    let Some(time) = time else {
        return Ok(GivenTime::RECEIVED);
    };
    let source = match pb::EventTimeSource::try_from(source) {
        Ok(pb::EventTimeSource::DtField) if is_from_notification => TimeSource::DtField,
        Ok(pb::EventTimeSource::LastModifiedDate) if is_from_notification => {
            TimeSource::LastModifiedDate
        }
        _ => TimeSource::Given,
    };
    Ok(GivenTime::new(read(time)?, source))
}

pub(super) fn write_source(source: TimeSource) -> pb::EventTimeSource {
    match source {
        TimeSource::DtField => pb::EventTimeSource::DtField,
        TimeSource::LastModifiedDate => pb::EventTimeSource::LastModifiedDate,
        TimeSource::Received => pb::EventTimeSource::Received,
        TimeSource::Given => pb::EventTimeSource::Given,
    }
}
