//! What a command prints, for people or for programs.

mod json;
mod table;

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use prost::Message;

pub(crate) use table::Table;

/// The output could not be written.
#[derive(Debug)]
pub(crate) struct OutputError(pub(crate) std::io::Error);

/// Standard output, in one of its two forms.
///
/// Commands print through this alone, so that a closed pipe is noticed and
/// nothing but what was asked for gets into a program's input.
pub(crate) struct Output<'a> {
    out: Box<dyn Write + 'a>,
    is_json: bool,
    is_terminal: bool,
}

impl<'a> Output<'a> {
    /// An output for people, or for programs when `is_json`. On a terminal,
    /// tables are fitted to its width.
    pub(crate) fn new(out: impl Write + 'a, is_json: bool, is_terminal: bool) -> Self {
        Self {
            out: Box::new(out),
            is_json,
            is_terminal,
        }
    }

    /// Whether a program reads this.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints a line as it is. What strangers wrote must go through
    /// [`printable`] first.
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> Result<(), OutputError> {
        writeln!(self.out, "{line}").map_err(OutputError)
    }

    /// Prints a table, or what to say when it is empty.
    pub(crate) fn table(&mut self, table: &Table, when_empty: &str) -> Result<(), OutputError> {
        if table.is_empty() {
            return self.line(when_empty);
        }
        let text = table.render(self.is_terminal);
        self.line(text)
    }

    /// Prints a message of the contract as proto JSON with proto field names.
    /// `name` is its name in the package `infinity.core.v1`.
    pub(crate) fn message(
        &mut self,
        name: &str,
        message: &impl Message,
    ) -> Result<(), OutputError> {
        let json = json::text(name, message).map_err(unwritable)?;
        self.line(json)
    }

    /// Prints every populated field of a message of the contract on a line of
    /// its own, for people.
    pub(crate) fn fields(&mut self, name: &str, message: &impl Message) -> Result<(), OutputError> {
        let leaves = json::leaves(name, message).map_err(unwritable)?;
        let width = leaves.iter().map(|(path, _)| path.len()).max().unwrap_or(0);
        for (path, value) in leaves {
            self.line(format_args!(
                "{:width$}  {}",
                printable(&path),
                printable(&value)
            ))?;
        }
        Ok(())
    }

    /// Prints a JSON document.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> Result<(), OutputError> {
        self.line(format_args!("{value:#}"))
    }

    /// Hands everything on to the reader.
    pub(crate) fn flush(&mut self) -> Result<(), OutputError> {
        self.out.flush().map_err(OutputError)
    }
}

/// Tells people something beside the output, on standard error.
pub(crate) fn note(text: impl fmt::Display) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A message of the contract as a JSON value, to be part of another document.
pub(crate) fn json_of(
    name: &str,
    message: &impl Message,
) -> Result<serde_json::Value, OutputError> {
    json::value(name, message).map_err(unwritable)
}

/// Reads a message of the contract from JSON; unknown keys are errors.
///
/// # Errors
///
/// What is wrong with the JSON, in one sentence.
pub(crate) fn from_json<M: Message + Default>(
    name: &str,
    json: serde_json::Value,
) -> anyhow::Result<M> {
    json::read(name, json)
}

fn unwritable(error: anyhow::Error) -> OutputError {
    OutputError(std::io::Error::other(error))
}

/// A text that strangers may have written, without what a terminal would obey.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Controls, and the marks that change the direction of writing.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use sfbridge_proto::v1 as pb;

    use super::*;

    #[track_caller]
    fn printed(is_json: bool, print: impl FnOnce(&mut Output<'_>)) -> String {
        let mut bytes = Vec::new();
        let mut output = Output::new(&mut bytes, is_json, false);
        print(&mut output);
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    fn event() -> pb::Event {
        pb::Event {
            igrp: 1001,
            title: "Big \u{1b}[31msale".to_owned(),
            event_time: Some(prost_types::Timestamp {
                seconds: 0,
                nanos: 500_000_000,
            }),
            event_time_source: pb::EventTimeSource::Given.into(),
            salesforce: Some(pb::SalesforceOrigin {
                object_type: "Lead".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn programs_read_proto_json_with_proto_field_names() {
        let text = printed(true, |output| {
            output.message("Event", &event()).unwrap();
        });
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["igrp"], "1001");
        assert_eq!(json["event_time"], "1970-01-01T00:00:00.500Z");
        assert_eq!(json["event_time_source"], "EVENT_TIME_SOURCE_GIVEN");
        // Keys are always there, so that programs need not ask.
        assert_eq!(json["visitor_id"], "");
    }

    #[test]
    fn people_read_what_is_populated_and_no_control_characters() {
        let text = printed(false, |output| {
            output.fields("Event", &event()).unwrap();
        });
        assert_eq!(
            text,
            "igrp                    1001\n\
             title                   Big \\u{1b}[31msale\n\
             event_time              1970-01-01T00:00:00.500Z\n\
             event_time_source       EVENT_TIME_SOURCE_GIVEN\n\
             salesforce.object_type  Lead\n"
        );
    }

    #[test]
    fn an_empty_table_says_so() {
        let text = printed(false, |output| {
            output
                .table(&Table::new(["ID"]), "There are none.")
                .unwrap();
        });
        assert_eq!(text, "There are none.\n");
    }
}
