//! Work on a store without its core, for operators.

use std::path::Path;

use prometheus_client::registry::Registry;

use crate::clock;
use crate::domain::{ApiKey, NewApiKey};
use crate::grpc::make_key;
use crate::metrics::CoreMetrics;
use crate::store::{
    self, Migrated, MoveError, MoveProgress, MovedTable, PageRequest, Store, StoreConfig,
    StoreError,
};

/// Runs the migrations that a store still needs.
///
/// # Errors
///
/// [`StoreError::InUse`] while a core runs on it.
pub async fn migrate(config: &StoreConfig) -> Result<Migrated, StoreError> {
    let (store, migrated) = open(config).await?;
    store.close().await;
    Ok(migrated)
}

/// Writes a sound copy of a store to a new file, also while cores run on it.
/// Returns its size in bytes. Blocks.
///
/// The file is a store of the embedded kind, whatever the store is.
///
/// # Errors
///
/// [`MoveError`] when the file exists already, can't be written, or the copy is
/// not sound.
pub async fn backup(
    config: &StoreConfig,
    to: &Path,
    told: &mut (dyn FnMut(MoveProgress) + Send),
) -> Result<u64, MoveError> {
    match config {
        StoreConfig::Sqlite { path } => Ok(store::backup(path, to)?),
        StoreConfig::Postgres(config) => store::back_up_postgres(config, to, told).await,
    }
}

/// Puts a backup in the place of a store. Blocks.
///
/// # Errors
///
/// [`StoreError::InUse`] and [`MoveError::CoresRun`] while a core runs on it;
/// others when there is a store already and `replace` is not set, or the backup
/// is not sound.
pub async fn restore(
    from: &Path,
    config: &StoreConfig,
    replace: bool,
    told: &mut (dyn FnMut(MoveProgress) + Send),
) -> Result<(), MoveError> {
    match config {
        StoreConfig::Sqlite { path } => Ok(store::restore(from, path, replace)?),
        StoreConfig::Postgres(config) => store::restore_postgres(from, config, replace, told).await,
    }
}

/// Moves the embedded store into a PostgreSQL database, while its core runs for
/// the longest part. Blocks.
///
/// # Errors
///
/// [`MoveError`]; the source is as it was, and the same may be run again.
pub async fn move_store(
    from: &StoreConfig,
    to: &StoreConfig,
    told: &mut (dyn FnMut(MoveProgress) + Send),
) -> Result<Vec<MovedTable>, MoveError> {
    match (from, to) {
        (StoreConfig::Sqlite { path }, StoreConfig::Postgres(config)) => {
            store::move_to_postgres(path, config, told).await
        }
        (StoreConfig::Sqlite { .. } | StoreConfig::Postgres(_), _) => Err(MoveError::Direction),
    }
}

/// The API keys of a store, for the first key and for when all are lost.
#[derive(Debug)]
pub struct Keys {
    store: Store,
}

impl Keys {
    /// Opens a store that no core runs on.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] while one does.
    pub async fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        let (store, _) = open(config).await?;
        Ok(Self { store })
    }

    /// Makes a key; the text is nowhere else.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can't be written.
    pub async fn create(&self, new: NewApiKey) -> Result<(ApiKey, String), StoreError> {
        let (key, text) = make_key(new, clock::now());
        self.store.create_api_key(key.clone()).await?;
        Ok((key, text))
    }

    /// All keys, the newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can't be read.
    pub async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(self.store.api_keys(PageRequest::ALL).await?.rows)
    }

    /// Removes a key, also the last one. `false` when there is none of this
    /// id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can't be written.
    pub async fn revoke(&self, api_key_id: &str) -> Result<bool, StoreError> {
        Ok(self
            .store
            .revoke_api_key(api_key_id.to_owned(), true)
            .await?
            .is_some())
    }

    /// Closes the store.
    pub async fn close(self) {
        self.store.close().await;
    }
}

async fn open(config: &StoreConfig) -> Result<(Store, Migrated), StoreError> {
    // Nobody reads these counters.
    let metrics = CoreMetrics::register(&mut Registry::default());
    Store::open(config, metrics.store).await
}
