//! Cores and gateways that end and come back while messages arrive: as long as
//! another one is there, every message is acknowledged at its first try, and
//! recorded once. The cores share one PostgreSQL database.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::harness::{
    CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start, notification_id, run,
    until,
};

const IGRP: i64 = 77;
const SENDERS: usize = 8;
/// How many messages are acknowledged between two incidents.
const BETWEEN: usize = 40;

/// Two cores over one database, which goes with what comes with them.
async fn two_cores() -> ([Server; 2], test_postgres::Database) {
    let database = test_postgres::Database::create();
    let core = || {
        let core = Start::new(Role::Core).on_lasting_ports();
        core.variable("SFBRIDGE_STORE", database.url()).start()
    };
    ([core().await, core().await], database)
}

fn urls(cores: &[Server]) -> String {
    let urls: Vec<String> = cores.iter().map(Server::core_url).collect();
    urls.join(",")
}

fn gateway(cores: &[Server]) -> Start {
    Start::new(Role::Gateway)
        .flag("core-url", urls(cores))
        .on_lasting_ports()
}

/// Messages on their way to gateways, through something like a load balancer:
/// it asks a gateway whether it is ready before it sends to it.
struct Load {
    acknowledged: Arc<Mutex<BTreeSet<u32>>>,
    stop: CancellationToken,
    senders: JoinSet<()>,
}

impl Load {
    /// `gateways` have an address for messages and one for operators.
    fn begin(gateways: &[(SocketAddr, SocketAddr)]) -> Self {
        let mut load = Self {
            acknowledged: Arc::default(),
            stop: CancellationToken::new(),
            senders: JoinSet::new(),
        };
        let next = Arc::new(AtomicU32::new(1));
        for sender in 0..SENDERS {
            let (acknowledged, stop) = (Arc::clone(&load.acknowledged), load.stop.clone());
            let (next, gateways) = (Arc::clone(&next), gateways.to_vec());
            load.senders.spawn(async move {
                let mut place = sender;
                while !stop.is_cancelled() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let gateway = ready(&gateways, &mut place).await;
                    // Nobody tries again: the first answer has to be the one.
                    message(number).send(gateway).await.assert_acknowledged();
                    acknowledged.lock().unwrap().insert(number);
                }
            });
        }
        load
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until so many more are acknowledged. Fails when a sender did.
    async fn until_more(&mut self, more: usize) {
        let before = self.count();
        let acknowledged = Arc::clone(&self.acknowledged);
        let enough =
            until(async || (acknowledged.lock().unwrap().len() >= before + more).then_some(()));
        tokio::select! {
            () = enough => {}
            Some(ended) = self.senders.join_next() => panic!("a sender ended: {ended:?}"),
        }
    }

    /// Stops, and gives the numbers of all that was acknowledged.
    async fn end(mut self) -> BTreeSet<u32> {
        self.stop.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended.unwrap();
        }
        let acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.clone()
    }
}

/// The next gateway in turn that is ready.
async fn ready(gateways: &[(SocketAddr, SocketAddr)], place: &mut usize) -> SocketAddr {
    loop {
        *place += 1;
        let (address, operator) = gateways[*place % gateways.len()];
        let answer = Request::get("/readyz").try_send(operator).await;
        if answer.is_ok_and(|answer| answer.status == 200) {
            return address;
        }
        // Whoever waits for messages notices when none is ready.
        sleep(Duration::from_millis(5)).await;
    }
}

fn message(number: u32) -> Request {
    let notification = Notification::opportunity(number).field("Name", &number.to_string());
    let message = Message::new().with(&notification).xml();
    Request::post(&format!("{EVENTS}?igrp={IGRP}"), message)
}

fn places(gateways: &[Server]) -> Vec<(SocketAddr, SocketAddr)> {
    let place = |gateway: &Server| (gateway.gateway(), gateway.operator());
    gateways.iter().map(place).collect()
}

/// Waits until a process says that it is ready.
async fn until_ready(server: &Server) {
    until(async || {
        let answer = Request::get("/readyz").try_send(server.operator()).await;
        answer
            .is_ok_and(|answer| answer.status == 200)
            .then_some(())
    })
    .await;
}

/// Waits until a gateway sends requests to a core (1) or passes it over (0).
async fn until_serving(gateway: &Server, core: &Server, serving: u8) {
    let core = core.core_address();
    let line = format!("sfbridge_gateway_core_serving{{core=\"{core}\"}} {serving}\n");
    until(async || {
        let metrics = Request::get("/metrics").send(gateway.operator()).await;
        metrics.body.contains(&line).then_some(())
    })
    .await;
}

/// Fails unless every core has what was acknowledged, and nothing twice.
async fn assert_kept(acknowledged: &BTreeSet<u32>, cores: &[Server]) {
    for core in cores {
        let mut kept: BTreeMap<String, usize> = BTreeMap::new();
        for event in CoreCaller::of(core.core_address()).events(IGRP).await {
            let id = event.salesforce.unwrap().notification_id;
            *kept.entry(id).or_default() += 1;
        }
        let doubled: Vec<_> = kept.iter().filter(|(_, count)| **count > 1).collect();
        assert!(doubled.is_empty(), "there more than once: {doubled:?}");
        println!("{} acknowledged, {} kept", acknowledged.len(), kept.len());
        let is_lost = |number: &&u32| !kept.contains_key(&notification_id(**number));
        let lost: Vec<_> = acknowledged.iter().filter(is_lost).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_are_restarted_in_turn_and_no_message_fails() {
    let (mut cores, _database) = two_cores().await;
    let gateways = [gateway(&cores).start().await];
    until_ready(&gateways[0]).await;
    let mut load = Load::begin(&places(&gateways));
    for round in 0..6 {
        load.until_more(BETWEEN).await;
        let core = &mut cores[round % 2];
        core.signal("TERM").await;
        assert_eq!(core.exit_code().await, Some(0));
        load.until_more(BETWEEN).await;
        core.restart().await;
        // Whoever restarts them in turn waits for this, and for nothing more.
        until_ready(core).await;
    }
    load.until_more(BETWEEN).await;
    assert_kept(&load.end().await, &cores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_is_killed_and_no_message_fails_while_the_other_is_there() {
    let (mut cores, _database) = two_cores().await;
    let gateways = [gateway(&cores).start().await, gateway(&cores).start().await];
    for gateway in &gateways {
        until_ready(gateway).await;
    }
    let mut load = Load::begin(&places(&gateways));
    for round in 0..6 {
        load.until_more(BETWEEN).await;
        cores[round % 2].kill().await;
        load.until_more(BETWEEN).await;
        cores[round % 2].restart().await;
        until_ready(&cores[round % 2]).await;
    }
    load.until_more(BETWEEN).await;
    assert_kept(&load.end().await, &cores).await;

    // Each said once that a core went away, and once that it was back.
    for gateway in &gateways {
        let log = gateway.log();
        let count = |words: &str| log.matches(words).count();
        assert!(count("a core is away") <= 6, "{log}");
        assert!(count("a core is back") <= 6, "{log}");
        assert!(count("a core is away") > 0, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_hangs_and_no_message_fails_while_the_other_is_there() {
    let (cores, _database) = two_cores().await;
    let start = gateway(&cores).flag("gateway-core-time", "200ms");
    let gateways = [start.start().await];
    until_ready(&gateways[0]).await;
    let mut load = Load::begin(&places(&gateways));
    for core in &cores {
        load.until_more(BETWEEN).await;
        core.signal("STOP").await;
        load.until_more(BETWEEN).await;
        until_serving(&gateways[0], core, 0).await;
        core.signal("CONT").await;
        until_serving(&gateways[0], core, 1).await;
    }
    load.until_more(BETWEEN).await;
    assert_kept(&load.end().await, &cores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_are_restarted_in_turn_and_no_message_fails() {
    let (cores, _database) = two_cores().await;
    let mut gateways = [gateway(&cores).start().await, gateway(&cores).start().await];
    for gateway in &gateways {
        until_ready(gateway).await;
    }
    let mut load = Load::begin(&places(&gateways));
    for round in 0..4 {
        load.until_more(BETWEEN).await;
        let gateway = &mut gateways[round % 2];
        gateway.signal("TERM").await;
        assert_eq!(gateway.exit_code().await, Some(0));
        load.until_more(BETWEEN).await;
        gateway.restart().await;
        until_ready(gateway).await;
    }
    load.until_more(BETWEEN).await;
    assert_kept(&load.end().await, &cores).await;
}

#[tokio::test]
async fn a_gateway_is_ready_while_one_of_its_cores_is() {
    let (mut cores, _database) = two_cores().await;
    let gateway = gateway(&cores).start().await;
    until_ready(&gateway).await;
    cores[0].kill().await;
    let answer = Request::get("/readyz").send(gateway.operator()).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    cores[1].kill().await;
    let answer = Request::get("/readyz").send(gateway.operator()).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    for core in &cores {
        assert!(answer.body.contains(&core.core_url()), "{answer:?}");
    }
    message(1).send(gateway.gateway()).await.assert_fault(503);

    cores[1].restart().await;
    until_ready(&gateway).await;
    message(1)
        .send(gateway.gateway())
        .await
        .assert_acknowledged();
}

#[tokio::test]
async fn commands_use_the_first_core_that_is_there() {
    // Each has a store of its own, so that it can be told which one answered.
    let core = || Start::new(Role::Core).on_lasting_ports().start();
    let mut cores = [core().await, core().await];
    let list = async |cores: &[Server], name: &str| {
        let urls = urls(cores);
        let ran = run(["installations", "list", "--core", &urls]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(name), "{ran:?}");
    };
    for (core, name) in cores.iter().zip(["First", "Second"]) {
        let url = core.core_url();
        let create = ["installations", "create", "1001", "--display-name", name];
        let ran = run(create.into_iter().chain(["--core", &url])).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    list(&cores, "First").await;
    // It accepts connections, and answers nothing.
    cores[0].signal("STOP").await;
    list(&cores, "Second").await;
    cores[0].kill().await;
    list(&cores, "Second").await;

    cores[1].kill().await;
    let urls = urls(&cores);
    let ran = run(["installations", "list", "--core", &urls]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for core in &cores {
        assert!(ran.err.contains(&core.core_url()), "{ran:?}");
    }
}
