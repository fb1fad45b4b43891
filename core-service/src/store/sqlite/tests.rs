//! What only this backend has: its file, its one writer, its statements.

mod copies;
mod event_references;
mod file;
mod full_disk;
mod log;
mod plans;
mod upgrade;
mod writer;

use std::path::PathBuf;

use rusqlite::Connection;

use super::SqliteStore;
use crate::store::conformance::metrics;
use crate::store::{Pace, Store, StoreConfig, StoreError};

/// A folder for a database, gone with its value.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("core.db")
    }

    fn config(&self) -> StoreConfig {
        StoreConfig::Sqlite { path: self.path() }
    }

    async fn open(&self) -> Result<Store, StoreError> {
        let (store, _) = Store::open(&self.config(), metrics()).await?;
        Ok(store)
    }

    async fn open_at(&self, pace: Pace) -> Store {
        let (store, _) = Store::open_at(&self.config(), pace, metrics())
            .await
            .unwrap();
        store
    }

    /// Another way to the same database, as a curious operator has it.
    fn connect(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

/// Runs something in the writer's transaction.
async fn write(
    store: &Store,
    work: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    let Store::Sqlite(SqliteStore { writer, .. }) = store else {
        unreachable!("the tests here open SQLite stores");
    };
    writer.write(work).await
}
