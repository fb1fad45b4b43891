//! One sender's flood: it is refused at once, nothing that was acknowledged is
//! lost, and others do not notice.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use tokio::task::JoinSet;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{
    Answer, CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start,
    notification_id, until,
};

/// The installation of the one who floods, and the other's.
const FLOODED: i64 = 61;
const QUIET: i64 = 62;

const QUIET_ORGANIZATION: &str = "00D5g0000006262EAA";

/// More than one organisation may have in work at a gateway that is started
/// with this limit, and fewer than may arrive from one address: so the flood is
/// refused for its organisation.
const SENDERS: u32 = 28;
const MAX_REQUESTS: u32 = 32;

/// How many messages the quiet one sends.
const MESSAGES: u32 = 20;

/// What the flood saw.
#[derive(Debug, Default)]
struct Flood {
    acknowledged: BTreeSet<u32>,
    refused: BTreeSet<u32>,
}

fn request(organization: Option<&str>, igrp: i64, number: u32) -> Request {
    let message = organization.map_or_else(Message::new, Message::of);
    let message = message.with(&Notification::opportunity(number));
    Request::post(&format!("{EVENTS}?igrp={igrp}"), message.xml())
}

/// A core whose store does 200 items a second.
fn slow(role: Role) -> Start {
    Start::new(role).flag("store-write-delay", "5ms")
}

/// Floods with one organisation until it is told to stop.
async fn flood(gateways: Vec<SocketAddr>, is_over: Arc<AtomicBool>) -> Flood {
    let next = Arc::new(AtomicU32::new(1));
    let mut senders = JoinSet::new();
    for gateway in gateways {
        for _ in 0..SENDERS {
            let (is_over, next) = (Arc::clone(&is_over), Arc::clone(&next));
            senders.spawn(async move {
                let mut answers = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let answer = request(None, FLOODED, number).send(gateway).await;
                    answers.push((number, answer));
                }
                answers
            });
        }
    }
    let mut flood = Flood::default();
    while let Some(answers) = senders.join_next().await {
        for (number, answer) in answers.unwrap() {
            if answer.is_acknowledgement() {
                flood.acknowledged.insert(number);
            } else {
                assert_overloaded(&answer);
                flood.refused.insert(number);
            }
        }
    }
    flood
}

#[track_caller]
fn assert_overloaded(answer: &Answer) {
    answer.assert_fault(503);
    assert!(answer.body.contains("OVERLOADED"), "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}

/// The value of a metric; zero while it has none.
async fn metric(server: &Server, name: &str) -> u64 {
    let metrics = Request::get("/metrics").send(server.operator()).await;
    let mut lines = metrics.body.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

/// Floods the gateways, has another organisation send its messages to the
/// first of them meanwhile, and compares what the core holds in the end.
async fn check(gateways: &[&Server], core: SocketAddr) {
    let addresses = gateways.iter().map(|gateway| gateway.gateway()).collect();
    let is_over = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn(flood(addresses, Arc::clone(&is_over)));
    for gateway in gateways {
        until(async || {
            let refused = metric(gateway, "sfbridge_gateway_overloaded_total{limit=\"work\"}");
            (refused.await > 0).then_some(())
        })
        .await;
    }
    for number in 0..MESSAGES {
        let request = request(Some(QUIET_ORGANIZATION), QUIET, number);
        // The first try counts: nobody has to come back.
        request
            .send(gateways[0].gateway())
            .await
            .assert_acknowledged();
        let in_work = metric(
            gateways[0],
            "sfbridge_gateway_shares_in_use{limit=\"work\"}",
        )
        .await;
        assert!(in_work <= u64::from(MAX_REQUESTS), "{in_work}");
        let ready = Request::get("/readyz").send(gateways[0].operator()).await;
        assert_eq!(ready.status, 200, "{ready:?}");
    }
    is_over.store(true, Ordering::Relaxed);
    let flood = flooding.await.unwrap();
    assert!(!flood.acknowledged.is_empty() && !flood.refused.is_empty());

    let core = CoreCaller::of(core);
    assert_eq!(core.events(QUIET).await.len(), MESSAGES as usize);
    let events = core.events(FLOODED).await;
    let kept: BTreeSet<_> = events
        .into_iter()
        .map(|event| event.salesforce.unwrap().notification_id)
        .collect();
    let acknowledged: BTreeSet<_> = flood
        .acknowledged
        .into_iter()
        .map(notification_id)
        .collect();
    // What was refused before any work was not done either.
    assert_eq!(kept, acknowledged);
}

#[tokio::test]
async fn an_organisation_that_floods_delays_no_other() {
    let up = slow(Role::Up).flag("gateway-max-requests", MAX_REQUESTS);
    let up = up.start().await;
    check(&[&up], up.core_address()).await;
    let queued = "sfbridge_store_queued_requests{class=\"records\"}";
    until(async || (metric(&up, queued).await == 0).then_some(())).await;
}

#[tokio::test]
async fn an_organisation_that_floods_through_several_gateways_delays_no_other() {
    let core = slow(Role::Core).start().await;
    let gateway = || {
        Start::new(Role::Gateway)
            .flag("core-url", core.core_url())
            .flag("gateway-max-requests", MAX_REQUESTS)
            .start()
    };
    let (one, other) = (gateway().await, gateway().await);
    check(&[&one, &other], core.core_address()).await;
}

#[tokio::test]
async fn a_caller_that_floods_the_core_delays_no_other() {
    const ITEMS: i64 = 200;
    let core = Start::new(Role::Core).flag("store-write-delay", "1ms");
    let core = core.start().await;
    let url = core.core_url();
    let client = EventServiceClient::connect(url).await.unwrap();
    let batch = |igrp: i64, items: i64| pb::RecordEventsRequest {
        events: (0..items)
            .map(|_| pb::Event {
                igrp,
                action: "flood".to_owned(),
                ..pb::Event::default()
            })
            .collect(),
        ..pb::RecordEventsRequest::default()
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..30 {
        let (mut client, is_over) = (client.clone(), Arc::clone(&is_over));
        let request = batch(FLOODED, ITEMS);
        callers.spawn(async move {
            let mut recorded = 0;
            while !is_over.load(Ordering::Relaxed) {
                match client.record_events(request.clone()).await {
                    Ok(answer) => recorded += answer.into_inner().results.len(),
                    Err(status) => {
                        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
                        assert!(status.get_details_retry_info().is_some(), "{status:?}");
                        // It is told to wait longer.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
            recorded
        });
    }
    let refused = "sfbridge_store_overloaded_total{class=\"records\"}";
    until(async || (metric(&core, refused).await > 0).then_some(())).await;

    for _ in 0..5 {
        let recorded = client.clone().record_events(batch(QUIET, 1)).await;
        assert_eq!(recorded.unwrap().into_inner().results.len(), 1);
    }
    is_over.store(true, Ordering::Relaxed);
    let recorded: usize = callers.join_all().await.into_iter().sum();

    let held = CoreCaller::of(core.core_address());
    assert_eq!(held.events(QUIET).await.len(), 5);
    assert_eq!(held.events(FLOODED).await.len(), recorded);
}

#[tokio::test]
async fn an_organisation_over_its_rate_is_told_when_to_come_back() {
    let up = Start::new(Role::Up).flag("gateway-organization-rate", 1);
    let up = up.start().await;
    let mut number = 0;
    let refused = until(async || {
        number += 1;
        let answer = request(None, FLOODED, number).send(up.gateway()).await;
        (answer.status != 200).then_some(answer)
    });
    let refused = refused.await;
    refused.assert_fault(429);
    assert!(refused.body.contains("RATE_LIMITED"), "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let other = request(Some(QUIET_ORGANIZATION), QUIET, 0);
    other.send(up.gateway()).await.assert_acknowledged();
}
