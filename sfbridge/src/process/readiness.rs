//! Whether a process can take work now.

use std::time::Duration;

use core_service::CoreHealth;
use http::Uri;
use tokio::task::JoinSet;
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
    Remote(Vec<RemoteCore>),
}

/// A core elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct RemoteCore {
    address: Uri,
    health: HealthClient<Channel>,
}

impl CoreProbe {
    /// Asks cores over the network, by the standard health service. One that is
    /// well is enough.
    ///
    /// # Errors
    ///
    /// When TLS can't be set up for an `https` address.
    pub(crate) fn remote(addresses: &[Uri], tls: &ClientTlsConfig) -> anyhow::Result<Self> {
        let core = |address: &Uri| {
            let channel = core_endpoint(address.clone(), tls)?.connect_lazy();
            Ok(RemoteCore {
                address: address.clone(),
                health: HealthClient::new(channel),
            })
        };
        let cores: anyhow::Result<Vec<_>> = addresses.iter().map(core).collect();
        Ok(Self::Remote(cores?))
    }
}

impl Readiness {
    /// Ready while the core is well and `shutdown` has not begun.
    pub(super) fn new(core: CoreProbe, shutdown: CancellationToken) -> Self {
        Self { core, shutdown }
    }

    /// Says in one sentence why no work can be taken.
    pub(super) async fn check(&self) -> Result<(), String> {
        if self.shutdown.is_cancelled() {
            return Err("This process is shutting down.".to_owned());
        }
        match &self.core {
            CoreProbe::Local(health) => health.check(),
            CoreProbe::Remote(cores) => any(cores).await,
        }
    }
}

/// Whether one of the cores is well. They are asked at once, so that one that is
/// mute does not keep another's answer waiting.
async fn any(cores: &[RemoteCore]) -> Result<(), String> {
    let mut asked = JoinSet::new();
    for (place, core) in cores.iter().cloned().enumerate() {
        asked.spawn(async move { (place, core.ask().await) });
    }
    let mut reasons = Vec::new();
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok((_, Ok(()))) => return Ok(()),
            Ok((place, Err(reason))) => reasons.push((place, reason)),
            Err(panic) => return Err(format!("A core could not be asked how it is: {panic}.")),
        }
    }
    if let [(_, reason)] = reasons.as_slice() {
        return Err(reason.clone());
    }
    reasons.sort_unstable();
    let reason = |(place, reason): &(usize, String)| {
        let address = cores.get(*place).map(|core| &core.address);
        address.map_or_else(|| reason.clone(), |address| format!("{address}: {reason}"))
    };
    let reasons: Vec<String> = reasons.iter().map(reason).collect();
    Err(format!("No core is ready.\n{}", reasons.join("\n")))
}

impl RemoteCore {
    async fn ask(self) -> Result<(), String> {
        const PATIENCE: Duration = Duration::from_secs(2);

        let answer = timeout(PATIENCE, ask(self.health)).await;
        answer.unwrap_or_else(|_| Err("The core does not answer.".to_owned()))
    }
}

async fn ask(mut health: HealthClient<Channel>) -> Result<(), String> {
    // An empty name asks for the server as a whole.
    let answer = health.check(HealthCheckRequest::default()).await;
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
