//! How statements find their rows.
//!
//! Everything that the store does is done over one connection, with some
//! thousand records there. Then the database is asked for the plan of each
//! statement that it has prepared meanwhile, whatever the values. None may read
//! through a table of records.

use std::collections::BTreeMap;

use serde_json::Value;
use sfbridge_values::{SalesforceId, VisitorId};
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use crate::domain::{
    Awaited, Coverage, Installation, Notification, PlannedPush, QuarantineState, RejectionReason,
    RunResult, Settlement,
};
use crate::recording::Item;
use crate::store::conformance::given::{
    OURS, all_enrichments, all_events, all_ratings, at, bad, batch, call, call_ref, event, igrp,
    item, lead, notification, origin, rating, seven, short, visit, visitor, whole_quarantine,
};
use crate::store::conformance::metrics;
use crate::store::conformance::refused::{all_refused, refusal};
use crate::store::{
    CallFilter, CallRatingFilter, EnrichmentClaim, EventFilter, LeadEnrichmentFilter, PageRequest,
    QuarantineFilter, RefusedMessageFilter, Store, StoreConfig, TimeRange, VisitFilter,
};

/// The tables that grow without end.
const RECORDS: [&str; 8] = [
    "events",
    "call_ratings",
    "lead_enrichments",
    "visits",
    "calls",
    "quarantined_notifications",
    "idempotency_keys",
    "known_leads",
];

/// So many records of each kind, each of a visitor, a call and a Salesforce
/// record of its own.
const MANY: u32 = 3_000;

const PAGE: PageRequest = PageRequest {
    size: 50,
    bytes: usize::MAX,
    after: crate::store::Position::START,
};

/// A store over one connection.
struct OneConnection {
    store: Store,
    _kept_in: test_postgres::Database,
}

impl OneConnection {
    async fn open() -> Self {
        let database = test_postgres::Database::create();
        let StoreConfig::Postgres(mut config) = database.url().parse().unwrap() else {
            panic!("it is not on PostgreSQL");
        };
        config.connections = 1;
        let config = StoreConfig::Postgres(config);
        let (store, _) = Store::open(&config, metrics()).await.unwrap();
        Self {
            store,
            _kept_in: database,
        }
    }

    /// The statements that were prepared, and how the database would go about
    /// them under these settings.
    async fn plans(&self, settings: &str) -> BTreeMap<String, Value> {
        let Store::Postgres(store) = &self.store else {
            panic!("it is not on PostgreSQL");
        };
        let client = store.database.client().await.unwrap();
        client
            .batch_execute(&format!(
                "ANALYZE; DISCARD PLANS; SET plan_cache_mode = force_generic_plan; {settings}"
            ))
            .await
            .unwrap();
        let prepared = client
            .query(
                "SELECT name, statement, cardinality(parameter_types) AS count
                 FROM pg_prepared_statements
                 WHERE statement ~* '^\\s*\\(?(SELECT|INSERT|UPDATE|DELETE|WITH)'
                     AND statement !~ 'pg_prepared_statements'",
                &[],
            )
            .await
            .unwrap();
        let mut plans = BTreeMap::new();
        for row in prepared {
            let (name, statement): (String, String) = (row.get(0), row.get(1));
            let values = vec!["NULL"; usize::try_from(row.get::<_, i32>(2)).unwrap()];
            let values = match values.join(", ") {
                values if values.is_empty() => values,
                values => format!("({values})"),
            };
            let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE {name}{values}");
            let lines = client.simple_query(&explain).await.unwrap();
            let text: String = lines
                .iter()
                .filter_map(|line| match line {
                    SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                })
                .collect();
            plans.insert(statement, serde_json::from_str(&text).unwrap());
        }
        plans
    }
}

/// All nodes of a plan.
fn nodes(plan: &Value) -> Vec<&Value> {
    match plan {
        Value::Array(some) => some.iter().flat_map(nodes).collect(),
        Value::Object(fields) => {
            let below = fields.values().flat_map(nodes);
            let itself = fields.contains_key("Node Type").then_some(plan);
            itself.into_iter().chain(below).collect()
        }
        _ => Vec::new(),
    }
}

fn text<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The table of records that a node reads through from end to end.
fn read_through(node: &Value) -> Option<&'static str> {
    let relation = text(node, "Relation Name");
    let table = RECORDS
        .into_iter()
        // A partition has its table's name and more.
        .find(|table| relation == *table || relation.starts_with(&format!("{table}_")))?;
    let is_walk = match text(node, "Node Type") {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" => node.get("Index Cond").is_none(),
        _ => false,
    };
    // Some indexes have those rows alone that are looked for.
    let has_few = [
        "lead_enrichments_due",
        "lead_enrichments_leased",
        "lead_enrichments_awaiting_visitor",
        "lead_enrichments_awaiting_call",
    ];
    let is_of_few = has_few.contains(&text(node, "Index Name"));
    (is_walk && !is_of_few).then_some(table)
}

/// An index by which a whole installation is walked in the order of time.
fn walks_installation(node: &Value) -> bool {
    let index = text(node, "Index Name");
    // A partition's index is named after its columns.
    index.contains("_by_time") || index.ends_with("_igrp_event_time_number_idx")
}

/// Many records of each kind, then some of them again and changed.
async fn write_everything(store: &Store) {
    let numbered = |n: u32| VisitorId::from_bytes(u128::from(n).to_be_bytes());
    let of_number = |n: u32| Notification {
        origin: origin(n),
        ..notification()
    };
    let key = |noun: &str, n: u32| format!("{noun} {n}");
    let noted = |item: Item<_>, n: u32| {
        let mut item = item.from(OURS).notified(&key("event", n));
        item.notification = Some(of_number(n));
        item
    };
    for (round, count) in [(0, MANY), (1, 2)] {
        let events = (0..count).map(|n| {
            let mut new = event(&key("title", round));
            new.visitor_id = Some(numbered(n));
            new.call_ref = Some(call_ref(&key("C", n)));
            new.origin = Some(origin(n));
            noted(item(new), n)
        });
        let events: Vec<_> = events.collect();
        store.record_events(batch(1, events)).await.unwrap();
        // Two of them leave the quarantine.
        let first = MANY + 2 * round;
        let rejected = (first..first + count)
            .map(|n| noted(bad(RejectionReason::InvalidDecimal), n))
            .collect::<Vec<_>>();
        let results = store.record_events(batch(1, rejected)).await.unwrap();
        let held = results[0].quarantined();
        let replay = item(event("")).replaying(&key("event", first), held);
        store.record_events(batch(1, [replay])).await.unwrap();
        let gone = bad(RejectionReason::RecordGone).notified("gone");
        store.quarantine(batch(1, [gone])).await.unwrap();
        let ids = vec![results[1].quarantined()];
        let resolved = store.resolve_quarantined(ids, QuarantineState::Discarded, at(2));
        resolved.await.unwrap().unwrap();

        let ratings = (0..count).map(|n| {
            let mut new = rating(&key("C", n), &key("rating", round), 1);
            new.origin = Some(origin(n));
            item(new).notified(&key("rating", n))
        });
        let ratings: Vec<_> = ratings.collect();
        store.rate_calls(batch(1, ratings)).await.unwrap();
        let leads = (0..count).map(|n| {
            let mut new = lead(n);
            new.visitor_id = Some(numbered(n + round));
            new.call_ref = Some(call_ref(&key("C", n)));
            new.record_id = SalesforceId::parse(&format!("00Q{n:012}")).unwrap();
            item(new).from(OURS).notified(&key("lead", n))
        });
        let leads: Vec<_> = leads.collect();
        store.enrich_leads(batch(1, leads)).await.unwrap();
        let visits = (0..count).map(|n| {
            let mut new = visit(numbered(n), 1);
            new.campaign = sfbridge_values::LongText::cut(key("campaign", round)).0;
            item(new)
        });
        let visits: Vec<_> = visits.collect();
        store.record_visits(batch(1, visits)).await.unwrap();
        let calls = (0..count).map(|n| {
            let mut new = call(&key("C", n), Some(numbered(n)), 1);
            new.state = short(&key("state", round));
            item(new)
        });
        let calls: Vec<_> = calls.collect();
        store.record_calls(batch(1, calls)).await.unwrap();
        store
            .record_refused_messages(vec![refusal(1)], at(1))
            .await
            .unwrap();
    }
}

fn time() -> TimeRange {
    TimeRange {
        start: Some(at(1)),
        end: Some(at(9)),
    }
}

/// Every list with every filter alone, and the lookups.
async fn read_everything(store: &Store) {
    let events = || EventFilter {
        time: time(),
        ..all_events(seven())
    };
    let filters = [
        events(),
        EventFilter {
            action: Some("sale".to_owned()),
            ..events()
        },
        EventFilter {
            visitor_id: Some(visitor(1)),
            ..events()
        },
        EventFilter {
            call_ref: Some(call_ref("C")),
            ..events()
        },
        EventFilter {
            record_id: Some("006".to_owned()),
            ..events()
        },
    ];
    for filter in filters {
        store.events(filter, PAGE).await.unwrap();
    }

    let ratings = || CallRatingFilter {
        time: time(),
        ..all_ratings(seven())
    };
    let filters = [
        ratings(),
        CallRatingFilter {
            call_ref: Some(call_ref("C")),
            ..ratings()
        },
        CallRatingFilter {
            rating: Some("Good".to_owned()),
            ..ratings()
        },
        CallRatingFilter {
            record_id: Some("006".to_owned()),
            ..ratings()
        },
    ];
    for filter in filters {
        store.call_ratings(filter, PAGE).await.unwrap();
    }

    let leads = || LeadEnrichmentFilter {
        time: time(),
        ..all_enrichments(seven())
    };
    let filters = [
        leads(),
        LeadEnrichmentFilter {
            visitor_id: Some(visitor(1)),
            ..leads()
        },
        LeadEnrichmentFilter {
            call_ref: Some(call_ref("C")),
            ..leads()
        },
        LeadEnrichmentFilter {
            record_id: Some("00Q".to_owned()),
            ..leads()
        },
        LeadEnrichmentFilter {
            state: Some(crate::domain::LeadEnrichmentState::Pending),
            ..leads()
        },
    ];
    for filter in filters {
        store.lead_enrichments(filter, PAGE).await.unwrap();
    }
    read_the_rest(store).await;
}

async fn read_the_rest(store: &Store) {
    for visitor_id in [None, Some(visitor(1))] {
        let (igrp, time) = (seven(), time());
        let filter = VisitFilter {
            igrp,
            visitor_id,
            time,
        };
        store.visits(filter, PAGE).await.unwrap();
        let filter = CallFilter {
            igrp,
            visitor_id,
            time,
        };
        store.calls(filter, PAGE).await.unwrap();
    }
    for show_resolved in [false, true] {
        for filter in quarantine_filters(show_resolved) {
            store.quarantined_notifications(filter, PAGE).await.unwrap();
        }
    }
    let filters = [
        all_refused(),
        RefusedMessageFilter {
            organization_id: Some(OURS.to_owned()),
            ..all_refused()
        },
        RefusedMessageFilter {
            coverage: Coverage::Only([seven(), igrp(8)].into()),
            ..all_refused()
        },
    ];
    for filter in filters {
        store.refused_messages(filter, PAGE).await.unwrap();
    }
    store.event(Uuid::nil()).await.unwrap();
    let c = || "C".to_owned();
    store.current_rating(seven(), c()).await.unwrap();
    store.lead_enrichment(Uuid::nil()).await.unwrap();
    store.call(seven(), c()).await.unwrap();
    store.quarantined(Uuid::nil()).await.unwrap();
    let (who, which) = (Some(visitor(1)), Some(call_ref("C 1")));
    store.history(seven(), who, which, at(9)).await.unwrap();
}

fn quarantine_filters(show_resolved: bool) -> Vec<QuarantineFilter> {
    let all = || QuarantineFilter {
        show_resolved,
        ..whole_quarantine()
    };
    let some = || Some("04l".to_owned());
    vec![
        all(),
        QuarantineFilter {
            igrp: Some(seven()),
            ..all()
        },
        QuarantineFilter {
            organization_id: some(),
            ..all()
        },
        QuarantineFilter {
            notification_id: some(),
            ..all()
        },
        QuarantineFilter {
            record_id: some(),
            ..all()
        },
        QuarantineFilter {
            reason: Some(RejectionReason::RecordGone),
            endpoint: some(),
            object_type: some(),
            query: some(),
            ..all()
        },
        QuarantineFilter {
            coverage: Coverage::Only([seven(), igrp(8)].into()),
            ..all()
        },
    ]
}

/// Has some jobs wait, for data and for a connection, go on, and end.
async fn work_on_everything(store: &Store) {
    store.due_enrichments(at(1)).await.unwrap();
    store.enrichment_counts().await.unwrap();
    let claim = EnrichmentClaim {
        igrp: seven(),
        owner: Uuid::nil(),
        now: at(1),
        lease_until: at(9),
        // So that as much is remembered of Leads.
        limit: usize::try_from(MANY).unwrap(),
    };
    let claimed = store.claim_enrichments(claim).await.unwrap();
    let [first, second, third, ..] = &claimed[..] else {
        panic!("three are due");
    };
    let settle = |lease, result| Settlement {
        lease,
        result,
        attribution: None,
        warnings: Vec::new(),
    };
    let history = store.history(seven(), Some(visitor(9)), None, at(1));
    let nothing = RunResult::NothingKnown(Awaited::from(&history.await.unwrap()));
    let push = PlannedPush {
        lease: third.lease,
        fields: [("Source__c".to_owned(), "Google".to_owned())].into(),
        attribution: None,
    };
    let fields = push.fields.clone();
    let begun = store.begin_push(vec![push], at(9), at(1)).await.unwrap();
    assert_eq!(begun, [true]);
    let settlements = vec![
        settle(first.lease, nothing),
        settle(second.lease, RunResult::NoConnection(String::new())),
        settle(third.lease, RunResult::Succeeded(fields)),
    ];
    store.settle_enrichments(settlements, at(1)).await.unwrap();
    store
        .release_connection_waits(seven(), at(1))
        .await
        .unwrap();
    let ended = third.enrichment.lead_enrichment_id;
    store
        .retry_enrichment(ended, at(1))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    store
        .cancel_enrichment(ended, at(1))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_through_a_table_of_records() {
    let one = OneConnection::open().await;
    write_everything(&one.store).await;
    read_everything(&one.store).await;
    work_on_everything(&one.store).await;
    let empty = Installation::provisional(igrp(8), None, at(1));
    assert!(one.store.create_installation(empty).await.unwrap());
    let deleted = one.store.delete_installation(igrp(8), false).await;
    assert_eq!(deleted.unwrap(), Some(true));
    // What can be found by an index is, then, however few rows there are.
    let plans = one.plans("SET enable_seqscan = off").await;
    assert!(plans.len() > 60, "{}", plans.len());
    let reading_through: Vec<String> = plans
        .iter()
        .flat_map(|(statement, plan)| {
            let through = nodes(plan).into_iter().filter_map(read_through);
            through.map(move |table| format!("{table}:\n{statement}"))
        })
        .collect();
    assert!(reading_through.is_empty(), "{}", reading_through.join("\n"));
    one.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_one_visitor_call_or_record_does_not_walk_its_installation() {
    let one = OneConnection::open().await;
    write_everything(&one.store).await;
    read_everything(&one.store).await;
    let plans = one.plans("SET enable_seqscan = on").await;
    let identities = [
        "visitor_id = $",
        "call_ref = $",
        "record_key = $",
        "notification_key = $",
    ];
    let is_of_one = |statement: &str| {
        statement.contains(" LIMIT $") && identities.iter().any(|one| statement.contains(one))
    };
    let lists: Vec<_> = plans
        .iter()
        .filter(|(statement, _)| is_of_one(statement))
        .collect();
    assert!(lists.len() >= 14, "{}", lists.len());
    let walking: Vec<String> = lists
        .into_iter()
        .filter(|(_, plan)| {
            let mut nodes = nodes(plan).into_iter();
            nodes.any(|node| walks_installation(node) || read_through(node).is_some())
        })
        .map(|(statement, plan)| format!("{statement}\n{plan:#}"))
        .collect();
    assert!(walking.is_empty(), "{}", walking.join("\n"));
    one.store.close().await;
}
