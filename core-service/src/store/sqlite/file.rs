//! The database file: its lock, its settings, its schema.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::{Migrated, StoreError};

pub(super) mod embedded {
    refinery::embed_migrations!("src/store/migrations/sqlite");
}

/// Marks a database file as one of ours: "sfbr".
const APPLICATION_ID: i32 = 0x7366_6272;

/// How long to wait for another process that has the database locked.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for a lock. Whoever had it may have it for a moment longer: a
/// process that is ending, or a child of one that has not become another program
/// yet.
const LOCK_PATIENCE: Duration = Duration::from_millis(250);

/// Keeps other processes from opening the same database for writing.
#[derive(Debug)]
pub(in super::super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a database file.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = beside(database, ".lock");
        if let Some(folder) = database.parent() {
            std::fs::create_dir_all(folder).map_err(|error| open_error(folder, error))?;
        }
        let file = open_private(&path).map_err(|error| open_error(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(error)) => Err(open_error(&path, error)),
        }
    }

    /// Takes the lock, and blocks for a moment while another has it.
    pub(super) fn wait(database: &Path) -> Result<Self, StoreError> {
        let begin = Instant::now();
        loop {
            match Self::take(database) {
                Err(StoreError::InUse { .. }) if begin.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(LOCK_PATIENCE / 10);
                }
                taken => return taken,
            }
        }
    }
}

/// The file whose name is that of another and a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file to write to. One that is new is for its owner alone: what the
/// store holds is personal data.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

pub(super) fn open_error(
    path: &Path,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Open {
        path: path.to_owned(),
        source: Arc::new(source),
    }
}

/// Opens the connection that writes, with every commit synchronised. Another
/// application's database is left as it is.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives its log the permissions of the database.
    open_private(path).map_err(|error| open_error(path, error))?;
    let open = || -> rusqlite::Result<Option<Connection>> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let is_empty = !connection
            .prepare("SELECT 1 FROM sqlite_schema")?
            .exists([])?;
        let id = application_id(&connection)?;
        if id != APPLICATION_ID {
            if id != 0 || !is_empty {
                return Ok(None);
            }
            // Marked before its schema is made, or a crash between the two
            // would leave a database that is not known for ours.
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.busy_timeout(PATIENCE)?;
        keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(Some(connection))
    };
    let connection = open()
        .map_err(|error| open_error(path, error))?
        .ok_or_else(|| open_error(path, NotOurs))?;
    // The database may be gone after a power cut if its name is not synced.
    sync_folder(path)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A statement keeps its plan whatever is bound to it. Otherwise SQLite compiles
/// it anew for each value, which is a third of what an event costs.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<Migrated, StoreError> {
    // A new database has no history yet.
    let is_new = !connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'")?
        .exists([])?;
    let mut migrate = || -> Result<Migrated, refinery::Error> {
        let runner = embedded::migrations::runner();
        let from = if is_new {
            None
        } else {
            runner.get_last_applied_migration(connection)?
        };
        runner.run(connection)?;
        let to = runner.get_last_applied_migration(connection)?;
        Ok(Migrated {
            from: from.map_or(0, |migration| version_of(&migration)),
            to: to.map_or(0, |migration| version_of(&migration)),
        })
    };
    migrate().map_err(|error| StoreError::Migrate(Arc::new(error)))
}

fn version_of(migration: &refinery::Migration) -> u32 {
    u32::try_from(migration.version()).unwrap_or(0)
}

/// The version of this release's schema.
pub(super) fn newest_version() -> u32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(version_of);
    versions.max().unwrap_or(0)
}

/// Whether a file holds a sound database of ours.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    let connection = open_for_reading(path).map_err(|error| open_error(path, error))?;
    let id = application_id(&connection).map_err(|error| open_error(path, error))?;
    if id != APPLICATION_ID {
        return Err(open_error(path, NotOurs));
    }
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| open_error(path, error))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(open_error(path, Damaged(verdict)))
    }
}

fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Makes the names in a file's folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| open_error(folder, error))
}

#[derive(Debug, thiserror::Error)]
#[error("it is not a database of sfbridge")]
struct NotOurs;

#[derive(Debug, thiserror::Error)]
#[error("it is damaged: {0}")]
struct Damaged(String);
