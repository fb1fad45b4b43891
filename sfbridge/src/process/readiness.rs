//! Whether a process can take work now.

use std::time::Duration;

use core_service::CoreHealth;
use http::Uri;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, ClientTlsConfig};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::{core_endpoint, doubt};

/// Tells load balancers whether to send work here.
#[derive(Clone, Debug)]
pub(super) struct Readiness {
    core: CoreProbe,
    shutdown: CancellationToken,
}

/// How to learn how the core is.
#[derive(Clone, Debug)]
pub(crate) enum CoreProbe {
    /// It is in this process.
    Local(CoreHealth),
    /// It is elsewhere, at one of several places.
    Remote(HealthClient<Channel>),
}

impl CoreProbe {
    /// Asks cores over the network, by the standard health service.
    ///
    /// # Errors
    ///
    /// When TLS can't be set up for an `https` address.
    pub(crate) fn remote(addresses: &[Uri], tls: &ClientTlsConfig) -> anyhow::Result<Self> {
        let endpoints: anyhow::Result<Vec<_>> = addresses
            .iter()
            .map(|address| core_endpoint(address.clone(), tls))
            .collect();
        let channel = Channel::balance_list(endpoints?.into_iter());
        Ok(Self::Remote(HealthClient::new(channel)))
    }
}

impl Readiness {
    /// Ready while the core is well and `shutdown` has not begun.
    pub(super) fn new(core: CoreProbe, shutdown: CancellationToken) -> Self {
        Self { core, shutdown }
    }

    /// Says in one sentence why no work can be taken.
    pub(super) async fn check(&self) -> Result<(), String> {
        const PATIENCE: Duration = Duration::from_secs(2);

        if self.shutdown.is_cancelled() {
            return Err("This process is shutting down.".to_owned());
        }
        match &self.core {
            CoreProbe::Local(health) => health.check(),
            CoreProbe::Remote(client) => {
                let answer = timeout(PATIENCE, ask(client.clone())).await;
                answer.unwrap_or_else(|_| Err("The core does not answer.".to_owned()))
            }
        }
    }
}

async fn ask(mut client: HealthClient<Channel>) -> Result<(), String> {
    // An empty name asks for the server as a whole.
    let answer = client.check(HealthCheckRequest::default()).await;
    match answer {
        Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
        Ok(_) => Err("The core says that it is not serving.".to_owned()),
        Err(status) if let Some(doubt) = doubt(&status) => {
            Err(format!("The core can't be asked how it is. {doubt}"))
        }
        Err(status) => Err(format!(
            "The core can't be asked how it is: {}.",
            status.message().trim_end_matches('.')
        )),
    }
}
