//! Bytes of a body to text, and compressed ones to bytes.

use std::borrow::Cow;

use encoding_rs::{
    DecoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED,
};

use crate::body::decompressed;
use crate::soap::{Declaration, line_and_column};

#[cfg(test)]
mod tests;

/// A body can't be turned into text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UndecodableBody {
    /// The encoding that the sender names is not known: 415.
    #[error("The character encoding `{label}` is not known; send UTF-8.")]
    UnknownEncoding {
        /// The name, cut to what can be shown.
        label: String,
    },
    /// The bytes are not text in their encoding: 400.
    #[error("The message holds bytes that are not {encoding}.")]
    InvalidBytes {
        /// The encoding that was tried.
        encoding: &'static str,
        /// The line of the first wrong byte, from 1.
        line: u64,
        /// Its column in characters, from 1.
        column: u64,
    },
    /// The bytes become more text than is taken: 413.
    #[error("The message is too large as UTF-8.")]
    TooLarge,
}

/// A compressed body can't be used. It displays as the gateway's sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidGzip(String);

/// Whether a body begins as gzip does (RFC 1952, section 2.3.1), and as no text
/// in any encoding does.
pub fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1F, 0x8B])
}

/// Decodes a gzip body to at most `limit` bytes, as the gateway does where the
/// `Content-Encoding` says so.
///
/// # Errors
///
/// [`InvalidGzip`] when it is no gzip, or larger than the limit.
pub fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, InvalidGzip> {
    decompressed(body, limit).map_err(|fault| InvalidGzip(fault.sentence().to_owned()))
}

/// Turns a body into text: a byte order mark decides about the encoding, then
/// the charset of the `Content-Type`, then the XML declaration, then it is
/// UTF-8 (RFC 7303, section 3). The byte order mark is no part of the text.
///
/// Bytes are never replaced. UTF-8 is not copied. Three choices:
///
/// - UTF-16 without a byte order mark is told by its first character, which is
///   ASCII in XML. A declaration that was readable byte by byte but says
///   UTF-16 is wrong, as of text that was converted after it was written; such
///   a body is UTF-8.
/// - `ISO-8859-1` is read as windows-1252, as browsers do: bytes 0x80 to 0x9F
///   become `€` and its like where ISO-8859-1 has control characters that
///   nobody sends.
/// - `US-ASCII` is ASCII alone. Read as windows-1252 too, the UTF-8 that it
///   often is would become other letters unnoticed.
///
/// # Errors
///
/// [`UndecodableBody`] says whether the encoding or the bytes are at fault.
pub fn decode<'a>(body: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, UndecodableBody> {
    decode_within(body, charset, usize::MAX)
}

/// The same, to at most `limit` bytes of text: what would grow beyond that on
/// its way to UTF-8 is given up there.
pub(crate) fn decode_within<'a>(
    body: &'a [u8],
    charset: Option<&str>,
    limit: usize,
) -> Result<Cow<'a, str>, UndecodableBody> {
    let text = decode_text(body, charset, limit)?;
    if text.len() > limit {
        return Err(UndecodableBody::TooLarge);
    }
    Ok(text)
}

fn decode_text<'a>(
    body: &'a [u8],
    charset: Option<&str>,
    limit: usize,
) -> Result<Cow<'a, str>, UndecodableBody> {
    if let Some(name) = utf_32(body) {
        return Err(unknown(name));
    }
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return decode_as(Charset::Known(encoding), &body[length..], limit);
    }
    let charset = charset
        .map(|label| label.trim().trim_matches(['"', '\'']))
        .filter(|label| !label.is_empty());
    let encoding = match charset {
        Some(label) => Charset::named(label)?,
        None => declared(body)?,
    };
    decode_as(encoding, body, limit)
}

/// UTF-32, which is not read, by its byte order mark or by a first character
/// that is ASCII.
fn utf_32(body: &[u8]) -> Option<&'static str> {
    match body {
        [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, 1..=0x7F, ..] => Some("UTF-32BE"),
        [0xFF, 0xFE, 0, 0, ..] | [1..=0x7F, 0, 0, 0, ..] => Some("UTF-32LE"),
        _ => None,
    }
}

/// How to read bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Charset {
    Known(&'static Encoding),
    /// UTF-16 whose byte order is still to be found out.
    Utf16,
    Ascii,
}

impl Charset {
    fn named(label: &str) -> Result<Self, UndecodableBody> {
        if ["us-ascii", "ascii", "ansi_x3.4-1968"]
            .iter()
            .any(|ascii| label.eq_ignore_ascii_case(ascii))
        {
            return Ok(Self::Ascii);
        }
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            None => Err(unknown(label)),
            // Private characters would get through as if they meant something.
            Some(encoding) if encoding == X_USER_DEFINED || encoding == REPLACEMENT => {
                Err(unknown(label))
            }
            Some(_) if label.eq_ignore_ascii_case("utf-16") => Ok(Self::Utf16),
            Some(encoding) => Ok(Self::Known(encoding)),
        }
    }
}

/// The encoding of a body that nobody but itself tells about.
fn declared(body: &[u8]) -> Result<Charset, UndecodableBody> {
    if let Some(encoding) = byte_order(body) {
        return Ok(Charset::Known(encoding));
    }
    let label = Declaration::sniff(body).and_then(|declaration| declaration.encoding);
    match label.map(Charset::named).transpose()? {
        Some(Charset::Known(encoding)) if encoding == UTF_16LE || encoding == UTF_16BE => {
            Ok(Charset::Known(UTF_8))
        }
        None | Some(Charset::Utf16) => Ok(Charset::Known(UTF_8)),
        Some(charset) => Ok(charset),
    }
}

/// The byte order of UTF-16, by a first character that is ASCII.
fn byte_order(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, 1..=0x7F, ..] => Some(UTF_16BE),
        [1..=0x7F, 0, ..] => Some(UTF_16LE),
        _ => None,
    }
}

fn decode_as(
    charset: Charset,
    bytes: &[u8],
    limit: usize,
) -> Result<Cow<'_, str>, UndecodableBody> {
    match charset {
        Charset::Known(encoding) if encoding == UTF_8 => decode_utf8(bytes),
        Charset::Known(encoding) => decode_other(encoding, bytes, limit),
        Charset::Utf16 => match byte_order(bytes) {
            Some(encoding) => decode_other(encoding, bytes, limit),
            None => Err(invalid("UTF-16", "")),
        },
        Charset::Ascii => {
            let ascii = bytes.iter().take_while(|byte| byte.is_ascii()).count();
            let text = decode_utf8(&bytes[..ascii])?;
            if ascii < bytes.len() {
                return Err(invalid("US-ASCII", &text));
            }
            Ok(text)
        }
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<Cow<'_, str>, UndecodableBody> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| {
            let (before, _) = bytes.split_at(error.valid_up_to());
            invalid("UTF-8", &String::from_utf8_lossy(before))
        })
}

/// Decodes in one go, and no further than the limit: bytes may become three
/// times as many.
fn decode_other<'a>(
    encoding: &'static Encoding,
    bytes: &'a [u8],
    limit: usize,
) -> Result<Cow<'a, str>, UndecodableBody> {
    // What a decoder may need for one more character, and then some.
    const STEP: usize = 1_024;

    if encoding.is_ascii_compatible() && bytes.is_ascii() {
        return decode_utf8(bytes);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(bytes.len() + STEP);
    let mut rest = bytes;
    loop {
        let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, true);
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return Ok(Cow::Owned(text)),
            DecoderResult::Malformed(..) => return Err(invalid(encoding.name(), &text)),
            DecoderResult::OutputFull if text.len() > limit => {
                return Err(UndecodableBody::TooLarge);
            }
            DecoderResult::OutputFull => {
                let room = limit.saturating_sub(text.len()).saturating_add(STEP);
                text.reserve_exact(room.min(text.len() + STEP));
            }
        }
    }
}

fn invalid(encoding: &'static str, before: &str) -> UndecodableBody {
    let (line, column) = line_and_column(before);
    UndecodableBody::InvalidBytes {
        encoding,
        line,
        column,
    }
}

fn unknown(label: &str) -> UndecodableBody {
    UndecodableBody::UnknownEncoding {
        label: label
            .chars()
            .filter(char::is_ascii_graphic)
            .take(40)
            .collect(),
    }
}
