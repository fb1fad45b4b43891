//! Columns as values, read from a row of either backend.
//!
//! The backends name their columns alike, so a row is read into its domain
//! type in one place (`store/rows/`), whichever backend it comes from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sfbridge_values::{Igrp, ShortText, Timestamp, VisitorId};
use uuid::Uuid;

use super::StoreError;
use crate::domain::{MatchMode, Origin, RawFields, TimeSource};

/// What a column of a row holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(&'a str),
    /// 16 bytes, where the backend has a type for them.
    Id([u8; 16]),
    Bytes(&'a [u8]),
}

/// A row of either backend, whose columns are read by name.
pub(super) trait Columns {
    /// What the column holds.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] when there is no such column, or its type is
    /// none of ours.
    fn cell(&self, column: &str) -> Result<Cell<'_>, StoreError>;

    /// About how many bytes the row takes.
    fn size(&self) -> usize;

    /// The value of a column.
    fn get<T: FromCell>(&self, column: &str) -> Result<T, StoreError> {
        let cell = self.cell(column)?;
        T::from_cell(cell).ok_or_else(|| unreadable(column, format!("{cell:?} is not of its type")))
    }
}

/// A value that a column can hold.
pub(super) trait FromCell: Sized {
    /// The value, if the cell is of its type.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl FromCell for i32 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|number| number.try_into().ok())
    }
}

impl FromCell for u32 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|number| number.try_into().ok())
    }
}

impl FromCell for u64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|number| number.try_into().ok())
    }
}

impl FromCell for u16 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|number| number.try_into().ok())
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bool(flag) => Some(flag),
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.to_owned()),
            _ => None,
        }
    }
}

impl FromCell for [u8; 16] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Id(id) => Some(id),
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl FromCell for [u8; 32] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

/// The error of a column that can't be read.
pub(super) fn unreadable(column: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable {
        table: "the store",
        what: format!("column {column}: {what}"),
    }
}

pub(super) fn igrp(row: &impl Columns) -> Result<Igrp, StoreError> {
    Igrp::new(row.get("igrp")?).map_err(|invalid| unreadable("igrp", invalid))
}

pub(super) fn uuid(row: &impl Columns, column: &str) -> Result<Uuid, StoreError> {
    row.get(column).map(Uuid::from_bytes)
}

pub(super) fn optional_uuid(row: &impl Columns, column: &str) -> Result<Option<Uuid>, StoreError> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes))
}

pub(super) fn visitor_id(
    row: &impl Columns,
    column: &str,
) -> Result<Option<VisitorId>, StoreError> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(VisitorId::from_bytes))
}

pub(super) fn timestamp(row: &impl Columns, column: &str) -> Result<Timestamp, StoreError> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn optional_timestamp(
    row: &impl Columns,
    column: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.get(column)?;
    Ok(micros.map(Timestamp::from_micros))
}

/// Reads a JSON column; an absent one is empty.
pub(super) fn json<T: DeserializeOwned + Default>(
    row: &impl Columns,
    column: &str,
) -> Result<T, StoreError> {
    match row.cell(column)? {
        Cell::Null => Ok(T::default()),
        Cell::Text(text) => serde_json::from_str(text).map_err(|error| unreadable(column, error)),
        other => Err(unreadable(column, format!("{other:?} is no text"))),
    }
}

/// Writes a JSON column.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable {
        table: "the store",
        what: format!("a value can't be written as JSON: {error}"),
    })
}

/// Writes the fields of a notification.
pub(super) fn fields(fields: &RawFields) -> Result<String, StoreError> {
    to_json(&fields.iter().collect::<BTreeMap<_, _>>())
}

/// Writes warnings; none take no room.
pub(super) fn warnings(warnings: &[String]) -> Result<Option<String>, StoreError> {
    if warnings.is_empty() {
        Ok(None)
    } else {
        to_json(warnings).map(Some)
    }
}

/// Writes names and values; none take no room.
pub(super) fn map(map: &BTreeMap<String, String>) -> Result<Option<String>, StoreError> {
    if map.is_empty() {
        Ok(None)
    } else {
        to_json(map).map(Some)
    }
}

/// The contract's number of a time source.
pub(super) fn time_source_number(source: TimeSource) -> i64 {
    match source {
        TimeSource::DtField => 1,
        TimeSource::LastModifiedDate => 2,
        TimeSource::Received => 3,
        TimeSource::Given => 4,
    }
}

pub(super) fn time_source(row: &impl Columns, column: &str) -> Result<TimeSource, StoreError> {
    match row.get(column)? {
        1_i64 => Ok(TimeSource::DtField),
        2 => Ok(TimeSource::LastModifiedDate),
        3 => Ok(TimeSource::Received),
        4 => Ok(TimeSource::Given),
        other => Err(unreadable(column, format!("{other} is no time source"))),
    }
}

/// The contract's number of a match mode.
pub(super) fn match_mode_number(mode: MatchMode) -> i64 {
    match mode {
        MatchMode::Exact => 1,
        MatchMode::Intelligent => 2,
    }
}

pub(super) fn match_mode(row: &impl Columns) -> Result<MatchMode, StoreError> {
    match row.get("match_mode")? {
        1_i64 => Ok(MatchMode::Exact),
        2 => Ok(MatchMode::Intelligent),
        other => Err(unreadable(
            "match_mode",
            format!("{other} is no match mode"),
        )),
    }
}

/// Reads where in Salesforce a row came from; nothing when it came from
/// elsewhere.
pub(super) fn origin(row: &impl Columns) -> Result<Option<Origin>, StoreError> {
    let text = |column: &str| -> Result<Option<ShortText>, StoreError> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| ShortText::new(&text))
            .transpose()
            .map_err(|invalid| unreadable(column, invalid))
    };
    let origin = Origin {
        organization_id: text("organization_id")?,
        action_id: text("action_id")?,
        notification_id: text("notification_id")?,
        object_type: text("object_type")?,
        record_id: text("record_id")?,
    };
    Ok((origin != Origin::default()).then_some(origin))
}

/// The text of an optional value, as a column.
pub(super) fn text(text: Option<&ShortText>) -> Option<&str> {
    text.map(ShortText::as_str)
}

/// Installations, as numbers.
pub(super) fn igrp_numbers(igrps: &BTreeSet<Igrp>) -> Vec<i64> {
    igrps.iter().map(|igrp| igrp.get()).collect()
}
