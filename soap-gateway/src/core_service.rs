//! The way to the core: over the network, or inside this process.

mod attempt;
mod back_off;
mod failover;
mod health;
mod member;
mod metrics;
mod turn;

use std::error::Error;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri};
use prometheus_client::registry::Registry;
use secrecy::{ExposeSecret, SecretString};
use sfbridge_transport::tls::Trouble;
use tonic::body::Body;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

pub(crate) use attempt::Until;
use failover::Failover;

use crate::config::GatewayConfig;
use crate::core_client::Recorder;

type BoxError = Box<dyn Error + Send + Sync>;

/// The way to the core. The same to its users, whether the core is another
/// process or part of this one.
#[derive(Clone, Debug)]
pub struct CoreService {
    service: Transport,
    /// The cores, where it is over the network.
    cores: Option<Failover>,
    /// What records, where the core is part of this process.
    recorder: Option<Recorder>,
}

/// What generated clients call.
pub(crate) type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, Unreachable>;

/// The core could not be called.
#[derive(Debug, thiserror::Error)]
#[error("the core could not be called")]
pub(crate) struct Unreachable(#[source] BoxError);

/// The core can't be called as asked.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCoreService {
    /// There is no address.
    #[error("no address of the core is given")]
    NoAddress,
    /// An address is not one of gRPC.
    #[error(
        "{address} is not an address of the core; write it as http://host:port or \
         https://host:port"
    )]
    InvalidAddress {
        /// The address.
        address: Uri,
    },
    /// TLS can't be set up for an address.
    #[error("TLS can't be set up for the core at {address}")]
    Tls {
        /// The address.
        address: Uri,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The API key has characters that can't be sent.
    #[error("the API key for the core has characters that no API key has")]
    InvalidApiKey,
}

impl CoreService {
    /// The way to one or several cores over the network, with the system's
    /// authorities for those that have `https` addresses, and the default
    /// [`GatewayConfig::core_time`].
    ///
    /// # Errors
    ///
    /// [`InvalidCoreService`] when an address or the key can't be used.
    pub fn connect(
        addresses: Vec<Uri>,
        api_key: Option<SecretString>,
    ) -> Result<Self, InvalidCoreService> {
        let tls = ClientTlsConfig::new().with_native_roots();
        let core_time = GatewayConfig::default().core_time;
        Self::connect_with_tls(addresses, api_key, &tls, core_time)
    }

    /// The way to one or several cores over the network. `tls` counts for those
    /// that have `https` addresses.
    ///
    /// A connection to each core is kept open, over which it tells how it is. A
    /// request goes to a core that is well and has little to do. When it is not
    /// answered there, or not within `core_time`, it goes to another one in the
    /// time that it has left.
    ///
    /// # Errors
    ///
    /// [`InvalidCoreService`] when an address or the key can't be used.
    pub fn connect_with_tls(
        addresses: Vec<Uri>,
        api_key: Option<SecretString>,
        tls: &ClientTlsConfig,
        core_time: Duration,
    ) -> Result<Self, InvalidCoreService> {
        let authorization = api_key.map(|key| bearer(&key)).transpose()?;
        let channels = addresses
            .into_iter()
            .map(|address| Ok((name(&address), channel(address, tls)?)))
            .collect::<Result<Vec<_>, _>>()?;
        let cores = Failover::new(channels, core_time).ok_or(InvalidCoreService::NoAddress)?;
        let service = cores
            .clone()
            .map_request(move |mut request: Request<Body>| {
                if let Some(authorization) = &authorization {
                    let headers = request.headers_mut();
                    headers.insert(AUTHORIZATION, authorization.clone());
                }
                request
            });
        Ok(Self {
            cores: Some(cores),
            ..Self::in_process(service)
        })
    }

    /// The way to a core inside this process: its gRPC services, called without
    /// a socket.
    pub fn in_process<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Self {
            service: BoxCloneSyncService::new(service.map_err(|error| Unreachable(error.into()))),
            cores: None,
            recorder: None,
        }
    }

    /// The same way, but what is recorded goes this way instead.
    pub(crate) fn with_recorder(self, recorder: Recorder) -> Self {
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    /// What records in this process, where something does.
    pub(crate) fn recorder(&self) -> Option<Recorder> {
        self.recorder.clone()
    }

    /// How many cores there are somewhere else.
    pub(crate) fn remote_cores(&self) -> usize {
        self.cores.as_ref().map_or(0, Failover::count)
    }

    /// Adds the metrics of the cores to a registry.
    pub(crate) fn register(&self, registry: &mut Registry) {
        if let Some(cores) = &self.cores {
            cores.register(registry);
        }
    }

    /// The service that generated clients call.
    pub(crate) fn into_inner(self) -> Transport {
        self.service
    }
}

/// A core's address as it is shown: host and port.
fn name(address: &Uri) -> String {
    address
        .authority()
        .map_or_else(|| address.to_string(), ToString::to_string)
}

fn channel(address: Uri, tls: &ClientTlsConfig) -> Result<Channel, InvalidCoreService> {
    const CONNECT_TIME: Duration = Duration::from_secs(2);
    const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
    const KEEP_ALIVE_TIME: Duration = Duration::from_secs(10);
    const STREAM_WINDOW: u32 = 1024 * 1024;
    const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

    let is_tls = address.scheme() == Some(&Scheme::HTTPS);
    if !(is_tls || address.scheme() == Some(&Scheme::HTTP)) || address.authority().is_none() {
        return Err(InvalidCoreService::InvalidAddress { address });
    }
    let mut endpoint = Endpoint::from(address.clone());
    if is_tls {
        let tls = tls.clone().timeout(CONNECT_TIME);
        endpoint = endpoint
            .tls_config(tls)
            .map_err(|source| InvalidCoreService::Tls { address, source })?;
    }
    Ok(endpoint
        .connect_timeout(CONNECT_TIME)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIME)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_lazy())
}

/// What lies behind a broken connection, for the operator.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    if let Some(trouble) = Trouble::of(error) {
        return format!("no TLS with the core: {trouble}");
    }
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn bearer(key: &SecretString) -> Result<HeaderValue, InvalidCoreService> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| InvalidCoreService::InvalidApiKey)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &'static str, is_good: bool) {
        let result = channel(Uri::from_static(address), &ClientTlsConfig::new());
        assert_eq!(result.is_ok(), is_good, "{address}");
    }

    #[tokio::test]
    async fn a_core_is_called_over_http_with_or_without_tls() {
        check("http://127.0.0.1:50051", true);
        check("https://core.example:50051", true);
        check("ftp://core.example:50051", false);
        check("core.example:50051", false);
        check("/core", false);
    }

    #[test]
    fn a_core_needs_an_address() {
        let error = CoreService::connect(Vec::new(), None).unwrap_err();
        assert!(matches!(error, InvalidCoreService::NoAddress));
    }

    #[test]
    fn an_api_key_is_never_shown() {
        let key = bearer(&SecretString::from("s3cret")).unwrap();
        assert_eq!(key, "Bearer s3cret");
        assert!(!format!("{key:?}").contains("s3cret"));

        let error = bearer(&SecretString::from("s3\ncret")).unwrap_err();
        assert!(!error.to_string().contains("s3"));
    }
}
