//! The connections that read.

use std::path::PathBuf;

use deadpool::managed::{self, Metrics, RecycleResult};
use deadpool_sync::{InteractError, SyncWrapper};
use rusqlite::Connection;

use super::super::StoreError;
use super::file;

/// How many reads run at once.
const CONNECTIONS: usize = 4;

/// A pool of read-only connections. In WAL mode they see what is committed
/// and never wait for the writer.
#[derive(Clone)]
pub(super) struct Readers {
    pool: managed::Pool<Opener>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

impl Readers {
    /// Makes the pool; connections are opened when they are needed.
    pub(super) fn new(path: PathBuf) -> Result<Self, StoreError> {
        let pool = managed::Pool::builder(Opener { path })
            .max_size(CONNECTIONS)
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { pool })
    }

    /// Runs `read` on a connection of its own, in one snapshot.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.pool.get().await.map_err(|error| match error {
            managed::PoolError::Backend(error) => StoreError::from(error),
            managed::PoolError::Closed => StoreError::Closed,
            other => StoreError::Failed(other.to_string()),
        })?;
        let interacted = connection
            .interact(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                let value = read(&snapshot)?;
                snapshot.commit()?;
                Ok(value)
            })
            .await;
        interacted.map_err(|error| match error {
            InteractError::Panic(_) => StoreError::Defect,
            InteractError::Cancelled => StoreError::Closed,
        })?
    }

    /// Closes the pool; later reads are refused.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

#[derive(Debug)]
struct Opener {
    path: PathBuf,
}

impl managed::Manager for Opener {
    type Type = SyncWrapper<Connection>;
    type Error = rusqlite::Error;

    async fn create(&self) -> Result<Self::Type, Self::Error> {
        let path = self.path.clone();
        SyncWrapper::new(deadpool::Runtime::Tokio1, move || {
            file::open_for_reading(&path)
        })
        .await
    }

    async fn recycle(
        &self,
        connection: &mut Self::Type,
        _: &Metrics,
    ) -> RecycleResult<Self::Error> {
        if connection.is_mutex_poisoned() {
            return Err(managed::RecycleError::message("a read panicked"));
        }
        Ok(())
    }
}
