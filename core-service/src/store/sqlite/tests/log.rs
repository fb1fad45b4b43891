use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, Transaction};

use super::super::log::LIMIT;
use super::{Folder, write};
use crate::store::Store;

/// Writes this many mebibytes, each in its own transaction.
async fn fill(store: &Store, mebibytes: u32) {
    for _ in 0..mebibytes {
        let add = |connection: &Connection| {
            connection.execute("INSERT INTO big VALUES (zeroblob(1 << 20))", [])?;
            Ok(())
        };
        write(store, add).await.unwrap();
    }
}

async fn opened() -> (Folder, Store) {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let make = |connection: &Connection| {
        connection.execute_batch("CREATE TABLE big (blob)")?;
        Ok(())
    };
    write(&store, make).await.unwrap();
    (folder, store)
}

fn size(folder: &Folder) -> u64 {
    fs::metadata(folder.path().with_extension("db-wal")).map_or(0, |log| log.len())
}

/// The size at which the log is folded by force.
fn limit() -> u64 {
    u64::from(LIMIT) * 4_096
}

/// A snapshot of what is committed, which stays in the way until it is dropped.
fn snapshot(connection: &mut Connection) -> (Transaction<'_>, i64) {
    let snapshot = connection.transaction().unwrap();
    let count = count(&snapshot);
    (snapshot, count)
}

fn count(connection: &Connection) -> i64 {
    let count = connection.query_row("SELECT count(*) FROM big", [], |row| row.get(0));
    count.unwrap()
}

#[tokio::test]
async fn the_log_stays_small_while_nobody_reads() {
    let (folder, store) = opened().await;
    fill(&store, 50).await;
    assert!(size(&folder) < 16 << 20, "{}", size(&folder));
    store.close().await;
}

#[tokio::test]
async fn readers_without_a_gap_between_them_do_not_let_the_log_grow_for_ever() {
    let (folder, store) = opened().await;
    let is_done = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (mut one, mut other) = (folder.connect(), folder.connect());
        let is_done = is_done.clone();
        move || {
            let mut held = snapshot(&mut one);
            while !is_done.load(Ordering::Relaxed) {
                let next = snapshot(&mut other);
                drop(held);
                held = snapshot(&mut one);
                drop(next);
            }
        }
    });
    fill(&store, 200).await;
    is_done.store(true, Ordering::Relaxed);
    reader.join().unwrap();
    assert!(size(&folder) < 2 * limit(), "{}", size(&folder));
    store.close().await;
}

#[tokio::test]
async fn writes_go_on_behind_a_long_reader() {
    let (folder, store) = opened().await;
    let mut reader = folder.connect();
    let (snapshot, before) = snapshot(&mut reader);
    fill(&store, 70).await;
    assert!(size(&folder) > limit());
    assert_eq!((before, count(&snapshot)), (0, 0));
    drop(snapshot);
    assert_eq!(count(&reader), 70);
    store.close().await;
}
