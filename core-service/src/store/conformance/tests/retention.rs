//! What goes because it was kept long enough, and what must stay.

use std::collections::BTreeSet;

use super::given::{
    OURS, at, bad, batch, call, call_ref, calls, enrich, enrichments, event, events, igrp, item,
    lead, quarantine, rate, rating, ratings, record, seven, visit, visitor,
};
use crate::domain::{
    LeadEnrichmentState, Perishable, QuarantineState, RejectionReason, RunResult, Settlement,
};
use crate::recording::Item;
use crate::store::{
    EnrichmentClaim, Expired, Expiry, PageRequest, Store, StoreError, TimeRange, VisitFilter,
};

/// The second of this day. Ages are in days, and far apart, because a store may
/// keep events by the month.
fn day(day: i64) -> i64 {
    day * 86_400
}

/// Lets go what is older than a day, and says how many records went.
async fn expire(store: &Store, what: Perishable, before: i64) -> u64 {
    let mut step = Expiry::new(what, at(day(before)));
    let mut gone = 0;
    loop {
        let Expired { count, next } = store.expire(step).await.unwrap();
        gone += count;
        match next {
            Some(next) => step.from = next,
            None => return gone,
        }
    }
}

/// The titles of events, in the order of the alphabet.
async fn titles(store: &Store) -> Vec<String> {
    let events = events(store, seven()).await.into_iter();
    let mut titles: Vec<_> = events.map(|event| event.title).collect();
    titles.sort();
    titles
}

/// Records more events than one step deletes, and one of another age.
async fn record_many(store: &Store, on: i64, count: usize) {
    let items = (0..count).map(|n| item(event(&format!("{on} {n}"))).keyed(&format!("{on} {n}")));
    let recorded = store.record_events(batch(day(on), items)).await.unwrap();
    assert_eq!(recorded.len(), count);
}

pub(super) async fn old_events_go_and_young_ones_stay(store: &Store) {
    record_many(store, 1, 230).await;
    // Of long ago, and told of today: it was recorded today.
    let mut late = event("late");
    late.time = crate::domain::GivenTime::new(at(1), crate::domain::TimeSource::Given);
    record(store, day(400), item(late)).await.recorded();
    record(store, day(400), item(event("young")))
        .await
        .recorded();
    assert_eq!(expire(store, Perishable::Event, 200).await, 230);
    assert_eq!(titles(store).await, ["late", "young"]);
    assert_eq!(expire(store, Perishable::Event, 200).await, 0);
}

pub(super) async fn a_round_that_breaks_off_is_gone_on_with(store: &Store) {
    record_many(store, 1, 500).await;
    record(store, day(400), item(event("young")))
        .await
        .recorded();
    let step = Expiry::new(Perishable::Event, at(day(200)));
    let first = store.expire(step).await.unwrap();
    assert!(first.next.is_some(), "{first:?}");
    // Whoever goes on begins anew, or does the same step again.
    let again = store.expire(step).await.unwrap();
    let rest = expire(store, Perishable::Event, 200).await;
    assert_eq!(first.count + again.count + rest, 500);
    assert_eq!(titles(store).await, ["young"]);
}

pub(super) async fn several_that_expire_at_once_delete_each_record_once(store: &Store) {
    record_many(store, 1, 200).await;
    for n in 0..60 {
        rate(store, day(1), item(rating(&format!("C{n}"), "Good", 1)))
            .await
            .recorded();
    }
    record(store, day(400), item(event("young")))
        .await
        .recorded();
    let rounds: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut gone = [0; 3];
                for (gone, what) in gone.iter_mut().zip([
                    Perishable::Event,
                    Perishable::IdempotencyKey,
                    Perishable::CallRating,
                ]) {
                    *gone = expire(&store, what, 200).await;
                }
                gone
            })
        })
        .collect();
    let mut gone = [0; 3];
    for round in rounds {
        let of_round = round.await.unwrap();
        gone = std::array::from_fn(|n| gone[n] + of_round[n]);
    }
    assert_eq!(gone, [200, 200, 60]);
    assert_eq!(titles(store).await, ["young"]);
}

pub(super) async fn a_key_is_remembered_as_long_as_it_is_kept(store: &Store) {
    record_many(store, 1, 130).await;
    record_many(store, 40, 3).await;
    assert_eq!(expire(store, Perishable::IdempotencyKey, 30).await, 130);
    // The record is still there, but nobody remembers its key.
    let again = item(event("1 0")).keyed("1 0");
    record(store, day(41), again).await.recorded();
    let again = item(event("40 0")).keyed("40 0");
    record(store, day(41), again).await.duplicate();
}

pub(super) async fn a_key_that_was_used_lately_stays_however_old_its_notification(store: &Store) {
    // Held for a long time, then replayed: what is recorded keeps its first
    // receipt, and its key is of today.
    let held = record(
        store,
        day(1),
        bad(RejectionReason::RecordGone).notified("k"),
    )
    .await;
    held.quarantined();
    let id = record(store, day(40), item(event("")).notified("k"))
        .await
        .recorded();
    // One that joins an old job.
    let job = enrich(store, day(1), item(lead(1)).from(OURS).keyed("old"));
    let job = job.await.recorded();
    let joined = enrich(store, day(40), item(lead(1)).from(OURS).keyed("new"));
    assert_eq!(joined.await.recorded(), job);
    assert_eq!(expire(store, Perishable::IdempotencyKey, 30).await, 1);
    let again = record(store, day(41), item(event("")).notified("k")).await;
    assert_eq!(again.duplicate(), id);
    let again = enrich(store, day(41), item(lead(1)).from(OURS).keyed("new"));
    assert_eq!(again.await.duplicate(), job);
}

pub(super) async fn the_key_of_an_expired_record_counts_as_unused(store: &Store) {
    let first = record(store, day(1), item(event("")).keyed("k")).await;
    record(store, day(400), item(event("young")))
        .await
        .recorded();
    assert_eq!(expire(store, Perishable::Event, 200).await, 1);
    let second = record(store, day(401), item(event("")).keyed("k")).await;
    assert_ne!(second.recorded(), first.recorded());
    let third = record(store, day(401), item(event("")).keyed("k")).await;
    assert_eq!(third.duplicate(), second.recorded());
    // The key is of the new record now, and young.
    assert_eq!(expire(store, Perishable::IdempotencyKey, 200).await, 0);
}

pub(super) async fn ratings_of_a_call_go_when_the_last_one_is_old(store: &Store) {
    let rated = async |on: i64, call: &str, text: &str, seconds: i64| {
        let rated = rate(store, day(on), item(rating(call, text, seconds))).await;
        rated.recorded()
    };
    // The young one is about an earlier time, so the old one is current.
    rated(1, "A", "Good", 20).await;
    rated(100, "A", "Bad", 10).await;
    rated(1, "B", "Good", 20).await;
    rated(2, "B", "Bad", 30).await;
    rated(100, "C", "Good", 20).await;
    assert_eq!(expire(store, Perishable::CallRating, 50).await, 2);
    let kept = ratings(store, seven()).await.into_iter();
    let mut kept: Vec<_> = kept
        .map(|rating| (rating.call_ref, rating.rating, rating.is_current))
        .collect();
    kept.sort();
    let of = |call: &str, text: &str, is_current| (call.to_owned(), text.to_owned(), is_current);
    assert_eq!(
        kept,
        [
            of("A", "Bad", false),
            of("A", "Good", true),
            of("C", "Good", true)
        ]
    );
    let current = store.current_rating(seven(), "B".to_owned()).await;
    assert!(current.unwrap().is_none());
    // A call that is rated anew has no history.
    rated(101, "B", "Good", 5).await;
    let anew = store.current_rating(seven(), "B".to_owned()).await.unwrap();
    assert!(!anew.unwrap().is_unchanged);
}

pub(super) async fn visits_and_calls_go_by_when_they_were(store: &Store) {
    for igrp in [7, 8, 9].map(igrp) {
        let visits = (0..120).map(|n| item(visit(visitor(n), day(1))).of(igrp));
        store.record_visits(batch(day(300), visits)).await.unwrap();
        let young = [item(visit(visitor(1), day(299))).of(igrp)];
        store.record_visits(batch(day(300), young)).await.unwrap();
        let calls = [
            item(call("old", Some(visitor(1)), day(1))).of(igrp),
            item(call("young", Some(visitor(1)), day(299))).of(igrp),
        ];
        store.record_calls(batch(day(300), calls)).await.unwrap();
    }
    assert_eq!(expire(store, Perishable::Visit, 200).await, 360);
    assert_eq!(expire(store, Perishable::Call, 200).await, 3);
    for igrp in [7, 8, 9].map(igrp) {
        let filter = VisitFilter {
            igrp,
            visitor_id: None,
            time: TimeRange::default(),
        };
        let visits = store.visits(filter, PageRequest::ALL).await.unwrap().rows;
        assert_eq!(visits.len(), 1);
        let known = store.history(
            igrp,
            Some(visitor(1)),
            Some(call_ref("young")),
            at(day(300)),
        );
        assert_eq!(known.await.unwrap().call_count, 1);
    }
    let left = calls(store, seven()).await.into_iter();
    let left: Vec<_> = left.map(|call| call.call_ref).collect();
    assert_eq!(left, ["young"]);
}

/// Opens a job for a lead on a day.
async fn open(store: &Store, on: i64, number: u32) {
    enrich(store, day(on), item(lead(number)).from(OURS))
        .await
        .recorded();
}

/// Takes up what is due and ends it.
async fn end_all(store: &Store, on: i64) {
    let now = at(day(on));
    let claim = EnrichmentClaim {
        igrp: seven(),
        owner: uuid::Uuid::from_u128(1),
        now,
        lease_until: at(day(on) + 60),
        limit: 200,
    };
    let claimed = store.claim_enrichments(claim).await.unwrap();
    let settlements = claimed.into_iter().map(|claimed| Settlement {
        lease: claimed.lease,
        result: RunResult::Succeeded([("Source__c".to_owned(), "Google".to_owned())].into()),
        attribution: None,
        warnings: Vec::new(),
    });
    let settled = store.settle_enrichments(settlements.collect(), now).await;
    assert!(settled.unwrap().iter().all(Option::is_some));
}

/// Whether it is known what was written into a lead. Opens a job for it.
async fn is_known(store: &Store, on: i64, number: u32) -> bool {
    open(store, on, number).await;
    let claim = EnrichmentClaim {
        igrp: seven(),
        owner: uuid::Uuid::from_u128(1),
        now: at(day(on)),
        lease_until: at(day(on) + 60),
        limit: 9,
    };
    let claimed = store.claim_enrichments(claim).await.unwrap();
    let record_id = lead(number).record_id;
    let of_lead = claimed
        .iter()
        .find(|claimed| claimed.enrichment.record_id == record_id.as_str());
    of_lead.unwrap().written.is_ours("Source__c", "Google")
}

pub(super) async fn enrichments_go_after_their_end_and_open_ones_never(store: &Store) {
    for number in 0..60 {
        open(store, 1, number).await;
    }
    end_all(store, 2).await;
    // It ends long after it was accepted.
    open(store, 3, 100).await;
    end_all(store, 100).await;
    open(store, 4, 101).await;
    assert_eq!(expire(store, Perishable::LeadEnrichment, 50).await, 60);
    let states = enrichments(store, seven()).await.into_iter();
    let states: Vec<_> = states.map(|job| job.state).collect();
    assert_eq!(
        states,
        [LeadEnrichmentState::Pending, LeadEnrichmentState::Succeeded]
    );
    let counts = store.enrichment_counts().await.unwrap();
    assert_eq!(counts[&LeadEnrichmentState::Succeeded], 1);
    assert_eq!(counts[&LeadEnrichmentState::Pending], 1);
}

pub(super) async fn what_is_remembered_of_a_lead_goes_with_its_last_job(store: &Store) {
    for on in [1, 100] {
        open(store, on, 1).await;
        end_all(store, on).await;
    }
    open(store, 1, 2).await;
    end_all(store, 1).await;
    assert_eq!(expire(store, Perishable::LeadEnrichment, 50).await, 2);
    assert!(is_known(store, 101, 1).await);
    assert!(!is_known(store, 102, 2).await);
}

pub(super) async fn the_quarantine_lets_go_what_is_open_or_resolved_for_long(store: &Store) {
    let hold = async |on: i64, key: &str| {
        let held: Item<_> = bad(RejectionReason::RecordGone).notified(key);
        record(store, day(on), held).await.quarantined()
    };
    let old = hold(1, "old").await;
    let again = hold(1, "again").await;
    assert_eq!(hold(100, "again").await, again);
    let resolved = hold(1, "resolved").await;
    let resolved_lately = hold(1, "lately").await;
    let young = hold(100, "young").await;
    let resolve = async |id, on: i64| {
        let state = QuarantineState::Discarded;
        let count = store
            .resolve_quarantined(vec![id], state, at(day(on)))
            .await;
        assert_eq!(count.unwrap(), Ok(1));
    };
    resolve(resolved, 2).await;
    resolve(resolved_lately, 100).await;
    let left = async || {
        let held = quarantine(store).await.into_iter();
        let ids = held.map(|held| held.quarantined_notification_id);
        ids.collect::<BTreeSet<_>>()
    };
    assert_eq!(expire(store, Perishable::OpenNotification, 50).await, 1);
    let expected = [again, resolved, resolved_lately, young];
    assert_eq!(left().await, BTreeSet::from(expected));
    assert_eq!(expire(store, Perishable::ResolvedNotification, 50).await, 1);
    assert_eq!(
        left().await,
        BTreeSet::from([again, resolved_lately, young])
    );
    assert!(store.quarantined(old).await.unwrap().is_none());
}

pub(super) async fn nothing_expires_in_an_empty_or_closed_store(store: &Store) {
    for what in Perishable::ALL {
        assert_eq!(expire(store, what, 200).await, 0);
    }
    store.close().await;
    for what in Perishable::ALL {
        let refused = store.expire(Expiry::new(what, at(day(200)))).await;
        assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    }
}
