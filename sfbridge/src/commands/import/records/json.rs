//! Records that are JSON objects, one in each line.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead};

use serde_json::{Map, Value};

use super::super::columns::{Place, Take};
use super::super::fault::Fault;
use super::super::lines::{Line, Lines};
use super::{Columns, Entry, Reading, line_fault, put, without_mark};

/// The most keys whose places are remembered.
const REMEMBERED: usize = 1_000;

/// Reads an object from each line.
pub(in super::super) struct JsonRecords<R, M: 'static> {
    lines: Lines<R>,
    columns: Columns<M>,
    reading: Reading,
    /// Where the values of keys go that were seen.
    places: HashMap<String, Place<M>>,
}

impl<R: BufRead, M: Default> JsonRecords<R, M> {
    /// The records of these lines.
    pub(in super::super) fn new(lines: Lines<R>, columns: Columns<M>, reading: Reading) -> Self {
        Self {
            lines,
            columns,
            reading,
            places: HashMap::new(),
        }
    }

    /// Goes over the lines up to this.
    pub(in super::super) fn skip_through(&mut self, line: u64) -> io::Result<()> {
        self.lines.skip_through(line)
    }

    /// The next record; none at the end.
    pub(in super::super) fn next(&mut self) -> io::Result<Option<Entry<M>>> {
        loop {
            let Some(mut line) = self.lines.next()? else {
                return Ok(None);
            };
            if line.number == 1 {
                line.bytes = without_mark(&line.bytes).to_vec();
            }
            if line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let item = self.item(&line);
            return Ok(Some(Entry {
                line: line.number,
                last_line: line.number,
                raw: line.bytes,
                item,
            }));
        }
    }

    fn item(&mut self, line: &Line) -> Result<M, Fault> {
        if let Some(fault) = line_fault(line) {
            return Err(fault);
        }
        let text = std::str::from_utf8(&line.bytes).map_err(|_| Fault::not_utf8())?;
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            Fault::malformed(format!(
                "It is not a JSON object in one line (column {}).",
                error.column()
            ))
        })?;
        let mut record = M::default();
        let mut filled = BTreeSet::new();
        for (name, value) in &object {
            let place = self.place(name)?;
            if let Some(key) = place.key()
                && !filled.insert(key)
            {
                return Err(Fault::malformed(format!(
                    "`{name}` is there twice, perhaps by another name; leave one out."
                )));
            }
            put_value(&mut record, &place, name, value, self.reading)?;
        }
        Ok(record)
    }

    fn place(&mut self, name: &str) -> Result<Place<M>, Fault> {
        if let Some(place) = self.places.get(name) {
            return Ok(place.clone());
        }
        let place = match Place::find(self.columns, name) {
            Ok(place) => place,
            Err(_) if self.reading.ignore_unknown => Place::Nowhere,
            Err(nearest) => return Err(Fault::unknown_column(name, nearest)),
        };
        if self.places.len() < REMEMBERED {
            self.places.insert(name.to_owned(), place.clone());
        }
        Ok(place)
    }
}

fn put_value<M>(
    record: &mut M,
    place: &Place<M>,
    name: &str,
    value: &Value,
    reading: Reading,
) -> Result<(), Fault> {
    if let (Place::Column(column), Value::Object(texts)) = (place, value)
        && let Take::Names(_, names) = column.take
    {
        for (key, value) in texts {
            let text = text(value).ok_or_else(|| no_text(name))?;
            names(record).insert(key.clone(), text);
        }
        return Ok(());
    }
    if matches!(place, Place::Nowhere) {
        return Ok(());
    }
    let text = text(value).ok_or_else(|| no_text(name))?;
    put(record, place, &text, reading)
}

/// A value as a text; none of an array or an object.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn no_text(name: &str) -> Fault {
    let name: String = name.chars().take(64).collect();
    Fault::malformed(format!("`{name}` is neither a text nor a number."))
}
