//! The rows of a segment: its entries in their order, some in each row.

use rusqlite::{Connection, Row, params};

use super::super::super::StoreError;
use super::{Entry, Reference};

/// Bytes of an entry: a reference and a number, big-endian.
const ENTRY: usize = 16;

/// Entries of a row. A longer row would not stay in one page.
const ROW: usize = 60;

/// What tells a row of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentRow {
    pub(super) first_reference: i64,
    pub(super) part: i64,
}

impl SegmentRow {
    /// A row, whose entries are added.
    pub(super) fn read(row: &Row<'_>, entries: &mut Vec<Entry>) -> Result<Self, StoreError> {
        let bytes = row.get_ref("entries")?.as_blob();
        let bytes = bytes.map_err(rusqlite::Error::from)?;
        entries.extend(bytes.chunks_exact(ENTRY).filter_map(entry));
        Ok(Self {
            first_reference: row.get("first_reference")?,
            part: row.get("part")?,
        })
    }
}

/// Adds entries, which are sorted, behind those that the segment has.
pub(super) fn write(
    connection: &Connection,
    segment: i64,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event_references (segment, first_reference, part, entries)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut bytes = Vec::with_capacity(ROW * ENTRY);
    for (part, row) in (0_i64..).zip(entries.chunks(ROW)) {
        bytes.clear();
        for (reference, number) in row {
            bytes.extend_from_slice(&reference.0.to_be_bytes());
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let first = row.first().map(|(reference, _)| reference.0);
        insert.execute(params![segment, first, part, bytes])?;
    }
    Ok(())
}

/// Adds the numbers that stand with a reference in any segment.
pub(super) fn find(
    connection: &Connection,
    reference: Reference,
    numbers: &mut Vec<i64>,
) -> Result<(), StoreError> {
    // While this is read, what is read of the rows is of the same moment: they may
    // be on their way into another segment.
    let mut segments = connection.prepare_cached("SELECT segment FROM event_segments")?;
    let mut segments = segments.query([])?;
    let mut select = connection.prepare_cached(
        "SELECT first_reference, entries FROM event_references
         WHERE segment = ?1 AND first_reference <= ?2
         ORDER BY first_reference DESC, part DESC",
    )?;
    while let Some(segment) = segments.next()? {
        let segment: i64 = segment.get(0)?;
        let mut rows = select.query([segment, reference.0])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref("entries")?.as_blob();
            let bytes = bytes.map_err(rusqlite::Error::from)?;
            let entries = bytes.chunks_exact(ENTRY).filter_map(entry);
            let of_reference = entries.filter(|(other, _)| *other == reference);
            numbers.extend(of_reference.map(|(_, number)| number));
            // Those before it hold lower references alone.
            let first: i64 = row.get("first_reference")?;
            if first < reference.0 {
                break;
            }
        }
    }
    Ok(())
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let (reference, number) = bytes.split_first_chunk()?;
    let (number, _) = number.split_first_chunk()?;
    Some((
        Reference(i64::from_be_bytes(*reference)),
        i64::from_be_bytes(*number),
    ))
}
