//! How events are found by what they refer to: a visitor, a Salesforce record.
//!
//! Both are in no order. An index would have each event change a page of its own
//! there, and most of what an event costs would go into that. So what new events
//! refer to stays in memory, where there is little of it, and is written as a
//! sorted segment once there is much: a few hundred pages for tens of thousands
//! of events. Segments are merged into larger ones, so that there are few.
//! Events are durable without all this, and what is in no segment is read from
//! them when the store is opened.
//!
//! A reference is a hash, and the work that noted it may have been undone. So
//! what is found here are candidates: the event itself says whether it is meant.

mod merging;
mod segment;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use sfbridge_values::{Igrp, VisitorId};
use sha2::{Digest, Sha256};

use super::super::StoreError;
use super::super::columns::{self, Columns};
use crate::domain::{Event, identity};
pub(super) use merging::move_slice;

/// How many events a segment is about.
pub(super) const SEGMENT: usize = 65_536;

/// After how many new events a slice of a merge is due.
const SLICE: usize = 256;

/// What stands for a visitor or record of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference(i64);

impl Reference {
    /// A visitor.
    pub(super) fn visitor(igrp: Igrp, visitor_id: VisitorId) -> Self {
        Self::hash(1, igrp, visitor_id.as_bytes())
    }

    /// A Salesforce record, by the first 15 characters of its id.
    pub(super) fn record(igrp: Igrp, record_key: &str) -> Self {
        Self::hash(2, igrp, record_key.as_bytes())
    }

    // The values are in the store's files: they must never become others.
    fn hash(kind: u8, igrp: Igrp, value: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([kind]);
        hash.update(igrp.get().to_le_bytes());
        hash.update(value);
        let digest = hash.finalize();
        Self(i64::from_be_bytes(std::array::from_fn(|n| digest[n])))
    }
}

/// That the event of this number refers to something.
type Entry = (Reference, i64);

/// What events refer to that are in no segment yet, and the way to those that
/// are.
#[derive(Debug, Default)]
pub(super) struct EventReferences {
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    entries: Vec<Entry>,
    events: usize,
    /// Events since a slice of a merge was moved.
    unmerged: usize,
}

/// A segment that was written in the present transaction.
#[derive(Clone, Copy, Debug)]
#[must_use = "what is in a segment needs no room in memory"]
pub(super) struct Segment {
    last_number: i64,
}

impl EventReferences {
    /// What is in no segment yet. Where that is much, as after a move or the
    /// upgrade of a large store, segments are made of it, and merged.
    pub(super) fn open(connection: &mut Connection) -> Result<Self, StoreError> {
        loop {
            let (recent, last_number) = Recent::read(connection)?;
            if recent.events < SEGMENT {
                return Ok(Self {
                    recent: Mutex::new(recent),
                });
            }
            let transaction = connection.transaction()?;
            let _ = write(&transaction, recent.entries, last_number)?;
            for _ in 0..SEGMENT / SLICE {
                move_slice(&transaction)?;
            }
            transaction.commit()?;
        }
    }

    /// Takes in what an event refers to that was added in the present
    /// transaction.
    pub(super) fn note(&self, event: &Event, number: i64) {
        let visitor = event
            .visitor_id
            .map(|visitor| Reference::visitor(event.igrp, visitor));
        let origin = event.origin.as_ref();
        let record = origin
            .and_then(|origin| columns::text(origin.record_id.as_ref()))
            .map(|id| Reference::record(event.igrp, identity(id)));
        self.note_all([visitor, record], number);
    }

    pub(super) fn note_all(&self, references: [Option<Reference>; 2], number: i64) {
        self.recent().note(references, number);
    }

    /// Writes a segment in the present transaction, if there is enough for one,
    /// and merges so much of those before it as is due.
    pub(super) fn write_if_due(
        &self,
        connection: &Connection,
    ) -> Result<Option<Segment>, StoreError> {
        for _ in 0..self.recent().take_due_slices() {
            move_slice(connection)?;
        }
        if self.recent().events < SEGMENT {
            return Ok(None);
        }
        self.write(connection)
    }

    /// Writes a segment in the present transaction, unless there are no events.
    pub(super) fn write(&self, connection: &Connection) -> Result<Option<Segment>, StoreError> {
        // Of those that were noted last, some may not be there.
        let last_number = connection
            .prepare_cached("SELECT max(number) FROM events")?
            .query_row([], |row| row.get(0))?;
        let Some(last_number) = last_number else {
            return Ok(None);
        };
        let entries = self.recent().entries.clone();
        write(connection, entries, last_number).map(Some)
    }

    /// Forgets what is in a segment, after its transaction was committed.
    pub(super) fn forget(&self, segment: Segment) {
        let mut recent = self.recent();
        recent
            .entries
            .retain(|(_, number)| *number > segment.last_number);
        recent.events = 0;
    }

    /// The numbers of the events that may refer to this, in no order.
    pub(super) fn find(
        &self,
        connection: &Connection,
        reference: Reference,
    ) -> Result<Vec<i64>, StoreError> {
        // Before the segments: what moves into one meanwhile is found twice
        // rather than not at all.
        let mut numbers = self.recent().find(reference);
        segment::find(connection, reference, &mut numbers)?;
        Ok(numbers)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    /// Some of those that are in no segment, and the number of the last one.
    fn read(connection: &Connection) -> Result<(Self, i64), StoreError> {
        let mut statement = connection.prepare(
            "SELECT number, igrp, visitor_id, record_key FROM events
             WHERE number > coalesce((SELECT max(last_number) FROM event_segments), 0)
             ORDER BY number LIMIT ?1",
        )?;
        let mut rows = statement.query([i64::try_from(SEGMENT).unwrap_or(i64::MAX)])?;
        let (mut recent, mut last_number) = (Self::default(), 0);
        while let Some(row) = rows.next()? {
            let igrp = columns::igrp(row)?;
            let visitor_id: Option<[u8; 16]> = Columns::get(row, "visitor_id")?;
            let record_key: Option<String> = Columns::get(row, "record_key")?;
            let visitor = visitor_id.map(|bytes| Reference::hash(1, igrp, &bytes));
            let record = record_key.map(|key| Reference::record(igrp, &key));
            last_number = row.get("number")?;
            recent.note([visitor, record], last_number);
        }
        Ok((recent, last_number))
    }

    fn note(&mut self, references: [Option<Reference>; 2], number: i64) {
        let references = references.into_iter().flatten();
        self.entries
            .extend(references.map(|reference| (reference, number)));
        self.events += 1;
        self.unmerged += 1;
    }

    /// How many slices of a merge are due.
    fn take_due_slices(&mut self) -> usize {
        let slices = self.unmerged / SLICE;
        self.unmerged %= SLICE;
        slices
    }

    fn find(&self, reference: Reference) -> Vec<i64> {
        let entries = self.entries.iter();
        entries
            .filter(|(other, _)| *other == reference)
            .map(|(_, number)| *number)
            .collect()
    }
}

/// Writes what all events after the last segment refer to, up to this number.
fn write(
    connection: &Connection,
    mut entries: Vec<Entry>,
    last_number: i64,
) -> Result<Segment, StoreError> {
    entries.sort_unstable();
    let segment = connection
        .prepare_cached(
            "INSERT INTO event_segments (segment, last_number, level)
             VALUES ((SELECT coalesce(max(segment), 0) + 1 FROM event_segments), ?1, 0)
             RETURNING segment",
        )?
        .query_row([last_number], |row| row.get(0))?;
    segment::write(connection, segment, &entries)?;
    Ok(Segment { last_number })
}

/// Deletes the segments all of whose events are gone.
pub(super) fn delete_old(connection: &Connection) -> Result<(), StoreError> {
    const OLD: &str = "last_number < (SELECT min(number) FROM events)";

    for (table, condition) in [
        (
            "event_references",
            format!("segment IN (SELECT segment FROM event_segments WHERE {OLD})"),
        ),
        ("event_segments", OLD.to_owned()),
    ] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE {condition}"))?
            .execute([])?;
    }
    Ok(())
}
