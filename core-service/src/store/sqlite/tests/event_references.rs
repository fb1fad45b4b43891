//! Events are found by their visitor and record, wherever that is noted.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rusqlite::Connection;
use sfbridge_values::VisitorId;
use uuid::Uuid;

use super::super::event_references::{EventReferences, Reference, SEGMENT, delete_old, move_slice};
use super::super::file;
use super::Folder;
use crate::store::conformance::given::seven;

fn visitor(number: u64) -> VisitorId {
    VisitorId::from_bytes(Uuid::from_u64_pair(4, number).into_bytes())
}

/// An event's row with this number, visitor and record.
fn add(connection: &Connection, number: i64, visitor_number: u64, record: u64) {
    connection
        .prepare_cached(
            "INSERT INTO events (number, event_id, igrp, action, action_folded, visitor_id, title,
                 event_time, event_time_source, receive_time, match_mode, is_void, record_key)
             VALUES (?1, randomblob(16), 7, 'sale', 'sale', ?2, 'Deal', 1, 4, 1, 1, 0, ?3)",
        )
        .unwrap()
        .execute((
            number,
            visitor(visitor_number).as_bytes(),
            format!("006{record:012}"),
        ))
        .unwrap();
}

fn found(connection: &Connection, references: &EventReferences, one: Reference) -> BTreeSet<i64> {
    let numbers = references.find(connection, one).unwrap();
    let all: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!(all.len(), numbers.len(), "one is found twice");
    all
}

fn opened(folder: &Folder) -> Connection {
    let mut connection = file::open_for_writing(&folder.path()).unwrap();
    file::migrate(&mut connection).unwrap();
    connection
}

#[test]
fn what_was_there_before_is_found_in_segments_and_beside_them() {
    let folder = Folder::new();
    let mut connection = opened(&folder);
    let count = i64::try_from(SEGMENT).unwrap() * 2 + 100;
    let transaction = connection.transaction().unwrap();
    // One visitor has a third of them, more than a row of a segment holds.
    for number in 1..=count {
        let of = u64::try_from(number).unwrap();
        let who = if of.is_multiple_of(3) { 1 } else { 1_000 + of };
        add(&transaction, number, who, of % 50_000);
    }
    transaction.commit().unwrap();

    let references = EventReferences::open(&mut connection).unwrap();
    let segments: i64 = connection
        .query_row("SELECT count(*) FROM event_segments", [], |row| row.get(0))
        .unwrap();
    assert_eq!(segments, 2);
    let often = found(
        &connection,
        &references,
        Reference::visitor(seven(), visitor(1)),
    );
    assert_eq!(
        often,
        (1..=count).filter(|number| number % 3 == 0).collect()
    );
    for number in [1, 2, 65_536, 65_537, 131_072, 131_074, count - 1] {
        if number % 3 == 0 {
            continue;
        }
        let of = u64::try_from(number).unwrap();
        let one = Reference::visitor(seven(), visitor(1_000 + of));
        assert_eq!(found(&connection, &references, one), [number].into());
        let record = Reference::record(seven(), &format!("006{:012}", of % 50_000));
        let same = (1..=count).filter(|other| other % 50_000 == number % 50_000);
        assert_eq!(found(&connection, &references, record), same.collect());
    }
}

/// How many segments there are of each level, and whether one is being made.
fn levels(connection: &Connection) -> Vec<(i64, i64, bool)> {
    let mut select = connection
        .prepare(
            "SELECT level, count(*), slices IS NOT NULL FROM event_segments
             GROUP BY 1, 3 ORDER BY 1, 3",
        )
        .unwrap();
    let levels = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    levels.unwrap().map(Result::unwrap).collect()
}

#[test]
fn segments_are_merged_and_all_is_found_before_while_and_after() {
    let folder = Folder::new();
    let mut connection = opened(&folder);
    let references = EventReferences::default();
    let mut number = 0;
    let mut segments = |connection: &mut Connection, count: usize| {
        for _ in 0..count {
            let transaction = connection.transaction().unwrap();
            for _ in 0..40 {
                number += 1;
                let of = u64::try_from(number).unwrap();
                add(&transaction, number, of % 7, of);
                let visitor = Reference::visitor(seven(), visitor(of % 7));
                let record = Reference::record(seven(), &format!("006{of:012}"));
                references.note_all([Some(visitor), Some(record)], number);
            }
            let segment = references.write(&transaction).unwrap();
            transaction.commit().unwrap();
            references.forget(segment.unwrap());
        }
        number
    };
    // What stands where a slice ends may be found twice while it is merged.
    let found = |connection: &Connection, by: Reference| -> BTreeSet<i64> {
        let numbers = references.find(connection, by).unwrap();
        numbers.into_iter().collect()
    };
    let check = |connection: &Connection, last: i64| {
        for who in 0..7 {
            let of_visitor = (1..=last).filter(|number| number % 7 == who);
            let by = Reference::visitor(seven(), visitor(u64::try_from(who).unwrap()));
            assert_eq!(found(connection, by), of_visitor.collect());
        }
        for number in 1..=last {
            let by = Reference::record(seven(), &format!("006{number:012}"));
            assert_eq!(found(connection, by), [number].into());
        }
    };
    let merge = |connection: &mut Connection, slices: usize| {
        let transaction = connection.transaction().unwrap();
        for _ in 0..slices {
            move_slice(&transaction).unwrap();
        }
        transaction.commit().unwrap();
    };

    segments(&mut connection, 7);
    merge(&mut connection, 1);
    assert_eq!(levels(&connection), [(0, 7, false)]);
    let last = segments(&mut connection, 2);
    merge(&mut connection, 100);
    assert_eq!(levels(&connection), [(0, 9, false), (1, 1, true)]);
    check(&connection, last);
    // One more comes while the eight are merged.
    let last = segments(&mut connection, 1);
    check(&connection, last);
    merge(&mut connection, 412);
    assert_eq!(levels(&connection), [(0, 2, false), (1, 1, false)]);
    check(&connection, last);

    // Merged ones are merged again.
    let last = segments(&mut connection, 54);
    merge(&mut connection, 512 * 6);
    assert_eq!(levels(&connection), [(0, 8, false), (1, 7, false)]);
    merge(&mut connection, 512 + 1_000);
    assert_eq!(levels(&connection), [(1, 8, false), (2, 1, true)]);
    check(&connection, last);
    merge(&mut connection, 8 * 512 - 1_000);
    assert_eq!(levels(&connection), [(2, 1, false)]);
    check(&connection, last);
    merge(&mut connection, 1);
    assert_eq!(levels(&connection), [(2, 1, false)]);
}

#[test]
fn segments_go_with_their_last_event() {
    let folder = Folder::new();
    let mut connection = opened(&folder);
    let last = i64::try_from(SEGMENT).unwrap();
    let transaction = connection.transaction().unwrap();
    for number in 1..=last + 1 {
        add(&transaction, number, 1, 1);
    }
    transaction.commit().unwrap();
    EventReferences::open(&mut connection).unwrap();
    let rows = |connection: &Connection| -> (i64, i64) {
        let count = "SELECT (SELECT count(*) FROM event_segments),
                            (SELECT count(*) FROM event_references)";
        connection
            .query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    connection
        .execute("DELETE FROM events WHERE number < ?1", [last])
        .unwrap();
    delete_old(&connection).unwrap();
    assert_eq!(rows(&connection).0, 1);
    connection
        .execute("DELETE FROM events WHERE number = ?1", [last])
        .unwrap();
    delete_old(&connection).unwrap();
    assert_eq!(rows(&connection), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Events, each with a visitor and a record, some of them undone, with
    /// segments written in between.
    #[test]
    fn every_event_that_is_there_is_found_whatever_was_undone(
        steps in proptest::collection::vec((0..4_u64, 0..4_u64, 0..6_u8), 1..120),
    ) {
        let folder = Folder::new();
        let mut connection = opened(&folder);
        let mut references = EventReferences::default();
        let mut expected = Vec::new();
        for (who, record, what) in steps {
            let number = 1 + i64::try_from(expected.len()).unwrap();
            let transaction = connection.transaction().unwrap();
            add(&transaction, number, who, record);
            let of = [
                Reference::visitor(seven(), visitor(who)),
                Reference::record(seven(), &format!("006{record:012}")),
            ];
            references.note_all(of.map(Some), number);
            let segment = (what == 1).then(|| references.write(&transaction).unwrap()).flatten();
            if what == 0 {
                drop(transaction);
                continue;
            }
            transaction.commit().unwrap();
            if let Some(segment) = segment {
                references.forget(segment);
            }
            expected.push((who, record));
            if what == 2 {
                references = EventReferences::open(&mut connection).unwrap();
            }
        }
        for one in 0..4 {
            let numbered = || (1_i64..).zip(&expected);
            let of_visitor: BTreeSet<_> =
                numbered().filter(|(_, (who, _))| *who == one).map(|(number, _)| number).collect();
            let by = Reference::visitor(seven(), visitor(one));
            let candidates: BTreeSet<_> =
                references.find(&connection, by).unwrap().into_iter().collect();
            prop_assert!(candidates.is_superset(&of_visitor), "{candidates:?} {of_visitor:?}");
        }
    }
}
