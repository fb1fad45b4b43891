//! Lists in headers, read from their end.
//!
//! Each proxy appends to such a list. So its end is what the nearest one wrote,
//! and its beginning may be anything that a stranger sent. Read from the end,
//! nothing that stands before can change the meaning of what stands behind it:
//! no quote that a stranger leaves open swallows what a proxy said.

use std::borrow::Cow;

use http::HeaderValue;

/// An element is not written by its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The elements of a comma-separated list, the last first. Empty ones do not
/// count.
pub(super) fn last_first(list: &str) -> impl Iterator<Item = &str> {
    Pieces::new(list, b',').filter(|element| !element.is_empty())
}

/// The value of a parameter of an element (`name=value;other="value"`), its
/// name in any case; None when it has none. An element that has it twice is
/// malformed: which of them counts is nobody's guess.
pub(super) fn parameter<'a>(
    element: &'a str,
    name: &str,
) -> Result<Option<Cow<'a, str>>, Malformed> {
    let mut values = Pieces::new(element, b';').filter_map(|piece| {
        let (key, value) = piece.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value)
    });
    let value = values.next();
    if values.next().is_some() {
        return Err(Malformed);
    }
    value.map(|value| unquoted(value.trim())).transpose()
}

/// A header line as text. What is no UTF-8 in it stands where a stranger wrote,
/// and must not hide the rest.
pub(super) fn text(line: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(line.as_bytes())
}

/// The pieces between separators that stand in no quoted string, trimmed, the
/// last first.
struct Pieces<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str, separator: u8) -> Self {
        Self {
            rest: Some(text),
            separator,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.take()?;
        let mut is_quoted = false;
        for (at, byte) in text.bytes().enumerate().rev() {
            if byte == b'"' && !is_escaped(&text.as_bytes()[..at]) {
                is_quoted = !is_quoted;
            } else if byte == self.separator && !is_quoted {
                self.rest = Some(&text[..at]);
                return Some(text[at + 1..].trim());
            }
        }
        Some(text.trim())
    }
}

/// Whether the byte behind these is escaped by them.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// A value without the quotes and escapes that it may have.
fn unquoted(value: &str) -> Result<Cow<'_, str>, Malformed> {
    let Some(quoted) = value.strip_prefix('"') else {
        let is_plain = !value.contains('"');
        return is_plain.then_some(Cow::Borrowed(value)).ok_or(Malformed);
    };
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next() {
            Some('\\') => text.push(characters.next().ok_or(Malformed)?),
            Some('"') if characters.as_str().is_empty() => return Ok(Cow::Owned(text)),
            Some('"') | None => return Err(Malformed),
            Some(other) => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &[&str]) {
        let elements: Vec<_> = last_first(list).collect();
        assert_eq!(elements, expected, "{list}");
    }

    #[track_caller]
    fn check_parameter(element: &str, expected: Result<Option<&str>, Malformed>) {
        let value = parameter(element, "for");
        let expected = expected.map(|value| value.map(Cow::Borrowed));
        assert_eq!(value, expected, "{element}");
    }

    #[test]
    fn elements_are_split_at_commas_outside_quotes() {
        check("", &[]);
        check(" , ,", &[]);
        check("a, b ,c", &["c", "b", "a"]);
        check(r#"a="1,2";b, c="\",\\""#, &[r#"c="\",\\""#, r#"a="1,2";b"#]);
    }

    #[test]
    fn a_quote_left_open_hides_nothing_that_stands_behind_it() {
        check("for=\"x, for=y", &["for=y", "for=\"x"]);
        check("\"\\, a=\"b,c\"", &["a=\"b,c\"", "\"\\"]);
    }

    #[test]
    fn a_parameter_is_there_once_in_any_case_and_quoted_or_not() {
        check_parameter("for=a", Ok(Some("a")));
        check_parameter("by=x; FOR = a ;proto=http", Ok(Some("a")));
        check_parameter(r#"for="a;\"b\\""#, Ok(Some("a;\"b\\")));
        check_parameter("for=", Ok(Some("")));
        check_parameter("by=x;forr=y", Ok(None));
        check_parameter("", Ok(None));
        for malformed in [
            "for=a;for=a",
            "for=\"a",
            "for=a\"",
            "for=\"a\"b",
            r#"for="a\""#,
        ] {
            check_parameter(malformed, Err(Malformed));
        }
    }

    proptest! {
        #[test]
        fn what_stands_before_changes_nothing_behind(
            before in any::<String>(),
            value in "[^\\\\\"]{0,20}",
        ) {
            let element = format!("for=\"{value}\"");
            let list = format!("{before},{element}");
            let last = last_first(&list).next();
            prop_assert_eq!(last, Some(element.as_str()));
            prop_assert_eq!(parameter(&element, "for"), Ok(Some(Cow::Borrowed(value.as_str()))));
        }

        #[test]
        fn no_text_makes_reading_panic(text in any::<String>(), list in "[a,;=\"\\\\ é]{0,40}") {
            for text in [text, list] {
                for element in last_first(&text) {
                    let _ = parameter(element, "a");
                }
            }
        }
    }
}
