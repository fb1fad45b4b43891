//! The core behind the simulated network: a real one, in real time, whose
//! store is a real file. Its worker calls a real pretend org, which fails as
//! the seed says.

use std::path::Path;
use std::time::{Duration, Instant};

use core_service::sealing::SecretKeySource;
use core_service::{
    Core, CoreConfig, EnrichingConfig, ExpiringConfig, InstallationMode, SalesforceConfig,
    StartError, StoreConfig, StoreError,
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use prometheus_client::registry::Registry;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use salesforce_client::ExtraHosts;
use salesforce_sim::{Dropped, Failure, Operation, OrgDescription, SimConfig};
use serde_json::Value as Json;
use sfbridge_faults::{CoreCaller, Held, leads_toml};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;
use tempfile::TempDir;
use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

/// How long anything real may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What outlives the core: its store, and the pretend org.
pub(crate) struct Keeper {
    folder: TempDir,
    host: String,
    runtime: Option<Runtime>,
}

/// A life of the core, from its start to its crash.
pub(crate) struct Life {
    runtime: Option<Runtime>,
    routes: Option<Routes>,
    address: std::net::SocketAddr,
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

impl Keeper {
    /// Starts an org with so many Leads, and sets up a store.
    pub(crate) fn start(leads: u32, seed: u64) -> Self {
        let runtime = runtime();
        let org = OrgDescription::parse(Path::new("org.toml"), &leads_toml(leads)).unwrap();
        let sim = runtime.block_on(salesforce_sim::bind(SimConfig {
            org,
            failures: failures(seed),
            ..SimConfig::new(([127, 0, 0, 1], 0).into())
        }));
        let sim = sim.unwrap();
        let host = sim.local_addr().to_string();
        runtime.spawn(sim.run(CancellationToken::new()));
        let keeper = Self {
            folder: tempfile::tempdir().unwrap(),
            host,
            runtime: Some(runtime),
        };
        let life = keeper.begin();
        let login_url = format!("http://{}", keeper.host);
        let set_up = async { life.caller().set_up(&login_url, leads).await.unwrap() };
        keeper.handle().block_on(set_up);
        drop(life);
        keeper
    }

    fn handle(&self) -> Handle {
        self.runtime.as_ref().unwrap().handle().clone()
    }

    /// Opens the store as a process that starts does, once the one before has
    /// let it go.
    pub(crate) fn begin(&self) -> Life {
        let runtime = runtime();
        let deadline = Instant::now() + PATIENCE;
        let core = loop {
            let bound =
                runtime.block_on(core_service::bind(self.config(), &mut Registry::default()));
            match bound {
                Err(StartError::Store(StoreError::InUse { .. })) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                bound => break bound.unwrap(),
            }
        };
        Life::of(core, runtime)
    }

    fn config(&self) -> CoreConfig {
        CoreConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: None,
            max_connections: 100,
            store: StoreConfig::Sqlite {
                path: self.folder.path().join("core.db"),
            },
            store_write_delay: Duration::ZERO,
            installations: InstallationMode::Auto,
            secret_keys: SecretKeySource::Own(self.folder.path().join("secret.key")),
            salesforce: SalesforceConfig {
                extra_hosts: ExtraHosts::parse(&self.host).unwrap(),
                ..SalesforceConfig::default()
            },
            enriching: EnrichingConfig {
                connection_retry: Duration::from_millis(50),
                ..EnrichingConfig::default()
            },
            expiring: ExpiringConfig::default(),
            reflection: false,
        }
    }

    /// The jobs once they are done, what the core holds, and the org's Leads
    /// and calls.
    pub(crate) fn settled(&self) -> (Vec<pb::LeadEnrichment>, Held, Json, Json) {
        let life = self.begin();
        self.handle().block_on(async {
            let caller = life.caller();
            let deadline = Instant::now() + PATIENCE;
            let mut jobs = caller.jobs().await.unwrap();
            let is_done = |job: &pb::LeadEnrichment| job.state() == State::Succeeded;
            while !jobs.iter().all(is_done) && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(20)).await;
                jobs = caller.jobs().await.unwrap();
            }
            let held = caller.held(&jobs).await.unwrap();
            let records = self.ask("records/Lead").await;
            let calls = self.ask("calls").await;
            (jobs, held, records, calls)
        })
    }

    async fn ask(&self, path: &str) -> Json {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/__sim/{path}", self.host);
        let answer = http.get(url).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// What goes wrong at the org: the answers to writes get lost, or the writes.
fn failures(seed: u64) -> Vec<Failure> {
    let mut random = StdRng::seed_from_u64(seed);
    let failure = |_| {
        let dropped = if random.random() {
            Dropped::After
        } else {
            Dropped::Before
        };
        Failure {
            drop: Some(dropped),
            ..Failure::on(Operation::Update)
        }
    };
    (0..2).map(failure).collect()
}

impl Life {
    fn of(core: Core, runtime: Runtime) -> Self {
        let (routes, address) = (core.in_process(), core.local_addr());
        // It is never told to end, it crashes.
        runtime.spawn(core.run(CancellationToken::new(), PATIENCE));
        Self {
            runtime: Some(runtime),
            routes: Some(routes),
            address,
        }
    }

    fn caller(&self) -> CoreCaller {
        CoreCaller::of(self.address).unwrap()
    }

    /// The call of a request, for a thread that may wait for the answer.
    pub(crate) fn call(
        &self,
        request: Request<Body>,
    ) -> impl FnOnce() -> Response<Body> + Send + 'static {
        let handle = self.runtime.as_ref().unwrap().handle().clone();
        let routes = self.routes.clone().unwrap();
        move || {
            handle.block_on(async {
                let answer = routes.oneshot(request).await.unwrap();
                let (head, body) = answer.into_parts();
                let body = body.collect().await.unwrap();
                Response::from_parts(head, Body::new(body))
            })
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Nothing comes to its end, except what the system is at.
        let runtime = self.runtime.take().unwrap();
        let entered = runtime.enter();
        drop(self.routes.take());
        drop(entered);
        runtime.shutdown_background();
    }
}
