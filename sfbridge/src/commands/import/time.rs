//! Times in import files.

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use prost_types::Timestamp as Protobuf;
use sfbridge_values::Timestamp;

/// A text is no time; the end of a sentence that begins with its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidTime {
    /// It is written otherwise.
    #[error(
        "is not a time; write it as 2026-05-01T09:30:00Z, or without the Z in the zone of --tz"
    )]
    Form,
    /// It is a day.
    #[error("is a date without a time; write it as 2026-05-01T09:30:00Z")]
    DateAlone,
    /// There is no such day or hour.
    #[error("is a time that there is not")]
    NoSuchTime,
    /// The zone's clocks skip it.
    #[error("is a time that the clocks of {0} skip; write it with its offset from UTC")]
    Skipped(Tz),
    /// It is outside the years 1700 to 4000.
    #[error("is not a time in the years 1700 to 4000")]
    Year,
}

/// Reads an ISO 8601 date and time. One without an offset is in the zone; where
/// the zone's clocks show it twice, the first counts.
pub(super) fn read(text: &str, zone: Tz) -> Result<Protobuf, InvalidTime> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10).ok_or(InvalidTime::Form)?;
    let is_date = date.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !is_date {
        return Err(InvalidTime::Form);
    }
    if rest.is_empty() {
        return Err(InvalidTime::DateAlone);
    }
    let clock = rest
        .strip_prefix(['T', 't', ' '])
        .ok_or(InvalidTime::Form)?
        .trim_start();
    let (clock, offset) = split_offset(clock)?;
    let local = local(date, clock)?;
    let time: DateTime<Utc> = match offset {
        Some(offset) => from_local(&offset, &local).ok_or(InvalidTime::NoSuchTime)?,
        None => from_local(&zone, &local).ok_or(InvalidTime::Skipped(zone))?,
    };
    let time = Timestamp::new(time).map_err(|_| InvalidTime::Year)?;
    let (seconds, nanos) = time.to_parts();
    Ok(Protobuf { seconds, nanos })
}

fn from_local<Z: TimeZone>(zone: &Z, local: &NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.to_utc()),
        LocalResult::None => None,
    }
}

/// Splits `09:30:00+01:00` into the clock and its offset from UTC.
fn split_offset(clock: &str) -> Result<(&str, Option<FixedOffset>), InvalidTime> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Ok((clock.trim_end(), FixedOffset::east_opt(0)));
    }
    let Some(at) = clock.find(['+', '-']) else {
        return Ok((clock, None));
    };
    let (clock, offset) = clock.split_at(at);
    let (sign, digits) = offset.split_at(1);
    let (hours, minutes) = match (digits.len(), digits.split_once(':')) {
        (5, Some(parts)) => parts,
        (4, None) => digits.split_at_checked(2).ok_or(InvalidTime::Form)?,
        (2, None) => (digits, "00"),
        _ => return Err(InvalidTime::Form),
    };
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| digits.parse::<i32>().ok()).flatten();
        number.ok_or(InvalidTime::Form)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 18 || minutes > 59 {
        return Err(InvalidTime::NoSuchTime);
    }
    let seconds = (hours * 60 + minutes) * 60;
    let seconds = if sign == "-" { -seconds } else { seconds };
    let offset = FixedOffset::east_opt(seconds).ok_or(InvalidTime::NoSuchTime)?;
    Ok((clock.trim_end(), Some(offset)))
}

fn local(date: &str, clock: &str) -> Result<NaiveDateTime, InvalidTime> {
    let is_clock = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    let bytes = clock.as_bytes();
    // The library would take signs and blanks in places.
    let has_form = matches!(bytes, [a, b, b':', c, d] | [a, b, b':', c, d, b':', ..]
        if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
        && bytes.iter().all(|byte| is_clock(*byte))
        && bytes.len() <= 32;
    if !has_form {
        return Err(InvalidTime::Form);
    }
    let clock = match bytes.len() {
        5 => format!("{clock}:00"),
        _ => clock.to_owned(),
    };
    let has_seconds = clock.len() == 8 || (clock.len() > 9 && clock.as_bytes()[8] == b'.');
    if !has_seconds {
        return Err(InvalidTime::Form);
    }
    NaiveDateTime::parse_from_str(&format!("{date}T{clock}"), "%Y-%m-%dT%H:%M:%S%.f")
        .map_err(|_| InvalidTime::NoSuchTime)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, zone: Tz, expected: Result<&str, InvalidTime>) {
        let read = read(text, zone).map(|time| {
            let time = Timestamp::from_parts(time.seconds, time.nanos).unwrap();
            time.to_string()
        });
        assert_eq!(read, expected.map(str::to_owned), "{text} {zone}");
    }

    #[test]
    fn a_time_with_an_offset_is_that_instant_whatever_the_zone() {
        let zone = Tz::America__New_York;
        for text in [
            "2026-03-01T10:20:30Z",
            "2026-03-01 10:20:30Z",
            "2026-03-01T11:20:30+01:00",
            "2026-03-01T11:20:30+0100",
            "2026-03-01T11:20:30 +01",
            "2026-03-01T05:50:30.000-04:30",
            " 2026-03-01t10:20:30z ",
        ] {
            check(text, zone, Ok("2026-03-01T10:20:30Z"));
        }
        check("2026-03-01T10:20Z", zone, Ok("2026-03-01T10:20:00Z"));
        let micros = Ok("2026-03-01T10:20:30.123456Z");
        check("2026-03-01T10:20:30.123456789Z", zone, micros);
    }

    #[test]
    fn a_time_without_an_offset_is_in_the_zone() {
        let zone = Tz::Europe__London;
        check("2026-07-01 10:20:30", zone, Ok("2026-07-01T09:20:30Z"));
        check("2026-01-01T10:20", zone, Ok("2026-01-01T10:20:00Z"));
        // The clocks go forward over this hour, and back over that one.
        let skipped = Err(InvalidTime::Skipped(zone));
        check("2026-03-29T01:30:00", zone, skipped);
        check("2026-10-25T01:30:00", zone, Ok("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn what_is_no_time_says_why() {
        use InvalidTime::{DateAlone, Form, NoSuchTime, Year};
        for (text, why) in [
            ("", Form),
            ("yesterday", Form),
            ("01/05/2026 10:00", Form),
            ("2026-05-01", DateAlone),
            ("2026-05-01T", Form),
            ("2026-05-01T10", Form),
            ("2026-05-01T10:00:", Form),
            ("2026-05-01T10:00:0x", Form),
            ("2026-05-01T10:00:00.Z", Form),
            ("2026-05-01T10:00:00+1", Form),
            ("2026-05-01T10:00:00+19:00", NoSuchTime),
            ("2026-02-30T10:00:00Z", NoSuchTime),
            ("2026-05-01T25:00:00Z", NoSuchTime),
            ("1066-05-01T10:00:00Z", Year),
        ] {
            check(text, Tz::UTC, Err(why));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", clock in "[0-9:.+Zz -]{0,30}") {
            let _ = read(&text, Tz::UTC);
            let _ = read(&format!("2026-05-01T{clock}"), Tz::Europe__London);
        }
    }
}
