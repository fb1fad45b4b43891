//! Copies of the store, and their way back.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;
use sfbridge_proto::v1 as pb;
use test_postgres::Database;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{
    CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start, run, until,
    without_settings,
};

async fn record(up: &Server, number: u32) {
    let notification = Notification::opportunity(number).field("IGRP__c", "41");
    let request = Request::post(EVENTS, Message::new().with(&notification).xml());
    request.send(up.gateway()).await.assert_acknowledged();
}

async fn count(up: &Server) -> usize {
    let events = up.run("events list --igrp 41 --json").await.json();
    events["events"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_backup_of_a_running_store_comes_back() {
    let mut up = Start::new(Role::Up).on_lasting_ports().start().await;
    record(&up, 1).await;
    record(&up, 2).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    let file = backup.to_str().unwrap();
    let backed_up = up.run(&format!("backup {file}")).await;
    assert!(backed_up.ok().contains("checked"), "{backed_up:?}");
    let again = up.run(&format!("backup {file}")).await;
    assert!(again.failed(1).contains(file), "{again:?}");
    record(&up, 3).await;
    assert_eq!(count(&up).await, 3);

    // Not while a core runs, and not over a store without a word.
    let running = up.run(&format!("restore {file} --force")).await;
    assert!(running.failed(1).contains("stop it first"), "{running:?}");
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(0));
    let there = up.run(&format!("restore {file}")).await;
    assert!(there.failed(1).contains("--force"), "{there:?}");
    up.run(&format!("restore {file} --force")).await.ok();
    up.restart().await;
    assert_eq!(count(&up).await, 2);
    record(&up, 3).await;
    assert_eq!(count(&up).await, 3);

    // Into a new place, where a core takes it up.
    let other = folder.path().join("other");
    let data = other.to_str().unwrap();
    run(["restore", file, "--data-dir", data]).await.ok();
    let other = Start::new(Role::Up).data(&other).start().await;
    assert_eq!(count(&other).await, 2);
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a database").unwrap();
    let file = file.to_str().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let refused = run(["restore", file, "--data-dir", data]).await;
    assert!(refused.failed(1).contains(file), "{refused:?}");
    let missing = run(["restore", "/nonexistent.db", "--data-dir", data]).await;
    assert!(missing.failed(1).contains("/nonexistent.db"), "{missing:?}");
    let nothing = run(["backup", "/nonexistent/backup.db", "--data-dir", data]).await;
    nothing.failed(1);
}

#[tokio::test]
async fn a_store_is_migrated_before_its_core_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let migrate = ["migrate", "--data-dir", data.to_str().unwrap(), "--json"];
    let first = run(migrate).await.json();
    assert_eq!(first["from"], 0);
    let second = run(migrate).await.json();
    assert_eq!(second["from"], first["to"]);
    assert_eq!(second["to"], first["to"]);
    let up = Start::new(Role::Up).data(&data).start().await;
    assert_eq!(count(&up).await, 0);
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_read_the_data() {
    let folder = tempfile::tempdir().unwrap();
    // A data directory that was there keeps its permissions.
    let up = Start::new(Role::Up).data(folder.path()).start().await;
    record(&up, 1).await;
    let backup = folder.path().join("backup.db");
    up.run(&format!("backup {}", backup.display())).await.ok();
    let other = folder.path().join("restored.db");
    let store = format!("sqlite://{}", other.display());
    run(["restore", backup.to_str().unwrap(), "--store", &store])
        .await
        .ok();
    for path in [
        up.data_dir().join("sfbridge.db"),
        up.data_dir().join("sfbridge.db-wal"),
        backup,
        other,
    ] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

#[tokio::test]
async fn a_store_is_moved_to_postgresql_with_a_stop_at_the_end() {
    let mut up = Start::new(Role::Up).start().await;
    for number in 1..=5 {
        record(&up, number).await;
    }
    let database = Database::create();
    let from = format!("sqlite://{}", up.data_dir().join("sfbridge.db").display());
    let url = database.url();
    let mut moving = start_moving(&from, &url);
    // The core runs until it is asked for its stop.
    let mut told = BufReader::new(moving.stderr.take().unwrap()).lines();
    let line = told.next_line().await.unwrap().unwrap();
    assert!(line.starts_with("Stop the core now"), "{line}");
    record(&up, 6).await;
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(0));
    let tables = moved(moving).await;
    let events = tables.iter().find(|(table, ..)| table == "events");
    assert_eq!(events.unwrap().1, 6);
    assert_eq!(database.psql("SELECT count(*) FROM events"), "6");

    let there = run(["migrate", "--from", &from, "--to", &from]).await;
    assert!(there.failed(1).contains("postgres://"), "{there:?}");
    run(["migrate", "--from", &from]).await.failed(2);
}

/// The command that moves a store, started.
fn start_moving(from: &str, to: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sfbridge"));
    command.args(["migrate", "--json", "--from", from, "--to", to]);
    without_settings(&mut command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until a move has come to its end: each table with how many rows it has
/// and the checksum over them.
async fn moved(moving: Child) -> Vec<(String, u64, String)> {
    let ended = moving.wait_with_output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let tables = document["tables"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tables
        .map(|table| {
            let rows = table["rows"].as_u64().unwrap();
            (text(&table["table"]), rows, text(&table["checksum"]))
        })
        .collect()
}

/// Kills a move once the target answers this question with yes, and waits until
/// the server has noticed.
async fn kill_once(mut moving: Child, target: &Database, question: &str) {
    let ask = |question: &str| target.psql(question) == "t";
    until(async || {
        assert!(moving.try_wait().unwrap().is_none(), "it has ended");
        ask(question).then_some(())
    })
    .await;
    moving.kill().await.unwrap();
    let is_gone = "SELECT count(*) = 0 FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name LIKE 'sfbridge%'
                       AND wait_event_type IS DISTINCT FROM 'Lock'";
    until(async || ask(is_gone).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_killed_goes_on_and_ends_as_if_nothing_had_been() {
    const EVENTS: i32 = 4_000;

    let mut up = Start::new(Role::Up).start().await;
    for number in 1..=3 {
        record(&up, number).await;
    }
    let event = |n: i32| pb::Event {
        igrp: 41,
        title: format!("Deal {n}"),
        idempotency_key: format!("key {n}"),
        ..Default::default()
    };
    let caller = CoreCaller::of(up.core_address());
    for first in (0..EVENTS).step_by(1_000) {
        let events = (first..first + 1_000).map(event).collect();
        caller.record(events).await.unwrap();
    }
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(0));
    let from = format!("sqlite://{}", up.data_dir().join("sfbridge.db").display());

    let undisturbed = Database::create();
    let expected = moved(start_moving(&from, &undisturbed.url())).await;
    let rows = |name: &str| expected.iter().find(|(table, ..)| table == name).unwrap().1;
    assert_eq!(rows("events"), u64::try_from(EVENTS).unwrap() + 3);
    assert_eq!(rows("idempotency_keys"), rows("events"));

    let database = Database::create();
    let url = database.url();
    // The tables, so that one can be locked.
    run(["migrate", "--store", &url]).await.ok();
    let has_rows = "SELECT EXISTS (SELECT 1 FROM idempotency_keys)";
    kill_once(start_moving(&from, &url), &database, has_rows).await;

    // Then in front of a table that comes after the events.
    let held = database.hold("LOCK TABLE known_leads");
    let is_held = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE granted
                       AND relation = 'known_leads'::regclass AND mode = 'AccessExclusiveLock')";
    until(async || (database.psql(is_held) == "t").then_some(())).await;
    let is_stuck = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted
                        AND relation = 'known_leads'::regclass)
                        AND EXISTS (SELECT 1 FROM events)";
    kill_once(start_moving(&from, &url), &database, is_stuck).await;
    drop(held);
    let is_alone = "SELECT count(*) = 0 FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name LIKE 'sfbridge%'";
    until(async || (database.psql(is_alone) == "t").then_some(())).await;

    // No core works on a half of it.
    let core = Start::new(Role::Core).variable("SFBRIDGE_STORE", &url);
    let (code, log) = core.end().await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("sfbridge migrate"), "{log}");

    assert_eq!(moved(start_moving(&from, &url)).await, expected);
    let moved = Start::new(Role::Core).variable("SFBRIDGE_STORE", &url);
    let core = moved.start().await;
    let kept = CoreCaller::of(core.core_address()).events(41).await;
    assert_eq!(kept.len() as u64, rows("events"));
}
