//! Records of an import file, one after the other.

mod csv;
mod json;

use std::collections::HashMap;
use std::io::{self, BufRead};

use chrono_tz::Tz;
use sfbridge_proto::v1::RejectionReason;

use super::columns::{Column, Place, Take};
use super::fault::Fault;
use super::lines::{Line, Lines};
use super::time;
pub(super) use csv::CsvRecords;
pub(super) use json::JsonRecords;

/// A record, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Entry<M> {
    /// The line that it begins on.
    pub(super) line: u64,
    /// The line that it ends on.
    pub(super) last_line: u64,
    /// Its lines as they are. Of one that is too long only the beginning.
    pub(super) raw: Vec<u8>,
    /// The record.
    pub(super) item: Result<M, Fault>,
}

/// How values are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The zone of times without an offset.
    pub(super) zone: Tz,
    /// Whether to pass over columns that nobody knows.
    pub(super) ignore_unknown: bool,
}

/// The records of a file in either format.
pub(super) enum Records<R, M: 'static> {
    /// With commas, or other delimiters.
    Csv(Box<CsvRecords<R, M>>),
    /// JSON objects.
    Json(JsonRecords<R, M>),
}

impl<R: BufRead, M: Default> Records<R, M> {
    /// The next record; none at the end.
    ///
    /// # Errors
    ///
    /// Only when the file can't be read: what is wrong with a record is in it.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry<M>>> {
        match self {
            Self::Csv(records) => records.next(),
            Self::Json(records) => records.next(),
        }
    }

    /// Goes over what ends on a line up to this.
    pub(super) fn skip_through(&mut self, line: u64) -> io::Result<()> {
        match self {
            Self::Csv(records) => records.skip_through(line),
            Self::Json(records) => records.skip_through(line),
        }
    }

    /// The line of column names, in a format that has one.
    pub(super) fn header(&self) -> Option<(&[u8], u8)> {
        match self {
            Self::Csv(records) => Some(records.header()),
            Self::Json(_) => None,
        }
    }
}

/// Puts a value where it belongs.
fn put<M>(record: &mut M, place: &Place<M>, value: &str, reading: Reading) -> Result<(), Fault> {
    let column = match place {
        Place::Nowhere => return Ok(()),
        Place::Name(names, name) => {
            // An empty cell says that this record has no such name.
            if !value.is_empty() {
                names(record).insert(name.clone(), value.to_owned());
            }
            return Ok(());
        }
        Place::Column(column) => column,
    };
    if value.trim().is_empty() {
        return Ok(());
    }
    match column.take {
        Take::Text(text) => value.clone_into(text(record)),
        Take::Igrp(igrp) => {
            *igrp(record) = value.trim().parse().map_err(|_| {
                let invalid = "is not an integer";
                Fault::of(RejectionReason::InvalidIgrp, column.name, invalid)
            })?;
        }
        Take::Seconds(seconds) => {
            *seconds(record) = value.trim().parse().map_err(|_| {
                let invalid = "is not a whole number of seconds";
                Fault::of(RejectionReason::InvalidDecimal, column.name, invalid)
            })?;
        }
        Take::Time(time) => {
            let read = time::read(value, reading.zone).map_err(|invalid| {
                Fault::of(RejectionReason::InvalidTimestamp, column.name, invalid)
            })?;
            *time(record) = Some(read);
        }
        Take::Names(_, names) => {
            let invalid =
                |_| Fault::malformed(format!("{} is not a JSON object of texts.", column.name));
            let texts: HashMap<String, String> = serde_json::from_str(value).map_err(invalid)?;
            names(record).extend(texts);
        }
        Take::Nothing => {}
    }
    Ok(())
}

/// What is wrong with a line whatever its format.
fn line_fault(line: &Line) -> Option<Fault> {
    line.is_too_long
        .then(|| Fault::malformed("It is longer than 1 MiB, which no record is."))
}

/// Takes the mark that some programs begin a file with.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// A table of columns, to be asked for places.
type Columns<M> = &'static [Column<M>];

/// The lines that are read again after a record came to nothing.
#[derive(Debug)]
struct Source<R> {
    lines: Lines<R>,
    again: std::collections::VecDeque<Line>,
}

impl<R: BufRead> Source<R> {
    fn new(lines: Lines<R>) -> Self {
        Self {
            lines,
            again: std::collections::VecDeque::new(),
        }
    }

    fn next(&mut self) -> io::Result<Option<Line>> {
        match self.again.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }
}

#[cfg(test)]
mod tests;
