//! A gateway that runs for one test.

use std::net::SocketAddr;
use std::time::Duration;

use prometheus_client::registry::Registry;
use soap_gateway::{CoreService, GatewayConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Server, Uri};

use crate::fake_core::FakeCore;
use crate::http_client::PATIENCE;

/// A gateway on a free port, in front of a fake core.
pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    pub(crate) core: FakeCore,
    pub(crate) shutdown: CancellationToken,
    registry: Registry,
    running: JoinHandle<()>,
}

/// Any free port.
pub(crate) fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl TestGateway {
    /// With the defaults, but for a free port.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With a core behind a real socket.
    pub(crate) async fn start_with(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let core = FakeCore::new();
        let uri = serve(&core).await;
        let service = CoreService::connect(vec![uri], None).unwrap();
        Self::start_before(core, service, Duration::from_secs(20), change).await
    }

    /// With any core.
    pub(crate) async fn start_before(
        core: FakeCore,
        service: CoreService,
        drain: Duration,
        change: impl FnOnce(&mut GatewayConfig),
    ) -> Self {
        let mut config = GatewayConfig {
            listen: free(),
            // No load balancer has to notice.
            notice_time: Duration::ZERO,
            ..GatewayConfig::default()
        };
        change(&mut config);
        let mut registry = Registry::default();
        let gateway = soap_gateway::bind(config, service, &mut registry)
            .await
            .unwrap();
        let address = gateway.local_addr();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(gateway.run(shutdown.clone(), drain));
        Self {
            address,
            core,
            shutdown,
            registry,
            running,
        }
    }

    /// Waits until the gateway has stopped.
    pub(crate) async fn stopped(self) {
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }

    /// Waits until a metric's line has this value.
    pub(crate) async fn until_metric(&self, name: &str, value: &str) {
        let line = format!("{name} {value}\n");
        let shown = async {
            while !self.metrics().contains(&line) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let shown = timeout(PATIENCE, shown).await;
        assert!(shown.is_ok(), "no {line} in\n{}", self.metrics());
    }

    /// The metrics as they are scraped.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }
}

/// Serves a core on a free port.
pub(crate) async fn serve(core: &FakeCore) -> Uri {
    serve_routes(core.routes()).await
}

/// Serves these services on a free port.
pub(crate) async fn serve_routes(routes: Routes) -> Uri {
    let listener = TcpListener::bind(free()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    format!("http://{address}").parse().unwrap()
}
