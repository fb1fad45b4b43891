//! Many rows in one statement.

use std::fmt::Write as _;

use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::StoreError;
use super::statements::{self, Behind, Statement};

/// Rows for one statement, column by column. Each column is one parameter, an
/// array of as many values as there are rows.
///
/// Names come from the code alone; what callers send is bound.
#[derive(Default)]
pub(super) struct Rows<'a> {
    names: Vec<&'static str>,
    types: Vec<&'static str>,
    arrays: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
    count: usize,
}

/// A value that a column of many rows takes.
pub(super) trait ColumnValue: ToSql + Sync + Send {
    /// The type of the column.
    const TYPE: &'static str;
}

impl ColumnValue for i64 {
    const TYPE: &'static str = "int8";
}

impl ColumnValue for bool {
    const TYPE: &'static str = "bool";
}

impl ColumnValue for String {
    const TYPE: &'static str = "text";
}

impl ColumnValue for &str {
    const TYPE: &'static str = "text";
}

impl ColumnValue for Vec<u8> {
    const TYPE: &'static str = "bytea";
}

impl ColumnValue for Uuid {
    const TYPE: &'static str = "uuid";
}

impl<T: ColumnValue> ColumnValue for Option<T> {
    const TYPE: &'static str = T::TYPE;
}

impl<'a> Rows<'a> {
    /// Adds a column.
    pub(super) fn column<T: ColumnValue + 'a>(
        mut self,
        name: &'static str,
        values: impl Iterator<Item = T>,
    ) -> Self {
        let values: Vec<T> = values.collect();
        self.count = values.len();
        self.names.push(name);
        self.types.push(T::TYPE);
        self.arrays.push(Box::new(values));
        self
    }

    /// The statement that inserts the rows into a table; none if there are no
    /// rows. `conflict` is an `ON CONFLICT` clause, or nothing: then a row that
    /// is there already is a conflict of transactions.
    pub(super) fn insertion(self, table: &str, conflict: &str) -> Option<Statement<'a>> {
        let names = self.names.join(", ");
        let head = format!("INSERT INTO {table} ({names}) SELECT * FROM ");
        self.statement(&head, conflict)
    }

    /// The statement that updates rows of a table; none if there are no rows.
    /// `set` says what becomes of a row of the table; `condition` which row of
    /// it, beside those here, which are called `new`.
    pub(super) fn change(self, table: &str, set: &str, condition: &str) -> Option<Statement<'a>> {
        let head = format!("UPDATE {table} AS kept SET {set} FROM ");
        let tail = format!("AS new ({}) WHERE {condition}", self.names.join(", "));
        self.statement(&head, &tail)
    }

    /// Inserts the rows, as [`Rows::insertion`] says; how many.
    pub(super) async fn insert(
        self,
        client: &impl GenericClient,
        table: &str,
        conflict: &str,
    ) -> Result<u64, StoreError> {
        run(client, self.insertion(table, conflict)).await
    }

    /// Updates rows, as [`Rows::change`] says; how many.
    pub(super) async fn update(
        self,
        client: &impl GenericClient,
        table: &str,
        set: &str,
        condition: &str,
    ) -> Result<u64, StoreError> {
        run(client, self.change(table, set, condition)).await
    }

    fn statement(self, head: &str, tail: &str) -> Option<Statement<'a>> {
        if self.count == 0 {
            return None;
        }
        let mut sql = format!("{head}unnest(");
        for (index, column_type) in self.types.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(sql, "{comma}${}::{column_type}[]", index + 1);
        }
        let _ = write!(sql, ") {tail}");
        Some(Statement {
            sql,
            values: self.arrays,
        })
    }
}

async fn run(
    client: &impl GenericClient,
    statement: Option<Statement<'_>>,
) -> Result<u64, StoreError> {
    let changed = statements::run(client, statement.as_slice(), Behind::Nothing).await?;
    Ok(changed.into_iter().sum())
}
