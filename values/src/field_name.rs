//! Names of Salesforce fields.

use std::fmt;

/// The API name of a Salesforce field, compared without regard to case.
#[derive(Clone, Debug)]
pub struct FieldName(String);

/// A text is not the API name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a field's API name; it has ASCII letters, digits and `_` and starts with a letter, \
     such as Visitor_ID__c"
)]
pub struct InvalidFieldName;

impl FieldName {
    /// Reads a field name. A namespace prefix `ns__` belongs to it.
    ///
    /// # Errors
    ///
    /// [`InvalidFieldName`] unless it is ASCII letters, digits and `_`, a
    /// letter first, at most 255 of them.
    pub fn parse(text: &str) -> Result<Self, InvalidFieldName> {
        let is_name = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_named = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        if is_name && is_named && text.len() <= 255 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidFieldName)
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for FieldName {}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_name_is_compared_without_case() {
        assert_eq!(
            FieldName::parse("ns__Score__c"),
            FieldName::parse("NS__score__C")
        );
        assert_eq!(FieldName::parse("UNIT__C").unwrap().as_str(), "UNIT__C");
    }

    #[test]
    fn a_field_name_is_ascii_and_starts_with_a_letter() {
        for text in ["", "1st__c", "_x", "Visitor Id", "Größe__c", "a-b", "a.b"] {
            assert_eq!(FieldName::parse(text), Err(InvalidFieldName), "{text}");
        }
    }
}
