//! The stream of events.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sfbridge_values::{Action, Igrp};
use uuid::Uuid;

use super::given::{batch, event, igrp, item, record, seven};
use crate::domain::{Coverage, NewEvent};
use crate::store::{Store, StreamFilter, StreamLimits, StreamPage, StreamPlace, StreamStart};

const LIMITS: StreamLimits = StreamLimits {
    events: 3,
    bytes: usize::MAX,
    looked_at: 1_000,
};

fn everything() -> StreamFilter {
    StreamFilter {
        coverage: Coverage::All,
        igrp: None,
        action: None,
    }
}

/// Returns once everything that was recorded before has its place: where others
/// write to the same server, that may be a moment later.
async fn settled(store: &Store) {
    loop {
        let now = store.stream_events(StreamStart::Now, everything(), LIMITS);
        if !now.await.unwrap().unwrap().has_unsettled {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn read(store: &Store, start: StreamStart, filter: StreamFilter) -> StreamPage {
    settled(store).await;
    let page = store.stream_events(start, filter, LIMITS).await;
    page.unwrap().expect("the place is not known")
}

/// Everything from a start on, and the place that it comes to.
async fn rest(
    store: &Store,
    mut start: StreamStart,
    filter: StreamFilter,
) -> (Vec<Uuid>, StreamPlace) {
    settled(store).await;
    let mut ids = Vec::new();
    loop {
        let page = store.stream_events(start, filter.clone(), LIMITS).await;
        let page = page.unwrap().expect("the place is not known");
        ids.extend(page.events.iter().map(|(_, event)| event.event_id));
        if page.is_caught_up {
            return (ids, page.next);
        }
        start = StreamStart::After(page.next);
    }
}

async fn put(store: &Store, igrp: Igrp, action: &str) -> Uuid {
    let event = NewEvent {
        action: Action::parse(action).unwrap(),
        ..event("")
    };
    record(store, 1, item(event).of(igrp)).await.recorded()
}

pub(super) async fn a_stream_gives_each_event_once_in_the_order_of_their_commits(store: &Store) {
    let mut put_in_order = Vec::new();
    for n in 0..10 {
        put_in_order.push(put(store, igrp(7 + n % 3), "sale").await);
    }
    let (ids, end) = rest(store, StreamStart::Beginning, everything()).await;
    assert_eq!(ids, put_in_order);
    // The place after each event is one to go on from.
    let mut start = StreamStart::Beginning;
    for id in &ids {
        let page = read(store, start, everything()).await;
        let (place, event) = &page.events[0];
        assert_eq!(event.event_id, *id);
        start = StreamStart::After(*place);
    }
    let (nothing, _) = rest(store, StreamStart::After(end), everything()).await;
    assert!(nothing.is_empty(), "{nothing:?}");
    let later = put(store, seven(), "sale").await;
    let (ids, _) = rest(store, StreamStart::After(end), everything()).await;
    assert_eq!(ids, [later]);
}

pub(super) async fn nothing_is_missed_or_repeated_while_others_write(store: &Store) {
    const WRITERS: usize = 4;
    const BATCHES: usize = 30;

    let is_writing = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for n in 0..BATCHES {
                    let items = (0..=n % 5).map(|_| item(event("")));
                    let results = store.record_events(batch(1, items)).await.unwrap();
                    ids.extend(results.iter().map(|result| result.recorded()));
                }
                ids
            })
        })
        .collect();
    let reader = {
        let (store, is_writing) = (store.clone(), Arc::clone(&is_writing));
        tokio::spawn(async move {
            let (mut ids, mut start) = (Vec::new(), StreamStart::Beginning);
            loop {
                let is_last = !is_writing.load(Ordering::SeqCst);
                let (more, end) = rest(&store, start, everything()).await;
                ids.extend(more);
                start = StreamStart::After(end);
                if is_last {
                    return ids;
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let mut written = BTreeSet::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    is_writing.store(false, Ordering::SeqCst);
    let ids = reader.await.unwrap();
    assert_eq!(ids.len(), written.len());
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), written);
}

pub(super) async fn a_stream_from_now_on_gives_what_comes_after(store: &Store) {
    let now = read(store, StreamStart::Now, everything()).await;
    assert!(now.events.is_empty() && now.is_caught_up);
    put(store, seven(), "sale").await;
    let now = read(store, StreamStart::Now, everything()).await;
    assert!(now.events.is_empty() && now.is_caught_up);
    let later = put(store, seven(), "sale").await;
    let (ids, _) = rest(store, StreamStart::After(now.next), everything()).await;
    assert_eq!(ids, [later]);
}

pub(super) async fn a_stream_gives_what_is_asked_for_and_its_cursor_passes_the_rest(store: &Store) {
    let sale = put(store, seven(), "Sale").await;
    let lead = put(store, seven(), "lead").await;
    let other = put(store, igrp(8), "sale").await;
    let third = put(store, igrp(9), "lead").await;
    let only = |igrps: &[i64]| Coverage::Only(igrps.iter().copied().map(igrp).collect());
    let cases = [
        (everything(), vec![sale, lead, other, third]),
        (
            StreamFilter {
                igrp: Some(seven()),
                ..everything()
            },
            vec![sale, lead],
        ),
        (
            StreamFilter {
                action: Some("sALE".to_owned()),
                ..everything()
            },
            vec![sale, other],
        ),
        (
            StreamFilter {
                igrp: Some(seven()),
                action: Some("lead".to_owned()),
                ..everything()
            },
            vec![lead],
        ),
        (
            StreamFilter {
                coverage: only(&[7, 9]),
                ..everything()
            },
            vec![sale, lead, third],
        ),
        (
            StreamFilter {
                coverage: only(&[8]),
                ..everything()
            },
            vec![other],
        ),
        (
            StreamFilter {
                coverage: only(&[]),
                ..everything()
            },
            vec![],
        ),
    ];
    let (_, end) = rest(store, StreamStart::Beginning, everything()).await;
    for (filter, expected) in cases {
        let (ids, place) = rest(store, StreamStart::Beginning, filter.clone()).await;
        assert_eq!(ids, expected, "{filter:?}");
        // Also what was not asked for is behind whoever has caught up.
        let key = |place: StreamPlace| (place.transaction, place.number);
        assert!(key(place) >= key(end), "{filter:?}");
        // Looking at one event at a time finds the same.
        let (mut ids, mut start) = (Vec::new(), StreamStart::Beginning);
        loop {
            let limits = StreamLimits {
                looked_at: 1,
                ..LIMITS
            };
            let page = store.stream_events(start, filter.clone(), limits).await;
            let page = page.unwrap().unwrap();
            ids.extend(page.events.iter().map(|(_, event)| event.event_id));
            if page.is_caught_up {
                break;
            }
            start = StreamStart::After(page.next);
        }
        assert_eq!(ids, expected, "{filter:?}");
    }
}

pub(super) async fn a_page_of_a_stream_ends_early_at_long_events(store: &Store) {
    for _ in 0..3 {
        record(store, 1, item(event(&"x".repeat(1_000))))
            .await
            .recorded();
    }
    settled(store).await;
    let limits = StreamLimits {
        bytes: 1_800,
        ..LIMITS
    };
    let page = store.stream_events(StreamStart::Beginning, everything(), limits);
    let page = page.await.unwrap().unwrap();
    assert_eq!((page.events.len(), page.is_caught_up), (2, false));
    let start = StreamStart::After(page.next);
    assert_eq!(read(store, start, everything()).await.events.len(), 1);
}

pub(super) async fn a_deleted_event_leaves_no_gap_that_another_fills(store: &Store) {
    put(store, seven(), "sale").await;
    put(store, igrp(8), "sale").await;
    let (_, end) = rest(store, StreamStart::Beginning, everything()).await;
    // The last event goes, and then all do.
    for gone in [8, 7] {
        let deleted = store.delete_installation(igrp(gone), true).await;
        assert_eq!(deleted.unwrap(), Some(true));
        let (nothing, _) = rest(store, StreamStart::After(end), everything()).await;
        assert!(nothing.is_empty());
    }
    let next = put(store, seven(), "sale").await;
    let (ids, _) = rest(store, StreamStart::After(end), everything()).await;
    assert_eq!(ids, [next]);
}

pub(super) async fn whoever_streams_hears_of_new_events(store: &Store) {
    let mut alarm = store.event_alarm();
    assert!(!alarm.has_changed().unwrap());
    put(store, seven(), "sale").await;
    alarm.changed().await.unwrap();
}

pub(super) async fn a_place_of_another_store_is_known_for_it(store: &Store) {
    put(store, seven(), "sale").await;
    let (_, end) = rest(store, StreamStart::Beginning, everything()).await;
    let elsewhere = StreamPlace {
        life: end.life ^ 1,
        ..end
    };
    let ahead = StreamPlace {
        transaction: end.transaction + 1_000_000,
        number: end.number.saturating_add(1_000_000),
        ..end
    };
    for place in [elsewhere, ahead] {
        let page = store.stream_events(StreamStart::After(place), everything(), LIMITS);
        assert!(page.await.unwrap().is_none(), "{place:?}");
    }
}
