//! What is counted of connections and of TLS.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The connections of one listener.
#[derive(Clone, Debug, Default)]
pub struct ConnectionMetrics {
    pub(crate) open: Gauge,
    pub(crate) refused: Counter,
    pub(crate) displaced: Counter,
    pub(crate) failed_handshakes: Counter,
}

impl ConnectionMetrics {
    /// Registers them under names that begin with the listener's, such as
    /// `gateway`.
    pub fn register(registry: &mut Registry, listener: &str) -> Self {
        let metrics = Self::default();
        registry.register(
            format!("{listener}_connections"),
            "Connections that are open now",
            metrics.open.clone(),
        );
        registry.register(
            format!("{listener}_connections_refused"),
            "Connections that were closed at once, because a limit was reached and none was idle",
            metrics.refused.clone(),
        );
        registry.register(
            format!("{listener}_connections_displaced"),
            "Idle connections that were closed to make room for others",
            metrics.displaced.clone(),
        );
        registry.register(
            format!("{listener}_tls_handshake_failures"),
            "Connections that ended before TLS was agreed on",
            metrics.failed_handshakes.clone(),
        );
        metrics
    }
}

/// The certificates of all listeners of a process.
#[derive(Clone, Debug, Default)]
pub struct TlsMetrics {
    not_after: Family<ListenerLabel, Gauge>,
    reload_failures: Family<ListenerLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

/// The certificate of one listener.
#[derive(Clone, Debug)]
pub(crate) struct CertificateMetrics {
    pub(crate) not_after: Gauge,
    pub(crate) reload_failures: Counter,
}

impl TlsMetrics {
    /// Registers them; once for a process, whatever its listeners.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_with_unit(
            "tls_certificate_not_after_timestamp",
            "When the certificate that a listener presents expires",
            Unit::Seconds,
            metrics.not_after.clone(),
        );
        registry.register(
            "tls_reload_failures",
            "Changes of a listener's certificate, key or authorities that could not be taken over",
            metrics.reload_failures.clone(),
        );
        metrics
    }

    pub(crate) fn of(&self, listener: &'static str) -> CertificateMetrics {
        let label = ListenerLabel { listener };
        CertificateMetrics {
            not_after: self.not_after.get_or_create_owned(&label),
            reload_failures: self.reload_failures.get_or_create_owned(&label),
        }
    }
}
