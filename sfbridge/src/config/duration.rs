//! Lengths of time as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time: `500ms`, `20s`, `5m`, `2h`, `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) Duration);

/// A text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a length of time; write a whole number and a unit, such as 500ms, 20s, 5m, 2h or 1d"
)]
pub(crate) struct InvalidLength;

impl fmt::Display for Length {
    /// In the largest unit that leaves a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if !millis.is_multiple_of(1_000) {
            return write!(f, "{millis}ms");
        }
        match millis / 1_000 {
            seconds if seconds % 3_600 == 0 && seconds > 0 => write!(f, "{}h", seconds / 3_600),
            seconds if seconds % 60 == 0 && seconds > 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

impl FromStr for Length {
    type Err = InvalidLength;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
        let millis: u64 = match &text[digits.len()..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(InvalidLength),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidLength);
        }
        let number: u64 = digits.parse().map_err(|_| InvalidLength)?;
        let millis = number.checked_mul(millis).ok_or(InvalidLength)?;
        // A year is for ever here, and instants can't hold much more.
        if millis > 365 * 86_400_000 {
            return Err(InvalidLength);
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        let length = text.parse::<Length>().ok();
        assert_eq!(length, expected.map(|ms| Length(Duration::from_millis(ms))));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for text in ["0s", "1500ms", "20s", "8m", "24h", "90s"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        check("500ms", Some(500));
        check("20s", Some(20_000));
        check("24h", Some(86_400_000));
        check("1d", Some(86_400_000));
        check("0s", Some(0));
        for text in [
            "",
            "20",
            "s",
            "-1s",
            "1.5s",
            "20 s",
            "9999d",
            "1µs",
            "99999999999999999999s",
        ] {
            check(text, None);
        }
    }
}
