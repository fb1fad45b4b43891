//! Visits and calls.

use sfbridge_values::LongText;

use super::given::{at, batch, call, calls, igrp, item, seven, visit, visitor};
use crate::store::{PageRequest, Store, TimeRange, VisitFilter};

pub(super) async fn a_visit_is_known_by_visitor_time_and_landing_page(store: &Store) {
    let first = || visit(visitor(1), 1);
    let mut changed = first();
    changed.campaign = LongText::cut("Spring".to_owned()).0;
    let mut elsewhere = first();
    elsewhere.landing_page_hash = 1;
    let items = [
        item(first()),
        item(first()),
        item(changed),
        item(elsewhere),
        item(visit(visitor(1), 2)),
        item(visit(visitor(2), 1)),
        item(first()).of(igrp(8)),
    ];
    let results = store.record_visits(batch(5, items)).await.unwrap();
    let id = results[0].recorded();
    assert_eq!(results[1].duplicate(), id);
    assert_eq!(results[2].recorded(), id);
    for other in &results[3..] {
        assert_ne!(other.recorded(), id);
    }
    let filter = VisitFilter {
        igrp: seven(),
        visitor_id: None,
        time: TimeRange::default(),
    };
    let kept = store.visits(filter, PageRequest::ALL).await.unwrap().rows;
    assert_eq!(kept.len(), 4);
    let kept = kept.iter().find(|visit| visit.visit_id == id).unwrap();
    assert_eq!(
        (kept.campaign.as_str(), kept.receive_time),
        ("Spring", at(5))
    );
}

pub(super) async fn a_call_is_known_by_its_reference(store: &Store) {
    let items = [
        item(call("C", None, 1)),
        item(call("C", None, 1)),
        item(call("C", Some(visitor(1)), 2)),
        item(call("c", None, 1)),
        item(call("C", None, 1)).of(igrp(8)),
    ];
    let results = store.record_calls(batch(5, items)).await.unwrap();
    let id = results[0].recorded();
    assert_eq!(results[1].duplicate(), id);
    assert_eq!(results[2].recorded(), id);
    assert_ne!(results[3].recorded(), id);
    assert_ne!(results[4].recorded(), id);
    assert_eq!(calls(store, seven()).await.len(), 2);
    let kept = store.call(seven(), "C".to_owned()).await.unwrap().unwrap();
    assert_eq!(
        (kept.visitor_id, kept.start_time),
        (Some(visitor(1)), at(2))
    );
}
