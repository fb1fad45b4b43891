//! Currencies.

use std::fmt;

/// An ISO 4217 currency code, in upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency {
    // Invariant: three ASCII upper-case letters.
    code: [u8; 3],
}

/// A text is not a currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an ISO 4217 currency code such as GBP")]
pub struct InvalidCurrency;

impl Currency {
    /// Reads an ISO 4217 code, in any case.
    ///
    /// # Errors
    ///
    /// [`InvalidCurrency`] when no currency has this code.
    pub fn parse(text: &str) -> Result<Self, InvalidCurrency> {
        let currency = Self::parse_unlisted(text)?;
        if iso_currency::Currency::from_code(currency.as_str()).is_none() {
            return Err(InvalidCurrency);
        }
        Ok(currency)
    }

    /// Reads a code of three letters, whether or not ISO 4217 lists it.
    ///
    /// Organisations may make up currencies of their own, and
    /// `CurrencyIsoCode` then names them.
    ///
    /// # Errors
    ///
    /// [`InvalidCurrency`] unless it is three ASCII letters.
    pub fn parse_unlisted(text: &str) -> Result<Self, InvalidCurrency> {
        let code: [u8; 3] = text
            .trim()
            .as_bytes()
            .try_into()
            .map_err(|_| InvalidCurrency)?;
        if !code.iter().all(u8::is_ascii_alphabetic) {
            return Err(InvalidCurrency);
        }
        Ok(Self {
            code: code.map(|letter| letter.to_ascii_uppercase()),
        })
    }

    /// The code, three upper-case letters.
    pub fn as_str(&self) -> &str {
        // Letters are ASCII, so this never falls back.
        std::str::from_utf8(&self.code).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, InvalidCurrency>) {
        let currency = Currency::parse(text).map(|currency| currency.to_string());
        assert_eq!(currency, expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn a_currency_is_an_iso_4217_code_in_any_case() {
        check("GBP", Ok("GBP"));
        check(" eur ", Ok("EUR"));
        check("Jpy", Ok("JPY"));
    }

    #[test]
    fn other_codes_are_refused_unless_made_up_ones_may_pass() {
        check("", Err(InvalidCurrency));
        check("GB", Err(InvalidCurrency));
        check("QQQ", Err(InvalidCurrency));
        check("£££", Err(InvalidCurrency));
        assert_eq!(Currency::parse_unlisted("qqq").unwrap().as_str(), "QQQ");
        assert_eq!(Currency::parse_unlisted("Q1Q"), Err(InvalidCurrency));
    }
}
