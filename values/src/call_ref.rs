//! The reference of a call.

use std::fmt;

use crate::text::has_more_chars_than;

/// The reference of a call in its installation: opaque text, trimmed.
///
/// It is never a number: `007` and `7` are two calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallRef(String);

/// A text is not the reference of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a call reference; it has 1 to 255 characters and no U+0000")]
pub struct InvalidCallRef;

impl CallRef {
    /// Reads a call reference.
    ///
    /// # Errors
    ///
    /// [`InvalidCallRef`] unless 1 to 255 characters remain after trimming.
    pub fn parse(text: &str) -> Result<Self, InvalidCallRef> {
        let text = text.trim();
        if text.is_empty() || has_more_chars_than(text, 255) || text.contains('\0') {
            return Err(InvalidCallRef);
        }
        Ok(Self(text.to_owned()))
    }

    /// The reference.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The reference, to be kept in another form.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for CallRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reference_is_opaque() {
        assert_eq!(CallRef::parse(" 000123 ").unwrap().as_str(), "000123");
        assert_eq!(CallRef::parse("1e5").unwrap().as_str(), "1e5");
        assert_eq!(
            CallRef::parse(&"ü".repeat(255)).unwrap().as_str(),
            "ü".repeat(255)
        );
    }

    #[test]
    fn a_call_reference_has_1_to_255_characters() {
        assert_eq!(CallRef::parse(" \n "), Err(InvalidCallRef));
        assert_eq!(CallRef::parse(&"u".repeat(256)), Err(InvalidCallRef));
    }
}
