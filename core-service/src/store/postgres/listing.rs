//! Pages of rows.

use std::fmt::Write as _;

use deadpool_postgres::Client;
use sfbridge_values::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::columns::Columns;
use super::super::{Page, PageRequest, Position, StoreError, TimeRange};

/// The conditions of a list, and their values.
///
/// Column names come from the code alone; what callers send is bound.
#[derive(Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

/// A bound value.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

impl Conditions {
    /// Adds a condition with one `?` for each value.
    pub(super) fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let mut parts = sql.split('?');
        self.sql.push_str(" AND ");
        self.sql.push_str(parts.next().unwrap_or_default());
        for (value, part) in values.into_iter().zip(parts) {
            self.values.push(value);
            // Writing to a string does not fail.
            let _ = write!(self.sql, "${}{part}", self.values.len());
        }
    }

    /// Binds a value that the statement itself names, by its number.
    pub(super) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) {
        self.values.push(Box::new(value));
    }

    /// Adds a condition of one value, if there is one.
    pub(super) fn add_if<T: ToSql + Sync + Send + 'static>(&mut self, sql: &str, value: Option<T>) {
        if let Some(value) = value {
            self.add(sql, [Box::new(value) as Value]);
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
    pub(super) async fn page<T>(
        self,
        client: &Client,
        request: PageRequest,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let Self {
            select,
            mut conditions,
            key,
            number,
        } = self;
        let PageRequest { size, bytes, after } = request;
        let limit = i64::from(size) + 1;
        conditions.add(
            &format!("({key}, {number}) < (?, ?)"),
            [
                Box::new(after.key) as Value,
                Box::new(after.number) as Value,
            ],
        );
        conditions.values.push(Box::new(limit));
        let Conditions { sql, values } = conditions;
        let sql = format!(
            "{select} WHERE TRUE{sql} ORDER BY {key} DESC, {number} DESC LIMIT ${}",
            values.len()
        );
        let values: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect();

        let statement = client.prepare_cached(&sql).await?;
        let found = client.query(&statement, &values).await?;
        let mut rows = Vec::new();
        let mut last = None;
        let mut bytes_read = 0;
        let most = usize::try_from(size).unwrap_or(usize::MAX);
        for row in &found {
            if rows.len() == most || bytes_read >= bytes {
                return Ok(Page { rows, next: last });
            }
            last = Some(Position {
                key: Columns::get(row, column_name(key))?,
                number: Columns::get(row, column_name(number))?,
            });
            bytes_read += Columns::size(row);
            rows.push(read(row)?);
        }
        Ok(Page { rows, next: None })
    }
}

/// `events.number` is called `number` in a row.
fn column_name(column: &str) -> &str {
    column.rsplit('.').next().unwrap_or(column)
}
