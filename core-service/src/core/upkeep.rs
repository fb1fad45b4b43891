//! What a core looks after now and then.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tracing::warn;

use super::REFRESH;
use crate::grpc::KeyRing;
use crate::metrics::StateLabel;
use crate::store::Store;

/// Reads the keys again that another process may have changed.
pub(super) async fn refresh_keys(keys: KeyRing) {
    loop {
        tokio::time::sleep(REFRESH).await;
        if let Err(error) = keys.refresh().await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the API keys can't be read again"
            );
        }
    }
}

/// Shows how many lead enrichments there are in each state.
pub(super) async fn count_enrichments(store: Store, gauges: Family<StateLabel, Gauge>) {
    loop {
        match store.enrichment_counts().await {
            Ok(counts) => {
                for (state, count) in counts {
                    let state = StateLabel {
                        state: state.name(),
                    };
                    let gauge = gauges.get_or_create(&state);
                    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
                }
            }
            Err(error) => warn!(
                error = &error as &dyn std::error::Error,
                "the lead enrichments can't be counted"
            ),
        }
        tokio::time::sleep(REFRESH).await;
    }
}
