//! Lists that have so many rows at most, however many cores add to them.

use deadpool_postgres::Transaction;

use super::super::StoreError;
use super::super::columns::Columns;

/// A list that has so many rows at most.
#[derive(Clone, Copy, Debug)]
pub(super) enum BoundedList {
    UrlTokens,
    RefusedMessages,
}

impl BoundedList {
    /// Its table.
    fn table(self) -> &'static str {
        match self {
            Self::UrlTokens => "url_tokens",
            Self::RefusedMessages => "refused_messages",
        }
    }
}

/// Waits until nobody else adds to a list, and keeps everybody else from it
/// until the transaction ends.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    list: BoundedList,
) -> Result<(), StoreError> {
    let select = "SELECT name FROM bounded_lists WHERE name = $1 FOR UPDATE";
    let statement = transaction.prepare_cached(select).await?;
    transaction.query_one(&statement, &[&list.table()]).await?;
    Ok(())
}

/// How many rows a list has.
pub(super) async fn count(
    transaction: &Transaction<'_>,
    list: BoundedList,
) -> Result<i64, StoreError> {
    let select = format!("SELECT count(*) AS count FROM {}", list.table());
    let statement = transaction.prepare_cached(&select).await?;
    let row = transaction.query_one(&statement, &[]).await?;
    Columns::get(&row, "count")
}
