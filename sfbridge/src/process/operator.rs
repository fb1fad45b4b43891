//! The operator listener: whether the process lives, whether it is ready, and
//! its metrics.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::readiness::Readiness;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The operator's port, bound before anything else.
#[derive(Debug)]
pub(crate) struct OperatorListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl OperatorListener {
    /// Binds the port.
    ///
    /// # Errors
    ///
    /// Says which address is taken and which setting chooses another.
    pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "the operator listener can't listen on {address}; stop what listens there \
                 (another sfbridge?), or choose another address with --operator-listen"
            )
        })?;
        let address = listener
            .local_addr()
            .context("a bound port has no address")?;
        Ok(Self { listener, address })
    }

    /// The address with the actual port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the task is stopped. The process stops it last, so that
    /// it can be watched to its end.
    pub(super) async fn serve(self, state: OperatorState) {
        const MAX_CONNECTIONS: usize = 64;
        const HEADER_TIME: Duration = Duration::from_secs(10);
        const PAUSE: Duration = Duration::from_millis(100);

        let state = Arc::new(state);
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            // A permit first: who comes beyond them waits unaccepted.
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, for instance: it may pass.
                    tracing::warn!(%error, "the operator listener could not accept a connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let state = Arc::clone(&state);
            connections.spawn(async move {
                let answer = service_fn(|request: Request<hyper::body::Incoming>| {
                    let state = Arc::clone(&state);
                    async move {
                        let (method, path) = (request.method(), request.uri().path());
                        Ok::<_, Infallible>(state.answer(method, path).await)
                    }
                });
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_TIME)
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection to the operator listener broke");
                }
                drop(permit);
            });
            while connections.try_join_next().is_some() {}
        }
    }
}

/// What the operator listener knows.
#[derive(Debug)]
pub(super) struct OperatorState {
    /// Whether work can be taken.
    pub(super) readiness: Readiness,
    /// All metrics of the process.
    pub(super) registry: Registry,
}

impl OperatorState {
    async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            let paths = "Nothing is here; there are /healthz, /readyz and /metrics.\n";
            return answer(StatusCode::NOT_FOUND, TEXT, paths);
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut refusal = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Only GET works.\n");
            refusal
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        match path {
            "/healthz" => answer(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" => match self.readiness.check().await {
                Ok(()) => answer(StatusCode::OK, TEXT, "ready\n"),
                Err(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
            },
            _ => self.metrics(),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => answer(StatusCode::OK, OPENMETRICS, text),
            Err(error) => {
                tracing::error!(%error, "the metrics could not be written");
                answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "See the log.\n")
            }
        }
    }
}

fn answer(
    status: StatusCode,
    content_type: HeaderValue,
    text: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
