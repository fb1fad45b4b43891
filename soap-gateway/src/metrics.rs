//! What is counted.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::core_client::Outcomes;
use crate::endpoint::Endpoint;
use crate::fault::Limit;
use crate::fault::Reason;

/// The gateway's counters, gauges and histograms.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    messages: Family<MessageLabels, Counter>,
    notifications: Family<NotificationLabels, Counter>,
    refused: Family<ReasonLabel, Counter>,
    refused_messages_dropped: Counter,
    durations: Family<EndpointLabel, Histogram>,
    requests_in_flight: Gauge,
    shares: Family<LimitLabel, Gauge>,
    overloaded: Family<LimitLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotificationLabels {
    endpoint: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabel {
    endpoint: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    limit: &'static str,
}

/// One more on a gauge, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Metrics {
    /// Registers all of them.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            messages: Family::default(),
            notifications: Family::default(),
            refused: Family::default(),
            refused_messages_dropped: Counter::default(),
            durations: Family::new_with_constructor(histogram),
            requests_in_flight: Gauge::default(),
            shares: Family::default(),
            overloaded: Family::default(),
        };
        registry.register(
            "gateway_messages",
            "Outbound messages answered, by endpoint (or none) and HTTP status",
            metrics.messages.clone(),
        );
        registry.register(
            "gateway_notifications",
            "Notifications acknowledged, by endpoint and outcome (recorded, duplicate, quarantined)",
            metrics.notifications.clone(),
        );
        registry.register(
            "gateway_refused",
            "Requests answered with a fault, by its reason",
            metrics.refused.clone(),
        );
        registry.register(
            "gateway_refused_messages_dropped",
            "Refused messages that will not be on the core's list of them",
            metrics.refused_messages_dropped.clone(),
        );
        registry.register_with_unit(
            "gateway_message_duration",
            "Time from a request's header to its answer, by endpoint (or none)",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "gateway_requests_in_flight",
            "Requests being answered now",
            metrics.requests_in_flight.clone(),
        );
        registry.register(
            "gateway_shares_in_use",
            "How much of a shared limit is in use (arrivals: messages that arrive, work: messages \
             that are worked on)",
            metrics.shares.clone(),
        );
        registry.register(
            "gateway_overloaded",
            "Messages refused with 503 for overload, by the limit that was reached (arrivals, \
             bytes, work, core)",
            metrics.overloaded.clone(),
        );
        metrics
    }

    /// A message was answered.
    pub(crate) fn answered(
        &self,
        endpoint: Option<Endpoint>,
        status: StatusCode,
        duration: Duration,
    ) {
        let endpoint = endpoint.map_or("none", Endpoint::name);
        let status = status.as_u16();
        let labels = MessageLabels { endpoint, status };
        self.messages.get_or_create(&labels).inc();
        let duration = duration.as_secs_f64();
        self.durations
            .get_or_create(&EndpointLabel { endpoint })
            .observe(duration);
    }

    /// So many refused messages are not listed.
    pub(crate) fn refused_dropped(&self, count: u32) {
        self.refused_messages_dropped.inc_by(u64::from(count));
    }

    /// All notifications of a message are durable.
    pub(crate) fn acknowledged(&self, endpoint: Endpoint, recorded: Outcomes) {
        let endpoint = endpoint.name();
        for (outcome, count) in [
            ("recorded", recorded.recorded),
            ("duplicate", recorded.duplicate),
            ("quarantined", recorded.quarantined),
        ] {
            let labels = NotificationLabels { endpoint, outcome };
            self.notifications.get_or_create(&labels).inc_by(count);
        }
    }

    /// A request was answered with a fault.
    pub(crate) fn refused(&self, reason: Reason) {
        let reason = reason.name();
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// How much of a limit is in use.
    pub(crate) fn in_use(&self, limit: Limit) -> Gauge {
        let limit = limit.name();
        self.shares.get_or_create(&LimitLabel { limit }).clone()
    }

    /// A message was refused at a limit.
    pub(crate) fn overloaded(&self, limit: Limit) {
        let limit = limit.name();
        self.overloaded.get_or_create(&LimitLabel { limit }).inc();
    }

    /// Counts a request for as long as the answer lives.
    pub(crate) fn request(&self) -> Counted {
        Counted::new(&self.requests_in_flight)
    }
}

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn histogram() -> Histogram {
    Histogram::new([
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0,
    ])
}
