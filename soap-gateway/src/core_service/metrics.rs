//! What is counted of the cores.

use std::collections::HashMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::attempt::Outcome;

/// Counters and gauges of all cores that a gateway calls.
#[derive(Clone, Debug, Default)]
pub(super) struct CoresMetrics {
    requests: Family<RequestLabels, Counter>,
    serving: Family<CoreLabel, Gauge>,
    /// Requests that were tried once more.
    pub(super) repeats: Counter,
    /// Requests that were not, because too many are.
    pub(super) repeats_refused: Counter,
}

/// Those of one core.
#[derive(Clone, Debug)]
pub(super) struct MemberMetrics {
    requests: HashMap<&'static str, Counter>,
    /// 1 while it takes requests.
    pub(super) serving: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    core: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CoreLabel {
    core: String,
}

impl CoresMetrics {
    /// Adds them to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "gateway_core_requests",
            "Requests to a core, by its address and outcome (answered, overloaded, unavailable, \
             unreached, broken, late)",
            self.requests.clone(),
        );
        registry.register(
            "gateway_core_serving",
            "Whether a core takes requests (1) or is passed over (0), by its address",
            self.serving.clone(),
        );
        registry.register(
            "gateway_core_repeats",
            "Requests tried once more, at another core where there is one",
            self.repeats.clone(),
        );
        registry.register(
            "gateway_core_repeats_refused",
            "Requests not tried once more, because too many were already",
            self.repeats_refused.clone(),
        );
    }

    /// Those of the core at this address.
    pub(super) fn of(&self, address: &str) -> MemberMetrics {
        let labels = |outcome| RequestLabels {
            core: address.to_owned(),
            outcome,
        };
        let counter = |outcome| self.requests.get_or_create(&labels(outcome)).clone();
        let label = CoreLabel {
            core: address.to_owned(),
        };
        MemberMetrics {
            requests: Outcome::NAMES
                .into_iter()
                .map(|outcome| (outcome, counter(outcome)))
                .collect(),
            serving: self.serving.get_or_create(&label).clone(),
        }
    }
}

impl MemberMetrics {
    /// A request had this outcome.
    pub(super) fn count(&self, outcome: &Outcome) {
        if let Some(counter) = self.requests.get(outcome.name()) {
            counter.inc();
        }
    }
}
