//! Messages at a fixed rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sfbridge_bench::message::{Kind, Requests};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::report::{Answers, Outcome};

/// After this an answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// What one organisation sends.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) gateways: Vec<SocketAddr>,
    pub(crate) kind: Kind,
    pub(crate) igrp: u32,
    /// 15 characters.
    pub(crate) organization: String,
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
    /// How many messages that is.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.rate) * self.time.as_secs()
    }

    /// Sends all of it, each message at its time or, when all connections are
    /// busy then, as soon as one is not. Its answer counts from its time.
    pub(crate) async fn send(self) -> anyhow::Result<Answers> {
        let load = Arc::new(self);
        let start = Instant::now();
        let next = Arc::new(AtomicU64::new(0));
        let due = Arc::new(Semaphore::new(0));
        let mut senders = JoinSet::new();
        for number in 0..load.connections {
            let gateway = load.gateways[number as usize % load.gateways.len()];
            let (load, next, due) = (Arc::clone(&load), Arc::clone(&next), Arc::clone(&due));
            senders.spawn(async move { load.send_some(gateway, start, &next, &due).await });
        }
        let pace = {
            let (load, due) = (Arc::clone(&load), Arc::clone(&due));
            tokio::task::spawn_blocking(move || load.pace(start, &due))
        };
        let mut answers = Answers::default();
        while let Some(some) = senders.join_next().await {
            answers.extend(some?);
        }
        pace.await?;
        Ok(answers)
    }

    /// Lets a sender go for each message at its time, and all at the end. It
    /// has a thread for that: the runtime's timers are late by up to a
    /// millisecond, which is longer than many an answer takes.
    fn pace(&self, start: Instant, due: &Semaphore) {
        for number in 0..self.count() {
            let wait = self.due(start, number) - Instant::now();
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            due.add_permits(1);
        }
        due.close();
    }

    /// When a message is to be sent.
    fn due(&self, start: Instant, number: u64) -> Instant {
        let seconds = Duration::from_secs(number / u64::from(self.rate));
        let rest = number % u64::from(self.rate);
        start + seconds + Duration::from_secs(rest) / self.rate
    }

    async fn send_some(
        &self,
        gateway: SocketAddr,
        start: Instant,
        next: &AtomicU64,
        due: &Semaphore,
    ) -> Answers {
        let mut connection = Connection::to(gateway);
        let mut requests = Requests::new(
            gateway,
            self.kind,
            self.igrp,
            &self.organization,
            self.notifications,
        );
        let mut answers = Answers::default();
        loop {
            // Once closed, the semaphore still does not keep back what is due:
            // whoever finds it closed takes what is left.
            if let Ok(permit) = due.acquire().await {
                permit.forget();
            }
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count() {
                return answers;
            }
            let due = self.due(start, number);
            let request = requests.numbered(self.first + number);
            let exchange = timeout_at(due + PATIENCE, connection.exchange(request)).await;
            let answer = match exchange {
                Ok(Ok(answer)) => Some(answer),
                Ok(Err(_)) | Err(_) => None,
            };
            answers.push(Outcome {
                number: self.first + number,
                answer,
                time: due.elapsed(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_even_distances() {
        let load = Load {
            gateways: Vec::new(),
            kind: Kind::Small,
            igrp: 1,
            organization: String::new(),
            notifications: 1,
            first: 0,
            rate: 4,
            time: Duration::from_secs(3),
            connections: 1,
        };
        let start = Instant::now();
        let due = |number| load.due(start, number) - start;
        assert_eq!(load.count(), 12);
        assert_eq!(due(0), Duration::ZERO);
        assert_eq!(due(5), Duration::from_millis(1_250));
        assert_eq!(due(11), Duration::from_millis(2_750));
    }
}
