//! Messages at a fixed rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::connection::Connection;
use crate::message::Requests;
use crate::report::{Answer, Answers};

/// After this an answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// What one organisation sends.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) gateways: Vec<SocketAddr>,
    pub(crate) igrp: u32,
    /// 15 characters.
    pub(crate) organization: &'static str,
    /// Notifications in each message.
    pub(crate) notifications: u32,
    /// The number of the first message. Numbers tell notifications apart.
    pub(crate) first: u64,
    /// Messages a second.
    pub(crate) rate: u32,
    pub(crate) time: Duration,
    pub(crate) connections: u32,
}

impl Load {
    /// Sends all of it, each message at its time or, when all connections are
    /// busy then, as soon as one is not. Its answer counts from its time.
    pub(crate) async fn send(self) -> anyhow::Result<Answers> {
        let load = Arc::new(self);
        let start = Instant::now();
        let next = Arc::new(AtomicU64::new(0));
        let mut senders = JoinSet::new();
        for number in 0..load.connections {
            let gateway = load.gateways[number as usize % load.gateways.len()];
            let (load, next) = (Arc::clone(&load), Arc::clone(&next));
            senders.spawn(async move { load.send_some(gateway, start, &next).await });
        }
        let mut answers = Answers::default();
        while let Some(some) = senders.join_next().await {
            answers.extend(some?);
        }
        Ok(answers)
    }

    async fn send_some(&self, gateway: SocketAddr, start: Instant, next: &AtomicU64) -> Answers {
        let count = u64::from(self.rate) * self.time.as_secs();
        let mut connection = Connection::to(gateway);
        let mut requests = Requests::new(gateway, self.igrp, self.organization, self.notifications);
        let mut answers = Answers::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return answers;
            }
            let due = start + Duration::from_secs(number) / self.rate;
            sleep_until(due).await;
            let request = requests.numbered(self.first + number);
            let exchange = timeout_at(due + PATIENCE, connection.exchange(request)).await;
            let status = match exchange {
                Ok(Ok(status)) => Some(status),
                Ok(Err(_)) | Err(_) => None,
            };
            answers.push(Answer {
                status,
                time: due.elapsed(),
            });
        }
    }
}
