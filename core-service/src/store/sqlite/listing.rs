//! Pages of rows.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, Row};
use sfbridge_values::{Igrp, Timestamp};

use super::super::columns::Columns;
use super::super::{Page, PageRequest, Position, StoreError, TimeRange};

/// The conditions of a list, and their values.
///
/// Column names come from the code alone; what callers send is bound.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition with one `?` for each value.
    pub(super) fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    /// Adds a condition of one value, if there is one.
    pub(super) fn add_if(&mut self, sql: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(sql, [value.into()]);
        }
    }

    /// Adds the bounds of a time column.
    pub(super) fn add_range(&mut self, column: &str, range: TimeRange) {
        self.add_if(
            &format!("{column} >= ?"),
            range.start.map(Timestamp::micros),
        );
        self.add_if(&format!("{column} < ?"), range.end.map(Timestamp::micros));
    }
}

/// What to list.
#[derive(Debug)]
pub(super) struct Listing {
    /// `SELECT ... FROM ...`, without conditions.
    pub(super) select: &'static str,
    /// The conditions.
    pub(super) conditions: Conditions,
    /// The column that orders, in microseconds, and is unique with `number`.
    pub(super) key: &'static str,
    /// The column that tells equals apart.
    pub(super) number: &'static str,
}

impl Listing {
    /// Reads one page, the highest key first.
    pub(super) fn page<T>(
        self,
        connection: &Connection,
        request: PageRequest,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let Self {
            select,
            mut conditions,
            key,
            number,
        } = self;
        let PageRequest { size, bytes, after } = request;
        conditions.add(
            &format!("({key}, {number}) < (?, ?)"),
            [Value::from(after.key), Value::from(after.number)],
        );
        conditions.values.push(Value::from(i64::from(size) + 1));
        let sql = format!(
            "{select} WHERE TRUE{} ORDER BY {key} DESC, {number} DESC LIMIT ?",
            conditions.sql
        );

        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(rusqlite::params_from_iter(conditions.values))?;
        let mut rows = Vec::new();
        let mut last = None;
        let mut bytes_read = 0;
        let limit = usize::try_from(size).unwrap_or(usize::MAX);
        while let Some(row) = found.next()? {
            if rows.len() == limit || bytes_read >= bytes {
                return Ok(Page { rows, next: last });
            }
            last = Some(Position {
                key: row.get(column_name(key))?,
                number: row.get(column_name(number))?,
            });
            bytes_read += Columns::size(row);
            rows.push(read(row)?);
        }
        Ok(Page { rows, next: None })
    }
}

/// The condition that a row's installation is one of these; one `?` for each.
pub(super) fn igrp_in(igrps: &BTreeSet<Igrp>) -> String {
    format!("igrp IN ({})", vec!["?"; igrps.len()].join(", "))
}

/// `events.number` is called `number` in a row.
fn column_name(column: &str) -> &str {
    column.rsplit('.').next().unwrap_or(column)
}
