//! Accepting connections, as many as there may be.

mod activity;
mod connection;
mod origin;
mod slots;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::metrics::ConnectionMetrics;
use crate::tls::ServerTls;
pub use activity::{Active, Activity};
use activity::{Place, Places};
pub use connection::Connection;
use connection::{FirstWords, Stream};

/// What a listener takes on.
///
/// A connection that finds a limit reached takes the place of one that is idle,
/// of the same address where that limit is reached, so that connections that
/// say nothing keep nobody out. It is refused only where none is idle.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at once.
    pub connections: usize,
    /// The most of them from one IPv4 address or 64-bit IPv6 network.
    pub connections_per_address: usize,
    /// How long a TLS handshake may take.
    pub handshake_time: Duration,
    /// How long a client may take for its first 24 bytes, after the handshake.
    pub first_words_time: Duration,
}

/// A port with its limits and, perhaps, TLS.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<ServerTls>,
    limits: Limits,
    metrics: ConnectionMetrics,
    places: Places,
}

impl Listener {
    /// Takes the port. Connections wait until the listener runs. `cut` ends all
    /// of them at once.
    ///
    /// # Errors
    ///
    /// What the system says, when the port can't be had.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<ServerTls>,
        limits: Limits,
        metrics: ConnectionMetrics,
        cut: CancellationToken,
    ) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        Ok(Self {
            address: tcp.local_addr()?,
            places: Places::new(&limits, metrics.clone(), cut),
            tcp,
            tls,
            limits,
            metrics,
        })
    }

    /// The address, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections until `shutdown`, and has each served by `serve` in a
    /// task of `tasks` once TLS is agreed on. No connection waits for another's
    /// handshake.
    ///
    /// Returns once the port is closed; the tasks go on.
    pub async fn run<F, S>(self, shutdown: CancellationToken, tasks: &TaskTracker, serve: F)
    where
        F: Fn(Connection) -> S,
        F: Clone + Send + 'static,
        S: Future<Output = ()> + Send,
    {
        if let Some(tls) = self.tls.clone() {
            let follow = async move { tls.follow().await };
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(follow));
        }
        while let Some((stream, peer)) = self.accept(&shutdown).await {
            let Some(place) = self.places.take(peer.ip()) else {
                debug!(%peer, "no room for a connection");
                continue;
            };
            let opening = Opening {
                stream,
                peer,
                place,
                tls: self.tls.clone(),
                limits: self.limits,
                metrics: self.metrics.clone(),
                shutdown: shutdown.clone(),
            };
            let serve = serve.clone();
            tasks.spawn(async move {
                if let Some(connection) = opening.open().await {
                    serve(connection).await;
                }
            });
        }
    }

    /// The next connection; none after `shutdown`.
    async fn accept(&self, shutdown: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
        const PAUSE: Duration = Duration::from_millis(100);
        /// How many idle connections are given up at once for want of others.
        const ROOM: usize = 16;

        let next = async {
            loop {
                match self.tcp.accept().await {
                    Ok(accepted) => return accepted,
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        // Most likely the system gives no more files: idle
                        // connections have to go, or they would keep all out.
                        warn!(%error, "can't accept connections, trying again");
                        (0..ROOM).for_each(|_| self.places.make_room());
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(next).await
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

/// A connection that was accepted, before it may speak.
struct Opening {
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    tls: Option<ServerTls>,
    limits: Limits,
    metrics: ConnectionMetrics,
    shutdown: CancellationToken,
}

impl Opening {
    async fn open(self) -> Option<Connection> {
        let Self {
            stream,
            peer,
            place,
            tls,
            limits,
            metrics,
            shutdown,
        } = self;
        // Answers are small and whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "the connection is gone already");
            return None;
        }
        let (stream, certificate) = match tls {
            None => (Stream::Plain(stream), None),
            Some(tls) => {
                let handshake = tokio::time::timeout(limits.handshake_time, tls.accept(stream));
                let accepted = tokio::select! {
                    accepted = handshake => accepted.unwrap_or_else(|late| Err(late.into())),
                    () = place.closed().cancelled() => return None,
                    () = shutdown.cancelled() => return None,
                };
                match accepted {
                    Ok((stream, certificate)) => (Stream::Tls(Box::new(stream)), certificate),
                    Err(error) => {
                        metrics.failed_handshakes.inc();
                        debug!(%peer, %error, "no TLS was agreed on");
                        return None;
                    }
                }
            }
        };
        let first_words = FirstWords::new(limits.first_words_time, shutdown);
        Some(Connection::new(
            stream,
            peer,
            certificate,
            first_words,
            place,
        ))
    }
}

#[cfg(test)]
mod tests;
