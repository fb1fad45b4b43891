//! The gateway as a whole: started, run, and ended.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use prometheus_client::registry::Registry;
use sfbridge_transport::{Boxed, ConnectionMetrics, Limits, Listener};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};
use tracing::{info, warn};

use crate::arrival::Arrival;
use crate::config::GatewayConfig;
use crate::core_client::CoreClient;
use crate::core_service::CoreService;
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::route::{self, Router, Work};
use crate::server::Server;

/// A gateway that listens. Connections wait until it runs.
pub struct Gateway {
    local_addr: SocketAddr,
    router: Arc<Router>,
    server: Server,
    work: Work,
    refusals: Refusals,
    notice_time: Duration,
    /// Ends all connections at once.
    cut: CancellationToken,
}

/// The gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A limit is zero, so that nothing would ever pass.
    #[error("the gateway's {0} is zero; set it to more than that, or leave it out")]
    ZeroLimit(&'static str),
    /// The address can't be listened on.
    #[error("the gateway can't listen on {address}; is another program using it?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Starts to listen. `core` is where messages go; the gateway's metrics are
/// added to `registry`.
///
/// # Errors
///
/// [`StartError`] when a limit is zero, or the address can't be listened on.
pub fn bind(
    config: GatewayConfig,
    core: CoreService,
    registry: &mut Registry,
) -> Boxed<'_, Result<Gateway, StartError>> {
    Box::pin(bind_gateway(config, core, registry))
}

async fn bind_gateway(
    config: GatewayConfig,
    core: CoreService,
    registry: &mut Registry,
) -> Result<Gateway, StartError> {
    if let Some(name) = config.zero_limit() {
        return Err(StartError::ZeroLimit(name));
    }
    let address = config.listen;
    let limits = Limits {
        connections: config.max_connections,
        connections_per_address: config.max_connections_per_address,
        handshake_time: config.header_time,
        first_words_time: config.header_time,
    };
    let connections = ConnectionMetrics::register(registry, "gateway");
    let cut = CancellationToken::new();
    let listener = Listener::bind(
        address,
        config.tls.clone(),
        limits,
        connections,
        cut.clone(),
    );
    let listener = listener
        .await
        .map_err(|source| StartError::Listen { address, source })?;
    let local_addr = listener.local_addr();

    let metrics = Metrics::new(registry);
    let server = Server::new(listener, config.header_time);
    let notice_time = config.notice_time;
    let work = Work::default();
    core.register(registry);
    let core = CoreClient::new(core);
    let refusals = Refusals::new(core.clone(), metrics.clone());
    let router = Router::new(config, core, metrics, refusals.clone(), work.clone());
    Ok(Gateway {
        local_addr,
        router: Arc::new(router),
        server,
        work,
        refusals,
        notice_time,
        cut,
    })
}

impl Gateway {
    /// The address that it listens on, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What answers the requests of a connection that somebody else has
    /// accepted, from this peer and without TLS: over whatever HTTP can be
    /// spoken on. The limits of the listener do not count for it.
    pub fn for_connection<B>(
        &self,
        peer: SocketAddr,
    ) -> impl Service<
        Request<B>,
        Response = Response<
            impl http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
        >,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
    where
        B: http_body::Body + Send + Sync + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let answers = route::service(Arc::clone(&self.router));
        answers.map_request(move |mut request: Request<B>| {
            let arrival = Arrival::of(&request, peer, None);
            request.extensions_mut().insert(arrival);
            request
        })
    }

    /// Answers requests until `shutdown` is cancelled. Then it goes on for the
    /// notice time, but closes each connection after an answer, so that who sends
    /// goes elsewhere; stops accepting connections; and finishes what it is at.
    /// What is left after `drain` is cut, and Salesforce will send it again.
    pub fn run(self, shutdown: CancellationToken, drain: Duration) -> Boxed<'static, ()> {
        Box::pin(self.run_until(shutdown, drain))
    }

    async fn run_until(self, shutdown: CancellationToken, drain: Duration) {
        /// For answers that say that the time is up.
        const LAST_WORDS: Duration = Duration::from_millis(250);

        let Self {
            local_addr,
            router,
            server,
            work,
            refusals,
            notice_time,
            cut,
        } = self;
        info!(address = %local_addr, "the gateway takes outbound messages");

        let served = CancellationToken::new();
        let mut reporting = tokio::spawn(refusals.report(served.clone()));

        let closing = CancellationToken::new();
        let notice = async {
            shutdown.cancelled().await;
            work.announce_end();
            tokio::time::sleep(notice_time.min(drain / 2)).await;
            closing.cancel();
        };
        let serving = server.run(route::service(router), closing.clone());
        let serving = async {
            tokio::join!(serving, notice);
            work.finish().await;
        };
        tokio::pin!(serving);
        let time_is_up = async {
            shutdown.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::pin!(time_is_up);
        let drained = tokio::select! {
            () = &mut serving => true,
            () = &mut time_is_up => false,
        };
        if !drained {
            warn!("time is up, what is left is cut");
            work.cut();
            if timeout(LAST_WORDS, &mut serving).await.is_err() {
                cut.cancel();
                serving.await;
            }
        }

        // What was refused to the last goes to the core's list, if there is time.
        served.cancel();
        let out_of_time = async {
            if drained {
                time_is_up.await;
            }
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            _ = &mut reporting => {}
            () = out_of_time => reporting.abort(),
        }
        info!(address = %local_addr, "the gateway has stopped");
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}
