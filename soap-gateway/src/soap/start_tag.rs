//! Start tags: names and attributes.

use std::borrow::Cow;

use quick_xml::events::attributes::{AttrError, Attributes};

use super::characters::{Name, is_white_space_byte, resolve};
use super::invalid_message::Flaw;
use super::limits::Limits;
use super::namespaces::{Namespace, Namespaces};

/// A start tag that has attributes, blanks or uncommon letters. One is kept to
/// be filled again and again.
#[derive(Debug, Default)]
pub(super) struct StartTag<'a> {
    /// What stands between `<` and `>`, unless it ends with `/>`.
    text: Option<&'a str>,
    /// The name as written.
    raw: &'a str,
    name: Name<'a>,
    attributes: Vec<Attribute<'a>>,
}

/// An attribute of a start tag.
#[derive(Clone, Debug)]
struct Attribute<'a> {
    namespace: Namespace,
    name: Name<'a>,
    /// Normalised: references resolved, white space made blanks.
    value: Cow<'a, str>,
    /// Where it begins in the tag.
    offset: usize,
}

impl<'a> StartTag<'a> {
    /// What stands between `<` and `>`; nothing when it is that of an empty
    /// element, or none was read.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.text
    }

    /// The name as written.
    pub(super) fn raw(&self) -> &'a str {
        self.raw
    }

    pub(super) fn name(&self) -> Name<'a> {
        self.name
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, namespace: Namespace, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.namespace == namespace && attribute.name.local == local)
            .map(|attribute| &*attribute.value)
    }

    /// Reads what stands between `<` and `>` (or `/>`) at `offset`, without
    /// namespaces yet.
    pub(super) fn read(
        &mut self,
        tag: &'a str,
        is_empty_element: bool,
        offset: usize,
        limits: &Limits,
    ) -> Result<(), Flaw> {
        self.text = None;
        self.attributes.clear();
        let name_len = tag
            .bytes()
            .position(is_white_space_byte)
            .unwrap_or(tag.len());
        self.raw = &tag[..name_len];
        self.name = read_name(self.raw, offset, limits)?;

        // Duplicates are looked for later, by namespace.
        let mut listed = Attributes::new(tag, name_len);
        let mut end_of_last = name_len;
        for attribute in listed.with_checks(false) {
            let attribute = attribute.map_err(|error| not_an_attribute(&error, offset))?;
            if self.attributes.len() == limits.attributes {
                return Err(Flaw::malformed(
                    offset + end_of_last,
                    format!("An element has more than {} attributes.", limits.attributes),
                ));
            }
            let name = attribute.key.into_inner();
            let (name_at, value_at) = (start_in(tag, name), start_in(tag, &attribute.value));
            if name_at == end_of_last {
                return Err(Flaw::malformed(
                    offset + name_at,
                    "White space is missing between two attributes.",
                ));
            }
            // The closing quote follows the value.
            end_of_last = value_at + attribute.value.len() + 1;
            self.attributes.push(Attribute {
                namespace: Namespace::NONE,
                name: read_name(name, offset + name_at, limits)?,
                value: normalized(attribute.value, offset + value_at)?,
                offset: name_at,
            });
        }
        self.text = Some(tag).filter(|_| !is_empty_element);
        Ok(())
    }

    /// Brings the declarations among the attributes into scope and gives each
    /// attribute its namespace. The tag begins at `offset`, which may be another
    /// place than where it was read.
    pub(super) fn enter(
        &mut self,
        namespaces: &mut Namespaces<'a>,
        offset: usize,
    ) -> Result<(), Flaw> {
        for attribute in &mut self.attributes {
            attribute.namespace = Namespace::NONE;
            let declared = match attribute.name {
                Name {
                    prefix: "xmlns",
                    local,
                } => local,
                Name {
                    prefix: "",
                    local: "xmlns",
                } => "",
                _ => continue,
            };
            attribute.namespace = Namespace::XMLNS;
            namespaces
                .declare(declared, attribute.value.clone())
                .map_err(|sentence| Flaw::malformed(offset + attribute.offset, sentence))?;
        }
        for attribute in &mut self.attributes {
            let prefix = attribute.name.prefix;
            // A default namespace is not for attributes.
            if attribute.namespace == Namespace::NONE && !prefix.is_empty() {
                attribute.namespace = namespaces
                    .resolve(prefix)
                    .ok_or_else(|| undeclared(prefix, offset + attribute.offset))?;
            }
        }
        refuse_duplicates(&self.attributes, offset)
    }
}

/// That a prefix is not in scope.
pub(super) fn undeclared(prefix: &str, offset: usize) -> Flaw {
    let prefix = super::invalid_message::short(prefix);
    Flaw::malformed(
        offset,
        format!("The namespace prefix `{prefix}` is not declared."),
    )
}

/// Reads the name of an element, an attribute or a processing instruction.
pub(super) fn read_name<'a>(
    text: &'a str,
    offset: usize,
    limits: &Limits,
) -> Result<Name<'a>, Flaw> {
    if text.len() > limits.name_bytes {
        return Err(Flaw::malformed(
            offset,
            format!("A name is longer than {} bytes.", limits.name_bytes),
        ));
    }
    Name::parse(text).ok_or_else(|| {
        Flaw::malformed(
            offset,
            "Something that is not a name stands where XML expects one.",
        )
    })
}

/// Two attributes may have neither the same name nor names that namespaces
/// make the same.
fn refuse_duplicates(attributes: &[Attribute<'_>], offset: usize) -> Result<(), Flaw> {
    match attributes {
        [] | [_] => return Ok(()),
        [one, other] if one.name.local != other.name.local => return Ok(()),
        _ => {}
    }
    // Sorting keeps the work small however many there are.
    let mut names: Vec<_> = attributes
        .iter()
        .map(|attribute| (attribute.namespace, attribute.name.local, attribute.offset))
        .collect();
    names.sort_unstable();
    let twice = names
        .windows(2)
        .find(|two| (two[0].0, two[0].1) == (two[1].0, two[1].1));
    match twice {
        Some(two) => Err(Flaw::malformed(
            offset + two[1].2,
            "An element has the same attribute twice.",
        )),
        None => Ok(()),
    }
}

/// The value as XML 1.0 section 3.3.3 reads it.
fn normalized(raw: Cow<'_, str>, offset: usize) -> Result<Cow<'_, str>, Flaw> {
    const SPECIAL: [char; 5] = ['<', '&', '\t', '\n', '\r'];

    // All bytes are judged without a branch for each.
    let is_special = |byte: u8| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    let bytes = raw.bytes();
    if !bytes.fold(false, |found, byte| found | is_special(byte)) {
        return Ok(raw);
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = &*raw;
    while let Some(at) = rest.find(SPECIAL) {
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        let here = offset + raw.len() - rest.len();
        let length = match rest.as_bytes() {
            [b'&', ..] => {
                let end = rest
                    .find(';')
                    .ok_or_else(|| Flaw::malformed(here, "A reference is not closed by `;`."))?;
                value.push(resolve(&rest[1..end], here)?);
                end + 1
            }
            [b'<', ..] => {
                return Err(Flaw::malformed(
                    here,
                    "An attribute's value holds `<`; write `&lt;`.",
                ));
            }
            [b'\r', b'\n', ..] => {
                value.push(' ');
                2
            }
            _ => {
                value.push(' ');
                1
            }
        };
        rest = &rest[length..];
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

fn not_an_attribute(error: &AttrError, offset: usize) -> Flaw {
    let (at, sentence) = match *error {
        AttrError::ExpectedEq(at) => (at, "An attribute has no `=` after its name."),
        AttrError::ExpectedValue(at) => (at, "An attribute has no value."),
        AttrError::UnquotedValue(at) => (at, "An attribute's value is not in quotes."),
        AttrError::ExpectedQuote(at, _) => (at, "An attribute's value has no closing quote."),
        AttrError::Duplicated(at, _) => (at, "An element has the same attribute twice."),
    };
    Flaw::malformed(offset + at, sentence)
}

/// Where a part of a text that was cut out of it begins.
fn start_in(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tag: &str, expected: Result<&[(&str, &str)], usize>) {
        let mut start = StartTag::default();
        let mut namespaces = Namespaces::new();
        let read = start
            .read(tag, false, 0, &Limits::default())
            .and_then(|()| start.enter(&mut namespaces, 0));
        let read = read
            .map(|()| {
                let pairs = start.attributes.iter();
                pairs
                    .map(|attribute| (attribute.name.local, &*attribute.value))
                    .collect::<Vec<_>>()
            })
            .map_err(|flaw| format!("{flaw:?}"));
        match expected {
            Ok(pairs) => assert_eq!(read, Ok(pairs.to_vec()), "{tag:?}"),
            Err(at) => {
                let flaw = read.unwrap_err();
                assert!(flaw.contains(&format!("offset: {at},")), "{tag:?}: {flaw}");
            }
        }
    }

    #[test]
    fn attributes_come_in_any_order_quotes_and_spacing() {
        check("a", Ok(&[]));
        check("a ", Ok(&[]));
        check(
            "a b='1' \n c = \"2'>\"\td\r\n=\n''",
            Ok(&[("b", "1"), ("c", "2'>"), ("d", "")]),
        );
    }

    #[test]
    fn values_are_normalised() {
        check("a b='x\ty\r\nz\rw\n'", Ok(&[("b", "x y z w ")]));
        check(
            "a b='&#9;&#xA;&#13;&lt;&amp;&apos;&quot;&gt;'",
            Ok(&[("b", "\t\n\r<&'\">")]),
        );
    }

    #[test]
    fn what_is_no_attribute_is_refused_where_it_stands() {
        check("1a", Err(0));
        check("a b", Err(3));
        check("a b=", Err(4));
        check("a b=c", Err(4));
        check("a b='1'c='2'", Err(7));
        check("a 1b='1'", Err(2));
        check("a b:c:d='1'", Err(2));
        check("a b='1' b='2'", Err(8));
        check("a b='x<y'", Err(6));
        check("a b='x&y'", Err(6));
        check("a b='x&nbsp;'", Err(6));
        check("a b='&#0;'", Err(5));
        check("a /", Err(3));
    }

    #[test]
    fn attributes_are_the_same_by_namespace_not_by_prefix() {
        check("a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'", Err(42));
        check(
            "a xmlns='urn:x' xmlns:p='urn:x' p:b='1' b='2'",
            Ok(&[("xmlns", "urn:x"), ("p", "urn:x"), ("b", "1"), ("b", "2")]),
        );
        check("a xmlns:p='urn:x' xmlns:p='urn:x'", Err(18));
        check("a xmlns='urn:x' xmlns='urn:x'", Err(16));
    }

    #[test]
    fn prefixes_of_attributes_are_declared() {
        check("a p:b='1'", Err(2));
        check(
            "a p:b='1' xmlns:p='urn:x'",
            Ok(&[("b", "1"), ("p", "urn:x")]),
        );
        check("a xml:lang='en'", Ok(&[("lang", "en")]));
        check("a xmlns:p=''", Err(2));
    }
}
