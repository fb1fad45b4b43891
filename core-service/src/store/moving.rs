//! Moving what one store holds into another, of either backend.
//!
//! Tables and columns have the same names in both, so rows are moved as they
//! are. Each table is walked through on both sides in the order of its key;
//! what the walk finds to differ is taken away in the target and copied again
//! ([`table`]). So it does not matter where an earlier walk was interrupted, and
//! what was written, changed or deleted since an earlier walk is what the next
//! one finds.

mod side;
mod table;
mod tables;
mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(in crate::store) use side::Side;
pub(in crate::store) use tables::{Schema, TABLES, Table};
pub(in crate::store) use value::{MovedRow, Value};

use super::postgres::PostgresSide;
use super::sqlite::{self, Lock, SqliteSide};
use super::{PostgresConfig, StoreError};

/// How often the source is walked through while its core runs, at most.
const LIVE_WALKS: u32 = 5;

/// After a walk that has found no more than this, the next one is short.
const FEW: u64 = 5_000;

/// How often it is tried to take the source over from its core.
const TRYING: Duration = Duration::from_millis(200);

/// What is told while a store is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveProgress {
    /// A walk begins; the last one is that on which nobody writes.
    Walk {
        /// Which one, from 1 on.
        number: u32,
        /// Whether it is the last one.
        is_last: bool,
    },
    /// So many rows of a table were walked through.
    Rows {
        /// The table.
        table: &'static str,
        /// How many rows.
        rows: u64,
    },
    /// The core of the source is to be stopped now; this waits for it.
    StopTheCore,
}

/// What was moved of a table, and checked on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// The table.
    pub name: &'static str,
    /// How many rows it has, on both sides.
    pub rows: u64,
    /// The sum over all its rows, the same on both sides, in hexadecimal.
    pub checksum: String,
    /// How many rows the last walk has copied.
    pub copied: u64,
    /// How many rows the last walk has taken away.
    pub removed: u64,
}

/// Why a store was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the stores failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not a way that stores are moved.
    #[error(
        "a store is moved from sqlite:///path/to/file.db to postgres://...; the way back is \
             `sfbridge backup` and `sfbridge restore`"
    )]
    Direction,
    /// There is no source.
    #[error("there is no store at {}", .0.display())]
    NoSource(PathBuf),
    /// The source is of another release.
    #[error(
        "the source has schema version {found}, and this release needs {needed}; start its core \
         with this release once, or use the release that it was made with"
    )]
    OtherVersion {
        /// The version of the source.
        found: u32,
        /// That of this release.
        needed: u32,
    },
    /// The target holds something else.
    #[error("the target holds data that did not come from this store; give it an empty database")]
    OtherData,
    /// A core has begun to work on the target.
    #[error(
        "a core has run on the target since the move was done; what it has recorded would be \
         lost. To move once more, give it an empty database"
    )]
    InUse,
    /// Cores run on the target.
    #[error("{0} other connections of sfbridge to the target are open; stop its cores first")]
    CoresRun(i64),
    /// Something that this release does not know how to move.
    #[error("{0} is there on one side alone, and this release does not know how to move it")]
    Unknown(String),
    /// What was written is not what was read.
    #[error(
        "the table {0} is not the same on both sides after copying; look at the target's log, \
             then run the same again"
    )]
    Differs(&'static str),
}

/// Whoever wants to know how far it is.
pub(in crate::store) type Told<'a> = &'a mut (dyn FnMut(MoveProgress) + Send);

/// Moves the embedded store in a file into a PostgreSQL database. A core may run
/// on it for the longest part, until it is asked for its stop.
///
/// # Errors
///
/// [`MoveError`]. Whatever it is, the source is as it was, and the same may be
/// run again: it goes on with what is left.
pub async fn move_to_postgres(
    from: &Path,
    to: &PostgresConfig,
    told: Told<'_>,
) -> Result<Vec<MovedTable>, MoveError> {
    let mut source = open_source(from)?;
    let life = source.life()?;
    let mut target = PostgresSide::open(to).await?;
    target.begin_move(life).await?;
    make_room(&source, &target).await?;

    let mut number = 1;
    let mut lock = sqlite::take_lock(from);
    while matches!(lock, Err(StoreError::InUse { .. })) && number <= LIVE_WALKS {
        let found = walk(
            &mut Side::Sqlite(&mut source),
            &mut Side::Postgres(&mut target),
            (number, false),
            told,
        )
        .await?;
        let changed: u64 = found.iter().map(|table| table.copied + table.removed).sum();
        number += 1;
        if changed <= FEW {
            break;
        }
        lock = sqlite::take_lock(from);
    }
    if matches!(lock, Err(StoreError::InUse { .. })) {
        told(MoveProgress::StopTheCore);
        lock = wait_for(from).await;
    }
    // Held until everything is there: nobody writes any more.
    let _lock: Lock = lock?;
    let moved = walk(
        &mut Side::Sqlite(&mut source),
        &mut Side::Postgres(&mut target),
        (number, true),
        told,
    )
    .await?;
    target.finish_move(source.highest_event()?).await?;
    Ok(moved)
}

/// Copies a PostgreSQL store into a new file of an embedded one, all of it as it
/// was at one moment. Cores may run on it. Returns the file's size in bytes.
///
/// # Errors
///
/// [`MoveError`]; then there is no file.
pub async fn back_up_postgres(
    from: &PostgresConfig,
    to: &Path,
    told: Told<'_>,
) -> Result<u64, MoveError> {
    let fill = async |partial: &Path| fill(from, partial, told).await;
    sqlite::publish_new(to, fill).await
}

async fn fill(from: &PostgresConfig, to: &Path, told: Told<'_>) -> Result<(), MoveError> {
    let mut target = SqliteSide::create(to)?;
    let mut source = PostgresSide::open(from).await?;
    source.begin_snapshot().await?;
    walk(
        &mut Side::Postgres(&mut source),
        &mut Side::Sqlite(&mut target),
        (1, true),
        told,
    )
    .await?;
    target.complete(source.highest_event().await?)?;
    Ok(target.close()?)
}

/// Copies the file of an embedded store into a PostgreSQL database that no core
/// runs on. With `replace` in the place of what is there.
///
/// # Errors
///
/// [`MoveError`]; no core opens the database until the same is run to its end.
pub async fn restore_postgres(
    from: &Path,
    to: &PostgresConfig,
    replace: bool,
    told: Told<'_>,
) -> Result<(), MoveError> {
    let mut source = open_source(from)?;
    let mut target = PostgresSide::open(to).await?;
    target.begin_restore(source.life()?, replace).await?;
    make_room(&source, &target).await?;
    walk(
        &mut Side::Sqlite(&mut source),
        &mut Side::Postgres(&mut target),
        (1, true),
        told,
    )
    .await?;
    Ok(target.finish_restore(source.highest_event()?).await?)
}

/// Has a place for the events of each month that the source has any of.
async fn make_room(source: &SqliteSide, target: &PostgresSide) -> Result<(), StoreError> {
    match source.event_ids()? {
        Some(ids) => target.make_room(ids).await,
        None => Ok(()),
    }
}

fn open_source(from: &Path) -> Result<SqliteSide, MoveError> {
    if !from.exists() {
        return Err(MoveError::NoSource(from.to_owned()));
    }
    let source = SqliteSide::open(from)?;
    let (found, needed) = source.versions()?;
    if found == needed {
        Ok(source)
    } else {
        Err(MoveError::OtherVersion { found, needed })
    }
}

/// Waits until the core has gone.
async fn wait_for(from: &Path) -> Result<Lock, StoreError> {
    loop {
        match sqlite::take_lock(from) {
            Err(StoreError::InUse { .. }) => tokio::time::sleep(TRYING).await,
            lock => return lock,
        }
    }
}

/// Walks through all tables once.
async fn walk(
    source: &mut Side<'_>,
    target: &mut Side<'_>,
    (number, is_last): (u32, bool),
    told: Told<'_>,
) -> Result<Vec<MovedTable>, MoveError> {
    told(MoveProgress::Walk { number, is_last });
    tables::check(&source.tables().await?, &target.tables().await?)?;
    let mut moved = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        moved.push(table::bring_over(source, target, table, told).await?);
    }
    Ok(moved)
}

#[cfg(test)]
mod tests;
