//! `sfbridge events stream`, and what it makes of a core that dies.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sfbridge_proto::v1 as pb;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::harness::{CoreCaller, PATIENCE, Role, Server, Start, until, without_settings};

fn event(n: usize) -> pb::Event {
    pb::Event {
        igrp: 7,
        title: format!("Deal {n}"),
        idempotency_key: format!("key {n}"),
        ..Default::default()
    }
}

/// A command that streams until it is dropped.
struct Streaming {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Streaming {
    fn start(core: &Server, cursor_file: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sfbridge"));
        command.args(["events", "stream", "--json", "--from-beginning", "--core"]);
        command.arg(core.core_url());
        command.arg("--cursor-file").arg(cursor_file);
        without_settings(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        Self {
            _child: child,
            lines: BufReader::new(out).lines(),
        }
    }

    /// The id of the next event.
    async fn next(&mut self) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await.unwrap();
            let line = line.unwrap().unwrap();
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert!(!answer["cursor"].as_str().unwrap().is_empty());
            if let Some(id) = answer["event"]["event_id"].as_str() {
                return id.to_owned();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_misses_and_repeats_nothing_however_often_the_core_is_killed() {
    const KILLS: usize = 6;
    const BATCH: usize = 5;

    let mut core = Start::new(Role::Core).on_lasting_ports().start().await;
    let caller = CoreCaller::of(core.core_address());
    let folder = tempfile::tempdir().unwrap();
    let cursor_file = folder.path().join("cursor");
    let mut streaming = Streaming::start(&core, &cursor_file);

    let written = Arc::new(AtomicUsize::new(0));
    let is_enough = CancellationToken::new();
    let writer = {
        let (caller, written) = (caller.clone(), Arc::clone(&written));
        let is_enough = is_enough.clone();
        tokio::spawn(async move {
            for first in (0..).step_by(BATCH) {
                if is_enough.is_cancelled() {
                    return;
                }
                let events: Vec<_> = (first..first + BATCH).map(event).collect();
                // As long as it is not acknowledged.
                while caller.record(events.clone()).await.is_err() {
                    tokio::task::yield_now().await;
                }
                written.fetch_add(BATCH, Ordering::SeqCst);
            }
        })
    };
    let mut streamed = Vec::new();
    for _ in 0..KILLS {
        for _ in 0..30 {
            streamed.push(streaming.next().await);
        }
        core.kill().await;
        core.restart().await;
    }
    // Not in the middle: what was sent might be recorded behind the last one.
    is_enough.cancel();
    writer.await.unwrap();
    // One more tells that nothing is behind those that are read.
    let last = until(async || caller.record(vec![event(usize::MAX)]).await.ok()).await;
    let last = &last[0].event_id;
    while streamed.last() != Some(last) {
        streamed.push(streaming.next().await);
    }
    let kept = caller.events(7).await;
    let kept: BTreeSet<_> = kept.into_iter().map(|event| event.event_id).collect();
    assert!(kept.len() > written.load(Ordering::SeqCst));
    assert_eq!(streamed.len(), kept.len());
    assert_eq!(streamed.into_iter().collect::<BTreeSet<_>>(), kept);
}

/// A reader over gRPC, which keeps its cursor and nothing else.
#[derive(Default)]
struct Reader {
    cursor: String,
    streamed: Vec<String>,
}

impl Reader {
    /// Reads on at this core until it has seen enough.
    async fn read(&mut self, core: &CoreCaller, mut is_enough: impl FnMut(&[String]) -> bool) {
        // A core that was just started may be asked too early.
        let mut answers = until(async || core.stream(&self.cursor).await.ok()).await;
        while !is_enough(&self.streamed) {
            let answer = timeout(PATIENCE, answers.message()).await.unwrap();
            let answer = answer.unwrap().unwrap();
            self.cursor = answer.cursor;
            self.streamed
                .extend(answer.event.map(|event| event.event_id));
        }
    }

    async fn read_more(&mut self, core: &CoreCaller, more: usize) {
        let enough = self.streamed.len() + more;
        self.read(core, |streamed| streamed.len() >= enough).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_at_another_core_when_its_own_is_killed() {
    const KILLS: usize = 4;
    const BATCH: usize = 5;
    const BETWEEN: usize = 40;

    let database = test_postgres::Database::create();
    let core = || {
        let core = Start::new(Role::Core).on_lasting_ports();
        core.variable("SFBRIDGE_STORE", database.url()).start()
    };
    let mut cores = [core().await, core().await];
    let callers = cores
        .each_ref()
        .map(|core| CoreCaller::of(core.core_address()));
    let stop = CancellationToken::new();
    let writer = {
        let (callers, stop) = (callers.clone(), stop.clone());
        tokio::spawn(async move {
            let mut written = 0;
            while !stop.is_cancelled() {
                let events: Vec<_> = (written..written + BATCH).map(event).collect();
                // At either core, until one of them acknowledges it.
                let mut turns = callers.iter().cycle().skip(written);
                while let Some(core) = turns.next()
                    && core.record(events.clone()).await.is_err()
                {
                    tokio::task::yield_now().await;
                }
                written += BATCH;
            }
            written
        })
    };
    let mut reader = Reader::default();
    for round in 0..KILLS {
        let (own, other) = (round % 2, (round + 1) % 2);
        reader.read_more(&callers[own], BETWEEN).await;
        cores[own].kill().await;
        reader.read_more(&callers[other], BETWEEN).await;
        cores[own].restart().await;
    }
    stop.cancel();
    let written = writer.await.unwrap();
    // One more tells that nothing is behind those that are read.
    let last = until(async || callers[0].record(vec![event(usize::MAX)]).await.ok()).await;
    let last = last[0].event_id.clone();
    reader
        .read(&callers[1], |streamed| streamed.last() == Some(&last))
        .await;

    let kept = callers[0].events(7).await;
    let kept: BTreeSet<_> = kept.into_iter().map(|event| event.event_id).collect();
    assert_eq!(kept.len(), written + 1);
    assert_eq!(reader.streamed.len(), kept.len());
    assert_eq!(reader.streamed.into_iter().collect::<BTreeSet<_>>(), kept);
}

#[tokio::test]
async fn a_stream_goes_on_at_its_file_and_ends_when_it_has_caught_up() {
    let core = Server::core().await;
    let caller = CoreCaller::of(core.core_address());
    caller.record(vec![event(1), event(2)]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cursor_file = folder.path().join("cursor");
    let line = format!(
        "events stream --from-beginning --until-caught-up --cursor-file {}",
        cursor_file.display()
    );
    let streamed = core.run(&line).await;
    let lines: Vec<_> = streamed.ok().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("Deal 1") && lines[1].contains("Deal 2"));

    assert_eq!(core.run(&line).await.ok(), "");
    caller.record(vec![event(3)]).await.unwrap();
    assert!(core.run(&line).await.ok().contains("Deal 3"));
    assert_eq!(core.run(&line).await.ok(), "");

    std::fs::write(&cursor_file, "nonsense").unwrap();
    let refused = core.run(&line).await;
    assert!(refused.failed(1).contains("cursor"), "{refused:?}");
    assert_eq!(std::fs::read(&cursor_file).unwrap(), b"nonsense");
}
