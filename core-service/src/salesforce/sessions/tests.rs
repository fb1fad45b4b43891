//! Two cores that share a store, and what an org sees of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use salesforce_client::{CallKind, ExtraHosts};
use salesforce_sim::SimConfig;
use secrecy::SecretString;
use sfbridge_values::{Igrp, Timestamp};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::domain::Installation;
use crate::metrics::CoreMetrics;
use crate::salesforce::{Connections, GivenFlow, NewLogin, SalesforceConfig};
use crate::sealing::SecretKeys;
use crate::store::{SessionClaim, SessionTurn, Store, StoreConfig};

/// A key, and a ring that it was rotated into.
const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
const ROTATED: &str = "0808080808080808080808080808080808080808080808080808080808080808,
                       0707070707070707070707070707070707070707070707070707070707070707";

fn seven() -> Igrp {
    Igrp::new(7).unwrap()
}

/// An org, and a database whose installation 7 logs in to it.
struct World {
    host: String,
    database: test_postgres::Database,
    log_ins: Arc<AtomicUsize>,
    http: reqwest::Client,
    _org: DropGuard,
}

/// A core, as far as it logs in.
struct Core {
    store: Store,
    connections: Connections,
}

impl World {
    async fn new() -> Self {
        let sim = salesforce_sim::bind(SimConfig::new(([127, 0, 0, 1], 0).into()));
        let sim = sim.await.unwrap();
        let host = sim.local_addr().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(sim.run(stop.clone()));
        let world = Self {
            host,
            database: test_postgres::Database::create(),
            log_ins: Arc::default(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _org: stop.drop_guard(),
        };
        let core = world.core(KEY).await;
        let installation = Installation::provisional(seven(), None, Timestamp::from_micros(1));
        core.store.create_installation(installation).await.unwrap();
        let hosts = ExtraHosts::parse(&world.host).unwrap();
        let flow = GivenFlow::ClientCredentials {
            client_id: "3MVG9pretended.sfbridge.simulator".to_owned(),
            client_secret: SecretString::from("pretended-secret"),
        };
        let login = NewLogin::check(&format!("http://{}", world.host), flow, &hosts).unwrap();
        let new = login.seal(seven(), &keys(KEY), Timestamp::from_micros(2));
        let kept = core.store.set_salesforce_connection(new.unwrap()).await;
        assert!(kept.unwrap().is_some());
        core.store.close().await;
        world
    }

    /// A core with these keys.
    async fn core(&self, key: &str) -> Core {
        let config: StoreConfig = self.database.url().parse().unwrap();
        let (store, _) = Store::open(&config, CoreMetrics::default().store)
            .await
            .unwrap();
        let salesforce = SalesforceConfig {
            extra_hosts: ExtraHosts::parse(&self.host).unwrap(),
            ..SalesforceConfig::default()
        };
        let log_ins = Arc::clone(&self.log_ins);
        let observe = move |call, _| {
            if call == CallKind::LogIn {
                log_ins.fetch_add(1, Ordering::Relaxed);
            }
        };
        let connections = Connections::new(store.clone(), keys(key), salesforce, observe);
        Core {
            store,
            connections: connections.unwrap(),
        }
    }

    fn log_ins(&self) -> usize {
        self.log_ins.load(Ordering::Relaxed)
    }

    async fn expire_sessions(&self) {
        let url = format!("http://{}/__sim/sessions/expire", self.host);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json");
        let answer = request.body("{}").send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
}

impl Core {
    /// Makes a call.
    async fn call(&self) {
        let opened = self.connections.org(seven()).await.unwrap().unwrap();
        opened.org.refresh_quota().await.unwrap();
    }
}

fn keys(texts: &str) -> SecretKeys {
    SecretKeys::parse(&SecretString::from(texts)).unwrap()
}

/// Has both cores make calls, several at once.
async fn call(one: &Core, other: &Core) {
    let calls = || async {
        tokio::join!(one.call(), other.call(), one.call(), other.call());
    };
    tokio::join!(calls(), calls());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_core_logs_in_for_all_and_renews_for_all() {
    let world = World::new().await;
    let (one, other) = (world.core(KEY).await, world.core(KEY).await);
    call(&one, &other).await;
    assert_eq!(world.log_ins(), 1);
    for renewals in 1..=3 {
        world.expire_sessions().await;
        call(&one, &other).await;
        assert_eq!(world.log_ins(), 1 + renewals);
    }
    // A core that comes later finds the session.
    let third = world.core(KEY).await;
    third.call().await;
    assert_eq!(world.log_ins(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_with_other_keys_log_in_each_for_itself() {
    let world = World::new().await;
    let one = world.core(KEY).await;
    one.call().await;
    let rotated = world.core(ROTATED).await;
    // It opens what the old key sealed, and seals with the new one.
    rotated.call().await;
    assert_eq!(world.log_ins(), 1);
    world.expire_sessions().await;
    rotated.call().await;
    assert_eq!(world.log_ins(), 2);
    one.call().await;
    assert_eq!(world.log_ins(), 3);
    rotated.call().await;
    one.call().await;
    assert_eq!(world.log_ins(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_goes_away_while_it_logs_in_blocks_nobody_beyond_its_lease() {
    let world = World::new().await;
    let core = world.core(KEY).await;
    let claim = |owner, lease| SessionClaim {
        igrp: seven(),
        credentials_time: Timestamp::from_micros(2),
        after: None,
        owner: Uuid::from_u128(owner),
        lease,
    };
    let turn = async |owner, lease| core.store.claim_session(claim(owner, lease)).await.unwrap();
    assert_eq!(turn(1, Duration::from_mins(5)).await, SessionTurn::Theirs);
    assert_eq!(turn(2, Duration::ZERO).await, SessionTurn::Taken(0));
    let extended = core
        .store
        .extend_session_turn(seven(), Uuid::from_u128(1), Duration::ZERO);
    extended.await.unwrap();
    assert_eq!(turn(2, Duration::ZERO).await, SessionTurn::Theirs);
    // The first one's turn is lost.
    let ended = core
        .store
        .end_session_turn(seven(), Uuid::from_u128(1), None);
    assert_eq!(ended.await.unwrap(), None);
    core.call().await;
    assert_eq!(world.log_ins(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_with_its_credentials() {
    let world = World::new().await;
    let core = world.core(KEY).await;
    core.call().await;
    let count = "SELECT count(*) FROM salesforce_sessions WHERE sealed_session IS NOT NULL";
    assert_eq!(world.database.psql(count), "1");
    core.connections.remove(seven()).await.unwrap();
    assert_eq!(world.database.psql(count), "0");
}
