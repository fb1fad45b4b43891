//! Backups and their way back.

use std::fs;
use std::io;
use std::path::Path;

use super::super::StoreError;
use super::event_stream;
use super::file::{self, Lock, open_error};
use super::log;

/// Writes a sound copy of a database to a new file, also while a core writes
/// to it. Returns its size in bytes.
///
/// # Errors
///
/// [`StoreError::Open`] when the file exists already, can't be written, or the
/// copy is not sound.
pub fn backup(database: &Path, to: &Path) -> Result<u64, StoreError> {
    if to.exists() {
        return Err(open_error(to, Exists));
    }
    let source = file::open_for_reading(database).map_err(|error| open_error(database, error))?;
    let partial = file::beside(to, ".partial");
    let _ = fs::remove_file(&partial);
    let copied = copy(&source, &partial, to);
    if copied.is_err() {
        let _ = fs::remove_file(&partial);
    }
    copied
}

fn copy(source: &rusqlite::Connection, partial: &Path, to: &Path) -> Result<u64, StoreError> {
    let name = partial
        .to_str()
        .ok_or_else(|| open_error(partial, NotText))?;
    // SQLite writes into a file that is there, if it is empty.
    file::open_private(partial).map_err(|error| open_error(partial, error))?;
    source
        .execute("VACUUM INTO ?1", [name])
        .map_err(|error| open_error(partial, error))?;
    file::check(partial)?;
    publish(partial, to)?;
    let size = fs::metadata(to)
        .map_err(|error| open_error(to, error))?
        .len();
    Ok(size)
}

/// Makes a new file by filling another first, which gets the name once it is
/// whole and sound. Returns its size in bytes.
pub(in super::super) async fn publish_new(
    to: &Path,
    fill: impl AsyncFnOnce(&Path) -> Result<(), super::super::MoveError>,
) -> Result<u64, super::super::MoveError> {
    if to.exists() {
        return Err(open_error(to, Exists).into());
    }
    let partial = file::beside(to, ".partial");
    let clear = || {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(file::beside(&partial, suffix));
        }
    };
    clear();
    let filled = fill(&partial).await;
    let published = filled.and_then(|()| {
        file::check(&partial)?;
        publish(&partial, to)?;
        let file = fs::metadata(to).map_err(|error| open_error(to, error))?;
        Ok(file.len())
    });
    if published.is_err() {
        clear();
    }
    published
}

/// Puts a backup in the place of a database that no process has open.
///
/// # Errors
///
/// [`StoreError::InUse`] while a core runs; [`StoreError::Open`] when there is
/// a database already and `replace` is not set, or the backup is not sound.
pub fn restore(from: &Path, database: &Path, replace: bool) -> Result<(), StoreError> {
    let _lock = Lock::wait(database)?;
    if database.exists() && !replace {
        return Err(open_error(database, Exists));
    }
    file::check(from)?;
    let partial = file::beside(database, ".partial");
    // Of an earlier try that broke off.
    let _ = fs::remove_file(&partial);
    copy_bytes(from, &partial).map_err(|error| open_error(&partial, error))?;
    rusqlite::Connection::open(&partial)
        .and_then(|copy| event_stream::begin_life(&copy))
        .map_err(|error| open_error(&partial, error))?;
    // Until the backup has its name, the old database must be whole without its
    // log. One that can't be opened has nothing to lose.
    if database.exists()
        && let Ok(old) = file::open_for_writing(database)
    {
        log::fold(&old);
    }
    // The log of the old database must not be taken for the new one's.
    for suffix in ["-wal", "-shm"] {
        let path = file::beside(database, suffix);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(open_error(&path, error)),
        }
    }
    publish(&partial, database)
}

/// Copies a file, but not its permissions.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<u64> {
    io::copy(&mut fs::File::open(from)?, &mut file::open_private(to)?)
}

/// Makes a file durable under its name.
fn publish(partial: &Path, to: &Path) -> Result<(), StoreError> {
    fs::File::open(partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(partial, to))
        .map_err(|error| open_error(to, error))?;
    file::sync_folder(to)
}

#[derive(Debug, thiserror::Error)]
#[error("there is a file of this name already")]
struct Exists;

#[derive(Debug, thiserror::Error)]
#[error("its name is not text")]
struct NotText;
