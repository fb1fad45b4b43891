//! The id of a visitor.

use std::fmt;

use uuid::Uuid;

/// The id of a visitor: a UUID, written in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VisitorId(Uuid);

/// A text is not the id of a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a visitor id; it is a UUID with hyphens, such as \
     b5bb14cc-7cf6-49ff-a131-538d85bd143d, perhaps after `vid~`"
)]
pub struct InvalidVisitorId;

impl VisitorId {
    /// Reads a visitor id: any case, surrounding white space, a leading `vid~`
    /// as in the cookie.
    ///
    /// # Errors
    ///
    /// [`InvalidVisitorId`] when the rest is not a hyphenated UUID.
    pub fn parse(text: &str) -> Result<Self, InvalidVisitorId> {
        let text = text.trim();
        let text = text.strip_prefix("vid~").unwrap_or(text);
        // Only the hyphenated form has 36 characters; the library reads others too.
        if text.len() != 36 {
            return Err(InvalidVisitorId);
        }
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| InvalidVisitorId)
    }

    /// The id from its 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id's 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for VisitorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for VisitorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VisitorId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "b5bb14cc-7cf6-49ff-a131-538d85bd143d";

    #[track_caller]
    fn check(text: &str, expected: Result<&str, InvalidVisitorId>) {
        let id = VisitorId::parse(text).map(|id| id.to_string());
        assert_eq!(id, expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn a_visitor_id_is_kept_in_lower_case() {
        check(PLAIN, Ok(PLAIN));
        check("B5BB14CC-7CF6-49FF-A131-538D85BD143D", Ok(PLAIN));
        check("  b5bb14cc-7cf6-49ff-a131-538d85bd143d\n", Ok(PLAIN));
        check("vid~b5bb14cc-7cf6-49ff-a131-538d85bd143d", Ok(PLAIN));
    }

    #[test]
    fn only_the_hyphenated_form_is_a_visitor_id() {
        check("", Err(InvalidVisitorId));
        check("vid~", Err(InvalidVisitorId));
        check("b5bb14cc7cf649ffa131538d85bd143d", Err(InvalidVisitorId));
        check(
            "{b5bb14cc-7cf6-49ff-a131-538d85bd143d}",
            Err(InvalidVisitorId),
        );
        check("b5bb14cc-7cf6-49ff-a131-538d85bd143", Err(InvalidVisitorId));
        check(
            "g5bb14cc-7cf6-49ff-a131-538d85bd143d",
            Err(InvalidVisitorId),
        );
        check(
            "vid~vid~b5bb14cc-7cf6-49ff-a131-538d85bd143d",
            Err(InvalidVisitorId),
        );
        check(
            "b5bb14cc-7cf649ff-a131-538d85bd143d-",
            Err(InvalidVisitorId),
        );
    }
}
