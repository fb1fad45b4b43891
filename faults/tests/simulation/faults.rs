//! What the simulated network does to its hosts.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use turmoil::Sim;

use crate::network::GATEWAYS;
use crate::{LATENCY, SENDERS, network};

/// What is over at some time.
#[derive(Clone, Debug)]
enum Ends {
    Repair(String, String),
    Release(String, String),
    Bounce(String),
    Latency(String, String),
    Loss(String, String),
}

/// Faults that come and go.
pub(crate) struct Weather {
    random: StdRng,
    next: Duration,
    ends: Vec<(Duration, Ends)>,
    count: usize,
}

/// How long faults come; then the network is left alone, so that everything
/// comes to its end.
const STORMY: Duration = Duration::from_mins(2);

impl Weather {
    pub(crate) fn new(random: StdRng) -> Self {
        Self {
            random,
            next: Duration::from_millis(200),
            ends: Vec::new(),
            count: 0,
        }
    }

    /// How many faults there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Does what is due.
    pub(crate) fn pass(&mut self, sim: &mut Sim<'_>) {
        let now = sim.elapsed();
        let (over, on): (Vec<_>, Vec<_>) = self.ends.drain(..).partition(|(time, _)| *time <= now);
        self.ends = on;
        for (_, end) in over {
            match end {
                Ends::Repair(a, b) => sim.repair(a, b),
                Ends::Release(a, b) => sim.release(a, b),
                Ends::Bounce(host) => sim.bounce(host),
                Ends::Latency(a, b) => {
                    sim.set_link_max_message_latency(a, b, LATENCY);
                }
                Ends::Loss(a, b) => {
                    sim.set_link_fail_rate(a.clone(), b.clone(), 0.0);
                    sim.repair(a, b);
                }
            }
        }
        if now >= self.next && now < STORMY {
            self.next = now + Duration::from_millis(self.random.random_range(50..3_000));
            self.count += 1;
            self.begin(sim, now);
        }
    }

    fn begin(&mut self, sim: &mut Sim<'_>, now: Duration) {
        let lasting = Duration::from_millis(self.random.random_range(5..8_000));
        let gateway = GATEWAYS[self.random.random_range(0..GATEWAYS.len())].to_owned();
        let other = if self.random.random() {
            network::CORE.to_owned()
        } else {
            format!("sender-{}", self.random.random_range(0..SENDERS))
        };
        let end = match self.random.random_range(0..8) {
            0 => {
                sim.partition(gateway.clone(), other.clone());
                Ends::Repair(gateway, other)
            }
            1 => {
                sim.partition_oneway(other.clone(), gateway.clone());
                Ends::Repair(gateway, other)
            }
            2 => {
                sim.hold(gateway.clone(), other.clone());
                Ends::Release(gateway, other)
            }
            3 => {
                let late = Duration::from_millis(self.random.random_range(100..4_000));
                sim.set_link_max_message_latency(gateway.clone(), other.clone(), late);
                Ends::Latency(gateway, other)
            }
            4 => {
                let rate = self.random.random_range(0.01..0.3);
                sim.set_link_fail_rate(gateway.clone(), other.clone(), rate);
                Ends::Loss(gateway, other)
            }
            5 => {
                sim.crash(gateway.clone());
                Ends::Bounce(gateway)
            }
            _ => {
                sim.crash(network::CORE);
                Ends::Bounce(network::CORE.to_owned())
            }
        };
        self.ends.push((now + lasting, end));
    }
}
