//! The XML declaration.

use super::characters::is_white_space_byte;
use super::invalid_message::Flaw;

/// What an XML declaration says that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declaration<'a> {
    /// The name of the character encoding, as written.
    pub(crate) encoding: Option<&'a str>,
}

impl<'a> Declaration<'a> {
    /// Reads what stands between `<?xml` and `?>`. Offsets of flaws count from
    /// there.
    pub(super) fn parse(content: &'a str) -> Result<Self, Flaw> {
        let mut rest = Rest { content, at: 0 };
        match rest.value_of("version")? {
            // Fifth edition: a 1.0 processor reads any 1.x as 1.0.
            Some(version) if is_version(version) => {}
            Some(_) => return Err(rest.flaw("The XML version is not 1.0.")),
            None => {
                return Err(rest.flaw("The XML declaration does not begin with a version."));
            }
        }
        let encoding = rest.value_of("encoding")?;
        if encoding.is_some_and(|name| !is_encoding_name(name)) {
            return Err(rest.flaw("The XML declaration's encoding is not a name."));
        }
        let standalone = rest.value_of("standalone")?;
        if standalone.is_some_and(|value| !matches!(value, "yes" | "no")) {
            return Err(rest.flaw("The XML declaration's standalone is neither yes nor no."));
        }
        rest.skip_white_space();
        if rest.at < content.len() {
            return Err(rest.flaw(
                "The XML declaration holds more than version, encoding and standalone, \
                 or not in this order.",
            ));
        }
        Ok(Self { encoding })
    }

    /// The declaration at the start of a document whose encoding is not known
    /// yet, if there is a well-formed one. White space may stand before it.
    pub(crate) fn sniff(body: &'a [u8]) -> Option<Self> {
        const LONGEST: usize = 1_024;
        let start = body.trim_ascii_start().strip_prefix(b"<?xml")?;
        let start = &start[..start.len().min(LONGEST)];
        let end = start.windows(2).position(|two| two == b"?>")?;
        let content = std::str::from_utf8(&start[..end]).ok()?;
        Self::parse(content).ok()
    }
}

/// The part of a declaration that is still to be read.
struct Rest<'a> {
    content: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    /// The value of a pseudo attribute, if it comes next.
    fn value_of(&mut self, name: &str) -> Result<Option<&'a str>, Flaw> {
        let before = self.at;
        let has_space = self.skip_white_space();
        if !self.take(name) {
            self.at = before;
            return Ok(None);
        }
        if !has_space {
            return Err(self.flaw("White space is missing in the XML declaration."));
        }
        self.skip_white_space();
        if !self.take("=") {
            return Err(self.flaw("An equals sign is missing in the XML declaration."));
        }
        self.skip_white_space();
        let quote = if self.take("\"") {
            '"'
        } else if self.take("'") {
            '\''
        } else {
            return Err(self.flaw("A quote is missing in the XML declaration."));
        };
        let rest = &self.content[self.at..];
        let Some(end) = rest.find(quote) else {
            return Err(self.flaw("A quote is missing in the XML declaration."));
        };
        self.at += end + 1;
        Ok(Some(&rest[..end]))
    }

    fn take(&mut self, expected: &str) -> bool {
        let is_next = self.content[self.at..].starts_with(expected);
        if is_next {
            self.at += expected.len();
        }
        is_next
    }

    /// Whether there was any.
    fn skip_white_space(&mut self) -> bool {
        let rest = &self.content.as_bytes()[self.at..];
        let skipped = rest
            .iter()
            .take_while(|&&byte| is_white_space_byte(byte))
            .count();
        self.at += skipped;
        skipped > 0
    }

    fn flaw(&self, sentence: &'static str) -> Flaw {
        Flaw::malformed(self.at, sentence)
    }
}

fn is_version(version: &str) -> bool {
    version
        .strip_prefix("1.")
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()))
}

fn is_encoding_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, encoding: Option<&str>) {
        let read = Declaration::parse(content).ok();
        assert_eq!(read, Some(Declaration { encoding }), "{content:?}");
    }

    #[track_caller]
    fn check_refused(content: &str) {
        assert!(Declaration::parse(content).is_err(), "{content:?}");
    }

    #[test]
    fn a_declaration_has_a_version_then_an_encoding_then_standalone() {
        check(" version=\"1.0\"", None);
        check(" version='1.0' encoding='UTF-8'", Some("UTF-8"));
        check("\n version = \"1.0\"\tstandalone='no' ", None);
        check(
            " version='1.0' encoding=\"x.y_z-1\" standalone='yes'",
            Some("x.y_z-1"),
        );
    }

    #[test]
    fn versions_1_x_are_read_as_1_0() {
        check(" version='1.1'", None);
        check(" version='1.9'", None);
        check_refused(" version='2.0'");
        check_refused(" version='1.'");
        check_refused(" version='1.0a'");
    }

    #[test]
    fn anything_else_is_no_declaration() {
        for content in [
            "",
            " ",
            " encoding='UTF-8'",
            "version='1.0'",
            " version='1.0'encoding='UTF-8'",
            " version='1.0' standalone='no' encoding='UTF-8'",
            " version='1.0' encoding=''",
            " version='1.0' encoding='8859'",
            " version='1.0' encoding='UTF 8'",
            " version='1.0' standalone='maybe'",
            " version='1.0' version='1.0'",
            " version='1.0' other='1'",
            " version=1.0",
            " version='1.0\"",
            " version '1.0'",
            " VERSION='1.0'",
        ] {
            check_refused(content);
        }
    }

    #[test]
    fn a_declaration_is_found_at_the_start_of_bytes() {
        let sniff = |body: &'static [u8]| Declaration::sniff(body).and_then(|found| found.encoding);
        assert_eq!(
            sniff(b"\n <?xml version='1.0' encoding='latin1'?><a>\xFC</a>"),
            Some("latin1")
        );
        assert_eq!(sniff(b"<a/><?xml version='1.0' encoding='latin1'?>"), None);
        assert_eq!(sniff(b"<?xml version='1.0' encoding='latin1'"), None);
        assert_eq!(sniff(b"<?xml-x version='1.0' encoding='latin1'?>"), None);
    }
}
