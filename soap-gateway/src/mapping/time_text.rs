//! Dates and times as Salesforce writes them.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, TimeZone};
use sfbridge_values::Timestamp;

/// What the text of a date or time says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeText {
    /// A day, in whatever zone is meant.
    Date(NaiveDate),
    /// An instant.
    Instant(Timestamp),
}

/// A text is not a date or a time, as the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnreadableTime {
    #[error(
        "is neither a date nor a date and time with its offset, such as 2024-05-01 or \
         2024-05-01T10:20:30.000Z"
    )]
    Form,
    #[error("names a day or a time of day that does not exist")]
    NoSuchTime,
    #[error("is outside the years 1700 to 4000")]
    Year,
    #[error("is a date without a time of day; name a field that holds both")]
    DateAlone,
}

impl TimeText {
    /// Reads a date, or a date and time with an offset, surrounding white
    /// space aside.
    ///
    /// An offset of `-00:00` is UTC. A missing offset is refused, because
    /// nobody knows what is meant, and so is a space in place of the `T`.
    ///
    /// # Errors
    ///
    /// [`UnreadableTime`] says which rule the text breaks.
    pub(super) fn read(text: &str) -> Result<Self, UnreadableTime> {
        let mut scanner = Scanner(text.trim().as_bytes());
        let date = scanner.date()?;
        if scanner.is_done() {
            return Ok(Self::Date(date));
        }
        scanner.expect(b'T')?;
        let time = scanner.time()?;
        let offset = scanner.offset()?;
        if !scanner.is_done() {
            return Err(UnreadableTime::Form);
        }
        let instant: DateTime<FixedOffset> = offset
            .from_local_datetime(&date.and_time(time))
            .single()
            .ok_or(UnreadableTime::NoSuchTime)?;
        Timestamp::new(instant.to_utc())
            .map(Self::Instant)
            .map_err(|_| UnreadableTime::Year)
    }
}

/// What is left of a text.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    fn date(&mut self) -> Result<NaiveDate, UnreadableTime> {
        let year = self.number(4)?;
        self.expect(b'-')?;
        let month = self.number(2)?;
        self.expect(b'-')?;
        let day = self.number(2)?;
        let date = i32::try_from(year)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, month, day))
            .ok_or(UnreadableTime::NoSuchTime)?;
        if (1700..=4000).contains(&date.year()) {
            Ok(date)
        } else {
            Err(UnreadableTime::Year)
        }
    }

    fn time(&mut self) -> Result<NaiveTime, UnreadableTime> {
        let hour = self.number(2)?;
        self.expect(b':')?;
        let minute = self.number(2)?;
        self.expect(b':')?;
        let second = self.number(2)?;
        let nanos = if self.skip(b'.') { self.fraction()? } else { 0 };
        NaiveTime::from_hms_nano_opt(hour, minute, second, nanos).ok_or(UnreadableTime::NoSuchTime)
    }

    /// 1 to 9 digits, in nanoseconds.
    fn fraction(&mut self) -> Result<u32, UnreadableTime> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        if !(1..=9).contains(&count) {
            return Err(UnreadableTime::Form);
        }
        let fraction = self.number(count)?;
        let missing_places = (count..9).fold(1, |power, _| power * 10);
        Ok(fraction * missing_places)
    }

    fn offset(&mut self) -> Result<FixedOffset, UnreadableTime> {
        let sign = match self.0 {
            [b'Z', ..] => 0,
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Err(UnreadableTime::Form),
        };
        self.0 = &self.0[1..];
        let seconds = if sign == 0 {
            0
        } else {
            let hours = self.number(2)?;
            self.skip(b':');
            let minutes = self.number(2)?;
            if hours > 23 || minutes > 59 {
                return Err(UnreadableTime::NoSuchTime);
            }
            i32::try_from(hours * 3_600 + minutes * 60).unwrap_or(0)
        };
        FixedOffset::east_opt(sign * seconds).ok_or(UnreadableTime::NoSuchTime)
    }

    /// Exactly so many digits, at most 9.
    fn number(&mut self, count: usize) -> Result<u32, UnreadableTime> {
        let (digits, rest) = self.0.split_at_checked(count).ok_or(UnreadableTime::Form)?;
        let mut number = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return Err(UnreadableTime::Form);
            }
            number = number * 10 + u32::from(digit - b'0');
        }
        self.0 = rest;
        Ok(number)
    }

    fn expect(&mut self, byte: u8) -> Result<(), UnreadableTime> {
        if self.skip(byte) {
            Ok(())
        } else {
            Err(UnreadableTime::Form)
        }
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.0.first() == Some(&byte);
        if is_next {
            self.0 = &self.0[1..];
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, UnreadableTime>) {
        let read = TimeText::read(text).map(|read| match read {
            TimeText::Date(date) => date.to_string(),
            TimeText::Instant(time) => time.to_string(),
        });
        assert_eq!(read, expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn dates_and_times_are_read_as_salesforce_writes_them() {
        check("2024-05-01", Ok("2024-05-01"));
        check(" 2024-05-01\n", Ok("2024-05-01"));
        check("2024-05-01T10:20:30.000Z", Ok("2024-05-01T10:20:30Z"));
        check("2024-05-01T10:20:30Z", Ok("2024-05-01T10:20:30Z"));
        check("2024-05-01T10:20:30+01:00", Ok("2024-05-01T09:20:30Z"));
        check("2024-05-01T10:20:30+0100", Ok("2024-05-01T09:20:30Z"));
        check(
            "2024-05-01T10:20:30.5-09:30",
            Ok("2024-05-01T19:50:30.500000Z"),
        );
        check("2024-05-01T10:20:30-00:00", Ok("2024-05-01T10:20:30Z"));
        check("2024-02-29T23:59:59Z", Ok("2024-02-29T23:59:59Z"));
    }

    #[test]
    fn further_digits_than_microseconds_are_cut() {
        check(
            "2024-05-01T10:20:30.123456789Z",
            Ok("2024-05-01T10:20:30.123456Z"),
        );
        check(
            "1960-05-01T10:20:30.999999999Z",
            Ok("1960-05-01T10:20:30.999999Z"),
        );
        check("2024-05-01T10:20:30.1234567890Z", Err(UnreadableTime::Form));
        check("2024-05-01T10:20:30.Z", Err(UnreadableTime::Form));
    }

    #[test]
    fn the_year_of_the_date_as_written_is_from_1700_to_4000() {
        check("1700-01-01", Ok("1700-01-01"));
        check("4000-12-31", Ok("4000-12-31"));
        check("1700-01-01T00:00:00+14:00", Ok("1699-12-31T10:00:00Z"));
        check("4000-12-31T23:59:59-12:00", Ok("4001-01-01T11:59:59Z"));
        for text in [
            "1699-12-31",
            "4001-01-01",
            "0001-01-01",
            "9999-12-31",
            "1699-12-31T23:59:59-12:00",
            "4001-01-01T00:00:00+14:00",
        ] {
            check(text, Err(UnreadableTime::Year));
        }
    }

    #[test]
    fn days_and_times_of_day_that_do_not_exist_are_refused() {
        for text in [
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "2023-02-29",
            "2024-05-01T24:00:00Z",
            "2024-05-01T23:59:60Z",
            "2024-05-01T23:60:00Z",
            "2024-05-01T10:20:30+24:00",
            "2024-05-01T10:20:30+01:60",
        ] {
            check(text, Err(UnreadableTime::NoSuchTime));
        }
    }

    #[test]
    fn any_other_form_is_refused() {
        for text in [
            "",
            "yesterday",
            "01/02/2026",
            "20240501",
            "2024-5-1",
            "-0044-03-15",
            "12024-05-01",
            "2024-05-01Z",
            "2024-05-01T",
            "2024-05-01T10:20Z",
            "2024-05-01T10:20:30",
            "2024-05-01 10:20:30Z",
            "2024-05-01t10:20:30z",
            "2024-05-01T10:20:30,5Z",
            "2024-05-01T10:20:30+01",
            "2024-05-01T10:20:30+1:00",
            "2024-05-01T10:20:30Z ,",
            "2024-05-01T10:20:30ZZ",
            "２０２４-05-01",
            "1714558830",
        ] {
            check(text, Err(UnreadableTime::Form));
        }
    }

    proptest! {
        #[test]
        fn every_time_that_is_written_reads_back_the_same(
            seconds in -8_520_336_000_i64..64_092_211_200,
            micros in 0_u32..1_000_000,
            offset in -(14 * 60)..=14 * 60_i32,
        ) {
            let offset = FixedOffset::east_opt(offset * 60).unwrap();
            let time = DateTime::from_timestamp(seconds, micros * 1_000).unwrap();
            let local = time.with_timezone(&offset);
            prop_assume!((1700..=4000).contains(&local.year()));
            let text = local.to_rfc3339_opts(SecondsFormat::Micros, true);
            let expected = Timestamp::new(time).unwrap();
            prop_assert_eq!(TimeText::read(&text), Ok(TimeText::Instant(expected)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9TZ:. é]{0,40}", any in any::<String>()) {
            let _ = TimeText::read(&text);
            let _ = TimeText::read(&any);
        }
    }
}
