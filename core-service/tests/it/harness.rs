//! A core to test against.
//!
//! [`TestCore::start`] runs a whole core in this process: its own store in a
//! folder that goes with it, its server on a free port of the loopback address.
//! Clients are the generated ones over a real connection; [`Client`] gives one
//! for each service, with or without an API key. [`Setup`] is for cores that
//! are set up otherwise. Call [`TestCore::stop`] at the end of a test that
//! looks at how a core ends; otherwise it is cut off with the runtime.
//!
//! Nothing here waits for a time: wait for what you need with [`until`].

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use core_service::domain::{Coverage, NewApiKey, Role};
use core_service::sealing::SecretKeySource;
use core_service::{
    CoreConfig, CoreHealth, EnrichingConfig, ExpiringConfig, InstallationMode, Recorder,
    SalesforceConfig, StartError, StoreConfig, offline,
};
use prometheus_client::registry::Registry;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_client::AccessServiceClient;
use sfbridge_proto::v1::call_rating_service_client::CallRatingServiceClient;
use sfbridge_proto::v1::call_service_client::CallServiceClient;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use sfbridge_transport::tls::ServerTls;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient as ReflectionClient;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as OldReflectionClient;
use tonic_types::StatusExt;

/// How long a core may drain: longer than any test has patience for, so that
/// what holds a core up fails its test.
const DRAIN: Duration = Duration::from_mins(10);

/// How long to wait for a core that should end. Only a failing test does.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How to set up a core.
pub(crate) struct Setup {
    folder: Arc<tempfile::TempDir>,
    /// Where its store is, unless that is in the folder.
    database: Option<Arc<test_postgres::Database>>,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) max_connections: usize,
    pub(crate) installations: InstallationMode,
    pub(crate) reflection: bool,
    pub(crate) store_write_delay: Duration,
    pub(crate) salesforce: SalesforceConfig,
    pub(crate) enriching: EnrichingConfig,
    pub(crate) expiring: ExpiringConfig,
    pub(crate) drain: Duration,
}

impl Setup {
    /// A core with the embedded store; where `SFBRIDGE_TEST_STORE` is
    /// `postgres`, with a PostgreSQL database of its own.
    pub(crate) fn new() -> Self {
        let setup = Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            database: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            max_connections: 1_024,
            installations: InstallationMode::Auto,
            reflection: true,
            store_write_delay: Duration::ZERO,
            salesforce: SalesforceConfig::default(),
            enriching: EnrichingConfig::default(),
            expiring: ExpiringConfig::default(),
            drain: DRAIN,
        };
        if std::env::var_os("SFBRIDGE_TEST_STORE").is_some_and(|store| store == "postgres") {
            setup.on_postgres()
        } else {
            setup
        }
    }

    /// With its store in a PostgreSQL database of its own.
    pub(crate) fn on_postgres(mut self) -> Self {
        self.database = Some(Arc::new(test_postgres::Database::create()));
        self
    }

    /// Another core of the same store and keys.
    pub(crate) fn beside(&self) -> Self {
        Self {
            folder: Arc::clone(&self.folder),
            database: self.database.clone(),
            tls: self.tls.clone(),
            salesforce: self.salesforce.clone(),
            ..*self
        }
    }

    pub(crate) fn store(&self) -> StoreConfig {
        match &self.database {
            Some(database) => database.url().parse().unwrap(),
            None => StoreConfig::Sqlite {
                path: self.folder.path().join("core.db"),
            },
        }
    }

    /// Where the core has the key that seals credentials.
    pub(crate) fn secret_key_file(&self) -> std::path::PathBuf {
        self.folder.path().join("secret.key")
    }

    /// Makes a key before any core runs, and returns its text.
    pub(crate) async fn key(&self, roles: &[Role], coverage: Coverage) -> String {
        let keys = offline::Keys::open(&self.store()).await.unwrap();
        let new = NewApiKey {
            display_name: sfbridge_values::ShortText::default(),
            roles: roles.iter().copied().collect::<BTreeSet<_>>(),
            coverage,
        };
        let (_, text) = keys.create(new).await.unwrap();
        keys.close().await;
        text
    }

    pub(crate) async fn start(self) -> Result<TestCore, StartError> {
        let config = CoreConfig {
            listen: self.listen,
            tls: self.tls.clone(),
            max_connections: self.max_connections,
            store: self.store(),
            store_write_delay: self.store_write_delay,
            installations: self.installations,
            secret_keys: SecretKeySource::Own(self.secret_key_file()),
            salesforce: self.salesforce.clone(),
            enriching: self.enriching,
            expiring: self.expiring,
            reflection: self.reflection,
        };
        let mut registry = Registry::default();
        let core = core_service::bind(config, &mut registry).await?;
        let shutdown = CancellationToken::new();
        Ok(TestCore {
            address: SocketAddr::from(([127, 0, 0, 1], core.local_addr().port())),
            in_process: core.in_process(),
            recorder: core.recorder(),
            health: core.health(),
            running: tokio::spawn(core.run(shutdown.clone(), self.drain)),
            shutdown,
            registry,
            setup: self,
        })
    }
}

/// A core that runs.
pub(crate) struct TestCore {
    pub(crate) address: SocketAddr,
    pub(crate) in_process: Routes,
    pub(crate) recorder: Recorder,
    pub(crate) health: CoreHealth,
    pub(crate) shutdown: CancellationToken,
    running: JoinHandle<Result<(), core_service::RunError>>,
    registry: Registry,
    setup: Setup,
}

impl TestCore {
    pub(crate) async fn start() -> Self {
        Setup::new().start().await.unwrap()
    }

    /// A client without a key.
    pub(crate) async fn client(&self) -> Client {
        self.client_with(None).await
    }

    /// A client with a key.
    pub(crate) async fn client_with(&self, key: Option<&str>) -> Client {
        Client {
            channel: self.endpoint().connect().await.unwrap(),
            key: Key(key.map(str::to_owned)),
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap()
    }

    /// The value of a counter without labels, or of a gauge.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap().parse().unwrap()
    }

    /// Waits until the core has ended by itself or by `shutdown`.
    pub(crate) async fn ended(self) -> Setup {
        let ended = tokio::time::timeout(PATIENCE, self.running).await;
        ended.expect("the core does not end").unwrap().unwrap();
        self.setup
    }

    /// Tells the core to end, and waits until it has.
    pub(crate) async fn stop(self) -> Setup {
        self.shutdown.cancel();
        self.ended().await
    }
}

/// Clients of all services over one connection.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) channel: Channel,
    key: Key,
}

/// Adds an API key to each request.
#[derive(Clone)]
pub(crate) struct Key(Option<String>);

impl tonic::service::Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            let value = format!("Bearer {key}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

macro_rules! services {
    ($($name:ident: $client:ident,)+) => {
        impl Client {
            $(pub(crate) fn $name(&self) -> $client<InterceptedService<Channel, Key>> {
                $client::with_interceptor(self.channel.clone(), self.key.clone())
                    .max_encoding_message_size(usize::MAX)
            })+
        }
    };
}

services! {
    access: AccessServiceClient,
    call_ratings: CallRatingServiceClient,
    calls: CallServiceClient,
    events: EventServiceClient,
    installations: InstallationServiceClient,
    leads: LeadEnrichmentServiceClient,
    old_reflection: OldReflectionClient,
    quarantine: QuarantineServiceClient,
    reflection: ReflectionClient,
    visits: VisitServiceClient,
}

impl Client {
    /// Over a connection of any kind, without a key.
    pub(crate) fn over(channel: Channel) -> Self {
        let key = Key(None);
        Self { channel, key }
    }

    /// Records events and returns their results.
    pub(crate) async fn record(&self, events: Vec<pb::Event>) -> Vec<pb::RecordEventResult> {
        let request = pb::RecordEventsRequest {
            events,
            ..Default::default()
        };
        let response = self.events().record_events(request).await.unwrap();
        response.into_inner().results
    }
}

/// An event of installation 7.
pub(crate) fn event(title: &str) -> pb::Event {
    pb::Event {
        igrp: 7,
        title: title.to_owned(),
        ..Default::default()
    }
}

/// Installation 7 and nothing more.
pub(crate) fn installation() -> pb::Installation {
    pb::Installation {
        igrp: 7,
        ..Default::default()
    }
}

/// The reason in an error's details, which every error has.
#[track_caller]
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no details: {status:?}"));
    assert_eq!(info.domain, "sfbridge");
    info.reason.clone()
}

/// The fields at fault in an error's details.
pub(crate) fn fields_at_fault(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice());
    let fields = violations.unwrap_or_default().iter();
    fields.map(|violation| violation.field.clone()).collect()
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    while !is_so().await {
        tokio::task::yield_now().await;
    }
}
