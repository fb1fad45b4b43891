//! What the core counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::enriching::EnrichingMetrics;
use crate::expiring::ExpiringMetrics;

/// The labels of a result.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ResultLabels {
    /// `event`, `call_rating`, `lead_enrichment`, `visit` or `call`.
    pub(crate) kind: &'static str,
    /// `recorded`, `duplicate` or `rejected`.
    pub(crate) outcome: &'static str,
    /// The reason of a rejection, else empty.
    pub(crate) reason: &'static str,
}

/// The label of requests for the store's writer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ClassLabel {
    /// `records`, `settings` or `background`.
    pub(crate) class: &'static str,
}

/// The label of lead enrichments.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StateLabel {
    /// The state, in the contract's words.
    pub(crate) state: &'static str,
}

/// The counters of the core.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoreMetrics {
    pub(crate) results: Family<ResultLabels, Counter>,
    pub(crate) lead_enrichments: Family<StateLabel, Gauge>,
    pub(crate) event_streams: Gauge,
    pub(crate) streamed_events: Counter,
    pub(crate) enriching: EnrichingMetrics,
    pub(crate) expiring: ExpiringMetrics,
    pub(crate) store: StoreMetrics,
}

impl CoreMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            enriching: EnrichingMetrics::register(registry),
            expiring: ExpiringMetrics::register(registry),
            ..Self::default()
        };
        registry.register(
            "core_items",
            "Items of batches by kind and outcome",
            metrics.results.clone(),
        );
        registry.register(
            "lead_enrichments",
            "Lead enrichments that are kept, by state",
            metrics.lead_enrichments.clone(),
        );
        registry.register(
            "event_streams",
            "Streams of events that are open",
            metrics.event_streams.clone(),
        );
        registry.register(
            "streamed_events",
            "Events that were sent over streams",
            metrics.streamed_events.clone(),
        );
        metrics.store.register(registry);
        metrics
    }
}

/// The counters of a store.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    pub(crate) commits: Counter,
    pub(crate) commit_failures: Counter,
    pub(crate) group_requests: Histogram,
    pub(crate) commit_duration: Histogram,
    pub(crate) queued_requests: Family<ClassLabel, Gauge>,
    pub(crate) overloaded: Family<ClassLabel, Counter>,
    pub(crate) enrichment_results: Family<StateLabel, Counter>,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            commits: Counter::default(),
            commit_failures: Counter::default(),
            group_requests: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            commit_duration: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            queued_requests: Family::default(),
            overloaded: Family::default(),
            enrichment_results: Family::default(),
        }
    }
}

impl StoreMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "store_commits",
            "Transactions that the store has committed",
            self.commits.clone(),
        );
        registry.register(
            "store_commit_failures",
            "Transactions that the store could not commit",
            self.commit_failures.clone(),
        );
        registry.register(
            "store_group_requests",
            "Requests that shared one transaction",
            self.group_requests.clone(),
        );
        registry.register_with_unit(
            "store_commit_duration",
            "Time that a commit took, the sync included",
            Unit::Seconds,
            self.commit_duration.clone(),
        );
        registry.register(
            "store_queued_requests",
            "Requests that wait for the writer, by class (records, settings, background)",
            self.queued_requests.clone(),
        );
        registry.register(
            "store_overloaded",
            "Requests refused because too many wait for the writer, or because they waited too \
             long, by class",
            self.overloaded.clone(),
        );
        registry.register(
            "lead_enrichment_results",
            "Lead enrichments that ended or were parked, by the state that they came to",
            self.enrichment_results.clone(),
        );
    }
}
