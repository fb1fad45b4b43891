//! A pretend Salesforce org in front of everything.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{CoreCaller, Request, Server, until};

const IGRP: i64 = 1001;
const LEADS: usize = 40;

/// A simulator that runs for one test.
struct Simulator {
    child: Child,
    address: SocketAddr,
}

impl Simulator {
    async fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sfbridge"));
        command
            .args(["simulate", "--listen", "127.0.0.1:0", "--json"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut text = String::new();
        while !text.ends_with("}\n") {
            text += &lines.next_line().await.unwrap().unwrap();
            text.push('\n');
        }
        let greeting: Value = serde_json::from_str(&text).unwrap();
        let address = greeting["address"].as_str().unwrap().parse().unwrap();
        Self { child, address }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = Request::get(path).try_send(self.address).await.unwrap();
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn end(mut self) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.await.unwrap().success());
        self.child.wait().await.unwrap().code()
    }
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    ids.collect::<HashSet<_>>().len()
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_however_salesforce_sends() {
    let up = Server::up().await;
    let base = format!("http://{}/callback/v1/salesforce", up.gateway());
    let (leads, sales, calls) = (
        format!("{base}/leadEnrich?igrp={IGRP}"),
        format!("{base}/events?igrp={IGRP}&txvField=Amount&txc=GBP"),
        format!("{base}/callRating?igrp={IGRP}"),
    );
    let count = LEADS.to_string();
    let simulator = Simulator::start(&[
        "--send-to",
        &leads,
        "--send-to",
        &sales,
        "--send-to",
        &calls,
        "--leads",
        &count,
        "--rate",
        "0",
        "--duplicates",
        "0.5",
        "--shuffle",
        "--time-factor",
        "100",
    ])
    .await;
    let counts = until(async || {
        let counts = simulator.get("/__sim/outbound").await["counts"].clone();
        let is_done = counts["waiting"] == 0 && counts["delivered"] == 3 * LEADS;
        is_done.then_some(counts)
    })
    .await;
    assert_eq!(counts["failed"], 0);
    assert!(counts["repeated"].as_u64().unwrap() > 0, "{counts}");

    let core = CoreCaller::of(up.core_address());
    let events = core.events(IGRP).await;
    let ratings = core.call_ratings(IGRP).await;
    let enrichments = core.lead_enrichments(IGRP).await;
    assert_eq!(
        (events.len(), ratings.len(), enrichments.len()),
        (LEADS, LEADS, LEADS)
    );
    let record_ids = events
        .iter()
        .filter_map(|event| Some(event.salesforce.as_ref()?.record_id.as_str()));
    assert_eq!(distinct(record_ids), LEADS);
    assert_eq!(
        distinct(enrichments.iter().map(|job| job.record_id.as_str())),
        LEADS
    );
    assert!(core.quarantined("").await.is_empty());
    assert_eq!(simulator.end().await, Some(0));
}

#[tokio::test]
async fn what_the_gateway_refuses_is_shown_as_in_setup() {
    let up = Server::up().await;
    let url = format!(
        "http://{}/callback/v1/salesforce/leadEnrich?nonsense=1",
        up.gateway()
    );
    let simulator = Simulator::start(&["--send-to", &url, "--leads", "1", "--rate", "0"]).await;
    let reason = until(async || {
        let waiting = simulator.get("/__sim/outbound").await["waiting"].clone();
        let reason = waiting[0]["delivery_failure_reason"].as_str()?;
        Some(reason.to_owned())
    })
    .await;
    assert!(reason.contains("nonsense"), "{reason}");
    assert_eq!(simulator.end().await, Some(0));
}
