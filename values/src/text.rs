//! Texts with a limit.

use std::fmt;

use smol_str::SmolStr;

/// A text of at most 255 characters without U+0000, such as a reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortText(SmolStr);

/// A text is longer than it may be, or holds U+0000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is longer than 255 characters, or holds the character U+0000")]
pub struct TooLong;

impl ShortText {
    /// The most characters that fit.
    pub const MAX_CHARS: usize = 255;

    /// Takes a text as it is.
    ///
    /// # Errors
    ///
    /// [`TooLong`] above 255 characters.
    pub fn new(text: &str) -> Result<Self, TooLong> {
        if has_more_chars_than(text, Self::MAX_CHARS) || text.contains('\0') {
            return Err(TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text for people of at most 4,000 characters without U+0000.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LongText(String);

impl LongText {
    /// The most characters that fit.
    pub const MAX_CHARS: usize = 4_000;

    /// Takes what fits, and says whether something was left out.
    pub fn cut(mut text: String) -> (Self, bool) {
        let length = text.len();
        // U+0000 can't be stored everywhere and means nothing to people.
        if text.contains('\0') {
            text.retain(|character| character != '\0');
        }
        if text.len() > Self::MAX_CHARS
            && let Some((end, _)) = text.char_indices().nth(Self::MAX_CHARS)
        {
            text.truncate(end);
        }
        let is_cut = text.len() < length;
        (Self(text), is_cut)
    }

    /// The text, to be kept in another form.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is longer, without counting further than needed.
pub(crate) fn has_more_chars_than(text: &str, limit: usize) -> bool {
    // No character is shorter than a byte.
    text.len() > limit && text.chars().nth(limit).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_up_to_255_characters_whatever_their_bytes() {
        assert!(ShortText::new(&"ü".repeat(255)).is_ok());
        assert_eq!(ShortText::new(&"u".repeat(256)), Err(TooLong));
        assert_eq!(ShortText::new("a\0b"), Err(TooLong));
    }

    #[test]
    fn a_title_is_cut_between_characters() {
        let (cut, is_cut) = LongText::cut("😀".repeat(4_001));
        assert!(is_cut);
        assert_eq!(cut.as_str().chars().count(), 4_000);

        let (whole, is_cut) = LongText::cut("😀".repeat(4_000));
        assert!(!is_cut);
        assert_eq!(whole.as_str().chars().count(), 4_000);
    }
}
