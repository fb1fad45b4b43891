//! SQLite's rows, read like those of any backend.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Params, Row};

use super::super::StoreError;
use super::super::columns::{Cell, Columns, unreadable};

impl Columns for Row<'_> {
    fn cell(&self, column: &str) -> Result<Cell<'_>, StoreError> {
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Int(number),
            ValueRef::Text(bytes) => {
                Cell::Text(std::str::from_utf8(bytes).map_err(|error| unreadable(column, error))?)
            }
            ValueRef::Blob(bytes) => Cell::Bytes(bytes),
            ValueRef::Real(_) => return Err(unreadable(column, "a floating-point number")),
        })
    }

    fn size(&self) -> usize {
        let size = |column| match self.get_ref(column) {
            Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => bytes.len(),
            Ok(ValueRef::Integer(_) | ValueRef::Real(_)) => 8,
            Ok(ValueRef::Null) | Err(_) => 0,
        };
        (0..self.as_ref().column_count()).map(size).sum()
    }
}

/// The first row, if there is any.
pub(super) fn one<T>(
    mut statement: CachedStatement<'_>,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut rows = statement.query(values)?;
    rows.next()?.map(read).transpose()
}

/// All rows.
pub(super) fn all<T>(
    mut statement: CachedStatement<'_>,
    values: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
