//! Connections: accepted, served, and ended.

mod activity;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::{debug, warn};

use crate::arrival::Arrival;
use crate::config::GatewayConfig;
use crate::metrics::Metrics;
use activity::Activity;

/// Accepts connections and serves them.
pub(crate) struct Server {
    listener: TcpListener,
    connections: Arc<Semaphore>,
    settings: Settings,
    metrics: Metrics,
}

#[derive(Clone)]
struct Settings {
    http: auto::Builder<TokioExecutor>,
    idle_time: Duration,
    /// Connections are to end after the request that they are at.
    stop: CancellationToken,
    /// Connections are to end now.
    cut: CancellationToken,
}

impl Server {
    /// A server on a listener. `cut` ends its connections at once.
    pub(crate) fn new(
        listener: TcpListener,
        config: &GatewayConfig,
        metrics: Metrics,
        cut: CancellationToken,
    ) -> Self {
        let connections = config.max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            connections: Arc::new(Semaphore::new(connections)),
            settings: Settings {
                http: http(config.header_time),
                idle_time: config.header_time,
                stop: CancellationToken::new(),
                cut,
            },
            metrics,
        }
    }

    /// Serves until `shutdown`, then lets the connections finish the requests
    /// that they are at. Returns when all have ended.
    pub(crate) async fn run<S, B>(self, service: S, shutdown: CancellationToken)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
        B: Send + 'static,
    {
        let tasks = TaskTracker::new();
        while let Some((stream, peer, permit)) = self.accept(&shutdown).await {
            let counted = self.metrics.connection();
            let settings = self.settings.clone();
            let service = service.clone();
            tasks.spawn(async move {
                serve(stream, peer, service, settings).await;
                drop((counted, permit));
            });
        }

        // Who connects from now on is refused at once, and tries elsewhere.
        drop(self.listener);
        self.settings.stop.cancel();
        tasks.close();
        tasks.wait().await;
    }

    /// The next connection, once there is room for it; none after `shutdown`.
    async fn accept(
        &self,
        shutdown: &CancellationToken,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        const PAUSE: Duration = Duration::from_millis(100);

        let next = async {
            // Closed semaphores do not exist here; without a permit there is
            // nothing to accept.
            let permit = Arc::clone(&self.connections).acquire_owned().await.ok()?;
            loop {
                match self.listener.accept().await {
                    Ok((stream, peer)) => return Some((stream, peer, permit)),
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        warn!(%error, "can't accept connections, trying again");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(next).await.flatten()
    }
}

/// Whether only the connection that was to be accepted is lost.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// How HTTP is spoken.
fn http(header_time: Duration) -> auto::Builder<TokioExecutor> {
    const MAX_HEADER_BYTES: usize = 64 * 1024;
    const MAX_HEADER_LIST: u32 = 64 * 1024;
    const MAX_STREAMS: u32 = 100;
    const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);

    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(MAX_HEADER_BYTES)
        // A client that has said all it has to say still waits for the answer.
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL);
    builder
}

/// Serves one connection to its end.
async fn serve<S, B>(stream: TcpStream, peer: SocketAddr, service: S, settings: Settings)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    B: Send + 'static,
{
    // Answers are small and whole; waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "the connection is gone already");
        return;
    }

    let activity = Activity::default();
    let requests = activity.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let arrival = Arrival::of(&request, peer);
        request.extensions_mut().insert(arrival);
        let active = requests.begin();
        let answer = service.clone().call(request);
        async move {
            let answer = answer.await;
            drop(active);
            answer
        }
    });

    let connection = settings
        .http
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = settings.stop.cancelled() => None,
        // Also a connection that never speaks: no time limit of hyper runs
        // before the first bytes.
        () = activity.idle(settings.idle_time) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = settings.cut.cancelled() => return,
            () = activity.idle(settings.idle_time) => return,
        }
    };
    if let Err(error) = ended {
        debug!(error, "connection ended");
    }
}
