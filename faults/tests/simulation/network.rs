//! The hosts of the simulated network: gateways, and the core's port.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::registry::Registry;
use soap_gateway::{CoreService, GatewayConfig};
use tokio::sync::Mutex;
use tonic::body::Body;
use tonic::transport::Endpoint;
use turmoil::net::{TcpListener, TcpStream};

use crate::core_life::{Keeper, Life};

pub(crate) const CORE: &str = "core";
pub(crate) const GATEWAYS: [&str; 2] = ["gateway-1", "gateway-2"];

const CORE_PORT: u16 = 50_051;
pub(crate) const GATEWAY_PORT: u16 = 8_080;

/// A gateway, with the settings that it has for its core in the product.
pub(crate) async fn gateway() -> turmoil::Result {
    let connect = tower::service_fn(|_: Uri| async {
        let stream = TcpStream::connect((CORE, CORE_PORT)).await?;
        Ok::<_, std::io::Error>(TokioIo::new(stream))
    });
    let channel = Endpoint::from_static("http://core:50051")
        .connect_timeout(Duration::from_secs(2))
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .keep_alive_while_idle(true)
        .connect_with_connector_lazy(connect);
    let config = GatewayConfig {
        // It holds this port of the real network, and never accepts there.
        listen: ([127, 0, 0, 1], 0).into(),
        ..GatewayConfig::default()
    };
    let core = CoreService::in_process(channel);
    let gateway = soap_gateway::bind(config, core, &mut Registry::default()).await?;
    let listener = TcpListener::bind(("0.0.0.0", GATEWAY_PORT)).await?;
    loop {
        let (stream, peer) = listener.accept().await?;
        let answers = TowerToHyperService::new(gateway.for_connection::<Incoming>(peer));
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new());
            // A connection that breaks is the sender's to notice.
            let _ = http.serve_connection(TokioIo::new(stream), answers).await;
        });
    }
}

/// The core's port: each life of the host opens the store again.
pub(crate) async fn core(keeper: Arc<Keeper>) -> turmoil::Result {
    let life = tokio::task::spawn_blocking(move || keeper.begin()).await?;
    let life = Arc::new(life);
    let turn = Arc::new(Mutex::new(()));
    let listener = TcpListener::bind(("0.0.0.0", CORE_PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (life, turn) = (Arc::clone(&life), Arc::clone(&turn));
        tokio::spawn(async move {
            let answers = service_fn(move |request: Request<Incoming>| {
                answer(Arc::clone(&life), Arc::clone(&turn), request)
            });
            let mut http = http2::Builder::new(TokioExecutor::new());
            http.timer(TokioTimer::new());
            let _ = http.serve_connection(TokioIo::new(stream), answers).await;
        });
    }
}

/// Has the real core answer, which takes no simulated time: the simulated clock
/// stands still while a blocking task runs. One request after the other, in the
/// order in which they came.
async fn answer(
    life: Arc<Life>,
    turn: Arc<Mutex<()>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    use http_body_util::BodyExt as _;

    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The connection broke in the middle; nobody waits for this.
        return Ok(Response::new(Body::empty()));
    };
    let _turn = turn.lock().await;
    let request = Request::from_parts(head, Body::new(body));
    let call = life.call(request);
    let answered = tokio::task::spawn_blocking(call).await;
    Ok(answered.unwrap())
}
