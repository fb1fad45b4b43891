//! Cuts a text into markup and text.
//!
//! Nearly all of a message is tags without attributes, references and plain
//! text. They are cut here, where their ends are found by comparing bytes.
//! quick-xml cuts whatever else there is.

use std::io::BufRead as _;

use memchr::memchr2;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::characters::{Name, is_white_space_byte};
use super::invalid_message::Flaw;
use super::xml_error;

/// A text, and how much of it was cut off.
#[derive(Debug)]
pub(super) struct Cutter<'a> {
    text: &'a str,
    /// Where the next piece begins.
    at: usize,
    /// Where quick-xml began.
    base: usize,
    reader: Reader<&'a [u8]>,
}

/// A start tag without attributes and blanks.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainTag<'a> {
    /// The name as written.
    pub(super) raw: &'a str,
    pub(super) name: Name<'a>,
}

impl<'a> Cutter<'a> {
    /// Begins at `base`, where markup begins.
    pub(super) fn new(text: &'a str, base: usize) -> Self {
        let mut reader = Reader::from_str(&text[base..]);
        // It does not see all tags, so it can't tell which belong together.
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        Self {
            text,
            at: base,
            base,
            reader,
        }
    }

    /// Where the next piece begins.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// What is not cut off yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Cuts white space off.
    pub(super) fn skip_white_space(&mut self) {
        let rest = self.rest();
        let blanks = rest.iter().take_while(|&&byte| is_white_space_byte(byte));
        self.at += blanks.count();
    }

    /// Cuts off the text before the next markup or reference.
    pub(super) fn take_text(&mut self) -> &'a str {
        let rest = self.rest();
        let length = memchr2(b'<', b'&', rest).unwrap_or(rest.len());
        self.take(length)
    }

    /// Cuts off a start tag that has neither attributes nor blanks, and whose
    /// name has ASCII letters and at most `longest` bytes.
    pub(super) fn take_plain_tag(&mut self, longest: usize) -> Option<PlainTag<'a>> {
        let rest = self.rest().strip_prefix(b"<")?;
        let (mut length, mut colon) = (0, None);
        loop {
            let byte = *rest.get(length)?;
            if !IN_NAMES[usize::from(byte)] {
                if byte != b':' || colon.is_some() {
                    break;
                }
                colon = Some(length);
            }
            length += 1;
        }
        if rest[length] != b'>' || length > longest {
            return None;
        }
        let raw = self.part(self.at + 1, self.at + 1 + length);
        let (prefix, local) = match colon {
            Some(colon) => (&raw[..colon], &raw[colon + 1..]),
            None => ("", raw),
        };
        if !begins_name(local) || (colon.is_some() && !begins_name(prefix)) {
            return None;
        }
        self.at += length + "<>".len();
        Some(PlainTag {
            raw,
            name: Name { prefix, local },
        })
    }

    /// Cuts off `<tag>`, if it comes next.
    pub(super) fn take_start(&mut self, tag: &str) -> bool {
        let rest = self
            .rest()
            .strip_prefix(b"<")
            .and_then(|rest| rest.strip_prefix(tag.as_bytes()));
        let is_next = matches!(rest, Some([b'>', ..]));
        if is_next {
            self.at += tag.len() + "<>".len();
        }
        is_next
    }

    /// Cuts off `</name>`, if it comes next.
    pub(super) fn take_end(&mut self, name: &str) -> bool {
        let is_next = is_end(self.rest(), name);
        if is_next {
            self.at += name.len() + "</>".len();
        }
        is_next
    }

    /// Cuts off a reference that is no longer than those that people write;
    /// gives what stands between `&` and `;`.
    pub(super) fn take_reference(&mut self) -> Option<&'a str> {
        const LONGEST: usize = 10;

        let rest = self.rest().get(1..)?;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'#';
        let length = rest.iter().take(LONGEST).take_while(is_part).count();
        if rest.get(length) != Some(&b';') {
            return None;
        }
        self.at += "&".len();
        let reference = self.take(length);
        self.at += ";".len();
        Some(reference)
    }

    /// Cuts off the text of an element that has nothing else in it, and its
    /// end tag; nothing when there is more.
    pub(super) fn take_content(&mut self, name: &str) -> Option<&'a str> {
        let rest = self.rest();
        let length = memchr2(b'<', b'&', rest)?;
        if !is_end(&rest[length..], name) {
            return None;
        }
        let text = self.take(length);
        self.at += name.len() + "</>".len();
        Some(text)
    }

    /// Has quick-xml cut off the markup or reference that comes next.
    pub(super) fn take_event(&mut self) -> Result<Event<'a>, Flaw> {
        let ahead = self.at.saturating_sub(self.position());
        self.reader.stream().consume(ahead);
        let event = self.reader.read_event().map_err(|error| {
            let offset = self.base + to_usize(self.reader.error_position());
            Flaw::malformed(offset, xml_error::sentence(&error))
        })?;
        self.at = self.position();
        Ok(event)
    }

    /// A part of the text.
    pub(super) fn part(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let start = self.at;
        self.at += length;
        self.part(start, self.at)
    }

    /// Where quick-xml is.
    fn position(&self) -> usize {
        self.base + to_usize(self.reader.buffer_position())
    }
}

/// Offsets in a text in memory fit.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Whether `</name>` comes next.
fn is_end(rest: &[u8], name: &str) -> bool {
    let rest = rest
        .strip_prefix(b"</")
        .and_then(|rest| rest.strip_prefix(name.as_bytes()));
    matches!(rest, Some([b'>', ..]))
}

/// Whether a prefix or local name begins as one.
fn begins_name(name: &str) -> bool {
    matches!(name.as_bytes(), [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..])
}

/// The bytes that the name of a [`PlainTag`] may have, but for its colon.
const IN_NAMES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let is_other = matches!(byte, b'_' | b'-' | b'.');
        bytes[byte as usize] = byte.is_ascii_alphanumeric() || is_other;
        byte += 1;
    }
    bytes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_tag(text: &str, expected: Option<(&str, &str)>) {
        let mut cutter = Cutter::new(text, 0);
        let tag = cutter.take_plain_tag(12);
        let name = tag.map(|tag| (tag.name.prefix, tag.name.local));
        assert_eq!(name, expected, "{text:?}");
        if let Some(tag) = tag {
            assert_eq!(Name::parse(tag.raw), Some(tag.name));
            assert_eq!(cutter.offset(), tag.raw.len() + 2);
        } else {
            assert_eq!(cutter.offset(), 0);
        }
    }

    #[test]
    fn plain_tags_have_names_of_ascii_and_nothing_else() {
        check_tag("<a>", Some(("", "a")));
        check_tag("<a-.9>x", Some(("", "a-.9")));
        check_tag("<sf:Name__c>", Some(("sf", "Name__c")));
        check_tag("<_:_>", Some(("_", "_")));
        check_tag("<twelve_bytes>", Some(("", "twelve_bytes")));
        for text in [
            "",
            "<",
            "<>",
            "<a",
            "<a/>",
            "<a >",
            "<a b='1'>",
            "</a>",
            "<!a>",
            "<?a>",
            "<:a>",
            "<a:>",
            "<a:b:c>",
            "<1a>",
            "<a:1>",
            "<-a>",
            "<a:.>",
            "<\u{FC}>",
            "<a<b>",
            "<thirteen_byte>",
        ] {
            check_tag(text, None);
        }
    }

    #[test]
    fn an_element_of_text_is_cut_off_as_a_whole_or_not_at_all() {
        let content = |text, name| {
            let mut cutter = Cutter::new(text, 0);
            let content = cutter.take_content(name);
            (content, cutter.offset())
        };
        assert_eq!(content("x y</a>z", "a"), (Some("x y"), 7));
        assert_eq!(content("</p:a>", "p:a"), (Some(""), 6));
        for text in [
            "",
            "x",
            "x</",
            "x</a",
            "x</ab>",
            "x</a >",
            "x<b/></a>",
            "&lt;</a>",
            "x&",
        ] {
            assert_eq!(content(text, "a"), (None, 0), "{text:?}");
        }
    }

    #[test]
    fn references_are_cut_off_where_they_are_short() {
        let reference = |text| Cutter::new(text, 0).take_reference();
        assert_eq!(reference("&amp;"), Some("amp"));
        assert_eq!(reference("&#x1F600;x"), Some("#x1F600"));
        assert_eq!(reference("&;"), Some(""));
        for text in ["&", "&amp", "&a b;", "&a&b;", "&a<b;", "&elevencharc;"] {
            assert_eq!(reference(text), None, "{text:?}");
        }
    }

    #[test]
    fn quick_xml_goes_on_behind_what_was_cut_off() {
        let mut cutter = Cutter::new("\u{FEFF}<a>x&amp;<b c='1'/><!--y--></a>", 3);
        assert!(cutter.take_plain_tag(9).is_some());
        assert_eq!(cutter.take_text(), "x");
        assert_eq!(cutter.take_reference(), Some("amp"));
        assert!(matches!(cutter.take_event(), Ok(Event::Empty(_))));
        assert!(matches!(cutter.take_event(), Ok(Event::Comment(_))));
        assert_eq!(cutter.offset(), 30);
        assert!(cutter.take_end("a"));
        assert_eq!(cutter.rest(), b"");
    }
}
