//! Bringing one table over.

use std::cmp::Ordering;

use super::side::{Side, Way};
use super::tables;
use super::value::Checksum;
use super::{MoveError, MoveProgress, MovedTable, Table, Told, Value};

/// So many keys are looked up, or taken away, at once.
const KEYS: usize = 500;

/// What a walk has found.
#[derive(Default)]
struct Found {
    /// What is the same on both sides.
    same: Checksum,
    /// Keys of the target that the source does not have like that.
    stale: Vec<Vec<Value>>,
    /// Keys of the source that the target does not have like that, up to the
    /// target's last one.
    missing: Vec<Vec<Value>>,
}

/// Walks through a table on both sides, takes away in the target what is not in
/// the source, copies what is missing, and reads what it has copied again.
pub(super) async fn bring_over(
    source: &mut Side<'_>,
    target: &mut Side<'_>,
    table: &Table,
    told: Told<'_>,
) -> Result<MovedTable, MoveError> {
    let columns = tables::columns(table, &source.tables().await?, &target.tables().await?)?;
    // One snapshot for the whole table: else what may be there once only might
    // be found twice.
    source.hold()?;
    let moved = copy(source, target, (table, &columns), told).await;
    source.let_go()?;
    moved
}

async fn copy(
    source: &mut Side<'_>,
    target: &mut Side<'_>,
    (table, columns): (&Table, &[String]),
    told: Told<'_>,
) -> Result<MovedTable, MoveError> {
    let mut rows = 0;
    let mut tell = |more: u64| {
        rows += more;
        told(MoveProgress::Rows {
            table: table.name,
            rows,
        });
    };
    let mut ours = Way::begin(source, table, columns, None).await?;
    let (found, last) = compare(source, target, &mut ours, (table, columns), &mut tell).await?;
    let Found {
        same,
        stale,
        missing,
    } = found;
    // All of it first: a row may take what another one had.
    for keys in stale.chunks(KEYS) {
        target.remove(table, keys).await?;
    }
    let (mut sent, mut arrived) = (same, same);
    for keys in missing.chunks(KEYS) {
        let rows = source.rows(table, columns, keys).await?;
        target.add(table, columns, &rows).await?;
        sent.add_all(&rows);
        let there = target.rows(table, columns, keys).await?;
        arrived.add_all(&there);
    }
    // What comes after the target's last row.
    loop {
        let rows = ours.take_some(source).await?;
        if rows.is_empty() {
            break;
        }
        target.add(table, columns, &rows).await?;
        sent.add_all(&rows);
        tell(rows.len() as u64);
    }
    let mut theirs = Way::begin(target, table, columns, last).await?;
    loop {
        let rows = theirs.take_some(target).await?;
        if rows.is_empty() {
            break;
        }
        arrived.add_all(&rows);
    }
    drop(theirs);
    if sent != arrived || target.count(table).await? != sent.rows {
        return Err(MoveError::Differs(table.name));
    }
    Ok(MovedTable {
        name: table.name,
        rows: sent.rows,
        checksum: sent.text(),
        copied: sent.rows - same.rows,
        removed: stale.len() as u64,
    })
}

/// Compares until the target has no more rows. Returns its last key too.
async fn compare(
    source: &mut Side<'_>,
    target: &mut Side<'_>,
    ours: &mut Way<'_>,
    (table, columns): (&Table, &[String]),
    tell: &mut impl FnMut(u64),
) -> Result<(Found, Option<Vec<Value>>), MoveError> {
    let mut theirs = Way::begin(target, table, columns, None).await?;
    let mut found = Found::default();
    let mut last = None;
    let mut untold = 0;
    while let Some(key) = theirs.next_key(target).await? {
        let ordering = match ours.next_key(source).await? {
            Some(our_key) => our_key.cmp(&key),
            None => Ordering::Greater,
        };
        match ordering {
            Ordering::Less => {
                let row = ours.take();
                found.missing.extend(row.map(|row| ours.key(&row)));
            }
            Ordering::Greater => {
                theirs.take();
                found.stale.push(key.clone());
                last = Some(key);
            }
            Ordering::Equal => {
                let (our_row, row) = (ours.take(), theirs.take());
                match our_row {
                    Some(our_row) if row.as_ref() == Some(&our_row) => found.same.add(&our_row),
                    _ => {
                        found.stale.push(key.clone());
                        found.missing.push(key.clone());
                    }
                }
                last = Some(key);
            }
        }
        untold += 1;
        if untold == KEYS as u64 * 10 {
            tell(std::mem::take(&mut untold));
        }
    }
    tell(untold);
    Ok((found, last))
}
