//! What XML 1.0 (fifth edition) says of characters, names and references.

use std::borrow::Cow;

use memchr::memchr;

use super::invalid_message::Flaw;

/// A name with an optional prefix, in two parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// Empty when there is none.
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
}

impl<'a> Name<'a> {
    /// Reads a name of XML namespaces: one colon at most, between two names.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (prefix, local) = match text.bytes().position(|byte| byte == b':') {
            Some(colon) if !is_nc_name(&text[..colon]) => return None,
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => ("", text),
        };
        is_nc_name(local).then_some(Self { prefix, local })
    }
}

/// The first character that an XML document may not hold, by its offset.
pub(super) fn first_forbidden(text: &str) -> Option<usize> {
    // Whole blocks are judged without a branch per byte; only U+FFFE and
    // U+FFFF, which begin with 0xEF, need a closer look.
    const BLOCK: usize = 4_096;
    let is_suspicious = |block: &[u8]| {
        block.iter().fold(false, |found, &byte| {
            let is_control = byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
            let is_suspicious = is_control || byte == 0xEF;
            found | is_suspicious
        })
    };
    let block = text.as_bytes().chunks(BLOCK).position(is_suspicious)?;
    // A character may begin in the block before.
    let start = text.floor_char_boundary(block * BLOCK);
    let (at, _) = text[start..]
        .char_indices()
        .find(|&(_, character)| !is_char(character))?;
    Some(start + at)
}

/// Whether a character may stand in an XML document, itself or by reference.
fn is_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// A text whose lines end with LF alone, where they ended with CR LF or CR too
/// (section 2.11). It is not copied where there is no CR.
pub(super) fn with_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some(first) = memchr(b'\r', text.as_bytes()) else {
        return text;
    };
    // Byte by byte and in its place, for there may be nothing but CRs.
    let mut bytes = text.into_owned().into_bytes();
    let (mut end, mut is_after_return) = (first, false);
    for at in first..bytes.len() {
        let byte = bytes[at];
        let is_return = byte == b'\r';
        if byte != b'\n' || !is_after_return {
            bytes[end] = if is_return { b'\n' } else { byte };
            end += 1;
        }
        is_after_return = is_return;
    }
    bytes.truncate(end);
    // Only ASCII was changed, so it is UTF-8 as before.
    String::from_utf8(bytes).map_or_else(
        |error| Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Cow::Owned,
    )
}

/// Whether a text is white space as XML has it.
pub(super) fn is_white_space(text: &str) -> bool {
    text.bytes().all(is_white_space_byte)
}

/// White space as XML has it.
pub(super) fn is_white_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a text is a name without a colon.
pub(super) fn is_nc_name(text: &str) -> bool {
    // Nearly all names are of ASCII letters, digits and `_`.
    let is_common = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if let [first, rest @ ..] = text.as_bytes()
        && (first.is_ascii_alphabetic() || *first == b'_')
        && rest.iter().all(|&byte| is_common(byte))
    {
        return true;
    }
    let mut characters = text.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_part)
}

fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_part(character: char) -> bool {
    is_name_start(character)
        || matches!(character,
            '0'..='9' | '-' | '.' | '\u{B7}'
            | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The character that a reference stands for: one of the five predefined
/// entities, or a legal character by its number.
///
/// `reference` is what stands between `&` and `;`, at `offset`.
pub(super) fn resolve(reference: &str, offset: usize) -> Result<char, Flaw> {
    match reference {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let Some(number) = reference.strip_prefix('#') else {
        return Err(Flaw::malformed(
            offset,
            "Only the entities amp, lt, gt, quot and apos may be referred to; \
             write `&` itself as `&amp;`.",
        ));
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // The parser of numbers would also take a sign.
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok();
    code.filter(|_| is_number)
        .and_then(char::from_u32)
        .filter(|&character| is_char(character))
        .ok_or_else(|| {
            Flaw::malformed(
                offset,
                "A numeric character reference does not name a character that XML allows.",
            )
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_name(text: &str, expected: Option<(&str, &str)>) {
        let name = Name::parse(text).map(|name| (name.prefix, name.local));
        assert_eq!(name, expected, "{text:?}");
    }

    #[test]
    fn a_name_has_one_colon_at_most_between_two_names() {
        check_name("Lead", Some(("", "Lead")));
        check_name("sf:Name__c", Some(("sf", "Name__c")));
        check_name("Straße", Some(("", "Straße")));
        check_name("_-.9", Some(("", "_-.9")));
        for text in [
            "",
            ":",
            "a:",
            ":a",
            "a:b:c",
            "1a",
            "a:1",
            "-a",
            ".a",
            "a b",
            "a<",
            "×",
            "a\u{2028}",
        ] {
            check_name(text, None);
        }
    }

    #[track_caller]
    fn check_reference(reference: &str, expected: Option<char>) {
        assert_eq!(resolve(reference, 0).ok(), expected, "{reference:?}");
    }

    #[test]
    fn references_are_predefined_or_numbers_of_legal_characters() {
        check_reference("apos", Some('\''));
        check_reference("#65", Some('A'));
        check_reference("#x41", Some('A'));
        check_reference("#0000000000000065", Some('A'));
        check_reference("#x1F600", Some('😀'));
        check_reference("#13", Some('\r'));
        check_reference("#x10FFFF", Some('\u{10FFFF}'));
        for reference in [
            "",
            "nbsp",
            "AMP",
            " amp",
            "#",
            "#x",
            "#X41",
            "#0",
            "#11",
            "#xFFFE",
            "#xFFFF",
            "#xD800",
            "#x110000",
            "#+65",
            "#-1",
            "# 65",
            "#x+41",
            "#99999999999999999999",
        ] {
            check_reference(reference, None);
        }
    }

    #[test]
    fn forbidden_characters_are_found_wherever_they_stand() {
        for filler in [0, 1, 4_090, 4_094, 4_095, 4_096, 9_000] {
            for bad in ["\0", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
                let text = format!("{}{bad} and more", "a".repeat(filler));
                assert_eq!(first_forbidden(&text), Some(filler), "{filler} {bad:?}");
            }
            for good in ["\t\r\n", "\u{7F}", "\u{85}", "\u{FEFF}", "\u{FFFD}", "😀"] {
                let text = format!("{}{good}", "a".repeat(filler));
                assert_eq!(first_forbidden(&text), None, "{filler} {good:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_line_ends_with_a_line_feed_alone(
            pieces in prop::collection::vec("(\r\n|\r|\n|[a-z]{0,9}|é|😀)", 0..50),
        ) {
            let text = pieces.concat();
            let expected = text.replace("\r\n", "\n").replace('\r', "\n");
            let read = with_line_feeds(Cow::Borrowed(&text));
            prop_assert_eq!(&*read, &expected);
            prop_assert_eq!(matches!(read, Cow::Borrowed(_)), !text.contains('\r'));
        }
    }
}
