//! The side of a move that is a database file.

use std::path::Path;

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::unreadable;
use super::super::moving::{MovedRow, Schema, Table, Value};
use super::event_stream;
use super::file::{self, Lock, open_error};

/// Takes the lock of a database file, so that no core opens it.
pub(in super::super) fn take_lock(database: &Path) -> Result<Lock, StoreError> {
    Lock::take(database)
}

/// A database file that is read from, or a new one that is filled.
pub(in super::super) struct SqliteSide {
    connection: Connection,
}

impl SqliteSide {
    /// Opens a file to read from. A core may write to it meanwhile.
    pub(in super::super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = file::open_for_reading(path).map_err(|error| open_error(path, error))?;
        Ok(Self { connection })
    }

    /// Makes a new store to be filled.
    pub(in super::super) fn create(path: &Path) -> Result<Self, StoreError> {
        let mut connection = file::open_for_writing(path)?;
        file::migrate(&mut connection)?;
        // Every life comes from the source.
        connection.execute("DELETE FROM store_lives", [])?;
        Ok(Self { connection })
    }

    /// Closes a file that was filled, so that it is one file.
    pub(in super::super) fn close(self) -> Result<(), StoreError> {
        super::log::fold(&self.connection);
        self.connection
            .pragma_update(None, "journal_mode", "DELETE")?;
        Ok(())
    }

    /// The version of the file's schema, and that of this release.
    pub(in super::super) fn versions(&self) -> Result<(u32, u32), StoreError> {
        let found: Option<u32> = self
            .connection
            .query_row(
                "SELECT max(version) FROM refinery_schema_history",
                [],
                |row| row.get(0),
            )
            .optional()?
            .flatten();
        Ok((found.unwrap_or(0), file::newest_version()))
    }

    /// The lowest and the highest id of its events.
    pub(in super::super) fn event_ids(&self) -> Result<Option<(Uuid, Uuid)>, StoreError> {
        let ids = "SELECT (SELECT min(event_id) FROM events), (SELECT max(event_id) FROM events)";
        let (lowest, highest): (Option<[u8; 16]>, Option<[u8; 16]>) =
            self.connection
                .query_row(ids, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(lowest
            .map(Uuid::from_bytes)
            .zip(highest.map(Uuid::from_bytes)))
    }

    /// The life that the store is in.
    pub(in super::super) fn life(&self) -> Result<i64, StoreError> {
        Ok(event_stream::end(&self.connection)?.life)
    }

    /// The highest number that an event ever had.
    pub(in super::super) fn highest_event(&self) -> Result<i64, StoreError> {
        Ok(event_stream::end(&self.connection)?.number)
    }

    pub(in super::super) fn tables(&self) -> Result<Schema, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT tables.name, columns.name
             FROM pragma_table_list AS tables JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.schema = 'main' AND tables.type = 'table'
                 AND tables.name NOT GLOB 'sqlite_*'",
        )?;
        let mut rows = statement.query([])?;
        let mut schema = Schema::new();
        while let Some(row) = rows.next()? {
            let columns = schema.entry(row.get(0)?).or_default();
            columns.push(row.get(1)?);
        }
        Ok(schema)
    }

    /// Reads what is there now until [`SqliteSide::let_go`].
    pub(in super::super) fn hold(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    pub(in super::super) fn let_go(&self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    /// The next rows after a key, so many or so many bytes.
    pub(in super::super) fn page(
        &self,
        table: &Table,
        columns: &[String],
        after: Option<&[Value]>,
        (rows, bytes): (usize, usize),
    ) -> Result<Vec<MovedRow>, StoreError> {
        let (name, key) = (table.name, table.key.join(", "));
        let places = places(table.key.len());
        let condition = match after {
            Some(_) => format!("WHERE ({key}) > ({places})"),
            None => String::new(),
        };
        let sql = format!(
            "SELECT {} FROM {name} {condition} ORDER BY {key} LIMIT {rows}",
            list(columns)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let values = after.unwrap_or_default().iter().map(cell);
        let mut found = statement.query(params_from_iter(values))?;
        let (mut page, mut size) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            let row = read(row)?;
            size += row.iter().map(Value::size).sum::<usize>();
            page.push(row);
            if size >= bytes {
                break;
            }
        }
        Ok(page)
    }

    pub(in super::super) fn rows(
        &self,
        table: &Table,
        columns: &[String],
        keys: &[Vec<Value>],
    ) -> Result<Vec<MovedRow>, StoreError> {
        let (name, key) = (table.name, table.key.join(", "));
        let sql = format!(
            "SELECT {} FROM {name} WHERE ({key}) = ({})",
            list(columns),
            places(table.key.len())
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let mut found = statement.query(params_from_iter(key.iter().map(cell)))?;
            while let Some(row) = found.next()? {
                rows.push(read(row)?);
            }
        }
        Ok(rows)
    }

    pub(in super::super) fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(in super::super) fn remove(
        &self,
        table: &Table,
        keys: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        let (name, key) = (table.name, table.key.join(", "));
        let sql = format!(
            "DELETE FROM {name} WHERE ({key}) = ({})",
            places(table.key.len())
        );
        let transaction = self.connection.unchecked_transaction()?;
        for key in keys {
            transaction
                .prepare_cached(&sql)?
                .execute(params_from_iter(key.iter().map(cell)))?;
        }
        Ok(transaction.commit()?)
    }

    pub(in super::super) fn add(
        &self,
        table: &Table,
        columns: &[String],
        rows: &[MovedRow],
    ) -> Result<(), StoreError> {
        let mut names = list(columns);
        let mut values = places(columns.len());
        if table.name == "call_ratings" {
            // Worked out at the end; until then each has one of its own.
            names.push_str(", rating_folded, receive_order, is_current, is_unchanged");
            values.push_str(", '', ?1, 0, 0");
        }
        let sql = format!("INSERT INTO {} ({names}) VALUES ({values})", table.name);
        let transaction = self.connection.unchecked_transaction()?;
        for row in rows {
            transaction
                .prepare_cached(&sql)?
                .execute(params_from_iter(row.iter().map(cell)))?;
        }
        Ok(transaction.commit()?)
    }

    /// Works out what the other backend does not keep.
    pub(in super::super) fn complete(&self, highest_event: i64) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute_batch(
            "WITH ordered AS (
                 SELECT number,
                     row_number() OVER same_time AS receive_order,
                     lead(number) OVER calls IS NULL AS is_current,
                     coalesce(lag(rating) OVER calls = rating
                         AND lag(transaction_value) OVER calls IS transaction_value
                         AND lag(currency) OVER calls IS currency, 0) AS is_unchanged
                 FROM call_ratings
                 WINDOW calls AS (PARTITION BY igrp, call_ref ORDER BY rating_time, number),
                     same_time AS (PARTITION BY igrp, call_ref, rating_time ORDER BY number)
             )
             UPDATE call_ratings
             SET receive_order = ordered.receive_order, is_current = ordered.is_current,
                 is_unchanged = ordered.is_unchanged
             FROM ordered WHERE ordered.number = call_ratings.number;",
        )?;
        let mut ratings = transaction.prepare("SELECT number, rating FROM call_ratings")?;
        let mut rows = ratings.query([])?;
        while let Some(row) = rows.next()? {
            let (number, rating): (i64, String) = (row.get(0)?, row.get(1)?);
            transaction
                .prepare_cached("UPDATE call_ratings SET rating_folded = ?2 WHERE number = ?1")?
                .execute((number, rating.to_lowercase()))?;
        }
        drop(rows);
        drop(ratings);
        transaction.execute("UPDATE event_numbers SET highest = ?1", [highest_event])?;
        Ok(transaction.commit()?)
    }
}

/// `?, ?, ?`
fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Column names, quoted: one of them is a word of SQL.
fn list(columns: &[String]) -> String {
    let quoted: Vec<_> = columns
        .iter()
        .map(|column| format!("\"{column}\""))
        .collect();
    quoted.join(", ")
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Int(number) => Cell::Integer(*number),
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Bytes(bytes) => Cell::Blob(bytes.clone()),
    }
}

fn read(row: &Row<'_>) -> Result<MovedRow, StoreError> {
    (0..row.as_ref().column_count())
        .map(|index| {
            Ok(match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Text(text) => {
                    let text = std::str::from_utf8(text);
                    Value::Text(
                        text.map_err(|error| unreadable("a text", error))?
                            .to_owned(),
                    )
                }
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
                ValueRef::Real(_) => return Err(unreadable("a number", "has a fraction")),
            })
        })
        .collect()
}
