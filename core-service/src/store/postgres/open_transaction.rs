//! A transaction that takes two round trips: `BEGIN` goes out with what is read,
//! and `COMMIT` with what is written.

use deadpool_postgres::{Client, Object};

use super::super::StoreError;
use super::statements::{self, Behind, Statement};

/// A connection on which a transaction is open, or about to be. Unless it is
/// ended, the connection is closed, and the server undoes what was done.
pub(super) struct OpenTransaction {
    client: Option<Client>,
    is_committed: bool,
}

impl OpenTransaction {
    /// On a connection that is in no transaction.
    pub(super) fn on(client: Client) -> Self {
        Self {
            client: Some(client),
            is_committed: false,
        }
    }

    /// The connection; there is one until the transaction is ended.
    pub(super) fn client(&self) -> Result<&Client, StoreError> {
        self.client.as_ref().ok_or(StoreError::Closed)
    }

    /// Sends `BEGIN`. Statements that are sent after it, without waiting for
    /// this, are in the transaction.
    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        Ok(self.client()?.batch_execute("BEGIN").await?)
    }

    /// Runs the last statements and commits, in one round trip.
    pub(super) async fn commit(&mut self, last: &[Statement<'_>]) -> Result<(), StoreError> {
        statements::run(self.client()?, last, Behind::Commit).await?;
        self.is_committed = true;
        Ok(())
    }

    /// Gives the connection back to the others, in no transaction.
    pub(super) async fn end(mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        // A commit that failed has undone all of it, or the connection is lost;
        // to be sure costs little, because it is rare.
        let is_free = self.is_committed || client.batch_execute("ROLLBACK").await.is_ok();
        if !is_free {
            drop(Object::take(client));
        }
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}
