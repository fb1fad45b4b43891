//! What it costs to accept one more event, and to list a page.
//!
//! Stores are asked in turn, so that whatever else the machine does is shared
//! by all of them.

use std::net::SocketAddr;

use anyhow::ensure;
use sfbridge_bench::message::{Kind, Requests};
use sfbridge_bench::shape;
use sfbridge_proto::v1::ListEventsRequest;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};

use crate::Cost;
use crate::connection::Connection;
use crate::report::{Costs, line};

/// Rounds that do not count: caches are filled in them.
const WARM_UP: u32 = 20;

/// What is measured of one store.
struct Target {
    gateway: SocketAddr,
    connection: Connection,
    core: EventServiceClient<Channel>,
}

/// Measures each store, and compares it with the first.
pub(crate) async fn measure(asked: &Cost) -> anyhow::Result<()> {
    ensure!(
        asked.gateway.len() == asked.core.len(),
        "name as many cores as gateways"
    );
    let mut targets = Vec::new();
    for (gateway, core) in asked.gateway.iter().zip(&asked.core) {
        let channel = Endpoint::new(format!("http://{core}"))?.connect().await?;
        targets.push(Target {
            gateway: *gateway,
            connection: Connection::to(*gateway),
            core: EventServiceClient::new(channel),
        });
    }
    // Numbers that nobody has sent before.
    let mut next = 5_000_000_000 + rand::random_range(0..4_000_000_000_u64);
    for notifications in [1, 100] {
        let rounds = asked
            .rounds
            .div_ceil(if notifications == 1 { 1 } else { 4 });
        accept(&mut targets, notifications, rounds, &mut next).await?;
    }
    for (what, request) in pages() {
        list(&mut targets, what, &request, asked.rounds).await?;
    }
    Ok(())
}

/// Sends messages of so many notifications to each store in turn.
async fn accept(
    targets: &mut [Target],
    notifications: u32,
    rounds: u32,
    next: &mut u64,
) -> anyhow::Result<()> {
    let igrp = shape::FIRST_IGRP;
    let organization = shape::organization(igrp);
    let mut costs = Costs::of(targets.len());
    let mut requests: Vec<_> = targets
        .iter()
        .map(|target| {
            Requests::new(
                target.gateway,
                Kind::Small,
                igrp,
                &organization,
                notifications,
            )
        })
        .collect();
    for round in 0..rounds + WARM_UP {
        for (index, target) in targets.iter_mut().enumerate() {
            let request = requests[index].numbered(*next / u64::from(notifications));
            let start = Instant::now();
            let answer = target.connection.exchange(request).await?;
            let time = start.elapsed();
            ensure!(
                answer.is_acknowledged,
                "{} answered {}",
                target.gateway,
                answer.status
            );
            if round >= WARM_UP {
                costs.push(index, time);
            }
        }
        *next += u64::from(notifications);
    }
    line(&format!("to accept a message of {notifications}:"));
    costs.print();
    Ok(())
}

/// Lists a page of each store in turn.
async fn list(
    targets: &mut [Target],
    what: &str,
    request: &ListEventsRequest,
    rounds: u32,
) -> anyhow::Result<()> {
    let mut costs = Costs::of(targets.len());
    let mut found = vec![0; targets.len()];
    for round in 0..rounds + WARM_UP {
        for (index, target) in targets.iter_mut().enumerate() {
            let start = Instant::now();
            let page = target.core.list_events(request.clone()).await?;
            let time = start.elapsed();
            found[index] = page.into_inner().events.len();
            if round >= WARM_UP {
                costs.push(index, time);
            }
        }
    }
    line(&format!("to list {what} ({found:?} events):"));
    costs.print();
    Ok(())
}

/// The pages that are listed.
fn pages() -> Vec<(&'static str, ListEventsRequest)> {
    // An event that every filled store has.
    let event = (0..10_000)
        .find(|event| shape::igrp_of(*event, 20) == shape::FIRST_IGRP)
        .unwrap_or(0);
    let of = || ListEventsRequest {
        igrp: shape::FIRST_IGRP.into(),
        page_size: 50,
        ..ListEventsRequest::default()
    };
    vec![
        ("the newest 50 of an installation", of()),
        (
            "the newest 50 of an action",
            ListEventsRequest {
                action: "sale".to_owned(),
                ..of()
            },
        ),
        (
            "those of a visitor",
            ListEventsRequest {
                visitor_id: shape::visitor_of(event).to_string(),
                ..of()
            },
        ),
        (
            "those of a record",
            ListEventsRequest {
                record_id: shape::record_of(event),
                ..of()
            },
        ),
    ]
}
