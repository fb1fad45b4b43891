//! How many messages are acknowledged when each connection sends the next one as
//! soon as it has its answer.
//!
//! Setups are measured in turn, over several rounds, so that whatever else the
//! machine does is shared by all of them. Afterwards each is asked whether it
//! has what it acknowledged, exactly once.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use sfbridge_bench::message::Kind;

use crate::closed_loop::Busy;
use crate::report::line;
use crate::round::{Round, median};
use crate::{Throughput, recorded};

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

/// Measures each setup, and compares it with the first.
pub(crate) async fn measure(asked: &Throughput) -> anyhow::Result<()> {
    let each = u64::from(asked.notifications);
    // Notifications have numbers of ten digits that nobody has sent before.
    let first = rand::random_range(1..9_000_000_000) / each;
    let next = Arc::new(AtomicU64::new(first));
    let mut rounds: Vec<Vec<Round>> = asked.setup.iter().map(|_| Vec::new()).collect();
    let mut acknowledged: Vec<Vec<u64>> = asked.setup.iter().map(|_| Vec::new()).collect();
    for number in 0..=asked.rounds {
        for (index, setup) in asked.setup.iter().enumerate() {
            let busy = Busy {
                gateways: setup.gateways.clone(),
                kind: Kind::Small,
                igrp: asked.igrp,
                notifications: asked.notifications,
                connections: asked.connections,
                time: Duration::from_secs(asked.seconds.into()),
            };
            let round = busy.send(&next).await?;
            acknowledged[index].extend(&round.acknowledged);
            // The first round fills caches and makes connections.
            if number > 0 {
                rounds[index].push(round);
            }
        }
    }
    print(asked, &rounds);
    for (setup, acknowledged) in asked.setup.iter().zip(&acknowledged) {
        let found = recorded::in_core(setup.core, asked.igrp, first * each).await?;
        let acknowledged = acknowledged
            .iter()
            .flat_map(|message| message * each..(message + 1) * each);
        let all = recorded::ensure_all(&setup.name, acknowledged, &found)?;
        line(&format!(
            "{}: all {all} acknowledged notifications are there, each once",
            setup.name,
        ));
    }
    Ok(())
}

fn print(asked: &Throughput, rounds: &[Vec<Round>]) {
    let middle =
        |rounds: &[Round], of: fn(&Round) -> f64| median(rounds.iter().map(of)).unwrap_or_default();
    let rate = |rounds: &[Round]| middle(rounds, Round::rate);
    let reference = rounds.first().map_or(0.0, |rounds| rate(rounds));
    line(&format!(
        "{} connections, {} notifications a message, {} rounds of {} s",
        asked.connections, asked.notifications, asked.rounds, asked.seconds
    ));
    for (setup, rounds) in asked.setup.iter().zip(rounds) {
        let rate = rate(rounds);
        let refused: u64 = rounds.iter().map(|round| round.refused).sum();
        line(&format!(
            "{:<24} {rate:>8.0} messages/s ({:.2})  {:>9.0} notifications/s  p50 {:.2} ms  \
             p99 {:.2} ms  max {:.1} ms  refused {refused}",
            setup.name,
            rate / reference,
            rate * f64::from(asked.notifications),
            middle(rounds, |round| round.quantile(500)),
            middle(rounds, |round| round.quantile(990)),
            middle(rounds, |round| round.quantile(1_000)),
        ));
    }
}
