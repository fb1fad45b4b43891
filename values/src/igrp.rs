//! The id of an installation.

use std::fmt;

use crate::Decimal;

/// The IGRP id of an installation: a positive integer up to 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Igrp(i64);

/// Why something is not an IGRP id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIgrp {
    /// Not a number at all.
    #[error("is not a number; an IGRP id is an integer such as 1001")]
    NotANumber,
    /// A number with a fraction.
    #[error("has a fraction; an IGRP id is an integer such as 1001")]
    Fraction,
    /// Below 1 or above 2^53.
    #[error("is out of range; an IGRP id is from 1 to 9007199254740992")]
    OutOfRange,
}

impl Igrp {
    /// The largest id: integers up to here survive Salesforce's doubles.
    pub const MAX: i64 = 1 << 53;

    /// Takes an id that is an integer already.
    ///
    /// # Errors
    ///
    /// [`InvalidIgrp::OutOfRange`] outside 1 to 2^53.
    pub fn new(id: i64) -> Result<Self, InvalidIgrp> {
        if (1..=Self::MAX).contains(&id) {
            Ok(Self(id))
        } else {
            Err(InvalidIgrp::OutOfRange)
        }
    }

    /// Reads an id as Salesforce may write it: `840`, ` 840 `, `840.0`, `8.4E2`.
    ///
    /// # Errors
    ///
    /// [`InvalidIgrp`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidIgrp> {
        let number = Decimal::read(text).map_err(|invalid| match invalid {
            crate::InvalidDecimal::TooLarge => InvalidIgrp::OutOfRange,
            crate::InvalidDecimal::NotADecimal => InvalidIgrp::NotANumber,
        })?;
        if number.is_rounded {
            return Err(InvalidIgrp::Fraction);
        }
        Self::new(number.decimal.to_integer().ok_or(InvalidIgrp::Fraction)?)
    }

    /// The id as an integer.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Igrp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i64, InvalidIgrp>) {
        assert_eq!(Igrp::parse(text).map(Igrp::get), expected, "{text:?}");
    }

    #[test]
    fn an_igrp_is_read_in_every_way_that_salesforce_writes_an_integer() {
        check("840", Ok(840));
        check(" 840\n", Ok(840));
        check("840.0", Ok(840));
        check("8.4E2", Ok(840));
        check("+840", Ok(840));
        check("9007199254740992", Ok(Igrp::MAX));
        check("9.007199254740992E15", Ok(Igrp::MAX));
    }

    #[test]
    fn anything_else_is_no_igrp() {
        check("", Err(InvalidIgrp::NotANumber));
        check("8 40", Err(InvalidIgrp::NotANumber));
        check("1,001", Err(InvalidIgrp::NotANumber));
        check("0x10", Err(InvalidIgrp::NotANumber));
        check("840.5", Err(InvalidIgrp::Fraction));
        check("840.000000001", Err(InvalidIgrp::Fraction));
        check("0", Err(InvalidIgrp::OutOfRange));
        check("-1", Err(InvalidIgrp::OutOfRange));
        check("9007199254740993", Err(InvalidIgrp::OutOfRange));
        check("1e400", Err(InvalidIgrp::OutOfRange));
    }
}
