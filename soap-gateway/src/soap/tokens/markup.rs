//! Tokens out of markup: tags, references, and what is passed over.

use std::borrow::Cow;

use quick_xml::events::Event;

use super::{Open, Tag, Token, Tokens};
use crate::soap::characters::{Name, is_nc_name, is_white_space, resolve, with_line_feeds};
use crate::soap::cutter::PlainTag;
use crate::soap::declaration::Declaration;
use crate::soap::invalid_message::Flaw;
use crate::soap::namespaces::Namespace;
use crate::soap::{start_tag, xml_error};

impl<'a> Tokens<'a> {
    /// Reads the markup at `offset`; nothing when it is no token.
    pub(super) fn markup(&mut self, offset: usize) -> Result<Option<Token<'a>>, Flaw> {
        if let Some(open) = self.open.last()
            && !open.is_known
            && self.cutter.take_end(open.raw)
        {
            self.close();
            return Ok(Some(Token::End));
        }
        if let Some(tag) = self.cutter.take_plain_tag(self.limits.name_bytes) {
            self.check_start(offset)?;
            self.is_tag_of_last = false;
            let open = self.plain(tag);
            return self.open(tag.name, open, offset).map(Some);
        }
        // Each notification's record begins like the one before.
        if let Some(same) = self.tag.text()
            && self.cutter.take_start(same)
        {
            return self.begin(None, false, offset).map(Some);
        }
        if matches!(self.cutter.rest(), [_, b'!', b'D' | b'd', ..]) {
            return Err(Flaw::malformed(
                offset,
                "A document type declaration (DOCTYPE) is not allowed in SOAP.",
            ));
        }
        let event = self.cutter.take_event()?;
        self.event(event, offset)
    }

    /// Reads what quick-xml cut off at `offset`; nothing when it is no token.
    fn event(&mut self, event: Event<'a>, offset: usize) -> Result<Option<Token<'a>>, Flaw> {
        match event {
            Event::Start(_) => {
                let tag = self.cut_since(offset, "<", ">");
                self.begin(Some(tag), false, offset).map(Some)
            }
            Event::Empty(_) => {
                let tag = self.cut_since(offset, "<", "/>");
                self.begin(Some(tag), true, offset).map(Some)
            }
            Event::End(end) => {
                let open = self.open.last();
                let name = end.name();
                if open.is_none_or(|open| open.raw != name.as_ref()) {
                    let sentence = xml_error::wrong_end(open.map(|open| open.raw));
                    return Err(Flaw::malformed(offset, sentence));
                }
                self.close();
                Ok(Some(Token::End))
            }
            Event::CData(text) => {
                self.count(offset)?;
                if self.open.is_empty() {
                    return Err(self.outside(offset));
                }
                let text = with_line_feeds(text.into_inner());
                Ok(Some(Token::Text(text)))
            }
            Event::Comment(comment) => {
                self.count(offset)?;
                let content_at = offset + "<!--".len();
                check_comment(&comment).map_err(|flaw| flaw.shifted(content_at))?;
                Ok(None)
            }
            Event::PI(instruction) => {
                self.count(offset)?;
                self.check_target(instruction.target(), offset + "<?".len())?;
                Ok(None)
            }
            Event::Decl(declaration) => {
                if offset > self.base {
                    return Err(late_declaration(offset));
                }
                let content = declaration.strip_prefix("xml").unwrap_or(&declaration);
                Declaration::parse(content).map_err(|flaw| flaw.shifted(offset + "<?xml".len()))?;
                Ok(None)
            }
            // Text and references are read elsewhere, and the start of a
            // document type is refused.
            Event::Text(_) | Event::GeneralRef(_) | Event::DocType(_) | Event::Eof => Ok(None),
        }
    }

    /// What was cut off since `offset`, but for what it begins and ends with.
    fn cut_since(&self, offset: usize, start: &str, end: &str) -> &'a str {
        let (from, to) = (offset + start.len(), self.cutter.offset() - end.len());
        self.cutter.part(from, to)
    }

    /// Reads the reference at `offset`.
    pub(super) fn reference(&mut self, offset: usize) -> Result<char, Flaw> {
        let reference = match self.cutter.take_reference() {
            Some(reference) => reference,
            None => {
                self.cutter.take_event()?;
                self.cut_since(offset, "&", ";")
            }
        };
        if self.open.is_empty() {
            return Err(self.outside(offset));
        }
        resolve(reference, offset)
    }

    /// Reads the text at `offset`; nothing when it is blank and outside of the
    /// root element.
    pub(super) fn piece_of_text(&mut self, offset: usize) -> Result<Option<Cow<'a, str>>, Flaw> {
        let text = self.cutter.take_text();
        let checked = self.pieces.read(text, offset)?;
        if !self.open.is_empty() {
            return Ok(Some(checked));
        }
        if is_white_space(text) {
            return Ok(None);
        }
        let blank = text.len() - text.trim_start().len();
        Err(self.outside(offset + blank))
    }

    /// Begins the element of a start tag that is not plain: this one, or one
    /// that is the same as the last.
    fn begin(
        &mut self,
        tag: Option<&'a str>,
        is_empty_element: bool,
        offset: usize,
    ) -> Result<Token<'a>, Flaw> {
        self.check_start(offset)?;
        let start = offset + "<".len();
        if let Some(tag) = tag {
            self.tag.read(tag, is_empty_element, start, self.limits)?;
        }
        self.is_tag_of_last = true;
        let namespaces = self.namespaces.len();
        self.prefix_in_scope = None;
        self.tag.enter(&mut self.namespaces, start)?;
        self.is_empty_element = is_empty_element;
        let open = Open {
            raw: self.tag.raw(),
            local: self.tag.name().local,
            namespaces,
            is_known: tag.is_some() && !is_empty_element,
        };
        self.open(self.tag.name(), open, offset)
    }

    /// The element of a plain start tag.
    pub(super) fn plain(&self, tag: PlainTag<'a>) -> Open<'a> {
        Open {
            raw: tag.raw,
            local: tag.name.local,
            namespaces: self.namespaces.len(),
            is_known: false,
        }
    }

    fn open(&mut self, name: Name<'a>, open: Open<'a>, offset: usize) -> Result<Token<'a>, Flaw> {
        let namespace = self.namespace_of(name, offset)?;
        self.open.push(open);
        self.has_root = true;
        Ok(Token::Start(Tag {
            namespace,
            local: name.local,
            offset,
        }))
    }

    pub(super) fn namespace_of(&self, name: Name<'_>, offset: usize) -> Result<Namespace, Flaw> {
        self.namespaces
            .resolve(name.prefix)
            .ok_or_else(|| start_tag::undeclared(name.prefix, offset + "<".len()))
    }

    /// Counts an element that begins at `offset`, and looks whether one may
    /// begin there.
    pub(super) fn check_start(&mut self, offset: usize) -> Result<(), Flaw> {
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
        Ok(())
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
