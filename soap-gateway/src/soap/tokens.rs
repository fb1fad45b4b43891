//! A message as a stream of tokens, with all that makes it namespace-
//! well-formed XML 1.0 (fifth edition) checked.
//!
//! quick-xml cuts the text into events. It leaves most rules to its caller;
//! they are kept here, as are the limits.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::events::Event;

use super::characters::{
    end_of_cdata, first_forbidden, is_nc_name, is_white_space, resolve, with_line_feeds,
};
use super::declaration::Declaration;
use super::invalid_message::{Flaw, short};
use super::limits::Limits;
use super::namespaces::{Namespace, Namespaces};
use super::start_tag::{self, Attribute};
use super::xml_error;

/// What comes next.
#[derive(Debug)]
pub(super) enum Token<'a> {
    /// An element begins.
    Start(Tag<'a>),
    /// The innermost element ends.
    End,
    /// A piece of the innermost element's text, line ends normalised.
    Text(Cow<'a, str>),
    /// One more character of the text, written as a reference.
    Character(char),
    /// The document is over; all that was opened is closed.
    Eof,
}

/// The beginning of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag<'a> {
    pub(super) namespace: Namespace,
    pub(super) local: &'a str,
    /// Where it begins.
    pub(super) offset: usize,
}

impl Tag<'_> {
    /// Whether it is the element of this namespace and local name.
    pub(super) fn is(&self, namespace: Namespace, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }
}

/// The text and attributes of an element without regard to elements in it.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) has_elements: bool,
}

/// Reads a text token by token.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// What of the text comes before the first token.
    base: usize,
    reader: Reader<&'a [u8]>,
    limits: &'a Limits,
    open: Vec<Open<'a>>,
    /// Whether the innermost element is `<so/>` and ends next.
    is_empty_element: bool,
    has_root: bool,
    attributes: Vec<Attribute<'a>>,
    namespaces: Namespaces<'a>,
    /// The nodes of the notification, or outside of notifications, so far.
    nodes: usize,
    nodes_in_all: usize,
}

/// An element that is not closed yet.
#[derive(Debug)]
struct Open<'a> {
    local: &'a str,
    /// The declarations in scope outside of it.
    namespaces: usize,
}

impl<'a> Tokens<'a> {
    /// A byte order mark and white space may stand before the document.
    pub(super) fn new(text: &'a str, limits: &'a Limits) -> Result<Self, Flaw> {
        if let Some(at) = first_forbidden(text) {
            return Err(Flaw::malformed(
                at,
                "The message holds a character that XML forbids, such as a control character.",
            ));
        }
        let document = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let document = document.trim_start_matches([' ', '\t', '\r', '\n']);
        let base = text.len() - document.len();
        if document.is_empty() {
            return Err(Flaw::malformed(base, "The message is empty."));
        }
        if !document.starts_with('<') {
            return Err(Flaw::malformed(base, "The message is not XML."));
        }
        Ok(Self {
            text,
            base,
            reader: Reader::from_str(document),
            limits,
            open: Vec::new(),
            is_empty_element: false,
            has_root: false,
            attributes: Vec::new(),
            namespaces: Namespaces::new(),
            nodes: 0,
            nodes_in_all: 0,
        })
    }

    /// The next token. Comments and processing instructions are checked and
    /// passed over, as is white space outside of the root element.
    pub(super) fn advance(&mut self) -> Result<Token<'a>, Flaw> {
        if self.is_empty_element {
            self.is_empty_element = false;
            self.close();
            return Ok(Token::End);
        }
        loop {
            let offset = self.offset();
            if matches!(
                self.text.as_bytes().get(offset..),
                Some([b'<', b'!', b'D' | b'd', ..])
            ) {
                return Err(Flaw::malformed(
                    offset,
                    "A document type declaration (DOCTYPE) is not allowed in SOAP.",
                ));
            }
            match self
                .reader
                .read_event()
                .map_err(|error| self.flaw(&error))?
            {
                Event::Start(_) => return self.open(offset, false),
                Event::Empty(_) => return self.open(offset, true),
                Event::End(_) => {
                    self.close();
                    return Ok(Token::End);
                }
                Event::Text(text) => {
                    if let Some(at) = end_of_cdata(&text) {
                        return Err(Flaw::malformed(
                            offset + at,
                            "A text holds `]]>`; write `]]&gt;`.",
                        ));
                    }
                    if !self.open.is_empty() {
                        return Ok(Token::Text(with_line_feeds(text.into_inner())));
                    }
                    if !is_white_space(&text) {
                        let blank = text.len() - text.trim_start().len();
                        return Err(self.outside(offset + blank));
                    }
                }
                Event::CData(text) => {
                    self.count(offset)?;
                    if self.open.is_empty() {
                        return Err(self.outside(offset));
                    }
                    return Ok(Token::Text(with_line_feeds(text.into_inner())));
                }
                Event::GeneralRef(reference) => {
                    if self.open.is_empty() {
                        return Err(self.outside(offset));
                    }
                    return resolve(&reference, offset).map(Token::Character);
                }
                Event::Comment(comment) => {
                    self.count(offset)?;
                    let content_at = offset + "<!--".len();
                    check_comment(&comment).map_err(|flaw| flaw.shifted(content_at))?;
                }
                Event::PI(instruction) => {
                    self.count(offset)?;
                    self.check_target(instruction.target(), offset + "<?".len())?;
                }
                Event::Decl(declaration) => {
                    if offset > self.base {
                        return Err(late_declaration(offset));
                    }
                    let content = declaration.strip_prefix("xml").unwrap_or(&declaration);
                    Declaration::parse(content)
                        .map_err(|flaw| flaw.shifted(offset + "<?xml".len()))?;
                }
                // Its start is refused above.
                Event::DocType(_) => {}
                Event::Eof => return self.finish(),
            }
        }
    }

    /// The next element in the innermost one, past any text; nothing when the
    /// innermost one ends. A child must be read to its end before the next.
    pub(super) fn next_child(&mut self) -> Result<Option<Tag<'a>>, Flaw> {
        loop {
            match self.advance()? {
                Token::Start(tag) => return Ok(Some(tag)),
                Token::End | Token::Eof => return Ok(None),
                Token::Text(_) | Token::Character(_) => {}
            }
        }
    }

    /// Reads the innermost element to its end; whether it held elements or
    /// text that is not blank.
    pub(super) fn skip(&mut self) -> Result<bool, Flaw> {
        let mut has_content = false;
        let outside = self.open.len().saturating_sub(1);
        loop {
            match self.advance()? {
                Token::Start(_) | Token::Character(_) => has_content = true,
                Token::Text(text) => has_content = has_content || !is_white_space(&text),
                Token::End if self.open.len() > outside => {}
                Token::End | Token::Eof => return Ok(has_content),
            }
        }
    }

    /// Reads the innermost element to its end as a text.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, Flaw> {
        let mut scalar = Scalar {
            text: Cow::Borrowed(""),
            has_elements: false,
        };
        loop {
            match self.advance()? {
                Token::Start(_) => {
                    scalar.has_elements = true;
                    self.skip()?;
                }
                Token::Text(text) if scalar.text.is_empty() => scalar.text = text,
                Token::Text(text) => scalar.text.to_mut().push_str(&text),
                Token::Character(character) => scalar.text.to_mut().push(character),
                Token::End | Token::Eof => return Ok(scalar),
            }
        }
    }

    /// An attribute of the element whose [`Token::Start`] came last.
    pub(super) fn attribute(&self, namespace: Namespace, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.namespace == namespace && attribute.name.local == local)
            .map(|attribute| &*attribute.value)
    }

    /// Whether the element whose [`Token::Start`] came last says that it has
    /// no value: `xsi:nil` is `true` or `1`.
    pub(super) fn is_nil(&self) -> bool {
        self.attribute(Namespace::XSI, "nil")
            .is_some_and(|value| matches!(value.trim(), "true" | "1"))
    }

    /// Whether a prefix in a value is in scope.
    pub(super) fn is_declared(&self, prefix: &str) -> bool {
        self.namespaces.resolve(prefix).is_some()
    }

    /// The limits that it reads by.
    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Begins to count the nodes of a notification, whose start tag was read
    /// last; gives the count outside of it.
    pub(super) fn enter_notification(&mut self) -> usize {
        std::mem::replace(&mut self.nodes, 1).saturating_sub(1)
    }

    /// Goes on counting outside of notifications.
    pub(super) fn leave_notification(&mut self, outside: usize) {
        self.nodes = outside;
    }

    fn open(&mut self, offset: usize, is_empty_element: bool) -> Result<Token<'a>, Flaw> {
        self.count(offset)?;
        if self.has_root && self.open.is_empty() {
            return Err(Flaw::malformed(
                offset,
                "A second root element follows the first.",
            ));
        }
        if self.open.len() >= self.limits.depth {
            return Err(Flaw::malformed(
                offset,
                format!(
                    "More than {} elements are nested in each other.",
                    self.limits.depth
                ),
            ));
        }
        let brackets = if is_empty_element { "/>" } else { ">" };
        let (start, end) = (offset + "<".len(), self.offset() - brackets.len());
        let tag = self.text.get(start..end).unwrap_or_default();
        let name = start_tag::read(tag, start, self.limits, &mut self.attributes)?;

        let namespaces = self.namespaces.len();
        start_tag::enter(&mut self.attributes, &mut self.namespaces)?;
        let namespace = self
            .namespaces
            .resolve(name.prefix)
            .ok_or_else(|| start_tag::undeclared(name.prefix, start))?;

        self.open.push(Open {
            local: name.local,
            namespaces,
        });
        self.has_root = true;
        self.is_empty_element = is_empty_element;
        Ok(Token::Start(Tag {
            namespace,
            local: name.local,
            offset,
        }))
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.namespaces.truncate(open.namespaces);
        }
    }

    fn finish(&self) -> Result<Token<'a>, Flaw> {
        match self.open.last() {
            Some(open) => Err(Flaw::malformed(
                self.text.len(),
                format!(
                    "The message ends before the element `{}` does.",
                    short(open.local)
                ),
            )),
            None if !self.has_root => Err(Flaw::malformed(
                self.text.len(),
                "The message has no root element.",
            )),
            None => Ok(Token::Eof),
        }
    }

    /// Counts a node that begins at `offset`.
    fn count(&mut self, offset: usize) -> Result<(), Flaw> {
        self.nodes += 1;
        self.nodes_in_all += 1;
        let (place, limit) = if self.nodes > self.limits.nodes_per_notification {
            (
                "One notification, or what is outside of notifications,",
                self.limits.nodes_per_notification,
            )
        } else if self.nodes_in_all > self.limits.nodes {
            ("The message", self.limits.nodes)
        } else {
            return Ok(());
        };
        Err(Flaw::malformed(
            offset,
            format!(
                "{place} has more than {limit} elements, comments, processing instructions and \
                 CDATA sections; send less at once, or have the limit raised."
            ),
        ))
    }

    fn check_target(&self, target: &str, offset: usize) -> Result<(), Flaw> {
        start_tag::read_name(target, offset, self.limits)?;
        if target.eq_ignore_ascii_case("xml") {
            return Err(late_declaration(offset));
        }
        if !is_nc_name(target) {
            return Err(Flaw::malformed(
                offset,
                "A processing instruction's name holds a colon.",
            ));
        }
        Ok(())
    }

    /// Where the next event begins.
    fn offset(&self) -> usize {
        self.base + to_usize(self.reader.buffer_position())
    }

    fn outside(&self, offset: usize) -> Flaw {
        let place = if self.has_root { "after" } else { "before" };
        Flaw::malformed(
            offset,
            format!("There is text {place} the root element, or the message is not XML."),
        )
    }

    fn flaw(&self, error: &Error) -> Flaw {
        let offset = self.base + to_usize(self.reader.error_position());
        Flaw::malformed(offset, xml_error::sentence(error))
    }
}

const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Offsets in a text in memory fit.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn check_comment(comment: &str) -> Result<(), Flaw> {
    let hyphens = match comment.find("--") {
        None if comment.ends_with('-') => Some(comment.len() - 1),
        found => found,
    };
    match hyphens {
        Some(at) => Err(Flaw::malformed(at, "A comment holds `--`.")),
        None => Ok(()),
    }
}

fn late_declaration(offset: usize) -> Flaw {
    Flaw::malformed(
        offset,
        "`<?xml ...?>` may stand only at the very start, in lower case.",
    )
}
