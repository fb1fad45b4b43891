//! Lists and their pages.
//!
//! Each list is filled with records that share values, times too, and asked
//! with every combination of its filters. What comes is compared with what a
//! plain predicate picks, and the pages together with the whole.

use std::collections::BTreeSet;

use sfbridge_values::{Action, Igrp, LongText, Timestamp};
use uuid::Uuid;

use super::given::{
    OTHERS, OURS, all_enrichments, all_events, all_ratings, at, bad, batch, call, call_ref, event,
    events, igrp, item, lead, origin, rating, record, seven, visit, visitor, whole_quarantine,
};
use super::refused::{all_refused, refusal};
use crate::domain::{
    Coverage, GivenTime, Installation, LeadEnrichmentState, QuarantineState, Refusal,
    RefusalReason, RefusedMessage, RejectionReason, TimeSource,
};
use crate::store::{
    CallFilter, CallRatingFilter, EventFilter, InstallationFilter, LeadEnrichmentFilter, Page,
    PageRequest, Position, QuarantineFilter, RefusedMessageFilter, Store, StoreError, TimeRange,
    VisitFilter,
};

/// How many records a list is filled with.
const COUNT: u32 = 48;

/// The record's number as some value from `0..modulus`.
fn of(n: u32, modulus: u32) -> u8 {
    u8::try_from(n / 2 % modulus).unwrap()
}

/// Reads a list in pages.
async fn in_pages<T>(
    size: u32,
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, StoreError>,
) -> Vec<T> {
    let mut rows = Vec::new();
    let mut after = Position::START;
    loop {
        let page = PageRequest {
            size,
            bytes: usize::MAX,
            after,
        };
        let page = list(page).await.unwrap();
        assert!(page.rows.len() <= usize::try_from(size).unwrap());
        rows.extend(page.rows);
        match page.next {
            Some(next) => after = next,
            None => return rows,
        }
    }
}

/// Compares a list, whole and in pages, with what is expected of it: ids with
/// their times, which come newest first and among equals last inserted first.
async fn check<T>(
    what: &str,
    expected: impl IntoIterator<Item = (i64, u32, Uuid)>,
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, StoreError>,
    id: impl Fn(&T) -> Uuid,
) {
    let mut expected: Vec<_> = expected.into_iter().collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let expected: Vec<_> = expected.into_iter().map(|(_, _, id)| id).collect();
    for size in [1, 5, 1_000] {
        let rows = in_pages(size, &list).await;
        let ids: Vec<_> = rows.iter().map(&id).collect();
        assert_eq!(ids, expected, "{what} in pages of {size}");
    }
}

/// No bounds, one, the other and both.
fn ranges() -> [TimeRange; 4] {
    let (start, end) = (Some(at(3)), Some(at(9)));
    [(None, None), (start, None), (None, end), (start, end)]
        .map(|(start, end)| TimeRange { start, end })
}

fn holds(range: TimeRange, time: Timestamp) -> bool {
    range.start.is_none_or(|start| time >= start) && range.end.is_none_or(|end| time < end)
}

fn passes<T: PartialEq>(filter: Option<&T>, value: Option<&T>) -> bool {
    filter.is_none_or(|filter| value == Some(filter))
}

/// The time of record `n`: each is that of some others.
fn seconds(n: u32) -> i64 {
    i64::from(n * 7 % 12)
}

pub(super) async fn every_filter_of_events_finds_what_it_says(store: &Store) {
    const ACTIONS: [&str; 3] = ["sale", "Lost", "won ÄÖ"];
    // Call 0 is visitor 9's, so its events are found by that visitor too.
    let calls = batch(1, [item(call("C0", Some(visitor(9)), 1))]);
    store.record_calls(calls).await.unwrap();
    let mut kept = Vec::new();
    for n in 0..COUNT {
        let mut event = event("");
        event.action = Action::parse(ACTIONS[usize::from(of(n, 3))]).unwrap();
        event.visitor_id = Some(visitor(of(n, 5)));
        event.call_ref = Some(call_ref(&format!("C{}", of(n, 4))));
        event.origin = Some(origin(u32::from(of(n, 6))));
        event.time = GivenTime::new(at(seconds(n)), TimeSource::Given);
        let id = record(store, 1, item(event.clone())).await.recorded();
        record(store, 1, item(event.clone()).of(igrp(8)))
            .await
            .recorded();
        kept.push((seconds(n), n, id, event));
    }
    for action in [None, Some("LOST"), Some("WON äö"), Some("nothing")] {
        for visitor_id in [None, Some(visitor(2)), Some(visitor(9))] {
            for reference in [None, Some(call_ref("C0")), Some(call_ref("C1"))] {
                for record_id in [None, Some("006000000000002"), Some("006000000000003AAA")] {
                    for time in ranges() {
                        let filter = EventFilter {
                            action: action.map(str::to_owned),
                            visitor_id,
                            call_ref: reference.clone(),
                            record_id: record_id.map(str::to_owned),
                            time,
                            ..all_events(seven())
                        };
                        let expected = kept.iter().filter(|(seconds, _, _, event)| {
                            let own = event.action.as_str().to_lowercase();
                            let record = event.origin.as_ref().unwrap().record_id.as_ref();
                            let is_of_call = event.call_ref == Some(call_ref("C0"));
                            action.is_none_or(|action| action.to_lowercase() == own)
                                && (passes(visitor_id.as_ref(), event.visitor_id.as_ref())
                                    || (visitor_id == Some(visitor(9)) && is_of_call))
                                && passes(reference.as_ref(), event.call_ref.as_ref())
                                && record_id
                                    .is_none_or(|id| record.unwrap().as_str()[..15] == id[..15])
                                && holds(time, at(*seconds))
                        });
                        let expected = expected.map(|(seconds, n, id, _)| (*seconds, *n, *id));
                        let list = async |page| store.events(filter.clone(), page).await;
                        check(&format!("{filter:?}"), expected, list, |event| {
                            event.event_id
                        })
                        .await;
                    }
                }
            }
        }
    }
}

pub(super) async fn every_filter_of_ratings_finds_what_it_says(store: &Store) {
    let mut kept = Vec::new();
    for n in 0..COUNT {
        let mut rating = rating(
            &format!("C{}", of(n, 4)),
            ["Good", "Größe"][usize::from(of(n, 2))],
            seconds(n),
        );
        rating.origin = Some(origin(u32::from(of(n, 6))));
        let id = super::given::rate(store, 1, item(rating.clone()))
            .await
            .recorded();
        super::given::rate(store, 1, item(rating.clone()).of(igrp(8)))
            .await
            .recorded();
        kept.push((seconds(n), n, id, rating));
    }
    for reference in [None, Some(call_ref("C1")), Some(call_ref("c1"))] {
        for text in [None, Some("good"), Some(" GRÖßE ")] {
            for record_id in [None, Some("006000000000002EAA")] {
                for time in ranges() {
                    let filter = CallRatingFilter {
                        call_ref: reference.clone(),
                        rating: text.map(str::to_owned),
                        record_id: record_id.map(str::to_owned),
                        time,
                        ..all_ratings(seven())
                    };
                    let expected = kept.iter().filter(|(seconds, _, _, rating)| {
                        let own = rating.rating.as_str().to_lowercase();
                        let record = rating.origin.as_ref().unwrap().record_id.as_ref();
                        passes(reference.as_ref(), Some(&rating.call_ref))
                            && text.is_none_or(|text| text.trim().to_lowercase() == own)
                            && record_id.is_none_or(|id| record.unwrap().as_str() == id)
                            && holds(time, at(*seconds))
                    });
                    let expected = expected.map(|(seconds, n, id, _)| (*seconds, *n, *id));
                    let list = async |page| store.call_ratings(filter.clone(), page).await;
                    let id = |rating: &crate::domain::CallRating| rating.call_rating_id;
                    check(&format!("{filter:?}"), expected, list, id).await;
                }
            }
        }
    }
}

pub(super) async fn every_filter_of_enrichments_finds_what_it_says(store: &Store) {
    let mut kept = Vec::new();
    for n in 0..COUNT {
        let mut lead = lead(n);
        lead.visitor_id = Some(visitor(of(n, 3)));
        lead.call_ref = Some(call_ref(&format!("C{}", of(n, 4))));
        let request = item(lead.clone()).from(OURS);
        let id = super::given::enrich(store, seconds(n), request)
            .await
            .recorded();
        kept.push((seconds(n), n, id, lead));
    }
    for state in [None, Some(LeadEnrichmentState::Pending)] {
        for visitor_id in [None, Some(visitor(2)), Some(visitor(9))] {
            for reference in [None, Some(call_ref("C1"))] {
                for record_id in [None, Some("00Q000000000004EAA"), Some("x")] {
                    for time in ranges() {
                        let filter = LeadEnrichmentFilter {
                            state,
                            visitor_id,
                            call_ref: reference.clone(),
                            record_id: record_id.map(str::to_owned),
                            time,
                            ..all_enrichments(seven())
                        };
                        let expected = kept.iter().filter(|(seconds, _, _, lead)| {
                            passes(visitor_id.as_ref(), lead.visitor_id.as_ref())
                                && passes(reference.as_ref(), lead.call_ref.as_ref())
                                && record_id.is_none_or(|id| id.starts_with(lead.record_id.key()))
                                && holds(time, at(*seconds))
                        });
                        let expected = expected.map(|(seconds, n, id, _)| (*seconds, *n, *id));
                        let list = async |page| store.lead_enrichments(filter.clone(), page).await;
                        let id = |job: &crate::domain::LeadEnrichment| job.lead_enrichment_id;
                        check(&format!("{filter:?}"), expected, list, id).await;
                    }
                }
            }
        }
    }
}

pub(super) async fn every_filter_of_visits_finds_what_it_says(store: &Store) {
    let mut kept = Vec::new();
    for n in 0..COUNT {
        let mut visit = visit(visitor(of(n, 3)), seconds(n));
        visit.landing_page_hash = i64::from(n);
        let visits = [item(visit.clone()), item(visit.clone()).of(igrp(8))];
        let results = store.record_visits(batch(1, visits)).await.unwrap();
        kept.push((seconds(n), n, results[0].recorded(), visit.visitor_id));
    }
    for visitor_id in [None, Some(visitor(2)), Some(visitor(9))] {
        for time in ranges() {
            let filter = VisitFilter {
                igrp: seven(),
                visitor_id,
                time,
            };
            let expected = kept.iter().filter(|(seconds, _, _, own)| {
                passes(visitor_id.as_ref(), Some(own)) && holds(time, at(*seconds))
            });
            let expected = expected.map(|(seconds, n, id, _)| (*seconds, *n, *id));
            let list = async |page| store.visits(filter.clone(), page).await;
            check(&format!("{filter:?}"), expected, list, |visit| {
                visit.visit_id
            })
            .await;
        }
    }
}

pub(super) async fn every_filter_of_calls_finds_what_it_says(store: &Store) {
    let mut kept = Vec::new();
    for n in 0..COUNT {
        let call = call(&n.to_string(), Some(visitor(of(n, 3))), seconds(n));
        let calls = [item(call.clone()), item(call.clone()).of(igrp(8))];
        let results = store.record_calls(batch(1, calls)).await.unwrap();
        kept.push((seconds(n), n, results[0].recorded(), call.visitor_id));
    }
    for visitor_id in [None, Some(visitor(2)), Some(visitor(9))] {
        for time in ranges() {
            let filter = CallFilter {
                igrp: seven(),
                visitor_id,
                time,
            };
            let expected = kept.iter().filter(|(seconds, _, _, own)| {
                passes(visitor_id.as_ref(), own.as_ref()) && holds(time, at(*seconds))
            });
            let expected = expected.map(|(seconds, n, id, _)| (*seconds, *n, *id));
            let list = async |page| store.calls(filter.clone(), page).await;
            check(&format!("{filter:?}"), expected, list, |call| call.call_id).await;
        }
    }
}

pub(super) async fn every_filter_of_the_quarantine_finds_what_it_says(store: &Store) {
    const REASONS: [RejectionReason; 2] = [
        RejectionReason::RecordGone,
        RejectionReason::MalformedNotification,
    ];
    let mut kept = Vec::new();
    for n in 0..COUNT {
        // Installation 0 is none.
        let of_igrp = Igrp::new(i64::from(of(n, 3))).ok();
        let reason = REASONS[usize::from(of(n, 2))];
        let mut item = bad(reason).notified(&n.to_string());
        item.igrp = of_igrp;
        item.notification.as_mut().unwrap().origin = origin(u32::from(of(n, 5)));
        let id = record(store, seconds(n), item).await.quarantined();
        let is_open = n % 4 != 0;
        if !is_open {
            let state = QuarantineState::Discarded;
            store
                .resolve_quarantined(vec![id], state, at(1))
                .await
                .unwrap()
                .unwrap();
        }
        kept.push((seconds(n), n, id, (of_igrp, reason, of(n, 5), is_open)));
    }
    let only = |igrps: &[i64]| Coverage::Only(igrps.iter().map(|id| igrp(*id)).collect());
    for coverage in [
        Coverage::All,
        only(&[1, 2]),
        only(&[2]),
        Coverage::Only(BTreeSet::new()),
    ] {
        for of_igrp in [None, Some(igrp(2))] {
            for organization in [None, Some(&OURS[..15]), Some(OTHERS)] {
                for number in [None, Some(3_u8)] {
                    for reason in [None, Some(REASONS[1])] {
                        for show_resolved in [false, true] {
                            let filter = QuarantineFilter {
                                coverage: coverage.clone(),
                                igrp: of_igrp,
                                organization_id: organization.map(str::to_owned),
                                notification_id: number.map(|n| format!("04l{n:012}")),
                                record_id: number.map(|n| format!("006{n:012}EAA")),
                                reason,
                                show_resolved,
                                ..whole_quarantine()
                            };
                            let expected = kept.iter().filter(|(_, _, _, own)| {
                                (coverage == Coverage::All
                                    || own.0.is_some_and(|igrp| coverage.covers(igrp)))
                                    && passes(of_igrp.as_ref(), own.0.as_ref())
                                    && organization != Some(OTHERS)
                                    && passes(reason.as_ref(), Some(&own.1))
                                    && passes(number.as_ref(), Some(&own.2))
                                    && (show_resolved || own.3)
                            });
                            let expected = expected.map(|(seconds, n, id, _)| (*seconds, *n, *id));
                            let list = async |page| {
                                store.quarantined_notifications(filter.clone(), page).await
                            };
                            let id = |kept: &crate::domain::QuarantinedNotification| {
                                kept.quarantined_notification_id
                            };
                            check(&format!("{filter:?}"), expected, list, id).await;
                        }
                    }
                }
            }
        }
    }
    let whole = store
        .quarantined_notifications(whole_quarantine(), PageRequest::ALL)
        .await;
    assert!(
        whole
            .unwrap()
            .rows
            .iter()
            .all(|kept| kept.fields.is_empty())
    );
}

pub(super) async fn the_quarantine_is_found_by_how_its_notifications_came(store: &Store) {
    for n in 0..2 {
        let item = bad(RejectionReason::RecordGone).notified(&n.to_string());
        record(store, seconds(n), item).await.quarantined();
    }
    let text = |text: &str| Some(text.to_owned());
    for (endpoint, object_type, query, expected) in [
        (text("events"), text("Opportunity"), text(""), 2),
        (text("leadEnrich"), None, None, 0),
        (None, text("Lead"), None, 0),
        (None, None, text("igrp=1"), 0),
    ] {
        let filter = QuarantineFilter {
            endpoint,
            object_type,
            query,
            ..whole_quarantine()
        };
        let page = store.quarantined_notifications(filter.clone(), PageRequest::ALL);
        assert_eq!(page.await.unwrap().rows.len(), expected, "{filter:?}");
    }
}

pub(super) async fn every_filter_of_refused_messages_finds_what_it_says(store: &Store) {
    const REASONS: [&str; 2] = ["INVALID_MESSAGE", "BODY_TOO_LARGE"];
    const ENDPOINTS: [&str; 3] = ["events", "callRating", "leadEnrich"];
    let organizations = [None, Some(OURS), Some(OTHERS)];
    for (id, organization) in [(1, OURS), (2, OURS), (3, OTHERS)] {
        let organization = Some(super::given::organization(organization));
        let linked = Installation::provisional(igrp(id), organization, at(1));
        assert!(store.create_installation(linked).await.unwrap());
    }
    let unlinked = Installation::provisional(igrp(4), None, at(1));
    assert!(store.create_installation(unlinked).await.unwrap());

    for n in 0..COUNT {
        let of_none = Refusal {
            endpoint: ENDPOINTS[usize::from(of(n, 3))].to_owned(),
            request_id: super::given::short(&n.to_string()),
            // Makes each a row of its own.
            parameter: super::given::short(&n.to_string()),
            ..refusal(seconds(n)).because(REASONS[usize::from(of(n, 2))])
        };
        let refusal = match organizations[usize::from(of(n, 4) % 3)] {
            Some(id) => of_none.of(id),
            None => of_none,
        };
        let noted = store.record_refused_messages(vec![refusal], at(1));
        noted.await.unwrap();
    }
    let number =
        |row: &RefusedMessage| Uuid::from_u128(row.refusal.parameter.as_str().parse().unwrap());
    let only = |igrps: &[i64]| Coverage::Only(igrps.iter().map(|id| igrp(*id)).collect());
    for (coverage, covered) in [
        (Coverage::All, &organizations[..]),
        (only(&[1, 2]), &[Some(OURS)]),
        (only(&[1, 3]), &[Some(OURS), Some(OTHERS)]),
        (only(&[4, 99]), &[]),
        (only(&[]), &[]),
    ] {
        for organization in [None, Some(&OURS[..15]), Some(OTHERS)] {
            for reason in [None, Some(REASONS[1])] {
                for endpoint in [None, Some(ENDPOINTS[2])] {
                    for time in ranges() {
                        let filter = RefusedMessageFilter {
                            coverage: coverage.clone(),
                            organization_id: organization.map(str::to_owned),
                            reason: reason.map(|name| RefusalReason::parse(name).unwrap()),
                            endpoint: endpoint.map(str::to_owned),
                            time,
                        };
                        let expected = (0..COUNT).filter(|n| {
                            let own = organizations[usize::from(of(*n, 4) % 3)];
                            let key = own.map(|id| &id[..15]);
                            covered.contains(&own)
                                && passes(organization.map(|id| &id[..15]).as_ref(), key.as_ref())
                                && passes(reason.as_ref(), Some(&REASONS[usize::from(of(*n, 2))]))
                                && passes(
                                    endpoint.as_ref(),
                                    Some(&ENDPOINTS[usize::from(of(*n, 3))]),
                                )
                                && holds(time, at(seconds(*n)))
                        });
                        let expected =
                            expected.map(|n| (seconds(n), n, Uuid::from_u128(u128::from(n))));
                        let list = async |page| store.refused_messages(filter.clone(), page).await;
                        check(&format!("{filter:?}"), expected, list, number).await;
                    }
                }
            }
        }
    }
    let all = store.refused_messages(all_refused(), PageRequest::ALL);
    assert_eq!(
        all.await.unwrap().rows.len(),
        usize::try_from(COUNT).unwrap()
    );
}

pub(super) async fn every_filter_of_installations_finds_what_it_says(store: &Store) {
    let organizations = [None, Some(OURS), Some(OTHERS)];
    for n in 0..COUNT {
        let organization = organizations[usize::from(of(n, 3))].map(super::given::organization);
        let installation =
            Installation::provisional(igrp(i64::from(n + 1)), organization, at(seconds(n)));
        assert!(store.create_installation(installation).await.unwrap());
    }
    let few = Coverage::Only([1, 5, 9, 14, 99].map(igrp).into());
    for coverage in [Coverage::All, few] {
        for organization in [None, Some(OURS)] {
            let filter = InstallationFilter {
                coverage: coverage.clone(),
                organization_id: organization.map(super::given::organization),
            };
            let expected = (0..COUNT).filter(|n| {
                let own = organizations[usize::from(of(*n, 3))];
                coverage.covers(igrp(i64::from(n + 1)))
                    && passes(organization.as_ref(), own.as_ref())
            });
            let as_id = |id: u64| Uuid::from_u64_pair(0, id);
            let expected = expected.map(|n| (seconds(n), n, as_id(u64::from(n + 1))));
            let list = async |page| store.installations(filter.clone(), page).await;
            let id = |kept: &Installation| as_id(kept.igrp.get().cast_unsigned());
            check(&format!("{filter:?}"), expected, list, id).await;
        }
    }
}

pub(super) async fn pages_are_whole_while_others_write(store: &Store) {
    let at_time = |seconds| {
        let mut event = event("");
        event.time = GivenTime::new(at(seconds), TimeSource::Given);
        item(event)
    };
    let items = (0..100).map(|n| at_time(n % 10));
    let results = store.record_events(batch(1, items)).await.unwrap();
    let before: BTreeSet<_> = results.iter().map(super::ItemResult::recorded).collect();
    let list = async |page: PageRequest| {
        // Newer, older and of the same times.
        let items = (-2..12).map(at_time);
        store.record_events(batch(1, items)).await?;
        store.events(all_events(seven()), page).await
    };
    let mut seen = BTreeSet::new();
    for event in in_pages(9, list).await.iter().take(10_000) {
        assert!(
            seen.insert(event.event_id),
            "{} is there twice",
            event.event_id
        );
    }
    assert!(before.is_subset(&seen));
    assert!(events(store, seven()).await.len() > before.len());
}

pub(super) async fn a_page_of_long_rows_ends_early(store: &Store) {
    for _ in 0..5 {
        let mut long = event("");
        long.title = LongText::cut("x".repeat(4_000)).0;
        record(store, 1, item(long)).await.recorded();
    }
    let page = PageRequest {
        size: 100,
        bytes: 6_000,
        after: Position::START,
    };
    let page = store.events(all_events(seven()), page).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    let rest = PageRequest {
        after: page.next.unwrap(),
        ..PageRequest::ALL
    };
    let rest = store.events(all_events(seven()), rest).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (3, None));
}
