//! The work on lead enrichments: what is known of a visitor is written into
//! the Lead.
//!
//! A lane works on the jobs of one installation, up to 200 at a time, because
//! connections belong to installations and Salesforce takes 200 Leads in a
//! call. Lanes are independent of one another, and each makes one call at a
//! time. What becomes of a job is decided in the domain and kept by the store;
//! nothing that matters is kept here, so a process may end at any point.

mod decided;
mod dispatcher;
mod lane;
mod lookup;
mod metrics;
mod orgs;
mod push;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::salesforce::Connections;
use crate::store::Store;
use dispatcher::Dispatcher;
use lane::Lanes;
pub(crate) use metrics::EnrichingMetrics;
use orgs::Orgs;

/// How lead enrichments are worked on.
#[derive(Clone, Copy, Debug)]
pub struct EnrichingConfig {
    /// How long a job that was taken up is left to whoever did. Longer than all
    /// calls for a batch may take.
    pub lease: Duration,
    /// How long an organisation that has no API calls to spare is left alone.
    pub quota_pause: Duration,
    /// How long after the first refusal a connection is tried again; each later
    /// time may be twice as long, up to 15 minutes.
    pub connection_retry: Duration,
}

/// Works on lead enrichments.
#[derive(Debug)]
pub(crate) struct Enricher {
    store: Store,
    connections: Connections,
    config: EnrichingConfig,
    metrics: EnrichingMetrics,
}

impl Default for EnrichingConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_mins(5),
            quota_pause: Duration::from_mins(1),
            connection_retry: Duration::from_secs(5),
        }
    }
}

impl Enricher {
    pub(crate) fn new(
        store: Store,
        connections: Connections,
        config: EnrichingConfig,
        metrics: EnrichingMetrics,
    ) -> Self {
        Self {
            store,
            connections,
            config,
            metrics,
        }
    }

    /// Works until `stop`; then comes to the end of the batches that are being
    /// written, and returns.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self {
            store,
            connections,
            config,
            metrics,
        } = self;
        let orgs = Orgs::new(connections.clone(), store.clone(), config.connection_retry);
        let lanes = Lanes {
            store,
            orgs,
            config,
            metrics,
            owner: Uuid::now_v7(),
            stop,
        };
        Dispatcher::new(Arc::new(lanes)).run(&connections).await;
    }
}
