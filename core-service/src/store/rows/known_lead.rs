//! The row of what is remembered of a Lead.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sfbridge_values::Timestamp;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{KnownLead, WrittenMarks};

/// Reads what is remembered.
pub(in super::super) fn read(row: &impl Columns) -> Result<KnownLead, StoreError> {
    let texts: BTreeMap<String, Vec<String>> = columns::json(row, "written")?;
    let mark = |text: &String| -> Result<[u8; 16], StoreError> {
        let bytes = STANDARD_NO_PAD
            .decode(text)
            .map_err(|error| unreadable("written", error))?;
        bytes
            .try_into()
            .map_err(|_| unreadable("written", "a mark is not of 16 bytes"))
    };
    let marks = texts
        .into_iter()
        .map(|(field, of)| Ok((field, of.iter().map(mark).collect::<Result<_, _>>()?)))
        .collect::<Result<_, StoreError>>()?;
    let run_times: Vec<i64> = columns::json(row, "run_times")?;
    Ok(KnownLead {
        written: WrittenMarks::new(marks),
        run_times: run_times.into_iter().map(Timestamp::from_micros).collect(),
    })
}

/// Writes the marks of what was written, by field.
pub(in super::super) fn written(lead: &KnownLead) -> Result<String, StoreError> {
    let marks = |marks: &Vec<[u8; 16]>| -> Vec<String> {
        let encode = |mark: &[u8; 16]| STANDARD_NO_PAD.encode(mark);
        marks.iter().map(encode).collect()
    };
    let fields = lead.written.fields().iter();
    let written: BTreeMap<_, _> = fields.map(|(field, of)| (field, marks(of))).collect();
    columns::to_json(&written)
}

/// Writes when its jobs ran.
pub(in super::super) fn run_times(lead: &KnownLead) -> Result<String, StoreError> {
    let run_times: Vec<_> = lead.run_times.iter().map(|time| time.micros()).collect();
    columns::to_json(&run_times)
}
