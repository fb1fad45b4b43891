//! The history of call ratings.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::given::{
    all_ratings, at, batch, call, call_ref, decimal, item, rate, rating, ratings, seven,
};
use crate::domain::{CallRating, NewCallRating};
use crate::store::{CallRatingFilter, PageRequest, Store};

/// The ratings of a call from the oldest on: text, whether current, whether
/// unchanged.
async fn history(store: &Store, call: &str) -> Vec<(String, bool, bool)> {
    let filter = CallRatingFilter {
        call_ref: Some(call_ref(call)),
        ..all_ratings(seven())
    };
    let page = store.call_ratings(filter, PageRequest::ALL).await.unwrap();
    let mut rows = page.rows;
    rows.sort_by_key(|rating| rating.rating_time);
    let say = |rating: CallRating| (rating.rating, rating.is_current, rating.is_unchanged);
    rows.into_iter().map(say).collect()
}

fn expected(history: &[(&str, bool, bool)]) -> Vec<(String, bool, bool)> {
    let own = |(text, is_current, is_unchanged): &(&str, bool, bool)| {
        ((*text).to_owned(), *is_current, *is_unchanged)
    };
    history.iter().map(own).collect()
}

pub(super) async fn the_current_rating_is_the_latest_by_rating_time(store: &Store) {
    for (text, seconds) in [("B", 20), ("A", 10), ("C", 30), ("b", 25)] {
        rate(store, 1, item(rating("C", text, seconds)))
            .await
            .recorded();
    }
    let current = store.current_rating(seven(), "C".to_owned()).await.unwrap();
    assert_eq!(current.unwrap().rating, "C");
    let history = history(store, "C").await;
    let all = [
        ("A", false, false),
        ("B", false, false),
        ("b", false, false),
        ("C", true, false),
    ];
    assert_eq!(history, expected(&all));
}

pub(super) async fn among_equal_times_the_later_received_is_current(store: &Store) {
    rate(store, 1, item(rating("C", "A", 10))).await.recorded();
    rate(store, 2, item(rating("C", "B", 10))).await.recorded();
    let current = store.current_rating(seven(), "C".to_owned()).await.unwrap();
    assert_eq!(current.unwrap().rating, "B");
    // In one batch, the later in its order is the later received.
    let items = [item(rating("D", "A", 10)), item(rating("D", "B", 10))];
    store.rate_calls(batch(1, items)).await.unwrap();
    let current = store.current_rating(seven(), "D".to_owned()).await.unwrap();
    assert_eq!(current.unwrap().rating, "B");
}

pub(super) async fn the_same_rating_again_is_unchanged(store: &Store) {
    let valued = |seconds, value| NewCallRating {
        transaction_value: Some(decimal(value)),
        ..rating("C", "A", seconds)
    };
    rate(store, 1, item(rating("C", "A", 10))).await;
    rate(store, 1, item(rating("C", "A", 20))).await;
    rate(store, 1, item(valued(30, "5"))).await;
    rate(store, 1, item(valued(40, "5"))).await;
    rate(store, 1, item(valued(50, "6"))).await;
    let unchanged: Vec<_> = history(store, "C")
        .await
        .into_iter()
        .map(|row| row.2)
        .collect();
    assert_eq!(unchanged, [false, true, false, true, false]);
}

pub(super) async fn a_late_older_rating_changes_what_its_neighbours_say(store: &Store) {
    rate(store, 1, item(rating("C", "A", 10))).await;
    rate(store, 1, item(rating("C", "A", 30))).await;
    let before = history(store, "C").await;
    assert_eq!(before, expected(&[("A", false, false), ("A", true, true)]));
    rate(store, 1, item(rating("C", "B", 20))).await;
    let after = history(store, "C").await;
    let all = [("A", false, false), ("B", false, false), ("A", true, false)];
    assert_eq!(after, expected(&all));
}

pub(super) async fn a_rating_of_an_unknown_call_is_tied_when_the_call_arrives(store: &Store) {
    rate(store, 1, item(rating("C", "A", 10))).await.recorded();
    assert!(!ratings(store, seven()).await[0].is_call_known);
    store
        .record_calls(batch(2, [item(call("C", None, 1))]))
        .await
        .unwrap();
    assert!(ratings(store, seven()).await[0].is_call_known);
}

/// What a slow and obvious model says of ratings of one call with distinct
/// times: sort, then look at each and the one before it.
fn model(kept: &BTreeMap<usize, (i64, u8)>) -> Vec<(String, bool, bool)> {
    let mut sorted: Vec<_> = kept.values().copied().collect();
    sorted.sort_unstable();
    let texts: Vec<_> = sorted.iter().map(|(_, text)| text.to_string()).collect();
    texts
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let is_unchanged = n > 0 && texts[n - 1] == *text;
            (text.clone(), n + 1 == texts.len(), is_unchanged)
        })
        .collect()
}

/// Runs a property whose cases each have a call of their own.
fn check_property<S: Strategy>(
    strategy: S,
    test: impl Fn(String, S::Value) -> Result<(), TestCaseError>,
) {
    let number = std::cell::Cell::new(0);
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&strategy, |value| {
        number.set(number.get() + 1);
        test(format!("C-{}", number.get()), value)
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn deliver(store: &Store, call: &str, batches: &[Vec<(usize, i64, u8)>]) {
    for deliveries in batches {
        let items = deliveries.iter().map(|(key, seconds, text)| {
            item(rating(call, &text.to_string(), *seconds)).keyed(&format!("{call} {key}"))
        });
        let written = Handle::current().block_on(store.rate_calls(batch(1, items)));
        written.unwrap();
    }
}

pub(super) async fn any_order_and_any_duplication_leave_the_same_state(store: &Store) {
    // Which of the ratings are delivered in which batch, with repeats.
    let deliveries = prop::collection::vec(0_u8..3, 1..8).prop_flat_map(|texts| {
        let count = texts.len();
        let order = prop::collection::vec(prop::collection::vec(0..count, 1..4), 0..6);
        let all_once = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        (Just(texts), order, all_once)
    });
    tokio::task::block_in_place(|| {
        check_property(deliveries, |call, (texts, mut order, all_once)| {
            order.push(all_once);
            let seconds = |n: usize| i64::try_from(n).unwrap() * 10;
            let batches: Vec<Vec<_>> = order
                .iter()
                .map(|batch| batch.iter().map(|n| (*n, seconds(*n), texts[*n])).collect())
                .collect();
            deliver(store, &call, &batches);
            let all = texts.iter().enumerate();
            let kept = all.map(|(n, text)| (n, (seconds(n), *text))).collect();
            let history = Handle::current().block_on(history(store, &call));
            prop_assert_eq!(history, model(&kept));
            Ok(())
        });
    });
}

pub(super) async fn replacements_leave_what_a_slow_model_says(store: &Store) {
    // Each key may come with several contents. Times are distinct by key.
    let deliveries = prop::collection::vec((0_usize..5, 0_i64..4, 0_u8..2), 1..20);
    tokio::task::block_in_place(|| {
        check_property(deliveries, |call, deliveries| {
            let batches: Vec<Vec<_>> = deliveries
                .chunks(3)
                .map(|chunk| {
                    let distinct = |(key, time, text): &(usize, i64, u8)| {
                        (*key, time * 10 + i64::try_from(*key).unwrap(), *text)
                    };
                    chunk.iter().map(distinct).collect()
                })
                .collect();
            deliver(store, &call, &batches);
            let mut kept = BTreeMap::new();
            for (key, seconds, text) in batches.into_iter().flatten() {
                kept.insert(key, (seconds, text));
            }
            let history = Handle::current().block_on(history(store, &call));
            prop_assert_eq!(history, model(&kept));
            Ok(())
        });
    });
    assert!(
        ratings(store, seven())
            .await
            .iter()
            .all(|kept| kept.receive_time == at(1))
    );
}
