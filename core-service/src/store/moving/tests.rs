//! Moves from a file into a database and back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use uuid::Uuid;

use super::{MoveError, MoveProgress, move_to_postgres};
use crate::domain::{Coverage, RejectionReason};
use crate::recording::Item;
use crate::store::conformance::given::{
    OURS, bad, batch, call, event, events, item, lead, rate, rating, record, seven, visit, visitor,
};
use crate::store::conformance::metrics;
use crate::store::conformance::refused::refusal;
use crate::store::{
    PostgresConfig, Store, StoreConfig, StoreError, StreamFilter, StreamLimits, StreamPlace,
    StreamStart, back_up_postgres, restore_postgres,
};

/// A folder for a database file, and a database.
struct Stores {
    folder: tempfile::TempDir,
    database: test_postgres::Database,
}

impl Stores {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: test_postgres::Database::create(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("core.db")
    }

    async fn open_file(&self) -> Store {
        let config = StoreConfig::Sqlite { path: self.file() };
        Store::open(&config, metrics()).await.unwrap().0
    }

    fn config(&self) -> PostgresConfig {
        match self.database.url().parse().unwrap() {
            StoreConfig::Postgres(config) => *config,
            StoreConfig::Sqlite { .. } => panic!("no database"),
        }
    }

    async fn open_database(&self) -> Result<Store, StoreError> {
        let config = StoreConfig::Postgres(Box::new(self.config()));
        Ok(Store::open(&config, metrics()).await?.0)
    }

    async fn run(&self) -> Result<Vec<super::MovedTable>, MoveError> {
        move_to_postgres(&self.file(), &self.config(), &mut |_| {}).await
    }

    /// A number that the database answers with.
    fn ask(&self, sql: &str) -> i64 {
        self.database.psql(sql).parse().unwrap()
    }
}

/// Something in every table.
async fn fill(store: &Store) {
    let items = (0..50).map(|n| item(event(&format!("Deal {n}"))).keyed(&n.to_string()));
    store.record_events(batch(1, items)).await.unwrap();
    let unread: Item<_> = bad(RejectionReason::InvalidDecimal).notified("bad");
    record(store, 1, unread).await.quarantined();
    for (n, text) in ["Cold", "Warm", "Warm"].into_iter().enumerate() {
        let rated = rating("C", text, i64::try_from(n).unwrap());
        rate(store, 1, item(rated).keyed(&format!("r{n}")))
            .await
            .recorded();
    }
    let called = batch(1, [item(call("C", Some(visitor(1)), 1))]);
    store.record_calls(called).await.unwrap();
    let visits = (0..20).map(|n| item(visit(visitor(n), 1)));
    store.record_visits(batch(1, visits)).await.unwrap();
    let leads = (0..5).map(|n| item(lead(n)).from(OURS));
    store.enrich_leads(batch(1, leads)).await.unwrap();
    let refused = store.record_refused_messages(vec![refusal(1)], crate::clock::now());
    refused.await.unwrap();
}

fn everything() -> StreamFilter {
    StreamFilter {
        coverage: Coverage::All,
        igrp: None,
        action: None,
    }
}

/// The ids of all events from a place on, and the place that they come to.
async fn stream(store: &Store, mut start: StreamStart) -> Option<(Vec<Uuid>, StreamPlace)> {
    let limits = StreamLimits {
        events: 1_000,
        bytes: usize::MAX,
        looked_at: 1_000,
    };
    let mut ids = Vec::new();
    loop {
        let page = store.stream_events(start, everything(), limits).await;
        let page = page.unwrap()?;
        ids.extend(page.events.iter().map(|(_, event)| event.event_id));
        if page.is_caught_up && !page.has_unsettled {
            return Some((ids, page.next));
        }
        start = StreamStart::After(page.next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_store_holds_everything_and_cursors_stay_good() {
    let stores = Stores::new();
    let source = stores.open_file().await;
    fill(&source).await;
    let (before, _) = stream(&source, StreamStart::Beginning).await.unwrap();
    let limits = StreamLimits {
        events: 20,
        bytes: usize::MAX,
        looked_at: 1_000,
    };
    let start = StreamStart::Beginning;
    let page = source.stream_events(start, everything(), limits).await;
    let place = page.unwrap().unwrap().next;
    source.close().await;

    let moved = stores.run().await.unwrap();
    for table in &moved {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count = stores.ask(&sql);
        assert_eq!(u64::try_from(count).unwrap(), table.rows, "{table:?}");
    }
    let rows = |name| moved.iter().find(|table| table.name == name).unwrap().rows;
    assert_eq!((rows("events"), rows("call_ratings")), (50, 3));
    assert_eq!(
        (rows("visits"), rows("calls"), rows("lead_enrichments")),
        (20, 1, 5)
    );
    assert_eq!(rows("quarantined_notifications"), 1);

    let target = stores.open_database().await.unwrap();
    let (after, _) = stream(&target, StreamStart::After(place)).await.unwrap();
    assert_eq!(after, before[20..]);
    // It knows what it has seen before, and numbers go on.
    let again = record(&target, 2, item(event("Deal 0")).keyed("0")).await;
    again.duplicate();
    let next = record(&target, 2, item(event("next"))).await.recorded();
    let (after, _) = stream(&target, StreamStart::After(place)).await.unwrap();
    assert_eq!(after.last(), Some(&next));
    assert_eq!(stores.ask("SELECT max(number) FROM events"), 51);
    target.close().await;
    let refused = stores.run().await;
    assert!(matches!(refused, Err(MoveError::InUse)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_changed_and_deleted_while_it_is_moved_is_moved_too() {
    let stores = Stores::new();
    let source = stores.open_file().await;
    fill(&source).await;
    let stop = Arc::new(Notify::new());
    let is_stopped = Arc::new(AtomicBool::new(false));
    let core = {
        let (stop, is_stopped) = (Arc::clone(&stop), Arc::clone(&is_stopped));
        tokio::spawn(async move {
            let mut count = 0_i64;
            while !is_stopped.load(Ordering::SeqCst) {
                let item = item(event(&count.to_string()));
                record(&source, 2, item).await.recorded();
                // Changes one that was moved perhaps.
                let changed = item_again(count);
                record(&source, 2, changed).await.duplicate();
                let rated = rating("C", &format!("Rating {count}"), count % 7);
                rate(
                    &source,
                    2,
                    crate::store::conformance::given::item(rated).keyed("r0"),
                )
                .await;
                let other = crate::store::conformance::given::igrp(8);
                let theirs = crate::store::conformance::given::item(event("theirs")).of(other);
                record(&source, 2, theirs).await.recorded();
                source.delete_installation(other, true).await.unwrap();
                count += 1;
            }
            stop.notified().await;
            source.close().await;
        })
    };
    let mut told = {
        let (stop, is_stopped) = (Arc::clone(&stop), Arc::clone(&is_stopped));
        move |news| {
            if news == MoveProgress::StopTheCore {
                is_stopped.store(true, Ordering::SeqCst);
                stop.notify_one();
            }
        }
    };
    let moved = move_to_postgres(&stores.file(), &stores.config(), &mut told).await;
    core.await.unwrap();
    let moved = moved.unwrap();
    assert!(is_stopped.load(Ordering::SeqCst));
    // The same again finds nothing to do.
    let again = stores.run().await.unwrap();
    for (table, again) in moved.iter().zip(&again) {
        assert_eq!((again.copied, again.removed), (0, 0), "{again:?}");
        assert_eq!((table.rows, &table.checksum), (again.rows, &again.checksum));
    }
    let source = stores.open_file().await;
    let kept = events(&source, seven()).await.len();
    source.close().await;
    assert_eq!(
        usize::try_from(stores.ask("SELECT count(*) FROM events")).unwrap(),
        kept
    );
}

/// One of the events that [`fill`] has recorded, with other content.
fn item_again(count: i64) -> Item<crate::domain::NewEvent> {
    item(event(&format!("other {count}"))).keyed(&(count % 50).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_was_interrupted_goes_on_and_no_core_runs_on_half_of_it() {
    let stores = Stores::new();
    let source = stores.open_file().await;
    fill(&source).await;
    source.close().await;
    // Ended in the middle, as by a kill.
    let interrupted = Arc::new(Notify::new());
    let notify = Arc::clone(&interrupted);
    let mut told = move |news| {
        if matches!(
            news,
            MoveProgress::Rows {
                table: "visits",
                ..
            }
        ) {
            notify.notify_one();
        }
    };
    let (file, config) = (stores.file(), stores.config());
    tokio::select! {
        biased;
        () = interrupted.notified() => {}
        _ = move_to_postgres(&file, &config, &mut told) => panic!("it was not interrupted"),
    }
    let refused = stores.open_database().await;
    assert!(
        matches!(refused, Err(StoreError::HalfMoved { .. })),
        "{refused:?}"
    );

    let source = stores.open_file().await;
    record(&source, 3, item(event("later"))).await.recorded();
    source.close().await;
    let moved = stores.run().await.unwrap();
    let events = moved.iter().find(|table| table.name == "events").unwrap();
    assert_eq!((events.rows, events.copied), (51, 1));
    stores.open_database().await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_moved_over_other_data_or_under_a_core() {
    let stores = Stores::new();
    let source = stores.open_file().await;
    fill(&source).await;
    source.close().await;
    let target = stores.open_database().await.unwrap();
    record(&target, 1, item(event("theirs"))).await.recorded();
    let refused = stores.run().await;
    assert!(
        matches!(refused, Err(MoveError::CoresRun(_))),
        "{refused:?}"
    );
    target.close().await;
    // Their connections end a little later.
    while stores.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sfbridge' AND datname = current_database()") > 0 {}
    let refused = stores.run().await;
    assert!(matches!(refused, Err(MoveError::OtherData)), "{refused:?}");
    assert_eq!(stores.ask("SELECT count(*) FROM events"), 1);
    let nowhere = stores.folder.path().join("nowhere.db");
    let refused = move_to_postgres(&nowhere, &stores.config(), &mut |_| {}).await;
    assert!(
        matches!(refused, Err(MoveError::NoSource(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_database_comes_back_into_either_kind_of_store() {
    let stores = Stores::new();
    let source = stores.open_file().await;
    fill(&source).await;
    source.close().await;
    stores.run().await.unwrap();
    let database = stores.open_database().await.unwrap();
    record(&database, 2, item(event("here"))).await.recorded();
    let (all, _) = stream(&database, StreamStart::Beginning).await.unwrap();
    let copy = stores.folder.path().join("copy.db");
    let size = back_up_postgres(&stores.config(), &copy, &mut |_| {}).await;
    assert!(size.unwrap() > 0);
    let lost = record(&database, 3, item(event("after the backup"))).await;
    let lost = lost.recorded();
    let (_, lost_place) = stream(&database, StreamStart::Beginning).await.unwrap();
    database.close().await;
    let there = back_up_postgres(&stores.config(), &copy, &mut |_| {}).await;
    assert!(there.is_err());

    // As an embedded store, whose ratings stand as they did.
    let elsewhere = Stores::new();
    crate::store::restore(&copy, &elsewhere.file(), false).unwrap();
    let embedded = elsewhere.open_file().await;
    let (found, _) = stream(&embedded, StreamStart::Beginning).await.unwrap();
    let sorted = |mut ids: Vec<Uuid>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(found), sorted(all.clone()));
    let current = embedded.current_rating(seven(), "C".to_owned()).await;
    let current = current.unwrap().unwrap();
    assert!(current.is_unchanged, "{current:?}");
    assert_eq!(current.rating, "Warm");
    record(&embedded, 4, item(event("new"))).await.recorded();
    embedded.close().await;

    // Into another database, and over one that holds something.
    for (stores, replace) in [(&elsewhere, false), (&stores, true)] {
        while stores.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sfbridge' AND datname = current_database()") > 0 {}
        if replace {
            let refused = restore_postgres(&copy, &stores.config(), false, &mut |_| {}).await;
            assert!(matches!(refused, Err(MoveError::OtherData)), "{refused:?}");
        }
        let restored = restore_postgres(&copy, &stores.config(), replace, &mut |_| {}).await;
        restored.unwrap();
        let restored = stores.open_database().await.unwrap();
        let (found, _) = stream(&restored, StreamStart::Beginning).await.unwrap();
        assert!(!found.contains(&lost));
        assert_eq!(sorted(found), sorted(all.clone()));
        let page = stream(&restored, StreamStart::After(lost_place)).await;
        assert!(page.is_none(), "{page:?}");
        record(&restored, 5, item(event("new"))).await.recorded();
        restored.close().await;
    }
}
