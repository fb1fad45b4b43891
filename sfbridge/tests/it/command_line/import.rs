//! Importing visits and calls from files.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::harness::{Ran, Role, Server, Start, VISITOR, until};

/// A folder with one file.
fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// Visits of installation 61, one in each second, each of a visitor's own page.
fn visits(count: usize) -> String {
    let mut text = "igrp,vid,triggerDatetime,chName,href\n".to_owned();
    for number in 0..count {
        let (minute, second) = (number / 60 % 60, number % 60);
        let _ = writeln!(
            text,
            "61,{VISITOR},2026-05-01T10:{minute:02}:{second:02}Z,PPC,https://a.example/{number}"
        );
    }
    text
}

async fn import(up: &Server, kind: &str, path: &Path, flags: &str) -> Ran {
    let line = format!("import {kind} {}{flags}", path.display());
    up.run(&line).await
}

/// How many visits there are.
async fn count(up: &Server) -> usize {
    let listed = up
        .run("visits list --igrp 61 --limit 1000000 --json")
        .await
        .json();
    listed["visits"].as_array().unwrap().len()
}

/// The command in a process of its own, which a test can end.
fn begin(up: &Server, path: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sfbridge"));
    command
        .args(["import", "visits"])
        .arg(path)
        .arg("--data-dir")
        .arg(up.data_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().unwrap()
}

fn state(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sfbridge-import");
    PathBuf::from(name)
}

/// The line up to which an import that runs has got, once it has got anywhere.
fn lines(path: &Path) -> Option<u64> {
    let kept: Value = serde_json::from_slice(&fs::read(state(path)).ok()?).ok()?;
    kept["done"]["lines"].as_u64()
}

/// A core whose disk is slow, so that an import takes a while, and that can be
/// started again on its port.
async fn slow_core() -> Server {
    Start::new(Role::Core)
        .on_lasting_ports()
        .flag("store-write-delay", "1ms")
        .start()
        .await
}

#[tokio::test]
async fn csv_with_quotes_and_other_delimiters_is_imported_and_again_changes_nothing() {
    let up = Server::up().await;
    let text = format!(
        "VID;Trigger Datetime;chName;Campaign;href;pt_gclid;c_Stage\r\n\
         {VISITOR};2026-05-01 11:00;PPC;\"Spring; \"\"sale\"\"\nmay\";https://a.example/;abc;new\r\n\
         vid~{VISITOR};2026-05-01T12:00:00+01:00;SEO;;https://b.example/;;\r\n"
    );
    let (_folder, path) = file("visits.csv", text);
    let ran = import(&up, "visits", &path, " --igrp 61 --tz Europe/London").await;
    let told = "2 recorded, 0 duplicates, 0 rejected";
    assert!(ran.ok().contains(told), "{ran:?}");
    assert!(!state(&path).exists());

    let listed = up.run("visits list --igrp 61 --json").await.json();
    let ppc = &listed["visits"][1];
    assert_eq!(ppc["campaign"], "Spring; \"sale\"\nmay");
    assert_eq!(ppc["visit_time"], "2026-05-01T10:00:00Z");
    assert_eq!(ppc["pass_through"], json!({"gclid": "abc"}));
    assert_eq!(ppc["variables"], json!({"Stage": "new"}));

    let again = import(&up, "visits", &path, " --igrp 61 --tz Europe/London --json").await;
    let again = again.json();
    assert_eq!(
        (&again["recorded"], &again["duplicates"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(again["complete"], true);
}

#[tokio::test]
async fn calls_come_from_json_lines_also_packed() {
    let up = Server::up().await;
    let text = "{\"callRef\":\"a\",\"start_time\":\"2026-05-01T10:00:00Z\",\"callDuration\":61}\n\n\
                {\"call_ref\":\"b\",\"start_time\":\"2026-05-01T10:00:00Z\",\"ringTime\":\"3\"}";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let (_folder, path) = file("calls.ndjson.gz", packed.finish().unwrap());
    let ran = import(&up, "calls", &path, " --igrp 61 --json")
        .await
        .json();
    assert_eq!(ran["recorded"], 2);
    let call = up.run("calls show a --igrp 61 --json").await.json();
    assert_eq!(call["call_seconds"], 61);
}

#[tokio::test]
async fn bad_lines_are_put_aside_with_reasons_and_can_be_mended_and_imported() {
    let up = Server::up().await;
    let text = format!(
        "igrp,vid,visit_time,href\n\
         61,{VISITOR},2026-05-01T10:00:00Z,https://a.example/\n\
         61,nobody,2026-05-01T10:00:00Z,https://b.example/\n\
         61,{VISITOR},yesterday,\"https://c.example/?a,b\"\n\
         61,{VISITOR}\n"
    );
    let (folder, path) = file("visits.csv", text);
    let ran = import(&up, "visits", &path, "").await;
    let told = ran.failed(1);
    assert!(told.contains("3 lines were rejected"), "{ran:?}");
    for words in [
        "1 recorded, 0 duplicates, 3 rejected",
        "line 3: INVALID_VISITOR_ID: visitor_id",
        "line 4: INVALID_TIMESTAMP: visit_time",
        "line 5: MALFORMED_LINE",
    ] {
        assert!(ran.out.contains(words), "{words} in {ran:?}");
    }

    let rejected = folder.path().join("visits.csv.rejected.csv");
    let text = fs::read_to_string(&rejected).unwrap();
    assert!(
        text.starts_with("rejected_line,rejected_because,igrp,vid,"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 4);
    let mended = text
        .replace("nobody", VISITOR)
        .replace("yesterday", "2026-05-01T10:00:00Z")
        .replace(
            &format!("61,{VISITOR}\n"),
            &format!("61,{VISITOR},2026-05-01T10:00:00Z,https://d.example/\n"),
        );
    fs::write(&rejected, mended).unwrap();
    let ran = import(&up, "visits", &rejected, "").await;
    assert!(ran.ok().contains("3 recorded"), "{ran:?}");
    assert_eq!(count(&up).await, 4);

    // Another import does not write over what somebody may be mending.
    import(&up, "visits", &path, "").await.failed(1);
    assert!(folder.path().join("visits.csv.rejected-2.csv").exists());
    let there = format!(" --rejected {}", rejected.display());
    let refused = import(&up, "visits", &path, &there).await;
    assert!(refused.failed(2).contains("already"), "{refused:?}");
}

#[tokio::test]
async fn an_unknown_column_is_named_with_the_nearest_one() {
    let up = Server::up().await;
    let text = visits(1).replace("chName", "chanel_name");
    let (_folder, path) = file("visits.csv", text);
    let refused = import(&up, "visits", &path, "").await;
    let told = refused.failed(1);
    assert!(
        told.contains("`chanel_name`") && told.contains("`channel_name`"),
        "{told}"
    );
    import(&up, "visits", &path, " --ignore-unknown").await.ok();

    let nobody = import(
        &up,
        "visits",
        &path,
        " --ignore-unknown --core http://127.0.0.1:1",
    )
    .await;
    assert!(nobody.failed(1).contains("no core"), "{nobody:?}");
    let missing = import(&up, "visits", Path::new("/nonexistent.csv"), "").await;
    assert!(
        missing.failed(1).contains("/nonexistent.csv"),
        "{missing:?}"
    );
    for flags in [
        " --delimiter x",
        " --tz Europe/Atlantis",
        " --igrp 0",
        " --retry-for x",
    ] {
        import(&up, "visits", &path, flags).await.failed(2);
    }
}

#[tokio::test]
async fn an_import_outlasts_a_core_that_is_killed_and_started_again() {
    const COUNT: usize = 12_000;

    let mut core = slow_core().await;
    let text = visits(COUNT).replace(&format!("{VISITOR},2026-05-01T10:01:07Z"), "nobody,");
    let (folder, path) = file("visits.csv", text);
    let importing = begin(&core, &path);
    until(async || lines(&path)).await;
    core.kill().await;
    assert!(lines(&path).unwrap() < COUNT as u64);
    core.restart().await;
    let ended = importing.wait_with_output().await.unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    // Some visits have the same minute and page as none other.
    let bad = COUNT.div_ceil(3_600);
    assert!(out.contains(&format!("{bad} rejected")), "{out}{err}");
    assert!(err.contains("interrupted"), "{err}");
    assert_eq!(count(&core).await, COUNT - bad);
    let rejected = fs::read_to_string(folder.path().join("visits.csv.rejected.csv")).unwrap();
    assert_eq!(rejected.lines().count(), 1 + bad);
    assert!(!state(&path).exists());
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_where_it_was() {
    const COUNT: usize = 12_000;

    let core = slow_core().await;
    let (_folder, path) = file("visits.csv", visits(COUNT));
    let mut importing = begin(&core, &path);
    until(async || lines(&path)).await;
    importing.start_kill().unwrap();
    importing.wait().await.unwrap();
    let stopped = lines(&path).unwrap();
    assert!(stopped < COUNT as u64);

    let ran = import(&core, "visits", &path, " --json").await;
    assert!(
        ran.err.contains(&format!("Going on after line {stopped}")),
        "{ran:?}"
    );
    let ran = ran.json();
    let accepted = ran["recorded"].as_u64().unwrap() + ran["duplicates"].as_u64().unwrap();
    assert_eq!(
        (accepted, &ran["accepted_through"]),
        (COUNT as u64, &json!(COUNT))
    );
    assert_eq!(count(&core).await, COUNT);
}

#[tokio::test]
async fn an_import_that_is_interrupted_says_how_to_go_on() {
    let core = slow_core().await;
    let (_folder, path) = file("visits.csv", visits(12_000));
    let importing = begin(&core, &path);
    until(async || lines(&path)).await;
    let id = importing.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &id]).status();
    assert!(sent.await.unwrap().success());
    let ended = importing.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(err.contains("the same command goes on there"), "{err}");
    assert!(err.contains("SIGINT"), "{err}");

    // A file that has changed is another.
    fs::write(&path, visits(3)).unwrap();
    let ran = import(&core, "visits", &path, "").await;
    assert!(ran.err.contains("not the same"), "{ran:?}");
    assert!(ran.ok().starts_with("3 visits"), "{ran:?}");
}

#[tokio::test]
async fn a_journey_is_read_in_its_order() {
    let up = Server::up().await;
    let (_folder, path) = file("visits.csv", visits(1_203));
    import(&up, "visits", &path, "").await.ok();
    let line = format!("visits journey --igrp 61 --visitor {VISITOR}");
    let told = up.run(&line).await;
    let rows: Vec<&str> = told.ok().lines().skip(1).collect();
    assert_eq!(rows.len(), 1_203);
    assert!(
        rows[0].contains("10:00:00Z") && rows[0].contains("https://a.example/0"),
        "{}",
        rows[0]
    );
    assert!(rows[1_202].contains("10:20:02Z"), "{}", rows[1_202]);

    let last = up.run(&format!("{line} --limit 2 --json")).await.json();
    let pages = last["visits"].as_array().unwrap().iter();
    let pages: Vec<_> = pages
        .map(|visit| visit["landing_page"].as_str().unwrap())
        .collect();
    assert_eq!(pages, ["https://a.example/1201", "https://a.example/1202"]);
    let told = up.run(&format!("{line} --limit 2")).await;
    assert!(told.ok().starts_with("There are earlier ones"), "{told:?}");
}
