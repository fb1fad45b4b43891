//! Why a message is refused.

use std::borrow::Cow;

use sfbridge_values::OrganizationId;

use super::position::line_and_column;

/// A text is not a well-formed outbound message.
///
/// It displays as one sentence for an admin, which repeats no content of the
/// message but names of elements and prefixes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct InvalidMessage {
    kind: InvalidKind,
    line: u64,
    column: u64,
    sentence: Cow<'static, str>,
    organization_id: Option<OrganizationId>,
}

/// Which SOAP fault a refused message gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidKind {
    /// Not well-formed, beyond a limit, or no outbound message: `Client`.
    Malformed,
    /// Another version of SOAP than 1.1: `VersionMismatch`.
    VersionMismatch,
    /// A header block that must be understood and is not: `MustUnderstand`.
    MustUnderstand,
}

impl InvalidMessage {
    /// Which SOAP fault it gets.
    pub fn kind(&self) -> InvalidKind {
        self.kind
    }

    /// The line of the offending place, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The column of the offending place in characters, from 1.
    pub fn column(&self) -> u64 {
        self.column
    }

    /// The organisation that the message claims to be from, if that was read
    /// before the offending place.
    pub fn organization_id(&self) -> Option<&OrganizationId> {
        self.organization_id.as_ref()
    }

    /// Turns a flaw's offset into a line and a column.
    pub(super) fn new(text: &str, flaw: Flaw, organization_id: Option<OrganizationId>) -> Self {
        let before = text.get(..flaw.offset).unwrap_or(text);
        let (line, column) = line_and_column(before);
        Self {
            kind: flaw.kind,
            line,
            column,
            sentence: flaw.sentence,
            organization_id,
        }
    }
}

/// What is wrong at a byte of the text.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    offset: usize,
    kind: InvalidKind,
    sentence: Cow<'static, str>,
}

impl Flaw {
    pub(super) fn malformed(offset: usize, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::of_kind(InvalidKind::Malformed, offset, sentence)
    }

    pub(super) fn of_kind(
        kind: InvalidKind,
        offset: usize,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            offset,
            kind,
            sentence: sentence.into(),
        }
    }

    /// The flaw of a part of the text, as one of the whole.
    pub(super) fn shifted(mut self, by: usize) -> Self {
        self.offset += by;
        self
    }
}

/// A name that fits into a sentence: its first 60 characters.
pub(super) fn short(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}
