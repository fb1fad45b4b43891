//! How statements find their rows.
//!
//! Everything that the store does is done once, on one connection, and each
//! statement that was run is asked for its plan. None may read through a table
//! of records.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use uuid::Uuid;

use super::super::alarm::Alarm;
use super::super::event_references::EventReferences;
use super::super::signals::Signals;
use super::super::{
    calls, event_stream, events, expiry, file, histories, installations, lead_enrichments,
    quarantine, ratings, recording, refused_messages, visits,
};
use super::Folder;
use crate::domain::{
    Awaited, Coverage, Perishable, PlannedPush, QuarantineState, RejectionReason, RunResult,
    Settlement,
};
use crate::recording::{Item, Request};
use crate::store::conformance::given::{
    OURS, all_enrichments, all_events, all_ratings, at, bad, batch, call, call_ref, event, igrp,
    item, lead, rating, seven, visit, visitor, whole_quarantine,
};
use crate::store::conformance::refused::{all_refused, refusal};
use crate::store::{
    CallFilter, CallRatingFilter, EnrichmentClaim, EventFilter, Expiry, LeadEnrichmentFilter,
    PageRequest, QuarantineFilter, RefusedMessageFilter, StreamFilter, StreamLimits, StreamPlace,
    StreamStart, TimeRange, VisitFilter,
};

/// The tables that grow without end.
const RECORDS: [&str; 9] = [
    "events",
    "event_references",
    "call_ratings",
    "lead_enrichments",
    "visits",
    "calls",
    "quarantined_notifications",
    "idempotency_keys",
    "known_leads",
];

const PAGE: PageRequest = PageRequest {
    size: 50,
    bytes: usize::MAX,
    after: crate::store::Position::START,
};

fn time() -> TimeRange {
    TimeRange {
        start: Some(at(1)),
        end: Some(at(9)),
    }
}

/// Runs something on a new database and returns the statements that it ran,
/// with their values.
fn statements(run: impl FnOnce(&Connection)) -> (Folder, Connection, BTreeSet<String>) {
    let folder = Folder::new();
    let mut connection = file::open_for_writing(&folder.path()).unwrap();
    file::migrate(&mut connection).unwrap();
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let note = {
        let seen = seen.clone();
        move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(statement, _) = event {
                seen.lock().unwrap().extend(statement.expanded_sql());
            }
        }
    };
    connection
        .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note))
        .unwrap();
    run(&connection);
    connection
        .trace_v2(TraceEventCodes::empty(), None::<fn(TraceEvent<'_>)>)
        .unwrap();
    let seen = seen.lock().unwrap().clone();
    (folder, connection, seen)
}

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explained = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .unwrap();
    let lines = explained.query_map([], |row| row.get("detail")).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

/// Every list with every filter alone, and the lookups.
fn read_everything(connection: &Connection) {
    let references = EventReferences::default();
    let events = |filter| drop(events::list(connection, &references, filter, PAGE).unwrap());
    let all = || EventFilter {
        time: time(),
        ..all_events(seven())
    };
    events(all());
    events(EventFilter {
        action: Some("sale".to_owned()),
        ..all()
    });
    events(EventFilter {
        visitor_id: Some(visitor(1)),
        ..all()
    });
    events(EventFilter {
        call_ref: Some(call_ref("C")),
        ..all()
    });
    events(EventFilter {
        record_id: Some("006".to_owned()),
        ..all()
    });

    let ratings = |filter| drop(ratings::list(connection, filter, PAGE).unwrap());
    let all = || CallRatingFilter {
        time: time(),
        ..all_ratings(seven())
    };
    ratings(all());
    ratings(CallRatingFilter {
        call_ref: Some(call_ref("C")),
        ..all()
    });
    ratings(CallRatingFilter {
        rating: Some("Good".to_owned()),
        ..all()
    });
    ratings(CallRatingFilter {
        record_id: Some("006".to_owned()),
        ..all()
    });

    let leads = |filter| drop(lead_enrichments::list(connection, filter, PAGE).unwrap());
    let all = || LeadEnrichmentFilter {
        time: time(),
        ..all_enrichments(seven())
    };
    leads(all());
    leads(LeadEnrichmentFilter {
        visitor_id: Some(visitor(1)),
        ..all()
    });
    leads(LeadEnrichmentFilter {
        call_ref: Some(call_ref("C")),
        ..all()
    });
    leads(LeadEnrichmentFilter {
        record_id: Some("00Q".to_owned()),
        ..all()
    });
    let state = Some(crate::domain::LeadEnrichmentState::Pending);
    leads(LeadEnrichmentFilter { state, ..all() });

    read_the_rest(connection);
}

fn read_the_rest(connection: &Connection) {
    for visitor_id in [None, Some(visitor(1))] {
        let (igrp, time) = (seven(), time());
        let filter = VisitFilter {
            igrp,
            visitor_id,
            time,
        };
        visits::list(connection, &filter, PAGE).unwrap();
        let filter = CallFilter {
            igrp,
            visitor_id,
            time,
        };
        calls::list(connection, &filter, PAGE).unwrap();
    }

    for show_resolved in [false, true] {
        let list = |filter| drop(quarantine::list(connection, filter, PAGE).unwrap());
        let all = || QuarantineFilter {
            show_resolved,
            ..whole_quarantine()
        };
        let some = || Some("04l".to_owned());
        list(all());
        list(QuarantineFilter {
            igrp: Some(seven()),
            ..all()
        });
        list(QuarantineFilter {
            organization_id: some(),
            ..all()
        });
        list(QuarantineFilter {
            notification_id: some(),
            ..all()
        });
        list(QuarantineFilter {
            record_id: some(),
            ..all()
        });
        list(QuarantineFilter {
            reason: Some(RejectionReason::RecordGone),
            endpoint: some(),
            object_type: some(),
            query: some(),
            ..all()
        });
        let coverage = Coverage::Only([seven(), igrp(8)].into());
        list(QuarantineFilter { coverage, ..all() });
    }

    let refused = |filter| drop(refused_messages::list(connection, filter, PAGE).unwrap());
    refused(all_refused());
    refused(RefusedMessageFilter {
        organization_id: Some(OURS.to_owned()),
        ..all_refused()
    });
    let coverage = Coverage::Only([seven(), igrp(8)].into());
    refused(RefusedMessageFilter {
        coverage,
        ..all_refused()
    });

    stream(connection);
    events::find(connection, Uuid::nil()).unwrap();
    ratings::current(connection, seven(), "C").unwrap();
    ratings::find(connection, Uuid::nil()).unwrap();
    lead_enrichments::find(connection, Uuid::nil()).unwrap();
    lead_enrichments::due(connection, at(1)).unwrap();
    lead_enrichments::counts(connection).unwrap();
    calls::find(connection, seven(), "C").unwrap();
    quarantine::find(connection, Uuid::nil()).unwrap();
}

/// The stream of events, from each start and by each filter.
fn stream(connection: &Connection) {
    let limits = StreamLimits {
        events: 9,
        bytes: usize::MAX,
        looked_at: 9,
    };
    let read = |start, coverage, igrp| {
        let filter = StreamFilter {
            coverage,
            igrp,
            action: Some("sale".to_owned()),
        };
        event_stream::after(connection, start, &filter, limits).unwrap()
    };
    let now = read(StreamStart::Now, Coverage::All, None).unwrap().next;
    let elsewhere = StreamPlace {
        life: now.life ^ 1,
        ..now
    };
    for start in [StreamStart::Beginning, StreamStart::After(elsewhere)] {
        read(start, Coverage::All, None);
        read(start, Coverage::All, Some(seven()));
        read(start, Coverage::Only([seven(), igrp(8)].into()), None);
    }
}

/// Everything that is written, first and again.
fn write_everything(connection: &Connection) {
    let signals = Signals::default();
    let alarm = &signals.jobs;
    let record = |request| {
        recording::record(connection, vec![request], &signals)
            .unwrap()
            .concat()
    };
    for round in 0..2 {
        let named = |name: &str| format!("{name} {round}");
        let good = item(event(&named("event"))).notified("e");
        let bad = || -> Item<_> { bad(RejectionReason::InvalidDecimal).notified("bad") };
        let results = record(Request::from(batch(1, [good, bad(), bad()])));
        let held = results[1].quarantined();
        let replay = bad().replaying("replay", held);
        record(Request::from(batch(1, [replay])));
        let rated = item(rating("C", &named("rating"), 1)).notified("r");
        record(Request::from(batch(1, [rated])));
        let mut request = lead(1);
        request.visitor_id = Some(visitor(round));
        let request = || item(request.clone()).from(OURS);
        let requests = [request().notified("l"), request()];
        record(Request::from(batch(1, requests)));
        let visited = batch(1, [item(visit(visitor(round), 1))]);
        visits::record(connection, visited, alarm).unwrap();
        calls::record(
            connection,
            batch(1, [item(call("C", Some(visitor(round)), 1))]),
            alarm,
        )
        .unwrap();
        work_on_everything(connection, alarm);
        refused_messages::record(connection, &[refusal(1)], at(1)).unwrap();
        record(Request::from(batch(1, [bad_notified()])));
        let state = QuarantineState::Discarded;
        quarantine::resolve(connection, &[held], state, at(2))
            .unwrap()
            .unwrap();
    }
    expire_everything(connection);
    installations::delete(connection, seven(), false).unwrap();
    installations::delete(connection, seven(), true).unwrap();
}

/// Has one job wait for its visitor, then for a connection, then end.
fn work_on_everything(connection: &Connection, alarm: &Alarm) {
    let claim = || {
        let claim = EnrichmentClaim {
            igrp: seven(),
            owner: Uuid::nil(),
            now: at(1),
            lease_until: at(9),
            limit: 9,
        };
        let mut claimed = lead_enrichments::claim(connection, &claim, 9).unwrap();
        claimed.enrichments.remove(0).lease
    };
    let settle = |lease, result| {
        let settlement = Settlement {
            lease,
            result,
            attribution: None,
            warnings: Vec::new(),
        };
        let settled = lead_enrichments::settle(connection, vec![settlement], at(1), alarm);
        settled.unwrap()[0].unwrap()
    };
    let mut request = lead(2);
    request.call_ref = Some(call_ref("W"));
    request.visitor_id = Some(visitor(7));
    let requests = vec![Request::from(batch(1, [item(request).from(OURS)]))];
    let results = recording::record(connection, requests, &Signals::default());
    let id = results.unwrap()[0][0].recorded();
    let history = histories::find(connection, seven(), Some(visitor(7)), None, at(1)).unwrap();
    settle(claim(), RunResult::NothingKnown(Awaited::from(&history)));
    let visitor_id = visitor(7);
    lead_enrichments::wake_by_visitor(connection, seven(), visitor_id, at(1), alarm).unwrap();
    lead_enrichments::wake_by_call(connection, seven(), &call_ref("W"), at(1), alarm).unwrap();
    settle(claim(), RunResult::NoConnection(String::new()));
    assert!(lead_enrichments::has_leases(connection).unwrap());
    lead_enrichments::end_leases(connection, at(1), alarm).unwrap();
    lead_enrichments::release(connection, seven(), at(1), alarm).unwrap();
    let lease = claim();
    let push = PlannedPush {
        lease,
        fields: [("Source__c".to_owned(), "Google".to_owned())].into(),
        attribution: None,
    };
    lead_enrichments::begin_push(connection, vec![push.clone()], at(9), at(1)).unwrap();
    settle(lease, RunResult::Succeeded(push.fields));
    lead_enrichments::retry(connection, id, at(1), alarm).unwrap();
    lead_enrichments::cancel(connection, id, at(1)).unwrap();
}

/// Lets go what is older than a year that is still to come.
fn expire_everything(connection: &Connection) {
    for what in Perishable::ALL {
        let mut step = Expiry::new(what, at(4_000_000_000));
        loop {
            let found = expiry::find(connection, &step).unwrap();
            expiry::delete(connection, &step, &found.old).unwrap();
            match found.next {
                Some(next) => step.from = next,
                None => break,
            }
        }
    }
}

#[test]
fn what_is_old_is_found_without_sorting_anything() {
    let (_folder, connection, seen) = statements(|connection| {
        write_everything(connection);
    });
    let expected = [
        ("event_id < x'", "sqlite_autoindex_events_1"),
        ("is_open = 0 AND update_time <", "lead_enrichments_ended"),
        ("state = 1 AND last_receive_time <", "quarantined_open"),
        ("resolve_time <", "quarantined_resolved"),
        ("key_digest > x'", "PRIMARY KEY"),
        ("call_rating_id < x'", "sqlite_autoindex_call_ratings_1"),
        ("visit_time <", "visits_by_time"),
        ("start_time <", "calls_by_time"),
    ];
    for (words, index) in expected {
        let is_limited =
            |statement: &String| statement.contains("LIMIT 50") || statement.contains("LIMIT 1000");
        let of_these = |statement: &&String| statement.contains(words) && is_limited(statement);
        let found: Vec<_> = seen.iter().filter(of_these).collect();
        assert!(!found.is_empty(), "{words}");
        for statement in found {
            let plan = plan(&connection, statement).join("\n");
            assert!(plan.contains(index), "{plan}:\n{statement}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}:\n{statement}");
        }
    }
}

fn bad_notified() -> Item<std::convert::Infallible> {
    bad(RejectionReason::RecordGone).notified("gone")
}

#[test]
fn no_statement_reads_through_a_table_of_records() {
    let (_folder, connection, seen) = statements(|connection| {
        write_everything(connection);
        read_everything(connection);
    });
    assert!(seen.len() > 60, "{}", seen.len());
    for statement in &seen {
        for line in plan(&connection, statement) {
            let scanned = line.strip_prefix("SCAN ");
            let scanned = scanned.and_then(|rest| rest.split(' ').next());
            let is_scan = scanned.is_some_and(|table| RECORDS.contains(&table));
            assert!(!is_scan, "{line}:\n{statement}");
        }
    }
}

#[test]
fn a_list_of_one_visitor_call_or_record_does_not_walk_its_installation() {
    let (_folder, connection, seen) = statements(read_everything);
    let identities = [
        "visitor_id = x'",
        "call_ref = 'C'",
        "record_key = '",
        "notification_key = '",
    ];
    let of_one = |statement: &&String| identities.iter().any(|one| statement.contains(one));
    let lists: Vec<_> = seen.iter().filter(of_one).collect();
    assert!(lists.len() > 12, "{}", lists.len());
    for statement in lists {
        for line in plan(&connection, statement) {
            assert!(!line.contains("_by_time"), "{line}:\n{statement}");
        }
    }
}

#[test]
fn a_stream_is_read_in_its_order_from_its_place_on() {
    let (_folder, connection, seen) = statements(|connection| {
        let deal = batch(1, [item(event("Deal"))]);
        let requests = vec![Request::from(deal)];
        recording::record(connection, requests, &Signals::default()).unwrap();
        stream(connection);
    });
    let expected = [
        (
            "SELECT number, igrp, action_folded FROM events\n             WHERE number >",
            "INTEGER PRIMARY KEY (rowid>",
        ),
        (
            "SELECT number, igrp, action_folded FROM events\n             WHERE igrp =",
            "events_in_order (igrp=? AND number>",
        ),
        ("WHERE events.number = ", "INTEGER PRIMARY KEY (rowid="),
    ];
    for (words, way) in expected {
        let found = seen.iter().find(|statement| statement.contains(words));
        let statement = found.expect(words);
        let plan = plan(&connection, statement).join("\n");
        assert!(plan.contains(way), "{plan}:\n{statement}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}:\n{statement}");
    }
}

#[test]
fn work_is_found_by_what_it_waits_for() {
    let (_folder, connection, seen) = statements(|connection| {
        write_everything(connection);
        read_everything(connection);
    });
    let expected = [
        ("due_time <= 1000000 ORDER BY", "lead_enrichments_due"),
        ("WITH RECURSIVE lanes", "lead_enrichments_due"),
        (
            "awaited_visitor_id = x'",
            "lead_enrichments_awaiting_visitor",
        ),
        (
            "AND call_ref = 'W' AND state = 3",
            "lead_enrichments_awaiting_call",
        ),
        ("lease_owner IS NOT NULL", "lead_enrichments_leased"),
        ("AND state = 2", "lead_enrichments_by_state"),
        ("AND state = 1", "lead_enrichments_by_state"),
    ];
    for (words, index) in expected {
        let of_these = |statement: &&String| {
            statement.contains("lead_enrichments") && statement.contains(words)
        };
        let found: Vec<_> = seen.iter().filter(of_these).collect();
        assert!(!found.is_empty(), "{words}");
        for statement in found {
            let plan = plan(&connection, statement).join("\n");
            assert!(plan.contains(index), "{plan}:\n{statement}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}:\n{statement}");
        }
    }
}
