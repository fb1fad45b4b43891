//! Many rows in one statement.

use std::fmt::Write as _;

use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::StoreError;

/// Rows for one statement, column by column. Each column is one parameter, an
/// array of as many values as there are rows.
///
/// Names come from the code alone; what callers send is bound.
#[derive(Default)]
pub(super) struct Rows {
    names: Vec<&'static str>,
    types: Vec<&'static str>,
    arrays: Vec<Box<dyn ToSql + Sync + Send>>,
    count: usize,
}

/// A value that a column of many rows takes.
pub(super) trait ColumnValue: ToSql + Sync + Send + 'static {
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

impl ColumnValue for Vec<u8> {
    const TYPE: &'static str = "bytea";
}

impl ColumnValue for Uuid {
    const TYPE: &'static str = "uuid";
}

impl<T: ColumnValue> ColumnValue for Option<T> {
    const TYPE: &'static str = T::TYPE;
}

impl Rows {
    /// Adds a column.
    pub(super) fn column<T: ColumnValue>(
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

    /// Inserts the rows into a table. `conflict` is an `ON CONFLICT` clause, or
    /// nothing: then a row that is there already is a conflict of transactions.
    pub(super) async fn insert(
        self,
        transaction: &Transaction<'_>,
        table: &str,
        conflict: &str,
    ) -> Result<u64, StoreError> {
        let names = self.names.join(", ");
        let head = format!("INSERT INTO {table} ({names}) SELECT * FROM ");
        self.run(transaction, &head, conflict).await
    }

    /// Updates rows of a table. `set` says what becomes of a row of the table;
    /// `condition` which row of it, beside those here, which are called `new`.
    pub(super) async fn update(
        self,
        transaction: &Transaction<'_>,
        table: &str,
        set: &str,
        condition: &str,
    ) -> Result<u64, StoreError> {
        let head = format!("UPDATE {table} AS kept SET {set} FROM ");
        let tail = format!("AS new ({}) WHERE {condition}", self.names.join(", "));
        self.run(transaction, &head, &tail).await
    }

    async fn run(
        self,
        transaction: &Transaction<'_>,
        head: &str,
        tail: &str,
    ) -> Result<u64, StoreError> {
        if self.count == 0 {
            return Ok(0);
        }
        let mut sql = format!("{head}unnest(");
        for (index, column_type) in self.types.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(sql, "{comma}${}::{column_type}[]", index + 1);
        }
        let _ = write!(sql, ") {tail}");
        let statement = transaction.prepare_cached(&sql).await?;
        let arrays: Vec<&(dyn ToSql + Sync)> = self
            .arrays
            .iter()
            .map(|array| &**array as &(dyn ToSql + Sync))
            .collect();
        Ok(transaction.execute(&statement, &arrays).await?)
    }
}
