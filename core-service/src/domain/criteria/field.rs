//! The fields that criteria speak of.

use std::borrow::Cow;

use sfbridge_values::{Timestamp, VariableName, nearest};

/// The fields of one kind of record, by their edge names.
#[derive(Clone, Copy, Debug)]
pub struct KnownFields {
    /// Those that hold texts or numbers.
    pub texts: &'static [&'static str],
    /// Those that hold times.
    pub times: &'static [&'static str],
    /// What the names of variables begin with, such as `c_`.
    pub prefixes: &'static [&'static str],
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// A text or a number as text. White space around it does not count, and a
    /// blank one is as good as none.
    Text(&'a str),
    /// An instant.
    Time(Timestamp),
}

/// What is known of a field before there is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Time,
}

impl KnownFields {
    /// The kind of a field; case counts. `Err` has the nearest known one, if
    /// any is near.
    pub(super) fn kind(&self, name: &str) -> Result<FieldKind, Option<&'static str>> {
        if self.times.contains(&name) {
            return Ok(FieldKind::Time);
        }
        let is_variable = self.prefixes.iter().any(|prefix| {
            let name = name.strip_prefix(prefix);
            name.is_some_and(|name| VariableName::parse(name).is_ok())
        });
        if is_variable || self.texts.contains(&name) {
            return Ok(FieldKind::Text);
        }
        let known = self.texts.iter().chain(self.times).copied();
        Err(nearest(name, known))
    }
}

impl<'a> FieldValue<'a> {
    /// The value as a text, which is how criteria see it that ask for parts.
    pub(super) fn to_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text.trim()),
            Self::Time(time) => Cow::Owned(time.to_string()),
        }
    }
}
