//! Connections.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::route::{Answer, route};
use crate::state::Shared;

/// Accepts connections and answers requests.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is dropped on request")]
struct DropConnection;

impl Server {
    pub(crate) fn new(listener: TcpListener, shared: Arc<Shared>) -> Self {
        Self { listener, shared }
    }

    /// Serves until `shutdown`, and then for as long as what is being answered
    /// takes, but not long.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        const PAUSE: Duration = Duration::from_millis(100);
        const LAST_WORDS: Duration = Duration::from_secs(2);

        let connections = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => serve(stream, Arc::clone(&self.shared), &connections),
                Err(error) => {
                    debug!(%error, "a connection can't be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(self.listener);
        if timeout(LAST_WORDS, connections.shutdown()).await.is_err() {
            debug!("what is still being answered is cut");
        }
    }
}

fn serve(stream: TcpStream, shared: Arc<Shared>, connections: &GracefulShutdown) {
    const HEADER_TIME: Duration = Duration::from_secs(30);

    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection.into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(error, "connection ended");
        }
    });
}

async fn answer(
    shared: Arc<Shared>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, DropConnection> {
    match route(&shared, request).await {
        Answer::Response(response) => Ok(response.into_http()),
        Answer::Dropped => Err(DropConnection),
    }
}
