//! How a core is, to choose one of several.

use std::error::Error as _;
use std::time::Duration;

use tokio::time::timeout;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How a core is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It serves, or knows no such question.
    Well,
    /// It answers, but says that it does not serve: it is shutting down, or its
    /// store has failed.
    Unwell,
    /// It does not answer.
    Mute,
}

/// Asks a core how it is.
pub(super) async fn of(core: &Channel) -> Health {
    const PATIENCE: Duration = Duration::from_secs(2);

    let mut health = HealthClient::new(core.clone());
    // An empty name asks for the core as a whole.
    let asked = health.check(HealthCheckRequest::default());
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Health::Well,
        Ok(Ok(_)) => Health::Unwell,
        // Whoever refuses is there. Perhaps a proxy passes on only the rest.
        Ok(Err(refusal)) if refusal.source().is_none() => match refusal.code() {
            Code::Unavailable => Health::Unwell,
            _ => Health::Well,
        },
        Ok(Err(_)) | Err(_) => Health::Mute,
    }
}
