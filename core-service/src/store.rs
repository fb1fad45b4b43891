//! Where everything is kept.
//!
//! [`Store`] is an enum of its backends. Each keeps the same promises, and one
//! conformance suite (`store/conformance/tests.rs`) runs against any of them:
//!
//! - what is answered is durable;
//! - a batch is one transaction;
//! - two requests with one idempotency key leave one record, however they race;
//! - a lead enrichment is worked on by whoever holds its lease, and by nobody
//!   else until that ends; nothing about it is kept in a process alone.

mod columns;
mod enriching;
mod enrichment_work;
mod error;
mod event_stream;
mod expiry;
mod fair_queue;
mod moving;
mod pace;
mod page;
mod postgres;
mod queue;
mod queued;
mod reading;
mod recording;
mod rows;
mod session_turn;
mod sessions;
mod settings;
mod sqlite;

use std::path::PathBuf;
use std::str::FromStr;

pub use enrichment_work::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim};
pub use error::StoreError;
pub use event_stream::{StreamFilter, StreamLimits, StreamPage, StreamPlace, StreamStart};
pub use expiry::{Expired, Expiry, ExpiryPlace};
pub use moving::{
    MoveError, MoveProgress, MovedTable, back_up_postgres, move_to_postgres, restore_postgres,
};
pub use pace::Pace;
pub use page::{
    CallFilter, CallRatingFilter, EventFilter, InstallationFilter, LeadEnrichmentFilter, Page,
    PageRequest, Position, QuarantineFilter, RefusedMessageFilter, TimeRange, VisitFilter,
};
pub use postgres::{PostgresConfig, PostgresStore};
pub use session_turn::{SessionClaim, SessionTurn};
use sfbridge_values::Timestamp;
pub use sqlite::{SqliteStore, backup, restore};

use crate::metrics::StoreMetrics;

/// Which store to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// A SQLite database in this file, created when missing.
    Sqlite {
        /// The database file.
        path: PathBuf,
    },
    /// A PostgreSQL database, which must be there.
    Postgres(Box<PostgresConfig>),
}

/// A text does not name a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStoreUrl {
    /// No path after `sqlite://`.
    #[error("names no file; write sqlite:///path/to/file.db")]
    NoPath,
    /// Not the URL of a PostgreSQL database.
    #[error("{0}; write postgres://user@host:5432/database?sslmode=require")]
    Postgres(String),
    /// Only one of the two files that only work together.
    #[error("names only one of sslcert and sslkey; name both or none")]
    HalfCertificate,
    /// Something else.
    #[error(
        "is not the URL of a store; write sqlite:///path/to/file.db or postgres://host/database"
    )]
    Unknown,
}

impl FromStr for StoreConfig {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return PostgresConfig::parse(text).map(|config| Self::Postgres(Box::new(config)));
        }
        let path = text
            .strip_prefix("sqlite://")
            .ok_or(InvalidStoreUrl::Unknown)?;
        if path.is_empty() || path.ends_with('/') {
            return Err(InvalidStoreUrl::NoPath);
        }
        Ok(Self::Sqlite {
            path: PathBuf::from(path),
        })
    }
}

impl std::fmt::Display for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(config) => config.fmt(f),
        }
    }
}

/// The versions of a store's schema around a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Before; 0 for a new store.
    pub from: u32,
    /// After.
    pub to: u32,
}

/// An open store.
#[derive(Clone, Debug)]
pub enum Store {
    /// The embedded store.
    Sqlite(SqliteStore),
    /// The store that many cores share.
    Postgres(PostgresStore),
}

/// Does the same on whichever backend it is.
macro_rules! on_backend {
    ($store:expr, $backend:ident => $work:expr) => {
        match $store {
            Store::Sqlite($backend) => $work,
            Store::Postgres($backend) => $work,
        }
    };
}
use on_backend;

/// Whether a store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    Ready,
    /// There was no room for the last write; the next may succeed.
    Full,
    /// The database could not be reached; the next try may succeed.
    Unreachable,
    /// It does not any more, and why. Only a restart helps.
    Failed(String),
    /// It was closed.
    Closed,
}

impl Store {
    /// Opens a store and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it can't be opened, is open elsewhere, or was made
    /// by a newer release.
    pub async fn open(
        config: &StoreConfig,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        Self::open_at(config, Pace::default(), metrics).await
    }

    /// Like [`Store::open`], for a store that goes at this pace.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn open_at(
        config: &StoreConfig,
        pace: Pace,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        match config {
            StoreConfig::Sqlite { path } => {
                let (store, migrated) = SqliteStore::open(path.clone(), pace, metrics).await?;
                Ok((Self::Sqlite(store), migrated))
            }
            StoreConfig::Postgres(config) => {
                let (store, migrated) = PostgresStore::open(config, pace, metrics).await?;
                Ok((Self::Postgres(store), migrated))
            }
        }
    }

    /// Finishes what is queued and closes the store. Later writes are refused.
    pub async fn close(&self) {
        on_backend!(self, store => store.close().await);
    }

    /// Follows whether the store takes writes.
    pub fn state(&self) -> tokio::sync::watch::Receiver<StoreState> {
        on_backend!(self, store => store.state())
    }

    /// Writes something of no meaning, to learn whether writes work.
    pub async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        on_backend!(self, store => store.probe(now).await)
    }

    /// Whether several processes may have the store open at a time.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

#[cfg(test)]
mod conformance;
