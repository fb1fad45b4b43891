//! What it costs the core's store on SQLite to record events durably: batches of
//! one and of a hundred, from one caller and from many whose batches share
//! commits.
//!
//! `cargo bench -p sfbridge-bench --bench recording`; `TMPDIR` says on which
//! disk.

#![expect(
    clippy::panic,
    reason = "a benchmark that can not be set up has nobody to tell but its log"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use core_service::store::Store;
use core_service::{StoreConfig, StoreMetrics};
use divan::Bencher;
use divan::counter::ItemsCount;
use sfbridge_bench::{recording, shape};
use sfbridge_values::Timestamp;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

fn main() {
    divan::main();
}

/// Events in a batch, and callers.
const LOADS: [(u32, u64); 4] = [(1, 1), (1, 64), (100, 1), (100, 16)];

/// Each caller records a batch, and all wait for all.
#[divan::bench(args = LOADS, sample_count = 50, sample_size = 1)]
fn record(bencher: Bencher<'_, '_>, (events, callers): (u32, u64)) {
    let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let config = StoreConfig::Sqlite {
        path: folder.path().join("sfbridge.db"),
    };
    let opened = runtime.block_on(Store::open(&config, StoreMetrics::default()));
    let (store, _) = opened.unwrap_or_else(|error| panic!("{error}"));
    let next = Arc::new(AtomicU64::new(1_000_000_000));
    bencher
        .counter(ItemsCount::new(u64::from(events) * callers))
        .bench_local(|| {
            runtime.block_on(async {
                let mut under_way = JoinSet::new();
                for _ in 0..callers {
                    let first = next.fetch_add(events.into(), Ordering::Relaxed);
                    under_way.spawn(record_batch(store.clone(), first, events));
                }
                while let Some(done) = under_way.join_next().await {
                    done.unwrap_or_else(|error| panic!("{error}"));
                }
            });
        });
    runtime.block_on(store.close());
}

async fn record_batch(store: Store, first: u64, events: u32) {
    let now = Timestamp::from_micros(1_795_861_230_000_000);
    let batch = recording::batch(shape::FIRST_IGRP, first, events, now);
    let batch = batch.unwrap_or_else(|error| panic!("{error}"));
    let recorded = store.record_events(batch).await;
    recorded.unwrap_or_else(|error| panic!("{error}"));
}
