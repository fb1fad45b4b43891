//! Bodies before they are XML.

use std::borrow::Cow;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::answers::check_sentence;
use crate::body::{Budget, gunzip};
use crate::encoding::{UndecodableBody, decode, decode_within};

/// The most bytes that a body decodes to here.
const LIMIT: usize = 1 << 20;

/// Text is never made up: each byte is read as its encoding has it, or the body
/// is refused.
///
/// The first line is the charset parameter, if it is not empty.
pub fn encoding(data: &[u8]) {
    let Some(at) = data.iter().position(|&byte| byte == b'\n') else {
        return;
    };
    let (charset, body) = (&data[..at], &data[at + 1..]);
    let Ok(charset) = std::str::from_utf8(charset) else {
        return;
    };
    let charset = Some(charset).filter(|charset| !charset.is_empty());

    match decode(body, charset) {
        Ok(text) => {
            let is_copied = matches!(text, Cow::Owned(_));
            let is_utf_8 = check_text(body, charset, &text) == Some(UTF_8);
            assert!(!(is_utf_8 && is_copied), "UTF-8 was copied");
        }
        Err(UndecodableBody::InvalidBytes { line, column, .. }) => {
            assert!(line >= 1 && column >= 1, "{line}:{column}");
            assert!(line + column <= body.len() as u64 + 2, "{line}:{column}");
        }
        Err(error) => check_sentence(&error.to_string()),
    }
    check_limit(body, charset);
}

/// A limit changes nothing of what is within it, and what is beyond it is no
/// other text.
fn check_limit(body: &[u8], charset: Option<&str>) {
    let whole = decode(body, charset);
    let limit = body.len();
    match decode_within(body, charset, limit) {
        Err(UndecodableBody::TooLarge) => {
            assert!(whole.is_err() || whole.is_ok_and(|text| text.len() > limit));
        }
        within => assert_eq!(within, whole),
    }
}

/// That a text is what its bytes say, where that is easily known; gives their
/// encoding then.
fn check_text(body: &[u8], charset: Option<&str>, text: &str) -> Option<&'static Encoding> {
    // A byte order mark says which encoding it was, and which bytes to expect.
    let (encoding, content) = match Encoding::for_bom(body) {
        Some((encoding, length)) => (encoding, &body[length..]),
        None if charset.is_none() && std::str::from_utf8(body) == Ok(text) => (UTF_8, body),
        None => return None,
    };
    let written = if encoding == UTF_16LE {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else if encoding == UTF_16BE {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    } else {
        text.as_bytes().to_vec()
    };
    assert!(
        written == content,
        "{} says something else",
        encoding.name()
    );
    Some(encoding)
}

/// Where the bodies come from.
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is compressed comes back whole or not at all, and never larger than
/// the limit.
pub fn gzip(data: &[u8]) {
    let mut held = Budget::new(2 * LIMIT).nothing(SOMEWHERE);
    if let Ok(decoded) = gunzip(data, LIMIT, &mut held) {
        assert!(decoded.len() <= LIMIT, "{} bytes", decoded.len());
    }

    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(data).and_then(|()| encoder.finish());
    let Ok(compressed) = written else {
        return;
    };
    let mut held = Budget::new(2 * LIMIT).nothing(SOMEWHERE);
    let decoded = gunzip(&compressed, LIMIT, &mut held);
    assert_eq!(decoded.ok().as_deref(), Some(data));
    let (_, cut) = compressed.split_at(compressed.len() / 2);
    for part in [cut, &compressed[..compressed.len() - 1]] {
        let decoded = gunzip(part, LIMIT, &mut held);
        assert!(decoded.is_err(), "half of a body was taken for one");
    }
}
