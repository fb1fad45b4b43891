//! Instants.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// An instant, to the microsecond, in the years 1700 to 4000 (UTC, give or
/// take a day, because the date as written decides).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    // Microseconds since 1970-01-01T00:00:00Z.
    micros: i64,
}

/// An instant is outside the years 1700 to 4000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a time in the years 1700 to 4000")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// Takes an instant; digits beyond the microsecond are cut.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] outside the years 1699-12-30 to 4001-01-02: a day
    /// of room for zones at either end.
    pub fn new(time: DateTime<Utc>) -> Result<Self, InvalidTimestamp> {
        let date = time.date_naive();
        let is_near = match date.year() {
            1700..=4000 => true,
            1699 => date.month() == 12 && date.day() >= 30,
            4001 => date.month() == 1 && date.day() <= 2,
            _ => false,
        };
        if !is_near {
            return Err(InvalidTimestamp);
        }
        Ok(Self {
            micros: time.timestamp_micros(),
        })
    }

    /// Takes seconds and nanoseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] outside the years, or when the nanoseconds are not
    /// from 0 to 999,999,999.
    pub fn from_parts(seconds: i64, nanos: i32) -> Result<Self, InvalidTimestamp> {
        let nanos = u32::try_from(nanos).map_err(|_| InvalidTimestamp)?;
        if nanos >= 1_000_000_000 {
            return Err(InvalidTimestamp);
        }
        Self::new(DateTime::from_timestamp(seconds, nanos).ok_or(InvalidTimestamp)?)
    }

    /// Takes microseconds since 1970-01-01T00:00:00Z, as kept.
    pub fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// Whole seconds and the nanoseconds after them.
    pub fn to_parts(self) -> (i64, i32) {
        let nanos = self.micros.rem_euclid(1_000_000) * 1_000;
        (
            self.micros.div_euclid(1_000_000),
            i32::try_from(nanos).unwrap_or(0),
        )
    }

    /// The instant for calculation and display.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros).unwrap_or_default()
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = self.to_utc();
        let format = if time.nanosecond() == 0 {
            "%Y-%m-%dT%H:%M:%SZ"
        } else {
            "%Y-%m-%dT%H:%M:%S%.6fZ"
        };
        write!(f, "{}", time.format(format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_beyond_the_microsecond_are_cut() {
        let time = Timestamp::from_parts(0, 123_456_789).unwrap();
        assert_eq!(time.micros(), 123_456);
        assert_eq!(time.to_string(), "1970-01-01T00:00:00.123456Z");
        let time = Timestamp::from_parts(-1, 999_999_999).unwrap();
        assert_eq!(time.micros(), -1);
        assert_eq!(time.to_parts(), (-1, 999_999_000));
    }

    #[test]
    fn only_the_years_1700_to_4000_are_taken() {
        assert!(Timestamp::from_parts(-8_520_336_000, 0).is_ok());
        assert!(Timestamp::from_parts(-8_530_000_000, 0).is_err());
        assert!(Timestamp::from_parts(64_092_211_199, 0).is_ok());
        assert!(Timestamp::from_parts(64_192_211_199, 0).is_err());
        assert!(Timestamp::from_parts(i64::MAX, 0).is_err());
        assert!(Timestamp::from_parts(0, -1).is_err());
        assert!(Timestamp::from_parts(0, 1_000_000_000).is_err());
    }
}
