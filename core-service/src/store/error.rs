//! Why a store could not do what it was asked.

use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not do what it was asked.
///
/// There is one variant for each thing that a caller can do about it. The
/// driver's own words are the source. It can be cloned because one failed
/// commit fails every request of its group.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The write queue is full, or another process holds the database's lock.
    /// The same request may succeed in a moment.
    #[error("the store has more work queued than it can do now")]
    Overloaded,
    /// There is no room on the disk. Nothing of the request is stored.
    #[error("the disk is full; make room and the store goes on by itself")]
    Full(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The store takes no more writes until a restart, because what the disk
    /// holds is no longer certain.
    #[error("the store failed and takes no more writes until a restart: {0}")]
    Failed(String),
    /// The store is closed: the process is going down.
    #[error("the store is closed")]
    Closed,
    /// The database refused one request. It was rolled back alone.
    #[error("the store could not do this")]
    Refused(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The database can't be reached, or went away before it answered. What was
    /// asked may have been done; the same request may succeed in a moment.
    #[error("the database can't be reached; check that it runs, and the URL of the store")]
    Unreachable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// Others changed the same rows at the same time, over and over. Nothing of
    /// the request is stored.
    #[error("others changed the same rows at the same time; try again")]
    Contended(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The request ran into a defect. It was undone alone, and the store goes on.
    #[error("the request ran into a defect of the core; its log says where")]
    Defect,
    /// A row holds what this release can't read.
    #[error("a row of {table} can't be read: {what}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        what: String,
    },
    /// The database can't be spoken with at all.
    #[error("the database {database} can't be opened")]
    Connect {
        /// Which one.
        database: String,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The database is older than what the store needs.
    #[error("the database is PostgreSQL {found}; the store needs version 15 or later")]
    TooOld {
        /// What the server says of itself.
        found: String,
    },
    /// A newer release has taken away what this one needs.
    #[error(
        "the database's schema has version {schema}, which this release can't work with; \
         use the newer release"
    )]
    TooNew {
        /// The version of the schema.
        schema: u32,
    },
    /// The database can't hold every text.
    #[error("the database is encoded in {found}; make one with `ENCODING 'UTF8'`")]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// A move into the database has not come to its end.
    #[error(
        "the store {database} is there by half only: run `sfbridge migrate --from ... --to ...`, or \
         `sfbridge restore`, again; it goes on where it was"
    )]
    HalfMoved {
        /// Which one.
        database: String,
    },
    /// Another process has the store open.
    #[error("another process has {path} open; stop it first, or ask it over gRPC")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The database can't be opened.
    #[error("the database {path} can't be opened")]
    Open {
        /// The database file.
        path: PathBuf,
        /// The driver's words.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The schema can't be brought up to date.
    #[error(
        "the database's schema can't be brought up to date; \
         was it made by a newer release of sfbridge?"
    )]
    Migrate(#[source] Arc<refinery::Error>),
}
