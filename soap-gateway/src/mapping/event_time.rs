//! When something happened, and where that is known from.

use chrono::NaiveDate;
use chrono_tz::Tz;
use prost_types::Timestamp as Protobuf;
use sfbridge_proto::v1::{EventTimeSource, RejectionReason};
use sfbridge_values::Timestamp;

use super::end_of_day::end_of_day;
use super::reading::{Found, Reading};
use super::time_text::{TimeText, UnreadableTime};
use crate::parameters::Target;

/// The time of an event or a rating, and how it was found:
///
/// 1. The field that `dtField` names, when it is populated; a date alone is
///    the end of that day in `tz`, so that the event falls after the day's
///    visits and calls.
/// 2. Else the record's `LastModifiedDate`, when it was sent and is readable.
/// 3. Else the moment of the first receipt, which only the core knows.
///
/// An unreadable field of rule 1 is a fault of the notification.
pub(super) fn event_time(reading: &mut Reading<'_>) -> (Option<Protobuf>, EventTimeSource) {
    if reading.is_given(Target::Time) {
        let time = named_time(reading);
        return (time, EventTimeSource::DtField);
    }
    match fallback_time(reading) {
        Some(time) => (Some(time), EventTimeSource::LastModifiedDate),
        None => (None, EventTimeSource::Received),
    }
}

/// The moment that a lead is looked back from: by the same rules, with
/// `CreatedDate` in the second.
pub(super) fn as_of_time(reading: &mut Reading<'_>) -> Option<Protobuf> {
    if reading.is_given(Target::Time) {
        named_time(reading)
    } else {
        fallback_time(reading)
    }
}

/// When the call started. A date alone can't tell one call from another, so it
/// is a fault like an unreadable text.
pub(super) fn call_start_time(reading: &mut Reading<'_>) -> Option<Protobuf> {
    let found = reading.find(Target::CallStart)?;
    let time = match TimeText::read(found.text) {
        Ok(TimeText::Instant(time)) => Ok(time),
        Ok(TimeText::Date(_)) => Err(UnreadableTime::DateAlone),
        Err(unreadable) => Err(unreadable),
    };
    judged(reading, found, time)
}

fn named_time(reading: &mut Reading<'_>) -> Option<Protobuf> {
    let found = reading.find(Target::Time)?;
    let time = instant(found.text, reading.zone());
    judged(reading, found, time)
}

/// The time of the field that stands in, which nobody named: what is
/// unreadable there is only a warning.
fn fallback_time(reading: &mut Reading<'_>) -> Option<Protobuf> {
    let found = reading.find(Target::Time)?;
    match instant(found.text, reading.zone()) {
        Ok(time) => Some(protobuf(time)),
        Err(unreadable) => {
            reading.problem(unreadable.to_string());
            reading.warn(format!(
                "{} {unreadable}; the moment of the first receipt is used.",
                found.from
            ));
            None
        }
    }
}

fn judged(
    reading: &mut Reading<'_>,
    found: Found<'_>,
    time: Result<Timestamp, UnreadableTime>,
) -> Option<Protobuf> {
    match time {
        Ok(time) => Some(protobuf(time)),
        Err(unreadable) => {
            reading.reject_value(RejectionReason::InvalidTimestamp, found, &unreadable);
            None
        }
    }
}

/// The instant that a text means, where a date alone means the end of the day.
fn instant(text: &str, zone: Tz) -> Result<Timestamp, UnreadableTime> {
    match TimeText::read(text)? {
        TimeText::Instant(time) => Ok(time),
        TimeText::Date(day) => end_of(day, zone),
    }
}

fn end_of(day: NaiveDate, zone: Tz) -> Result<Timestamp, UnreadableTime> {
    Timestamp::new(end_of_day(day, zone)).map_err(|_| UnreadableTime::Year)
}

fn protobuf(time: Timestamp) -> Protobuf {
    let (seconds, nanos) = time.to_parts();
    Protobuf { seconds, nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, zone: Tz, expected: Result<&str, UnreadableTime>) {
        let time = instant(text, zone).map(|time| time.to_string());
        assert_eq!(time, expected.map(str::to_owned), "{text} {zone}");
    }

    #[test]
    fn a_full_date_and_time_is_that_instant_whatever_the_zone() {
        let zone = Tz::America__New_York;
        check("2026-03-01T10:20:30.000Z", zone, Ok("2026-03-01T10:20:30Z"));
        check(
            "2026-03-01T10:20:30+01:00",
            zone,
            Ok("2026-03-01T09:20:30Z"),
        );
    }

    #[test]
    fn a_date_alone_is_the_end_of_that_day_in_the_zone() {
        check("2026-03-01", Tz::UTC, Ok("2026-03-01T23:59:59Z"));
        check("2024-07-01", Tz::Europe__London, Ok("2024-07-01T22:59:59Z"));
        check(
            "4000-12-31",
            Tz::Pacific__Honolulu,
            Ok("4001-01-01T09:59:59Z"),
        );
        check(
            "1700-01-01",
            Tz::Pacific__Kiritimati,
            Ok("1700-01-02T10:29:19Z"),
        );
        check("2026-02-30", Tz::UTC, Err(UnreadableTime::NoSuchTime));
    }
}
