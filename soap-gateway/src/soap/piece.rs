//! Pieces of text, from markup or a reference to the next.

use std::borrow::Cow;

use memchr::memchr;

use super::characters::with_line_feeds;
use super::invalid_message::Flaw;

/// What has to be looked for in pieces of a text, because it is somewhere in the
/// whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    has_returns: bool,
}

impl Pieces {
    /// Looks once through the whole.
    pub(super) fn of(text: &str) -> Self {
        Self {
            has_returns: memchr(b'\r', text.as_bytes()).is_some(),
        }
    }

    /// The piece at `offset` as XML reads it.
    pub(super) fn read(self, piece: &str, offset: usize) -> Result<Cow<'_, str>, Flaw> {
        // There hardly ever is a `>` at all.
        if memchr(b'>', piece.as_bytes()).is_some()
            && let Some(at) = piece.find("]]>")
        {
            return Err(Flaw::malformed(
                offset + at,
                "A text holds `]]>`; write `]]&gt;`.",
            ));
        }
        let piece = Cow::Borrowed(piece);
        Ok(if self.has_returns {
            with_line_feeds(piece)
        } else {
            piece
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_ends_of_cdata_are_judged_piece_by_piece() {
        let pieces = Pieces::of("a\r\nb<c/>]]><![CDATA[]]>");
        let read = |piece| pieces.read(piece, 7).map_err(|flaw| format!("{flaw:?}"));
        assert_eq!(read("a\r\nb").as_deref(), Ok("a\nb"));
        assert_eq!(read("]] >").as_deref(), Ok("]] >"));
        assert!(read("x]]>").is_err_and(|flaw| flaw.contains("offset: 8,")));
    }
}
