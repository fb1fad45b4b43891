//! The life of a core: bind, run, drain.

use std::net::SocketAddr;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::{info, warn};

use crate::clock;
use crate::config::CoreConfig;
use crate::grpc::{self, Caller, ExplainLayer, KeyRing, LimitsLayer, Services};
use crate::metrics::CoreMetrics;
use crate::store::{Pace, Store, StoreError, StoreState};

/// How often keys that another process may have changed are read again, and a
/// full store is tried.
const REFRESH: Duration = Duration::from_secs(5);

/// Why a core can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address is taken, or not ours.
    #[error("gRPC can't be served on {address}; choose another address for the core's listener")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// Everybody could call.
    #[error(
        "the core would listen on {0}, beyond this machine, without any API key; make one first \
         with `sfbridge keys create --offline`, or listen on 127.0.0.1"
    )]
    Unguarded(SocketAddr),
    /// The contract's descriptors can't be read.
    #[error("server reflection can't be set up")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// Why a core stopped other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// gRPC can't be served any more.
    #[error("gRPC can't be served any more")]
    Serve(#[source] tonic::transport::Error),
}

/// A core that holds its port and its store, ready to run.
#[derive(Debug)]
pub struct Core {
    listener: TcpListener,
    address: SocketAddr,
    routes: Routes,
    in_process: Routes,
    store: Store,
    keys: KeyRing,
    reporter: HealthReporter,
    health: CoreHealth,
    is_stopping: watch::Sender<bool>,
}

/// Opens the store, brings its schema up to date, and takes the port.
///
/// # Errors
///
/// [`StartError`] says what stands in the way and what to do about it.
pub async fn bind(config: CoreConfig, registry: &mut Registry) -> Result<Core, StartError> {
    let CoreConfig {
        listen,
        store,
        store_write_delay,
        installations,
        reflection,
    } = config;
    let listen_error = |source| StartError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;

    let metrics = CoreMetrics::register(registry);
    let pace = Pace {
        write_delay: store_write_delay,
        ..Pace::default()
    };
    let (store, migrated) = Store::open_at(&store, pace, metrics.store.clone()).await?;
    if !store_write_delay.is_zero() {
        warn!(
            store_write_delay = ?store_write_delay,
            "the store is slow on purpose: store_write_delay is set, which is for rehearsals"
        );
    }
    if migrated.from != migrated.to {
        info!(
            from = migrated.from,
            to = migrated.to,
            "brought the store's schema up to date"
        );
    }
    let is_loopback = address.ip().is_loopback();
    let keys = KeyRing::load(store.clone(), is_loopback).await?;
    if !is_loopback && keys.is_empty() {
        store.close().await;
        return Err(StartError::Unguarded(address));
    }

    let services = Services::new(
        store.clone(),
        keys.clone(),
        installations,
        is_loopback,
        metrics,
    );
    let (reporter, health_service) = tonic_health::server::health_reporter();
    for name in grpc::service_names() {
        reporter
            .set_service_status(name, ServingStatus::Serving)
            .await;
    }
    let over_network = {
        let keys = keys.clone();
        move |request| keys.authenticate(request)
    };
    let mut routes = services.routes(&over_network);
    routes.add_service(health_service);
    if reflection {
        grpc::add_reflection(&mut routes, &over_network).map_err(StartError::Reflection)?;
    }
    let in_process = services
        .routes(&|mut request: tonic::Request<()>| {
            request.extensions_mut().insert(Caller::InProcess);
            Ok(request)
        })
        .routes();

    let is_stopping = watch::Sender::new(false);
    let health = CoreHealth {
        store: store.state(),
        is_stopping: is_stopping.subscribe(),
    };
    Ok(Core {
        listener,
        address,
        routes: routes.routes(),
        in_process,
        store,
        keys,
        reporter,
        health,
        is_stopping,
    })
}

impl Core {
    /// Where gRPC is served.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The services for a client in this process, which needs no API key.
    pub fn in_process(&self) -> Routes {
        self.in_process.clone()
    }

    /// Whether the core can do its work.
    pub fn health(&self) -> CoreHealth {
        self.health.clone()
    }

    /// Serves until `shutdown`; then finishes what is in flight, for at most
    /// `drain`, and closes the store.
    ///
    /// # Errors
    ///
    /// [`RunError`] when the port fails.
    pub async fn run(self, shutdown: CancellationToken, drain: Duration) -> Result<(), RunError> {
        let Self {
            listener,
            address,
            routes,
            store,
            keys,
            reporter,
            is_stopping,
            ..
        } = self;
        let upkeep = TaskTracker::new();
        let stop_upkeep = CancellationToken::new();
        upkeep.spawn(
            stop_upkeep
                .clone()
                .run_until_cancelled_owned(refresh_keys(keys)),
        );
        upkeep.spawn(
            stop_upkeep
                .clone()
                .run_until_cancelled_owned(follow_store(store.clone(), reporter.clone())),
        );
        upkeep.close();
        info!(listen.addr = %address, "the core serves gRPC");

        let stop_accepting = CancellationToken::new();
        let server = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(8 << 20)
            .layer(ExplainLayer)
            .layer(LimitsLayer::new())
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                stop_accepting.clone().cancelled_owned(),
            );
        let mut server = std::pin::pin!(server);
        let served = tokio::select! {
            served = &mut server => served,
            () = shutdown.cancelled() => {
                // What follows the store must not call the core serving again.
                stop_upkeep.cancel();
                upkeep.wait().await;
                // Whoever watches learns it before the port closes.
                is_stopping.send_replace(true);
                set_all(&reporter, ServingStatus::NotServing).await;
                stop_accepting.cancel();
                end_watches(reporter).await;
                match tokio::time::timeout(drain, &mut server).await {
                    Ok(served) => served,
                    Err(_) => {
                        warn!("connections to the core were cut at the deadline");
                        Ok(())
                    }
                }
            }
        };
        stop_upkeep.cancel();
        upkeep.wait().await;
        store.close().await;
        info!("the core has stopped and its store is closed");
        served.map_err(RunError::Serve)
    }
}

async fn refresh_keys(keys: KeyRing) {
    loop {
        tokio::time::sleep(REFRESH).await;
        if let Err(error) = keys.refresh().await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the API keys can't be read again"
            );
        }
    }
}

/// Reports what the store can do, and tries a full one again.
async fn follow_store(store: Store, reporter: HealthReporter) {
    let mut state = store.state();
    loop {
        let now = state.borrow_and_update().clone();
        match now {
            StoreState::Ready => {
                set_all(&reporter, ServingStatus::Serving).await;
                if state.changed().await.is_err() {
                    return;
                }
            }
            StoreState::Full => {
                set_all(&reporter, ServingStatus::NotServing).await;
                tokio::time::sleep(REFRESH).await;
                // A success changes the state, and so does a worse failure.
                let _ = store.probe(clock::now()).await;
            }
            StoreState::Failed(_) | StoreState::Closed => {
                set_all(&reporter, ServingStatus::NotServing).await;
                return;
            }
        }
    }
}

async fn set_all(reporter: &HealthReporter, status: ServingStatus) {
    reporter.set_service_status("", status).await;
    for name in grpc::service_names() {
        reporter.set_service_status(name, status).await;
    }
}

/// Ends the streams of those who watch, once they have learnt the last state:
/// they would hold their connections until the deadline.
async fn end_watches(mut reporter: HealthReporter) {
    reporter.clear_service_status("").await;
    for name in grpc::service_names() {
        reporter.clear_service_status(name).await;
    }
}

/// Whether a core can do its work.
#[derive(Clone, Debug)]
pub struct CoreHealth {
    store: watch::Receiver<StoreState>,
    is_stopping: watch::Receiver<bool>,
}

impl CoreHealth {
    /// Says why the core is not ready, in one sentence.
    ///
    /// # Errors
    ///
    /// The reason, for an operator.
    pub fn check(&self) -> Result<(), String> {
        if *self.is_stopping.borrow() {
            return Err("the core is shutting down".to_owned());
        }
        match &*self.store.borrow() {
            StoreState::Ready => Ok(()),
            StoreState::Full => Err(
                "the store's disk is full: make room, and the store goes on by itself".to_owned(),
            ),
            StoreState::Failed(reason) => Err(format!(
                "the store failed ({reason}): check its disk, then restart the core"
            )),
            StoreState::Closed => Err("the store is closed".to_owned()),
        }
    }
}
