//! Parts of the work on a message, alone and in this process.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use core_service::recording::ItemResult;
use core_service::store::Store;
use core_service::{StoreConfig, StoreMetrics};
use sfbridge_bench::message::{Kind, Requests};
use sfbridge_bench::reading::{Reader, tokens};
use sfbridge_bench::{recording, shape};
use sfbridge_values::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::load::Load;
use crate::round::Round;

/// Opens a SQLite store as a core would.
pub(super) async fn open_store(file: &Path) -> anyhow::Result<Store> {
    let config = StoreConfig::Sqlite {
        path: file.to_owned(),
    };
    Ok(Store::open(&config, StoreMetrics::default()).await?.0)
}

/// Has callers record batches that are as large as the load's messages, each the
/// next one as soon as the last one is durable. Numbers count batches.
pub(super) async fn store(
    store: &Store,
    load: Load,
    time: Duration,
    next: &Arc<AtomicU64>,
) -> anyhow::Result<Round> {
    #[expect(
        clippy::disallowed_methods,
        reason = "events are received when they are measured"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Timestamp::from_micros(i64::try_from(now.as_micros())?);
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..load.connections {
        let (store, next) = (store.clone(), Arc::clone(next));
        callers.spawn(async move {
            let mut round = Round::default();
            while start.elapsed() < time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let notification = number * u64::from(load.notifications);
                let batch =
                    recording::batch(shape::FIRST_IGRP, notification, load.notifications, now)?;
                let start = Instant::now();
                let results = store.record_events(batch).await?;
                let time = start.elapsed();
                let all = results
                    .iter()
                    .all(|result| matches!(result, ItemResult::Recorded(_)));
                ensure!(all, "an event is not recorded: {results:?}");
                round.acknowledge(number, time);
            }
            anyhow::Ok(round)
        });
    }
    let mut all = Round::default();
    while let Some(caller) = callers.join_next().await {
        all.add(caller??);
    }
    Ok(all.end(start.elapsed()))
}

/// Appends 4 KiB to a file and makes that durable, again and again.
pub(super) async fn disk(folder: &Path, time: Duration) -> anyhow::Result<Round> {
    let file = folder.join("appended");
    again_and_again(time, move || {
        let mut file = File::options().create(true).append(true).open(&file)?;
        Ok(move || {
            file.write_all(&[b'x'; 4_096])?;
            file.sync_data()?;
            Ok(())
        })
    })
    .await
}

/// Reads a body and makes the core's request of it, again and again.
pub(super) async fn reader(load: Load, time: Duration) -> anyhow::Result<Round> {
    again_and_again(time, move || {
        let (reader, body) = (Reader::new()?, body(load)?);
        Ok(move || {
            std::hint::black_box(reader.encode(std::hint::black_box(&body))?);
            Ok(())
        })
    })
    .await
}

/// Has quick-xml take a body apart, again and again.
pub(super) async fn bare_tokens(load: Load, time: Duration) -> anyhow::Result<Round> {
    again_and_again(time, move || {
        let body = body(load)?;
        Ok(move || {
            std::hint::black_box(tokens(std::hint::black_box(&body))?);
            Ok(())
        })
    })
    .await
}

/// A body of as many notifications as the load has.
fn body(load: Load) -> anyhow::Result<String> {
    let gateway = ([127, 0, 0, 1], 8080).into();
    let organization = shape::organization(shape::FIRST_IGRP);
    let mut requests = Requests::new(
        gateway,
        Kind::Full,
        shape::FIRST_IGRP,
        &organization,
        load.notifications,
    );
    String::from_utf8(requests.body(1).to_vec()).context("a body is UTF-8")
}

/// Does something on a thread of its own for a while.
async fn again_and_again<Work>(
    time: Duration,
    begin: impl FnOnce() -> anyhow::Result<Work> + Send + 'static,
) -> anyhow::Result<Round>
where
    Work: FnMut() -> anyhow::Result<()>,
{
    tokio::task::spawn_blocking(move || {
        let mut work = begin()?;
        let mut round = Round::default();
        let start = Instant::now();
        while start.elapsed() < time {
            let start = Instant::now();
            work()?;
            round.times.push(start.elapsed());
        }
        Ok(round.end(start.elapsed()))
    })
    .await?
}
