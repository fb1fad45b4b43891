//! A message as a stream of tokens, with all that makes it namespace-
//! well-formed XML 1.0 (fifth edition) checked.
//!
//! The cutter takes the text apart. The rules are kept here, as are the limits.

mod markup;

use std::borrow::Cow;

use super::characters::{first_forbidden, is_white_space};
use super::cutter::Cutter;
use super::invalid_message::{Flaw, short};
use super::limits::Limits;
use super::namespaces::{Namespace, Namespaces};
use super::piece::Pieces;
use super::shape::Shape;
use super::start_tag::StartTag;

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

/// A field of a record, whose start tag is plain.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) local: &'a str,
    /// Its text, where it was read to its end because it has nothing else.
    pub(super) text: Option<Cow<'a, str>>,
}

/// Reads a text token by token.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// What of the text comes before the first token.
    base: usize,
    cutter: Cutter<'a>,
    limits: &'a Limits,
    open: Vec<Open<'a>>,
    /// Whether the innermost element is `<so/>` and ends next.
    is_empty_element: bool,
    has_root: bool,
    /// The last start tag that is not plain.
    tag: StartTag<'a>,
    /// Whether it is that of the element that was begun last.
    is_tag_of_last: bool,
    namespaces: Namespaces<'a>,
    /// A prefix that was found in scope, and no declaration came or went since.
    prefix_in_scope: Option<&'a str>,
    pieces: Pieces,
    /// The nodes of the notification, or outside of notifications, so far.
    nodes: usize,
    nodes_in_all: usize,
}

/// An element that is not closed yet.
#[derive(Debug)]
struct Open<'a> {
    /// Its name as written.
    raw: &'a str,
    local: &'a str,
    /// The declarations in scope outside of it.
    namespaces: usize,
    /// Whether quick-xml cut its start tag, and is to see its end.
    is_known: bool,
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
            cutter: Cutter::new(text, base),
            limits,
            open: Vec::new(),
            is_empty_element: false,
            has_root: false,
            tag: StartTag::default(),
            is_tag_of_last: false,
            namespaces: Namespaces::new(),
            prefix_in_scope: None,
            pieces: Pieces::of(text),
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
            let offset = self.cutter.offset();
            match self.cutter.rest() {
                [] => return self.finish(),
                [b'<', ..] => {
                    if let Some(token) = self.markup(offset)? {
                        return Ok(token);
                    }
                }
                [b'&', ..] => return self.reference(offset).map(Token::Character),
                _ => {
                    if let Some(text) = self.piece_of_text(offset)? {
                        return Ok(Token::Text(text));
                    }
                }
            }
        }
    }

    /// The next field of the record that is the innermost element, if its start
    /// tag comes next and is plain. Blanks before it are passed over in any case.
    pub(super) fn next_field(&mut self, shape: &mut Shape<'a>) -> Result<Option<Field<'a>>, Flaw> {
        if self.is_empty_element {
            return Ok(None);
        }
        self.cutter.skip_white_space();
        let offset = self.cutter.offset();
        let Some(tag) = shape.take_tag(&mut self.cutter, self.limits.name_bytes) else {
            return Ok(None);
        };
        self.check_start(offset)?;
        if self.prefix_in_scope != Some(tag.name.prefix) {
            self.namespace_of(tag.name, offset)?;
            self.prefix_in_scope = Some(tag.name.prefix);
        }
        self.is_tag_of_last = false;
        let text_at = self.cutter.offset();
        let text = match self.cutter.take_content(tag.raw) {
            Some(text) => Some(self.pieces.read(text, text_at)?),
            None => {
                self.open.push(self.plain(tag));
                None
            }
        };
        let local = tag.name.local;
        Ok(Some(Field { local, text }))
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
        if self.is_tag_of_last {
            self.tag.attribute(namespace, local)
        } else {
            None
        }
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

    fn close(&mut self) {
        if let Some(open) = self.open.pop()
            && open.namespaces < self.namespaces.len()
        {
            self.namespaces.truncate(open.namespaces);
            self.prefix_in_scope = None;
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

    fn outside(&self, offset: usize) -> Flaw {
        let place = if self.has_root { "after" } else { "before" };
        Flaw::malformed(
            offset,
            format!("There is text {place} the root element, or the message is not XML."),
        )
    }
}

const BYTE_ORDER_MARK: char = '\u{FEFF}';
