//! The write-ahead log beside the database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tracing::warn;

use super::file;

/// How large the log may grow, in bytes, before it is folded into the database
/// by force. SQLite folds it much earlier by itself, but can begin it anew only
/// when no reader is in the way.
pub(super) const LIMIT: u64 = 64 << 20;

/// How long to wait for readers to be out of the way. Nothing is written
/// meanwhile.
const PATIENCE: Duration = Duration::from_millis(250);

/// The write-ahead log.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// The size in bytes at which it is folded next.
    limit: u64,
}

impl Log {
    /// The log of a database file.
    pub(super) fn of(database: &Path) -> Self {
        Self {
            path: file::beside(database, "-wal"),
            limit: LIMIT,
        }
    }

    /// Folds the log into the database when it has grown too large: readers
    /// that follow each other without a gap would let it grow for ever.
    pub(super) fn bound(&mut self, connection: &Connection) {
        let size = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        if size < self.limit {
            return;
        }
        // Behind one long reader, such as a backup, not every commit waits.
        self.limit = if fold(connection) {
            LIMIT
        } else {
            size + LIMIT
        };
    }
}

/// Empties the log, unless a reader is in the way for long.
pub(super) fn fold(connection: &Connection) -> bool {
    let fold = || {
        connection.busy_timeout(PATIENCE)?;
        let is_busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        connection.busy_timeout(file::PATIENCE)?;
        Ok::<_, rusqlite::Error>(!is_busy)
    };
    fold().unwrap_or_else(|error| {
        warn!(
            error = &error as &dyn std::error::Error,
            "could not fold the log into the database"
        );
        false
    })
}
