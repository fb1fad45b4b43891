//! How many messages are acknowledged when each connection sends the next one as
//! soon as it has its answer.
//!
//! Setups are measured in turn, over several rounds, so that whatever else the
//! machine does is shared by all of them. Afterwards each is asked whether it
//! has what it acknowledged, exactly once.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::{StreamEventsRequest, StreamStart};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::Endpoint;

use crate::Throughput;
use crate::connection::Connection;
use crate::message::Requests;
use crate::report::line;

/// What is measured: gateways that share the load, and a core that knows what
/// was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    name: String,
    pub(crate) gateways: Vec<SocketAddr>,
    pub(crate) core: SocketAddr,
}

impl FromStr for Setup {
    type Err = String;

    /// `NAME=GATEWAY[,GATEWAY]@CORE`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('=').and_then(|(name, rest)| {
            let (gateways, core) = rest.split_once('@')?;
            let gateways = gateways
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>();
            Some(Self {
                name: name.to_owned(),
                gateways: gateways.ok()?,
                core: core.parse().ok()?,
            })
        });
        parts.ok_or_else(|| "is not NAME=GATEWAY[,GATEWAY]@CORE, each as host:port".to_owned())
    }
}

/// What one round of one setup came to.
#[derive(Debug, Default)]
struct Round {
    times: Vec<Duration>,
    refused: u64,
    length: Duration,
}

/// The middle one of the values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl Round {
    fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let count = self.times.len() as f64;
        count / self.length.as_secs_f64()
    }

    /// The time below which this part of the answers came, in milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        let time = self.times.get(last * percent / 100);
        time.map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// Measures each setup, and compares it with the first.
pub(crate) async fn measure(asked: &Throughput) -> anyhow::Result<()> {
    // Notifications have numbers of ten digits that nobody has sent before.
    let first = rand::random_range(1..9_000_000_000) / u64::from(asked.notifications);
    let next = Arc::new(AtomicU64::new(first));
    let mut rounds: Vec<Vec<Round>> = asked.setup.iter().map(|_| Vec::new()).collect();
    let mut acknowledged: Vec<HashSet<u64>> = asked.setup.iter().map(|_| HashSet::new()).collect();
    for number in 0..=asked.rounds {
        for (index, setup) in asked.setup.iter().enumerate() {
            let (round, ids) = round(asked, setup, &next).await?;
            acknowledged[index].extend(ids);
            // The first round fills caches and makes connections.
            if number > 0 {
                rounds[index].push(round);
            }
        }
    }
    let rate = |rounds: &[Round]| median(rounds.iter().map(Round::rate).collect());
    let reference = rounds.first().map_or(0.0, |rounds| rate(rounds));
    line(&format!(
        "{} connections, {} notifications a message, {} rounds of {} s",
        asked.connections, asked.notifications, asked.rounds, asked.seconds
    ));
    for (setup, rounds) in asked.setup.iter().zip(&rounds) {
        let of = |percent| {
            median(
                rounds
                    .iter()
                    .map(|round| round.percentile(percent))
                    .collect(),
            )
        };
        let rate = rate(rounds);
        let refused: u64 = rounds.iter().map(|round| round.refused).sum();
        line(&format!(
            "{:<24} {rate:>8.0} messages/s ({:.2})  {:>9.0} notifications/s  p50 {:.2} ms  \
             p99 {:.2} ms  max {:.1} ms  refused {refused}",
            setup.name,
            rate / reference,
            rate * f64::from(asked.notifications),
            of(50),
            of(99),
            of(100),
        ));
    }
    for (setup, acknowledged) in asked.setup.iter().zip(&acknowledged) {
        check(setup, asked, first, acknowledged).await?;
    }
    Ok(())
}

/// Loads a setup for a while. Gives what was acknowledged, by the numbers of
/// messages.
async fn round(
    asked: &Throughput,
    setup: &Setup,
    next: &Arc<AtomicU64>,
) -> anyhow::Result<(Round, Vec<u64>)> {
    let start = Instant::now();
    let end = start + Duration::from_secs(asked.seconds.into());
    let mut senders = JoinSet::new();
    for index in 0..asked.connections as usize {
        let gateway = setup.gateways[index % setup.gateways.len()];
        let next = Arc::clone(next);
        let (igrp, notifications) = (asked.igrp, asked.notifications);
        senders.spawn(async move {
            let organization = crate::shape::organization(igrp);
            let mut requests = Requests::new(gateway, igrp, &organization, notifications);
            let mut connection = Connection::to(gateway);
            let (mut round, mut acknowledged) = (Round::default(), Vec::new());
            while Instant::now() < end {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let start = Instant::now();
                match connection.exchange(requests.numbered(number)).await {
                    Ok(200) => {
                        round.times.push(start.elapsed());
                        acknowledged.push(number);
                    }
                    Ok(_) | Err(_) => round.refused += 1,
                }
            }
            (round, acknowledged)
        });
    }
    let (mut all, mut acknowledged) = (Round::default(), Vec::new());
    while let Some(sender) = senders.join_next().await {
        let (round, ids) = sender?;
        all.times.extend(round.times);
        all.refused += round.refused;
        acknowledged.extend(ids);
    }
    all.length = start.elapsed();
    all.times.sort_unstable();
    Ok((all, acknowledged))
}

/// Fails unless a setup has what it acknowledged, exactly once.
async fn check(
    setup: &Setup,
    asked: &Throughput,
    first: u64,
    acknowledged: &HashSet<u64>,
) -> anyhow::Result<()> {
    let channel = Endpoint::new(format!("http://{}", setup.core))?
        .connect()
        .await?;
    let request = StreamEventsRequest {
        igrp: asked.igrp.into(),
        start: StreamStart::Beginning.into(),
        ..StreamEventsRequest::default()
    };
    let mut stream = EventServiceClient::new(channel)
        .stream_events(request)
        .await?
        .into_inner();
    let each = u64::from(asked.notifications);
    let mut found = HashSet::new();
    while let Some(answer) = stream.message().await? {
        if let Some(event) = answer.event {
            let origin = event.salesforce.unwrap_or_default();
            let digits = origin.notification_id.get(5..15).unwrap_or_default();
            let number: u64 = digits.parse().context("an event has another id")?;
            if number >= first * each {
                ensure!(found.insert(number), "{number} is there twice");
            }
        }
        if answer.is_caught_up {
            break;
        }
    }
    let lost = acknowledged
        .iter()
        .flat_map(|message| (0..each).map(move |index| message * each + index))
        .filter(|number| !found.contains(number))
        .count();
    ensure!(
        lost == 0,
        "{}: {lost} were acknowledged and are not there",
        setup.name
    );
    line(&format!(
        "{}: all {} acknowledged notifications are there, each once",
        setup.name,
        acknowledged.len() as u64 * each
    ));
    Ok(())
}
