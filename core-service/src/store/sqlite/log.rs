//! The write-ahead log beside the database.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tracing::{debug, warn};

use super::file;

/// How many pages the log may have before they go into the database. SQLite
/// would do it within a commit, whose senders would wait for it.
const FOLDED: u32 = 1_000;

/// How many pages the log may have before it is folded into the database by
/// force, which is 64 MiB of it. It can begin anew only when no reader is in
/// the way.
pub(super) const LIMIT: u32 = 16_384;

/// How long to wait for readers to be out of the way. Nothing is written
/// meanwhile.
const PATIENCE: Duration = Duration::from_millis(250);

/// The write-ahead log, as the connection that writes sees it.
#[derive(Debug)]
pub(super) struct Log {
    /// Its pages after the last commit.
    pages: Arc<AtomicU32>,
    /// With how many it is folded next by force.
    limit: u32,
}

impl Log {
    /// The log of a connection, which from now on does not fold it by itself.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&pages);
        let count = move |_: &mut Wal, pages: c_int| {
            counted.store(pages.try_into().unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(count))?;
        Ok(Self {
            pages,
            limit: LIMIT,
        })
    }

    /// Folds the log into the database when there is much in it: what readers
    /// let through, and all of it when it has grown too large. Readers that
    /// follow each other without a gap would let it grow for ever.
    pub(super) fn bound(&mut self, connection: &Connection) {
        // What was folded already is not counted again before the next commit.
        let pages = self.pages.swap(0, Ordering::Relaxed);
        if pages < FOLDED {
            return;
        }
        if pages < self.limit {
            // Only room is lost if it fails: the next one tries again.
            let passive = "PRAGMA wal_checkpoint(PASSIVE)";
            if let Err(error) = connection.query_row(passive, [], |_| Ok(())) {
                debug!(
                    error = &error as &dyn std::error::Error,
                    "could not fold the log into the database yet"
                );
            }
            return;
        }
        // Behind one long reader, such as a backup, not every commit waits.
        self.limit = if fold(connection) {
            LIMIT
        } else {
            pages.saturating_add(LIMIT)
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
