//! Salesforce ids.

use std::fmt;

use smol_str::SmolStr;

/// A Salesforce id: 15 case-sensitive characters, or those and 3 that check
/// their case.
///
/// It is kept and shown as sent. Two ids are equal when their first 15
/// characters are.
///
/// # Examples
///
/// ```
/// use sfbridge_values::SalesforceId;
///
/// let short = SalesforceId::parse("001A0000006Vm9r")?;
/// let long = SalesforceId::parse("001A0000006Vm9rIAC")?;
///
/// assert_eq!(short, long);
/// assert_eq!(long.key(), "001A0000006Vm9r");
/// # Ok::<(), sfbridge_values::InvalidSalesforceId>(())
/// ```
#[derive(Clone)]
pub struct SalesforceId {
    // Invariant: 15 or 18 ASCII letters and digits.
    text: SmolStr,
}

/// A text is not a Salesforce id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a Salesforce id; it has 15 or 18 ASCII letters and digits")]
pub struct InvalidSalesforceId;

impl SalesforceId {
    /// Reads an id in either form, surrounding white space aside.
    ///
    /// # Errors
    ///
    /// [`InvalidSalesforceId`] for any other text. A wrong checksum is no
    /// error; [`SalesforceId::is_checked`] tells.
    pub fn parse(text: &str) -> Result<Self, InvalidSalesforceId> {
        let text = id_in(text).ok_or(InvalidSalesforceId)?;
        Ok(Self { text: text.into() })
    }

    /// The 15 characters that identify, of a text that
    /// [`parse`](SalesforceId::parse) would take.
    pub fn key_of(text: &str) -> Option<&str> {
        id_in(text)?.get(..15)
    }

    /// The id as sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The 15 characters that identify.
    pub fn key(&self) -> &str {
        &self.text[..15]
    }

    /// The id in its long form, with the characters that check it.
    #[must_use]
    pub fn to_long(&self) -> Self {
        let check = check_characters(self.key()).map(char::from);
        Self {
            text: self.key().chars().chain(check).collect(),
        }
    }

    /// Whether the checksum fits, or there is none.
    pub fn is_checked(&self) -> bool {
        let (id, check) = self.text.split_at(15);
        check.is_empty() || check.bytes().eq(check_characters(id))
    }
}

/// The id that a text is, surrounding white space aside.
fn id_in(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_long_enough = matches!(text.len(), 15 | 18);
    (is_long_enough && text.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(text)
}

impl PartialEq for SalesforceId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for SalesforceId {}

impl std::hash::Hash for SalesforceId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SalesforceId({self})")
    }
}

/// The id of a Salesforce organisation: a [`SalesforceId`] that begins with
/// `00D`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationId(SalesforceId);

impl OrganizationId {
    /// Reads an organisation id.
    ///
    /// # Errors
    ///
    /// [`InvalidSalesforceId`] for any other text, also for the id of
    /// something that is not an organisation.
    pub fn parse(text: &str) -> Result<Self, InvalidSalesforceId> {
        let id = SalesforceId::parse(text)?;
        if id.as_str().starts_with("00D") {
            Ok(Self(id))
        } else {
            Err(InvalidSalesforceId)
        }
    }

    /// The id as sent.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The 15 characters that identify.
    pub fn key(&self) -> &str {
        self.0.key()
    }

    /// Whether the checksum fits, or there is none.
    pub fn is_checked(&self) -> bool {
        self.0.is_checked()
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One check character for each five: bit `n` is set if character `n` is an
/// upper-case letter.
fn check_characters(id: &str) -> impl Iterator<Item = u8> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

    id.as_bytes().chunks(5).map(|five| {
        let bits = five
            .iter()
            .enumerate()
            .filter(|(_, character)| character.is_ascii_uppercase())
            .fold(0_usize, |bits, (n, _)| bits | (1 << n));
        LETTERS[bits]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, checksum: &str) {
        assert!(
            SalesforceId::parse(&format!("{id}{checksum}"))
                .unwrap()
                .is_checked(),
            "{id}"
        );
        let long = SalesforceId::parse(id).unwrap().to_long();
        assert!(checksum.is_empty() || long.as_str() == format!("{id}{checksum}"));
    }

    #[test]
    fn a_checksum_is_one_letter_for_five_characters() {
        check("00D000000000062", "EAA");
        check("00Q1N00000bS2eO", "UAS");
        check("00Q000000000001", "EAA");
        check("001A0000006Vm9r", "IAC");
        check("ABCDEFGHIJKLMNO", "555");
        check("aaaaaaaaaaaaaaa", "AAA");
        check("aaaaaaaaaaaaaaa", "");
        assert!(
            !SalesforceId::parse("001A0000006Vm9rIAD")
                .unwrap()
                .is_checked()
        );
    }

    #[test]
    fn ids_are_equal_by_their_first_15_characters_and_case_counts() {
        let long = SalesforceId::parse(" 00D000000000062EAA ").unwrap();
        assert_eq!(long, SalesforceId::parse("00D000000000062").unwrap());
        assert_ne!(long, SalesforceId::parse("00d000000000062").unwrap());
        assert_eq!(long.as_str(), "00D000000000062EAA");
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "00D00000000006",
            "00D000000000062EA",
            "00D0000000000_2",
            "00D0000000000é2",
        ] {
            assert_eq!(
                SalesforceId::parse(text).unwrap_err(),
                InvalidSalesforceId,
                "{text}"
            );
        }
        assert!(OrganizationId::parse("00Q000000000001").is_err());
    }
}
