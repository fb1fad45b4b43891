//! One of the two stores of a move.

use std::collections::VecDeque;
use std::pin::Pin;

use tokio_postgres::RowStream;
use tokio_stream::StreamExt as _;

use super::super::StoreError;
use super::super::postgres::PostgresSide;
use super::super::postgres::moved_row;
use super::super::sqlite::SqliteSide;
use super::tables::Schema;
use super::{MovedRow, Table, Value};

/// So many rows are held at once, or so many bytes.
const ROWS: usize = 1_000;
const BYTES: usize = 8 << 20;

/// One of the two stores of a move.
pub(in crate::store) enum Side<'a> {
    Sqlite(&'a mut SqliteSide),
    Postgres(&'a mut PostgresSide),
}

impl Side<'_> {
    /// Its tables and their columns.
    pub(super) async fn tables(&mut self) -> Result<Schema, StoreError> {
        match self {
            Self::Sqlite(side) => side.tables(),
            Self::Postgres(side) => side.tables().await,
        }
    }

    /// Reads from now on what is there now, where it can be.
    pub(super) fn hold(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(side) => side.hold(),
            // It has its snapshot, or nobody else writes.
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Ends what [`Side::hold`] began.
    pub(super) fn let_go(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(side) => side.let_go(),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// The rows of these keys.
    pub(super) async fn rows(
        &mut self,
        table: &Table,
        columns: &[String],
        keys: &[Vec<Value>],
    ) -> Result<Vec<MovedRow>, StoreError> {
        match self {
            Self::Sqlite(side) => side.rows(table, columns, keys),
            Self::Postgres(side) => side.rows(table, columns, keys).await,
        }
    }

    /// How many rows a table has.
    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(side) => side.count(table),
            Self::Postgres(side) => side.count(table).await,
        }
    }

    /// Takes rows away, all or none.
    pub(super) async fn remove(
        &mut self,
        table: &Table,
        keys: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(side) => side.remove(table, keys),
            Self::Postgres(side) => side.remove(table, keys).await,
        }
    }

    /// Adds rows, all or none.
    pub(super) async fn add(
        &mut self,
        table: &Table,
        columns: &[String],
        rows: &[MovedRow],
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(side) => side.add(table, columns, rows),
            Self::Postgres(side) => side.add(table, columns, rows).await,
        }
    }
}

/// A way through a table, in the order of its key.
pub(super) struct Way<'a> {
    table: &'a Table,
    columns: &'a [String],
    /// Where the key is among the columns.
    key: Vec<usize>,
    ahead: VecDeque<MovedRow>,
    rest: Rest,
}

/// What was not read yet.
enum Rest {
    /// Everything after this key.
    After(Option<Vec<Value>>),
    /// What the server is sending.
    Stream(Pin<Box<RowStream>>),
    Nothing,
}

impl<'a> Way<'a> {
    /// Begins after a key, or with the first row.
    pub(super) async fn begin(
        side: &mut Side<'_>,
        table: &'a Table,
        columns: &'a [String],
        after: Option<Vec<Value>>,
    ) -> Result<Self, StoreError> {
        let place = |name: &&str| columns.iter().position(|column| column == name);
        let key: Vec<_> = table.key.iter().filter_map(place).collect();
        let rest = match side {
            Side::Sqlite(_) => Rest::After(after),
            Side::Postgres(side) => {
                Rest::Stream(Box::pin(side.stream(table, columns, after).await?))
            }
        };
        Ok(Self {
            table,
            columns,
            key,
            ahead: VecDeque::new(),
            rest,
        })
    }

    /// The key of a row.
    pub(super) fn key(&self, row: &[Value]) -> Vec<Value> {
        let value = |index: &usize| row.get(*index).cloned().unwrap_or(Value::Null);
        self.key.iter().map(value).collect()
    }

    /// The next row's key, if there is one.
    pub(super) async fn next_key(
        &mut self,
        side: &mut Side<'_>,
    ) -> Result<Option<Vec<Value>>, StoreError> {
        if self.ahead.is_empty() {
            self.read(side).await?;
        }
        Ok(self.ahead.front().map(|row| self.key(row)))
    }

    /// The next row.
    pub(super) fn take(&mut self) -> Option<MovedRow> {
        self.ahead.pop_front()
    }

    /// The next rows, as many as are held at once; none at the end.
    pub(super) async fn take_some(
        &mut self,
        side: &mut Side<'_>,
    ) -> Result<Vec<MovedRow>, StoreError> {
        if self.ahead.is_empty() {
            self.read(side).await?;
        }
        Ok(self.ahead.drain(..).collect())
    }

    async fn read(&mut self, side: &mut Side<'_>) -> Result<(), StoreError> {
        let rest = std::mem::replace(&mut self.rest, Rest::Nothing);
        match (rest, side) {
            (Rest::After(after), Side::Sqlite(side)) => {
                let rows = side.page(self.table, self.columns, after.as_deref(), (ROWS, BYTES))?;
                self.ahead.extend(rows);
                if let Some(last) = self.ahead.back() {
                    self.rest = Rest::After(Some(self.key(last)));
                }
            }
            (Rest::Stream(mut stream), Side::Postgres(_)) => {
                let mut bytes = 0;
                while self.ahead.len() < ROWS && bytes < BYTES {
                    let Some(row) = stream.next().await else {
                        return Ok(());
                    };
                    let row = moved_row(&row?)?;
                    bytes += row.iter().map(Value::size).sum::<usize>();
                    self.ahead.push_back(row);
                }
                self.rest = Rest::Stream(stream);
            }
            (Rest::After(_) | Rest::Stream(_) | Rest::Nothing, _) => {}
        }
        Ok(())
    }
}
