//! Records between delimiters, by RFC 4180.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead};

use anyhow::{Context as _, bail};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::super::columns::Place;
use super::super::fault::{Fault, unknown_column};
use super::super::lines::{LONGEST, Line, Lines};
use super::{Columns, Entry, Reading, Source, line_fault, put, without_mark};

/// The delimiters that are recognised.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Reads a header and then records.
///
/// Lines are joined where a quoted value goes on. A quote that is never closed
/// costs its own line and no other: the lines after it are read again.
pub(in super::super) struct CsvRecords<R, M: 'static> {
    source: Source<R>,
    header: Vec<u8>,
    delimiter: u8,
    places: Vec<Place<M>>,
    reading: Reading,
    reader: Reader,
}

/// What came of some lines.
enum Joined {
    /// The values of a record.
    Values(Vec<Vec<u8>>),
    /// Nothing yet: a quote is open.
    Open,
}

impl<R: BufRead, M: Default> CsvRecords<R, M> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When there is none, or it has a column that nobody knows, or one twice.
    pub(in super::super) fn new(
        mut lines: Lines<R>,
        columns: Columns<M>,
        delimiter: Option<u8>,
        reading: Reading,
    ) -> anyhow::Result<Self> {
        let header = loop {
            let line = lines.next()?;
            let line = line.context("it is empty; its first line must name the columns")?;
            if line.is_too_long {
                bail!("its first line is longer than 1 MiB; it must name the columns");
            }
            let text = without_mark(&line.bytes).trim_ascii_end();
            if !text.is_empty() {
                break text.to_vec();
            }
        };
        let delimiter = delimiter.unwrap_or_else(|| recognise(&header, columns));
        let mut reader = reader(delimiter);
        let names = names(&mut reader, &header)?;
        let places = places(columns, &names, reading.ignore_unknown)?;
        Ok(Self {
            source: Source::new(lines),
            header,
            delimiter,
            places,
            reading,
            reader,
        })
    }

    /// The header without what ends it, and the delimiter.
    pub(in super::super) fn header(&self) -> (&[u8], u8) {
        (&self.header, self.delimiter)
    }

    /// Goes over what ends on a line up to this.
    pub(in super::super) fn skip_through(&mut self, line: u64) -> io::Result<()> {
        self.source.lines.skip_through(line)
    }

    /// The next record; none at the end.
    pub(in super::super) fn next(&mut self) -> io::Result<Option<Entry<M>>> {
        loop {
            let Some(first) = self.source.next()? else {
                return Ok(None);
            };
            // Empty lines are between records.
            if first.bytes.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
                continue;
            }
            if let Some(fault) = line_fault(&first) {
                return Ok(Some(one(first, Err(fault))));
            }
            let mut parser = Parser::new(&mut self.reader);
            let mut joined = parser.feed(&first.bytes);
            let mut further: VecDeque<Line> = VecDeque::new();
            let mut length = first.bytes.len();
            while matches!(joined, Joined::Open) {
                let next = self.source.next()?;
                let Some(next) = next else { break };
                length += next.bytes.len();
                let is_too_long = next.is_too_long || length > LONGEST;
                if !is_too_long {
                    joined = parser.feed(&next.bytes);
                }
                further.push_back(next);
                if is_too_long {
                    break;
                }
            }
            match joined {
                Joined::Values(values) => {
                    let item = self.item(&values);
                    let last_line = further.back().map_or(first.number, |line| line.number);
                    let mut raw = first.bytes;
                    raw.extend(further.into_iter().flat_map(|line| line.bytes));
                    return Ok(Some(Entry {
                        line: first.number,
                        last_line,
                        raw,
                        item,
                    }));
                }
                Joined::Open => {
                    // What was taken for the rest of a value is records.
                    further.append(&mut self.source.again);
                    self.source.again = further;
                    let fault = Fault::malformed(
                        "A quote is opened and not closed; close it, or write it twice within a \
                         quoted value.",
                    );
                    return Ok(Some(one(first, Err(fault))));
                }
            }
        }
    }

    fn item(&self, values: &[Vec<u8>]) -> Result<M, Fault> {
        if values.len() != self.places.len() {
            return Err(Fault::malformed(format!(
                "It has {} values, and the header has {} columns.",
                values.len(),
                self.places.len()
            )));
        }
        let mut record = M::default();
        for (value, place) in values.iter().zip(&self.places) {
            let value = std::str::from_utf8(value).map_err(|_| Fault::not_utf8())?;
            put(&mut record, place, value, self.reading)?;
        }
        Ok(record)
    }
}

fn one<M>(line: Line, item: Result<M, Fault>) -> Entry<M> {
    Entry {
        line: line.number,
        last_line: line.number,
        raw: line.bytes,
        item,
    }
}

fn reader(delimiter: u8) -> Reader {
    ReaderBuilder::new().delimiter(delimiter).build()
}

/// A record while its lines come.
struct Parser<'a> {
    reader: &'a mut Reader,
    output: Vec<u8>,
    written: usize,
    ends: Vec<usize>,
    ended: usize,
}

impl<'a> Parser<'a> {
    fn new(reader: &'a mut Reader) -> Self {
        reader.reset();
        // Else it would take a mark at the beginning of a record for the file's.
        let _ = reader.read_record(b"\n", &mut [0; 4], &mut [0; 4]);
        Self {
            reader,
            output: vec![0; 1_024],
            written: 0,
            ends: vec![0; 32],
            ended: 0,
        }
    }

    /// Takes a line. One at the end of a file may lack its end.
    fn feed(&mut self, line: &[u8]) -> Joined {
        let is_whole = line.ends_with(b"\n") || line.ends_with(b"\r");
        let joined = self.read(line);
        match joined {
            Joined::Values(_) => joined,
            Joined::Open if is_whole => joined,
            Joined::Open => self.read(b"\n"),
        }
    }

    fn read(&mut self, mut input: &[u8]) -> Joined {
        loop {
            let output = &mut self.output[self.written..];
            let ends = &mut self.ends[self.ended..];
            let (result, read, written, ended) = self.reader.read_record(input, output, ends);
            input = &input[read..];
            self.written += written;
            self.ended += ended;
            match result {
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return Joined::Values(self.values()),
                // Empty input means the end to the library, and is not given.
                ReadRecordResult::InputEmpty | ReadRecordResult::End if input.is_empty() => {
                    return Joined::Open;
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
    }

    fn values(&self) -> Vec<Vec<u8>> {
        let mut start = 0;
        let ends = self.ends[..self.ended].iter();
        ends.map(|end| self.output[std::mem::replace(&mut start, *end)..*end].to_vec())
            .collect()
    }
}

/// The names in a header.
fn names(reader: &mut Reader, header: &[u8]) -> anyhow::Result<Vec<String>> {
    let Joined::Values(names) = Parser::new(reader).feed(header) else {
        bail!(
            "a quote in its first line is opened and not closed; that line must name the columns"
        );
    };
    names
        .into_iter()
        .map(|name| {
            String::from_utf8(name).ok().context(
                "its first line, which must name the columns, is not UTF-8; save it as UTF-8",
            )
        })
        .collect()
}

/// The delimiter that gives the most known columns, else the most columns.
fn recognise<M>(header: &[u8], columns: Columns<M>) -> u8 {
    let worth = |delimiter: u8| {
        let names = names(&mut reader(delimiter), header).unwrap_or_default();
        let known = names
            .iter()
            .filter(|name| Place::find(columns, name).is_ok());
        (known.count(), names.len())
    };
    let mut best = DELIMITERS[0];
    for delimiter in DELIMITERS {
        if worth(delimiter) > worth(best) {
            best = delimiter;
        }
    }
    best
}

fn places<M>(
    columns: Columns<M>,
    names: &[String],
    ignore_unknown: bool,
) -> anyhow::Result<Vec<Place<M>>> {
    let mut filled = BTreeSet::new();
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let place = match Place::find(columns, name) {
            Ok(place) => place,
            Err(_) if ignore_unknown => Place::Nowhere,
            Err(nearest) => bail!("{}", unknown_column(name, nearest)),
        };
        if let Some(key) = place.key()
            && !filled.insert(key)
        {
            bail!("Its column `{name}` is there twice, perhaps by another name; leave one out.");
        }
        places.push(place);
    }
    if filled.is_empty() {
        bail!("Its first line names no column that is known; it must name the columns.");
    }
    Ok(places)
}
