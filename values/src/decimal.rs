//! Exact decimals, for money.

use std::fmt;

/// An exact decimal: up to 18 digits before the point and 8 after it.
///
/// There is no binary floating point on the way, so `0.1` is one tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    // In units of 10^-8. Invariant: below 10^26 in absolute value.
    units: i128,
}

/// A decimal and what reading it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadDecimal {
    /// The value, rounded half to even to 8 digits after the point.
    pub decimal: Decimal,
    /// Whether digits were lost in the rounding.
    pub is_rounded: bool,
}

/// Why a text is not a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDecimal {
    /// Not digits with at most a sign, a point and an exponent.
    #[error(
        "is not a decimal; write digits with at most a sign, a point and an exponent, \
         such as 1250.50, without grouping or currency signs"
    )]
    NotADecimal,
    /// More than 18 digits before the point.
    #[error("is too large; a decimal has at most 18 digits before the point")]
    TooLarge,
}

impl Decimal {
    const SCALE: i64 = 8;
    const UNITS_PER_ONE: i128 = 100_000_000;
    const LIMIT: i128 = 1_000_000_000_000_000_000 * Self::UNITS_PER_ONE;

    /// Reads a decimal, surrounding white space aside.
    ///
    /// # Errors
    ///
    /// [`InvalidDecimal`] says which rule the text breaks.
    pub fn read(text: &str) -> Result<ReadDecimal, InvalidDecimal> {
        let literal = Literal::parse(text.trim()).ok_or(InvalidDecimal::NotADecimal)?;
        let (units, is_rounded) = literal.units()?;
        let decimal = Self {
            units: if literal.is_negative { -units } else { units },
        };
        Ok(ReadDecimal {
            decimal,
            is_rounded,
        })
    }

    /// The value as an integer, if it is one.
    pub fn to_integer(self) -> Option<i64> {
        if self.units % Self::UNITS_PER_ONE != 0 {
            return None;
        }
        i64::try_from(self.units / Self::UNITS_PER_ONE).ok()
    }
}

impl fmt::Display for Decimal {
    /// The shortest plain form: `45000`, `-0.5`, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.units < 0 {
            f.write_str("-")?;
        }
        let units = self.units.unsigned_abs();
        let one = Self::UNITS_PER_ONE.unsigned_abs();
        write!(f, "{}", units / one)?;
        let fraction = units % one;
        if fraction != 0 {
            let digits = format!("{fraction:08}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// The parts of a decimal as written.
struct Literal<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Literal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        is_digits(whole).then_some(Self {
            is_negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The absolute value in units of 10^-8, and whether digits were lost.
    fn units(&self) -> Result<(i128, bool), InvalidDecimal> {
        let digits = || {
            self.whole
                .bytes()
                .chain(self.fraction.bytes())
                .map(|digit| digit - b'0')
        };
        let leading_zeros = digits().take_while(|digit| *digit == 0).count();
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        let significant = length(self.whole) + length(self.fraction)
            - i64::try_from(leading_zeros).unwrap_or(i64::MAX);
        if significant == 0 {
            return Ok((0, false));
        }

        // How many of the significant digits stand at or before the last kept place.
        let kept = significant - length(self.fraction) + self.exponent + Decimal::SCALE;
        if kept > 18 + Decimal::SCALE {
            return Err(InvalidDecimal::TooLarge);
        }
        let mut significant_digits = digits().skip(leading_zeros);
        let mut units: i128 = 0;
        for _ in 0..kept.max(0) {
            // Places after the last written digit are zeros.
            units = units * 10 + i128::from(significant_digits.next().unwrap_or(0));
        }

        // Below half a unit when the first lost digit is further right.
        let first_lost = if kept < 0 {
            Some(0)
        } else {
            significant_digits.next()
        };
        let is_rest_zero = significant_digits.all(|digit| digit == 0) && kept >= 0;
        let is_rounded = first_lost.is_some_and(|digit| digit != 0) || !is_rest_zero;
        let rounds_up = match first_lost {
            Some(6..) => true,
            Some(5) => !is_rest_zero || units % 2 == 1,
            _ => false,
        };
        if rounds_up {
            units += 1;
        }
        if units >= Decimal::LIMIT {
            return Err(InvalidDecimal::TooLarge);
        }
        Ok((units, is_rounded))
    }
}

/// An exponent, held within bounds that are far beyond any that matter.
fn parse_exponent(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !is_digits(digits) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX).min(1 << 40);
    Some(if is_negative { -size } else { size })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, bool), InvalidDecimal>) {
        let read = Decimal::read(text).map(|read| (read.decimal.to_string(), read.is_rounded));
        assert_eq!(
            read,
            expected.map(|(text, lost)| (text.to_owned(), lost)),
            "{text:?}"
        );
    }

    #[test]
    fn a_decimal_is_exact_and_written_plainly() {
        check("45000.0", Ok(("45000", false)));
        check(" 1.5 ", Ok(("1.5", false)));
        check("1.0E7", Ok(("10000000", false)));
        check("1e-8", Ok(("0.00000001", false)));
        check("12.5e1", Ok(("125", false)));
        check("-0.0", Ok(("0", false)));
        check("+000.10", Ok(("0.1", false)));
        check("-0.5", Ok(("-0.5", false)));
        check(
            "999999999999999999.99999999",
            Ok(("999999999999999999.99999999", false)),
        );
        check("000000000000000000000001", Ok(("1", false)));
        check("0.1e0000000000000000000000000000001", Ok(("1", false)));
        check("0e99999999999999999999", Ok(("0", false)));
    }

    #[test]
    fn more_than_eight_places_are_rounded_half_to_even() {
        check("0.000000005", Ok(("0", true)));
        check("0.000000015", Ok(("0.00000002", true)));
        check("0.000000025", Ok(("0.00000002", true)));
        check("0.0000000250000000001", Ok(("0.00000003", true)));
        check("0.000000024999999999", Ok(("0.00000002", true)));
        check("-0.000000015", Ok(("-0.00000002", true)));
        check("0.123456780", Ok(("0.12345678", false)));
        check("5e-9", Ok(("0", true)));
        check("9e-9", Ok(("0.00000001", true)));
        check("9e-10", Ok(("0", true)));
        check("1e-99999999999999999999", Ok(("0", true)));
    }

    #[test]
    fn nineteen_digits_before_the_point_are_too_many() {
        check("1000000000000000000", Err(InvalidDecimal::TooLarge));
        check("1e18", Err(InvalidDecimal::TooLarge));
        check("1e17", Ok(("100000000000000000", false)));
        check(
            "999999999999999999.999999999",
            Err(InvalidDecimal::TooLarge),
        );
        check("1e99999999999999999999", Err(InvalidDecimal::TooLarge));
    }

    #[test]
    fn anything_else_is_no_decimal() {
        for text in [
            "", "-", ".5", "5.", "1,000.50", "NaN", "INF", "1e", "1e+", "1.5.2", "0x1", "£5",
            "1 2", "--1", "٣", "e5", "1.e5",
        ] {
            check(text, Err(InvalidDecimal::NotADecimal));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(units in -(Decimal::LIMIT - 1)..Decimal::LIMIT) {
            let decimal = Decimal { units };
            let read = Decimal::read(&decimal.to_string());
            prop_assert_eq!(read, Ok(ReadDecimal { decimal, is_rounded: false }));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.eE ]{0,40}") {
            let _ = Decimal::read(&text);
        }
    }
}
