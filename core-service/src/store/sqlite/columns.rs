//! Values as columns, both ways.

use std::collections::BTreeMap;

use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sfbridge_values::{Igrp, ShortText, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::StoreError;
use super::keys;
use crate::domain::{MatchMode, Origin, TimeSource};
use crate::recording::RecordKind;

/// A column holds something that this release can't read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

/// The error of a column that can't be read.
pub(super) fn unreadable(column: &str, what: impl std::fmt::Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        0,
        Type::Text,
        Box::new(Unreadable(format!("column {column}: {what}"))),
    )
}

pub(super) fn igrp(row: &Row<'_>) -> Result<Igrp> {
    Igrp::new(row.get("igrp")?).map_err(|invalid| unreadable("igrp", invalid))
}

pub(super) fn uuid(row: &Row<'_>, column: &str) -> Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}

pub(super) fn optional_uuid(row: &Row<'_>, column: &str) -> Result<Option<Uuid>> {
    Ok(row
        .get::<_, Option<[u8; 16]>>(column)?
        .map(Uuid::from_bytes))
}

pub(super) fn visitor_id(row: &Row<'_>, column: &str) -> Result<Option<VisitorId>> {
    Ok(row
        .get::<_, Option<[u8; 16]>>(column)?
        .map(VisitorId::from_bytes))
}

pub(super) fn timestamp(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn optional_timestamp(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_micros))
}

/// Reads a JSON column; an absent one is empty.
pub(super) fn json<T: DeserializeOwned + Default>(row: &Row<'_>, column: &str) -> Result<T> {
    match row
        .get_ref(column)?
        .as_str_or_null()
        .map_err(|error| unreadable(column, error))?
    {
        None => Ok(T::default()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(column, error)),
    }
}

/// Writes a JSON column.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> std::result::Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable {
        table: "the store",
        what: format!("a value can't be written as JSON: {error}"),
    })
}

/// Writes warnings; none take no room.
pub(super) fn warnings(warnings: &[String]) -> std::result::Result<Option<String>, StoreError> {
    if warnings.is_empty() {
        Ok(None)
    } else {
        to_json(warnings).map(Some)
    }
}

/// Writes names and values; none take no room.
pub(super) fn map(
    map: &BTreeMap<String, String>,
) -> std::result::Result<Option<String>, StoreError> {
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

pub(super) fn time_source(row: &Row<'_>, column: &str) -> Result<TimeSource> {
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

pub(super) fn match_mode(row: &Row<'_>) -> Result<MatchMode> {
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
pub(super) fn origin(row: &Row<'_>) -> Result<Option<Origin>> {
    let text = |column: &str| -> Result<Option<ShortText>> {
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

/// The condition that a row's installation is one of these; one `?` for each.
pub(super) fn igrp_in(igrps: &std::collections::BTreeSet<Igrp>) -> String {
    format!("igrp IN ({})", vec!["?"; igrps.len()].join(", "))
}

/// The most warnings of a record, however often it is delivered again.
const MAX_WARNINGS: usize = 100;

/// Adds a warning to a record, once.
pub(super) fn add_warning(
    connection: &rusqlite::Connection,
    kind: RecordKind,
    id: Uuid,
    warning: String,
) -> std::result::Result<(), StoreError> {
    let (table, id_column) = keys::table(kind);
    let select = format!("SELECT warnings FROM {table} WHERE {id_column} = ?1");
    let mut kept: Vec<String> = connection
        .prepare_cached(&select)?
        .query_row([id.as_bytes()], |row| json(row, "warnings"))?;
    if kept.contains(&warning) || kept.len() >= MAX_WARNINGS {
        return Ok(());
    }
    kept.push(warning);
    connection
        .prepare_cached(&format!(
            "UPDATE {table} SET warnings = ?2 WHERE {id_column} = ?1"
        ))?
        .execute(rusqlite::params![id.as_bytes(), warnings(&kept)?])?;
    Ok(())
}
