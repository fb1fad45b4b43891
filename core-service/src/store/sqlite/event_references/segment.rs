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
    let mut statement = connection.prepare_cached(
        "SELECT kept.entries FROM event_segments
         CROSS JOIN event_references AS kept
             ON kept.segment = event_segments.segment
             AND kept.first_reference <= ?1
             AND kept.first_reference >= coalesce((
                 SELECT max(first_reference) FROM event_references AS before
                 WHERE before.segment = event_segments.segment
                     AND before.first_reference < ?1), ?1)",
    )?;
    let mut rows = statement.query([reference.0])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let entries = bytes.chunks_exact(ENTRY).filter_map(entry);
        let of_reference = entries.filter(|(other, _)| *other == reference);
        numbers.extend(of_reference.map(|(_, number)| number));
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
