//! Connections that never rest: each sends its next message as soon as it has
//! the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sfbridge_bench::message::{Kind, Requests};
use sfbridge_bench::shape;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::round::Round;

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Busy {
    /// They share the connections.
    pub(crate) gateways: Vec<SocketAddr>,
    pub(crate) kind: Kind,
    pub(crate) igrp: u32,
    /// Notifications in each message.
    pub(crate) notifications: u32,
    pub(crate) connections: u32,
    pub(crate) time: Duration,
}

impl Busy {
    /// Sends for a while. Messages take their numbers from `next`.
    pub(crate) async fn send(&self, next: &Arc<AtomicU64>) -> anyhow::Result<Round> {
        let start = Instant::now();
        let end = start + self.time;
        let mut senders = JoinSet::new();
        for index in 0..self.connections as usize {
            let gateway = self.gateways[index % self.gateways.len()];
            let organization = shape::organization(self.igrp);
            let requests = Requests::new(
                gateway,
                self.kind,
                self.igrp,
                &organization,
                self.notifications,
            );
            senders.spawn(send(gateway, requests, Arc::clone(next), end));
        }
        let mut all = Round::default();
        while let Some(sender) = senders.join_next().await {
            all.add(sender?);
        }
        Ok(all.end(start.elapsed()))
    }
}

async fn send(
    gateway: SocketAddr,
    mut requests: Requests,
    next: Arc<AtomicU64>,
    end: Instant,
) -> Round {
    let mut connection = Connection::to(gateway);
    let mut round = Round::default();
    while Instant::now() < end {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let request = requests.numbered(number);
        let start = Instant::now();
        match connection.exchange(request).await {
            Ok(answer) if answer.is_acknowledged => round.acknowledge(number, start.elapsed()),
            Ok(answer) => round.refuse(|| format!("status {}", answer.status)),
            Err(error) => round.refuse(|| error.to_string()),
        }
    }
    round
}
