//! From the bytes of a body to a message, or to the refusal.

use std::borrow::Cow;

use crate::body::too_large;
use crate::encoding::{self, UndecodableBody};
use crate::fault::{Fault, Reason};
use crate::soap::{self, InvalidKind, InvalidMessage, OutboundMessage};

/// Reads a message of at most `limit` bytes of UTF-8. `charset` is that of the
/// `Content-Type`.
///
/// # Errors
///
/// The refusal says what is wrong and, where it is one place, in which line and
/// column.
pub(crate) fn read(
    bytes: &[u8],
    charset: Option<&str>,
    limit: usize,
    limits: &soap::Limits,
) -> Result<OutboundMessage, Fault> {
    message(&text(bytes, charset, limit)?, limits)
}

/// The text of a body, of at most `limit` bytes of UTF-8.
///
/// # Errors
///
/// The refusal of bytes that are not in their encoding, or of too many.
pub(crate) fn text<'a>(
    bytes: &'a [u8],
    charset: Option<&str>,
    limit: usize,
) -> Result<Cow<'a, str>, Fault> {
    let text = encoding::decode_within(bytes, charset, limit);
    text.map_err(|error| undecodable(&error, limit))
}

/// The message that a text is.
///
/// # Errors
///
/// The refusal of a text that is no good message.
pub(crate) fn message(text: &str, limits: &soap::Limits) -> Result<OutboundMessage, Fault> {
    soap::read(text, limits).map_err(|error| invalid(&error))
}

fn undecodable(error: &UndecodableBody, limit: usize) -> Fault {
    let sentence = error.to_string();
    match error {
        UndecodableBody::UnknownEncoding { .. } => Fault::new(Reason::UnknownCharset, sentence),
        UndecodableBody::InvalidBytes { line, column, .. } => {
            Fault::new(Reason::InvalidMessage, sentence).at(*line, *column)
        }
        UndecodableBody::TooLarge => too_large(limit),
    }
}

fn invalid(error: &InvalidMessage) -> Fault {
    let reason = match error.kind() {
        InvalidKind::Malformed => Reason::InvalidMessage,
        InvalidKind::VersionMismatch => Reason::VersionMismatch,
        InvalidKind::MustUnderstand => Reason::MustUnderstand,
    };
    Fault::new(reason, error.to_string())
        .at(error.line(), error.column())
        .of_organization(error.organization_id())
}
