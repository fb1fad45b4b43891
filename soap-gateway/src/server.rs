//! Connections: accepted, served, and ended.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sfbridge_transport::{Connection, Listener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::debug;

use crate::arrival::Arrival;

/// Serves the connections of a listener.
pub(crate) struct Server {
    listener: Listener,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    http: auto::Builder<TokioExecutor>,
    idle_time: Duration,
    /// Connections are to end after the request that they are at.
    stop: CancellationToken,
}

impl Server {
    /// A server on a listener. `header_time` is what a request's header may
    /// take, and how long a connection may be idle.
    pub(crate) fn new(listener: Listener, header_time: Duration) -> Self {
        Self {
            listener,
            settings: Settings {
                http: http(header_time),
                idle_time: header_time,
                stop: CancellationToken::new(),
            },
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
        let Self { listener, settings } = self;
        let stop = settings.stop.clone();
        let tasks = TaskTracker::new();
        let connections = move |connection| serve(connection, service.clone(), settings.clone());
        listener.run(shutdown, &tasks, connections).await;

        // Who connects from now on is refused at once, and tries elsewhere.
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
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
async fn serve<S, B>(connection: Connection, service: S, settings: Settings)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    B: Send + 'static,
{
    let peer = connection.peer();
    let is_tls = connection.is_tls();
    let certificate = connection.client_certificate().cloned();
    let activity = connection.activity().clone();
    let closed = connection.closed().clone();
    let requests = activity.clone();
    if let Some(certificate) = &certificate {
        let authorities = certificate.authorities.len();
        debug!(%peer, fingerprint = %certificate.fingerprint, authorities, "a client certificate");
    }
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let arrival = Arrival::of(&request, peer, certificate.clone()).over_tls(is_tls);
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
        .serve_connection(TokioIo::new(connection), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = settings.stop.cancelled() => None,
        () = closed.cancelled() => return,
        () = activity.idle(settings.idle_time) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = closed.cancelled() => return,
            () = activity.idle(settings.idle_time) => return,
        }
    };
    if let Err(error) = ended {
        debug!(error, "connection ended");
    }
}
