//! The life of a core: bind, run, drain.

mod health;
mod upkeep;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sfbridge_transport::tls::ServerTls;
use sfbridge_transport::{Boxed, Connection, ConnectionMetrics, Limits, Listener};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::Service;
use tracing::{info, warn};

use crate::clock;
use crate::config::CoreConfig;
use crate::domain::Coverage;
use crate::enriching::{Enricher, EnrichingMetrics};
use crate::expiring::Expirer;
use crate::grpc::{
    self, ActivityLayer, Caller, CoreConnection, ExplainLayer, KeyRing, LimitsLayer, Recorder,
    Services,
};
use crate::metrics::{CoreMetrics, StateLabel};
use crate::salesforce::{Connections, SalesforceConfig};
use crate::sealing::{SecretKeyError, SecretKeySource};
use crate::store::{Pace, Store, StoreConfig, StoreError};
pub use health::CoreHealth;
use health::{end_watches, follow_store, set_all};
use upkeep::{count_enrichments, refresh_keys};

/// How often keys that another process may have changed are read again, a full
/// store is tried, and lead enrichments are counted.
const REFRESH: Duration = Duration::from_secs(5);

/// How long a TLS handshake may take, and a client's first words after it.
const OPENING_TIME: Duration = Duration::from_secs(10);

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
         with `sfbridge keys create --offline`, or ask for client certificates with \
         core_client_ca_file, or listen on 127.0.0.1"
    )]
    Unguarded(SocketAddr),
    /// There is no key to seal credentials with.
    #[error(transparent)]
    SecretKey(#[from] SecretKeyError),
    /// Salesforce can't be spoken with.
    #[error(transparent)]
    Salesforce(#[from] salesforce_client::StartError),
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
    listener: Listener,
    cut: CancellationToken,
    routes: Routes,
    in_process: Routes,
    recorder: Recorder,
    store: Store,
    keys: KeyRing,
    reporter: HealthReporter,
    /// The full names of the services, for health.
    names: Vec<&'static str>,
    health: CoreHealth,
    is_stopping: watch::Sender<bool>,
    enrichments: Family<StateLabel, Gauge>,
    enricher: Enricher,
    expirer: Expirer,
}

/// Opens the store, brings its schema up to date, and takes the port.
///
/// # Errors
///
/// [`StartError`] says what stands in the way and what to do about it.
pub fn bind(config: CoreConfig, registry: &mut Registry) -> Boxed<'_, Result<Core, StartError>> {
    Box::pin(bind_core(config, registry))
}

async fn bind_core(config: CoreConfig, registry: &mut Registry) -> Result<Core, StartError> {
    let CoreConfig {
        listen,
        tls,
        max_connections,
        store,
        store_write_delay,
        installations,
        secret_keys,
        salesforce,
        enriching,
        expiring,
        reflection,
    } = config;
    let listen_error = |source| StartError::Listen {
        address: listen,
        source,
    };
    let asks_for_certificates = tls
        .as_ref()
        .is_some_and(ServerTls::requires_client_certificate);
    let limits = Limits {
        connections: max_connections,
        // Callers are few and known, and may all be on one machine.
        connections_per_address: max_connections,
        handshake_time: OPENING_TIME,
        first_words_time: OPENING_TIME,
    };
    let connection_metrics = ConnectionMetrics::register(registry, "core");
    let cut = CancellationToken::new();
    let listener = Listener::bind(listen, tls, limits, connection_metrics, cut.clone())
        .await
        .map_err(listen_error)?;
    let address = listener.local_addr();

    let metrics = CoreMetrics::register(registry);
    let store = open_store(&store, store_write_delay, &metrics).await?;
    let is_loopback = address.ip().is_loopback();
    let is_guarded = is_loopback || asks_for_certificates;
    let keys = KeyRing::load(store.clone(), is_guarded).await?;
    if !is_guarded && keys.is_empty() {
        store.close().await;
        return Err(StartError::Unguarded(address));
    }

    let enrichments = metrics.lead_enrichments.clone();
    let is_stopping = watch::Sender::new(false);
    let connections =
        connections_or_close(&store, &secret_keys, salesforce, &metrics.enriching).await?;
    let enricher = Enricher::new(
        store.clone(),
        connections.clone(),
        enriching,
        metrics.enriching.clone(),
    );
    let expirer = Expirer::new(store.clone(), expiring, metrics.expiring.clone());
    let services = Services::new(
        store.clone(),
        keys.clone(),
        connections,
        installations,
        is_loopback,
        metrics,
        is_stopping.subscribe(),
    );
    let (reporter, health_service) = health::serving().await;
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
    let recorder = Recorder::new(services);

    let health = CoreHealth::new(store.state(), is_stopping.subscribe());
    Ok(Core {
        listener,
        cut,
        routes: routes.routes(),
        in_process,
        recorder,
        store,
        keys,
        reporter,
        names: grpc::service_names().to_vec(),
        health,
        is_stopping,
        enrichments,
        enricher,
        expirer,
    })
}

async fn open_store(
    config: &StoreConfig,
    write_delay: Duration,
    metrics: &CoreMetrics,
) -> Result<Store, StoreError> {
    let pace = Pace {
        write_delay,
        ..Pace::default()
    };
    let (store, migrated) = Store::open_at(config, pace, metrics.store.clone()).await?;
    if !write_delay.is_zero() {
        warn!(
            store_write_delay = ?write_delay,
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
    store.make_room(clock::now()).await?;
    // What an earlier life of the process was at goes on at once.
    match store.end_lost_leases(clock::now()).await? {
        0 => {}
        leases => info!(leases, "lead enrichments were interrupted, and go on"),
    }
    Ok(store)
}

/// The connections to Salesforce; without them, the store is closed.
async fn connections_or_close(
    store: &Store,
    source: &SecretKeySource,
    config: SalesforceConfig,
    metrics: &EnrichingMetrics,
) -> Result<Connections, StartError> {
    let connections = connections_of(store, source, config, metrics).await;
    if connections.is_err() {
        store.close().await;
    }
    connections
}

/// The connections to Salesforce, with the keys that seal their credentials.
/// Warns of what these don't open.
async fn connections_of(
    store: &Store,
    source: &SecretKeySource,
    config: SalesforceConfig,
    metrics: &EnrichingMetrics,
) -> Result<Connections, StartError> {
    let keys = source.load()?;
    for connection in store.salesforce_connections(Coverage::All).await? {
        let secret_key_id = connection.login.secret.key_id();
        if !keys.has(secret_key_id) {
            warn!(
                igrp = connection.igrp.get(),
                %secret_key_id,
                "the installation can't log in to Salesforce: its credentials are sealed with a \
                 key that this core does not have"
            );
        }
    }
    let metrics = metrics.clone();
    let observe = move |call, outcome| metrics.count_call(call, outcome);
    Ok(Connections::new(store.clone(), keys, config, observe)?)
}

impl Core {
    /// Where gRPC is served.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// The services for a client in this process, which needs no API key.
    pub fn in_process(&self) -> Routes {
        self.in_process.clone()
    }

    /// What records for a gateway in this process, as those services do.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// The services for a client in this process that calls for somebody else:
    /// it sends on the API key that it was sent, and may do what that key may.
    pub fn for_callers(&self) -> Routes {
        self.routes.clone()
    }

    /// Serves one more service of the contract on the core's port, behind the
    /// same API keys and limits, and reports on its health.
    pub async fn serve_also<S>(&mut self, service: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let keys = self.keys.clone();
        let guarded = InterceptedService::new(service, move |request| keys.authenticate(request));
        self.routes = std::mem::take(&mut self.routes).add_service(guarded);
        self.names.push(S::NAME);
        self.reporter
            .set_service_status(S::NAME, ServingStatus::Serving)
            .await;
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
    pub fn run(
        self,
        shutdown: CancellationToken,
        drain: Duration,
    ) -> Boxed<'static, Result<(), RunError>> {
        Box::pin(self.run_until(shutdown, drain))
    }

    async fn run_until(self, shutdown: CancellationToken, drain: Duration) -> Result<(), RunError> {
        let Self {
            listener,
            cut,
            routes,
            store,
            keys,
            reporter,
            names,
            is_stopping,
            enrichments,
            enricher,
            expirer,
            ..
        } = self;
        let names: Arc<[&'static str]> = names.into();
        let upkeep = TaskTracker::new();
        let stop_upkeep = CancellationToken::new();
        upkeep.spawn(
            stop_upkeep
                .clone()
                .run_until_cancelled_owned(refresh_keys(keys)),
        );
        upkeep.spawn(stop_upkeep.clone().run_until_cancelled_owned(follow_store(
            store.clone(),
            reporter.clone(),
            names.clone(),
        )));
        upkeep.spawn(
            stop_upkeep
                .clone()
                .run_until_cancelled_owned(count_enrichments(store.clone(), enrichments)),
        );
        upkeep.close();
        // Ends with this future, however that ends.
        let mut work = JoinSet::new();
        let stop_work = CancellationToken::new();
        work.spawn(enricher.run(stop_work.clone()));
        work.spawn(expirer.run(stop_work.clone()));
        info!(listen.addr = %listener.local_addr(), "the core serves gRPC");

        let stop_accepting = CancellationToken::new();
        let (incoming, accepting) = accept(listener, stop_accepting.clone());
        let server = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(8 << 20)
            .layer(ActivityLayer)
            .layer(ExplainLayer)
            .layer(LimitsLayer::new())
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                ReceiverStream::new(incoming).map(|one| Ok::<_, Infallible>(CoreConnection(one))),
                stop_accepting.clone().cancelled_owned(),
            );
        let mut server = std::pin::pin!(server);
        let mut deadline = None;
        let served = tokio::select! {
            served = &mut server => served,
            () = shutdown.cancelled() => {
                let cut_time = Instant::now() + drain;
                deadline = Some(cut_time);
                // What follows the store must not call the core serving again.
                stop_upkeep.cancel();
                upkeep.wait().await;
                // Whoever watches learns it before the port closes.
                is_stopping.send_replace(true);
                stop_work.cancel();
                set_all(&reporter, &names, ServingStatus::NotServing).await;
                stop_accepting.cancel();
                end_watches(reporter, &names).await;
                match tokio::time::timeout_at(cut_time, &mut server).await {
                    Ok(served) => served,
                    Err(_) => {
                        warn!("connections to the core were cut at the deadline");
                        cut.cancel();
                        Ok(())
                    }
                }
            }
        };
        stop_accepting.cancel();
        accepting.wait().await;
        stop_work.cancel();
        end_work(work, deadline.unwrap_or_else(|| Instant::now() + drain)).await;
        stop_upkeep.cancel();
        upkeep.wait().await;
        store.close().await;
        info!("the core has stopped and its store is closed");
        served.map_err(RunError::Serve)
    }
}

/// Lets the work on jobs come to the end of one; what still runs at the deadline
/// is cut, and done again by whoever finds its lease ended.
async fn end_work(mut work: JoinSet<()>, deadline: Instant) {
    let all = async { while work.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline, all).await.is_err() {
        warn!("the work on lead enrichments was cut at the deadline");
        work.shutdown().await;
    }
}

/// Accepts connections until told to stop, and hands over those that may speak.
fn accept(
    listener: Listener,
    stop: CancellationToken,
) -> (mpsc::Receiver<Connection>, TaskTracker) {
    /// Those that wait to be served; further ones wait in their own tasks.
    const WAITING: usize = 64;

    let (sender, receiver) = mpsc::channel(WAITING);
    let tasks = TaskTracker::new();
    let openings = tasks.clone();
    tasks.spawn(async move {
        let stopped = stop.clone();
        let hand_over = move |connection| {
            let (sender, stopped) = (sender.clone(), stopped.clone());
            async move {
                // Nobody takes it when the server has stopped.
                let _ = stopped.run_until_cancelled(sender.send(connection)).await;
            }
        };
        listener.run(stop, &openings, hand_over).await;
        openings.close();
    });
    (receiver, tasks)
}
