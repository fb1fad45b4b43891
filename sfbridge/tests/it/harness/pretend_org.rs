//! A pretend Salesforce org for one test.

use std::path::Path;

use salesforce_sim::{OrgDescription, SimConfig};
use tokio_util::sync::{CancellationToken, DropGuard};

/// An org that runs in the test's own process, until the test is over.
#[derive(Debug)]
pub(crate) struct PretendOrg {
    host: String,
    _running: DropGuard,
}

impl PretendOrg {
    /// Starts an org that a data file (TOML) describes.
    pub(crate) async fn start(description: &str) -> Self {
        let org = OrgDescription::parse(Path::new("org.toml"), description).unwrap();
        let sim = salesforce_sim::bind(SimConfig {
            org,
            ..SimConfig::new(([127, 0, 0, 1], 0).into())
        });
        let sim = sim.await.unwrap();
        let host = sim.local_addr().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(sim.run(stop.clone()));
        Self {
            host,
            _running: stop.drop_guard(),
        }
    }

    /// Its `host:port`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Where to log in.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host)
    }
}
