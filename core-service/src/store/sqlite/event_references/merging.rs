//! Segments become fewer: eight of a size are merged into one.
//!
//! All of it at once would have senders wait. So it goes in slices of equal parts
//! of all references: what the eight hold of a slice is written into the merged
//! segment and taken from them, a slice for so many new events. Whoever looks
//! meanwhile looks into all of them, and may find an entry twice.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::super::StoreError;
use super::segment::{self, SegmentRow};
use super::{Entry, Reference};

/// Segments of one level that become one of the next.
const FAN_IN: i64 = 8;

/// Slices that segments of the lowest level are merged in: about 2,000 entries
/// each.
const SLICES: i64 = 512;

/// A segment that is being merged.
#[derive(Clone, Copy, Debug)]
struct Merge {
    segment: i64,
    last_number: i64,
    level: i64,
    /// How many slices are done.
    slices: i64,
}

/// Moves the next slice of a merge, if any segments are to be merged.
pub(in super::super) fn move_slice(connection: &Connection) -> Result<(), StoreError> {
    let merge = match Merge::find(connection)? {
        None => Merge::begin(connection)?,
        found => found,
    };
    merge.map_or(Ok(()), |merge| merge.move_slice(connection))
}

impl Merge {
    /// The one that is under way.
    fn find(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let mut find = connection.prepare_cached(
            "SELECT segment, last_number, level, slices FROM event_segments
             WHERE slices IS NOT NULL",
        )?;
        Ok(find.query_row([], Self::read).optional()?)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            segment: row.get("segment")?,
            last_number: row.get("last_number")?,
            level: row.get("level")?,
            slices: row.get("slices")?,
        })
    }

    /// Begins one, where there are enough segments of a level.
    fn begin(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let full = "SELECT level FROM event_segments GROUP BY level HAVING count(*) >= ?1
             ORDER BY level LIMIT 1";
        let level: Option<i64> = connection
            .prepare_cached(full)?
            .query_row([FAN_IN], |row| row.get(0))
            .optional()?;
        let Some(level) = level else {
            return Ok(None);
        };
        let mut begin = connection.prepare_cached(
            "INSERT INTO event_segments (segment, last_number, level, slices)
             SELECT (SELECT max(segment) + 1 FROM event_segments), max(last_number), ?1 + 1, 0
             FROM (SELECT last_number FROM event_segments WHERE level = ?1
                   ORDER BY last_number LIMIT ?2)
             RETURNING segment, last_number, level, slices",
        )?;
        Ok(Some(begin.query_row([level, FAN_IN], Self::read)?))
    }

    /// The segments that are merged.
    fn sources(&self, connection: &Connection) -> Result<Vec<i64>, StoreError> {
        let mut select = connection.prepare_cached(
            "SELECT segment FROM event_segments WHERE level = ?1 - 1 AND last_number <= ?2",
        )?;
        let segments = select.query_map([self.level, self.last_number], |row| row.get(0))?;
        Ok(segments.collect::<Result<_, _>>()?)
    }

    fn move_slice(&self, connection: &Connection) -> Result<(), StoreError> {
        // Segments of the next level have eight times as many entries.
        let all = FAN_IN
            .checked_pow(u32::try_from(self.level - 1).unwrap_or(0))
            .and_then(|times| times.checked_mul(SLICES))
            .unwrap_or(i64::MAX);
        let (first, end) = (bound(self.slices, all), bound(self.slices + 1, all));
        let sources = self.sources(connection)?;
        let mut entries = Vec::new();
        for source in &sources {
            take(connection, *source, (first, end), &mut entries)?;
        }
        entries.sort_unstable();
        segment::write(connection, self.segment, &entries)?;
        if end.is_some() {
            connection
                .prepare_cached("UPDATE event_segments SET slices = slices + 1 WHERE segment = ?1")?
                .execute([self.segment])?;
            return Ok(());
        }
        for source in sources {
            connection
                .prepare_cached("DELETE FROM event_segments WHERE segment = ?1")?
                .execute([source])?;
        }
        connection
            .prepare_cached("UPDATE event_segments SET slices = NULL WHERE segment = ?1")?
            .execute([self.segment])?;
        Ok(())
    }
}

/// The lowest reference of a slice; none for the end of the last.
fn bound(slice: i64, all: i64) -> Option<Reference> {
    let width = (i128::from(i64::MAX) - i128::from(i64::MIN) + 1) / i128::from(all);
    let place = i128::from(i64::MIN) + width * i128::from(slice);
    (slice < all).then(|| Reference(i64::try_from(place).unwrap_or(i64::MAX)))
}

/// Takes what a segment holds of a slice. A row that reaches into the next slice
/// stays until that is taken, and what it held of this one is passed over then.
fn take(
    connection: &Connection,
    source: i64,
    (first, end): (Option<Reference>, Option<Reference>),
    entries: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let last = end.map_or(i64::MAX, |end| end.0 - 1);
    let mut select = connection.prepare_cached(
        "SELECT first_reference, part, entries FROM event_references
         WHERE segment = ?1 AND first_reference <= ?2
         ORDER BY first_reference, part",
    )?;
    let mut rows = select.query(params![source, last])?;
    let mut taken = Vec::new();
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        taken.push(SegmentRow::read(row, &mut held)?);
    }
    drop(rows);
    let is_of_slice = |reference: Reference| {
        first.is_none_or(|first| reference >= first) && end.is_none_or(|end| reference < end)
    };
    entries.extend(
        held.into_iter()
            .filter(|(reference, _)| is_of_slice(*reference)),
    );
    // Only the last one may reach further.
    if end.is_some() {
        taken.pop();
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM event_references
         WHERE segment = ?1 AND first_reference = ?2 AND part = ?3",
    )?;
    for row in taken {
        delete.execute(params![source, row.first_reference, row.part])?;
    }
    Ok(())
}
