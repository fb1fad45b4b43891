//! Several cores: which one is asked, and what becomes of a request when one is
//! away, slow, overloaded or about to end.

use std::time::Duration;

use soap_gateway::CoreService;
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::{ClientTlsConfig, Uri};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::fake_core::{Conduct, FakeCore, Heard};
use crate::harness::{TestGateway, serve, serve_routes};
use crate::http_client::{Client, EVENTS, exchange, post};
use crate::messages::{ORGANIZATION, message};
use crate::wire::{Traffic, Wire};

const DRAIN: Duration = Duration::from_secs(20);
/// A time that is over soon.
const SHORT: Duration = Duration::from_millis(100);
/// A time that is not over before the test is.
const LONG: Duration = Duration::from_mins(10);

/// A gateway before cores at these addresses.
async fn before(cores: Vec<Uri>, core_time: Duration) -> TestGateway {
    before_with(cores, core_time, Duration::from_mins(1)).await
}

async fn before_with(cores: Vec<Uri>, core_time: Duration, time: Duration) -> TestGateway {
    let tls = ClientTlsConfig::new();
    let service = CoreService::connect_with_tls(cores, None, &tls, core_time).unwrap();
    let change = |config: &mut soap_gateway::GatewayConfig| config.request_time = time;
    TestGateway::start_before(FakeCore::new(), service, DRAIN, change).await
}

/// Sends messages at once, and fails unless all are acknowledged.
async fn send_at_once(gateway: &TestGateway, count: usize) {
    let mut senders = JoinSet::new();
    for _ in 0..count {
        let address = gateway.address;
        senders.spawn(async move { exchange(address, post(EVENTS, &message(&["a"]))).await });
    }
    while let Some(answer) = senders.join_next().await {
        answer.unwrap().is_acknowledgement();
    }
}

/// How many events a core was sent. Messages may share a request.
fn events(core: &FakeCore) -> usize {
    let events = |heard: &Heard| {
        heard
            .events
            .iter()
            .map(|request| request.events.len())
            .sum()
    };
    core.heard(events)
}

fn serving(core: &str) -> String {
    format!("gateway_core_serving{{core=\"{core}\"}}")
}

fn authority(core: &Uri) -> &str {
    core.authority().unwrap().as_str()
}

/// The value of a metric's line.
fn value(gateway: &TestGateway, name: &str) -> u64 {
    let metrics = gateway.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim().parse().unwrap()
}

fn requests(gateway: &TestGateway, core: &str, outcome: &str) -> u64 {
    let name = format!("gateway_core_requests_total{{core=\"{core}\",outcome=\"{outcome}\"}}");
    value(gateway, &name)
}

#[tokio::test]
async fn a_core_that_hangs_is_left_for_another_in_the_time_of_the_request() {
    let (mute, core) = (FakeCore::new(), FakeCore::new());
    let wire = Wire::to(&serve(&mute).await, Traffic::Stalls).await;
    let gateway = before(vec![wire.uri(), serve(&core).await], SHORT).await;
    send_at_once(&gateway, 20).await;
    assert_eq!((events(&mute), events(&core)), (0, 20));
    assert!(requests(&gateway, &wire.name(), "late") > 0);
    gateway.until_metric(&serving(&wire.name()), "0").await;

    // It has thought better of it.
    wire.set(Traffic::Passes);
    gateway.until_metric(&serving(&wire.name()), "1").await;
}

#[tokio::test]
async fn when_all_cores_hang_the_time_of_the_request_is_the_end() {
    let cores = [FakeCore::new(), FakeCore::new()];
    let mut wires = Vec::new();
    for core in &cores {
        wires.push(Wire::to(&serve(core).await, Traffic::Stalls).await.uri());
    }
    let time = Duration::from_millis(600);
    let gateway = before_with(wires, SHORT, time).await;
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
    answer.is_fault(503, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_at_another_core_with_the_same_key() {
    let cores = [FakeCore::new(), FakeCore::new()];
    let mut wires = Vec::new();
    for core in &cores {
        wires.push(Wire::to(&serve(core).await, Traffic::Passes).await);
    }
    let uris = wires.iter().map(Wire::uri).collect();
    let gateway = before(uris, LONG).await;
    // What is asked about who sends is known by then.
    send_at_once(&gateway, 1).await;
    for core in &cores {
        core.conduct(Conduct::Wait);
    }
    let mut client = Client::connect(gateway.address).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    let asked = tokio::select! {
        () = cores[0].until_waiting(1) => 0,
        () = cores[1].until_waiting(1) => 1,
    };
    cores[1 - asked].conduct(Conduct::Record);
    wires[asked].set(Traffic::CutsAnswers);
    cores[asked].conduct(Conduct::Record);
    client.answer().await.is_acknowledgement();

    assert_eq!(cores.iter().map(events).sum::<usize>(), 3);
    let key = |core: &FakeCore| {
        core.heard(|heard| {
            heard.events.last().unwrap().events[0]
                .idempotency_key
                .clone()
        })
    };
    let keys = cores.each_ref().map(key);
    assert!(!keys[0].is_empty());
    assert_eq!(keys[0], keys[1]);
    assert_eq!(requests(&gateway, &wires[asked].name(), "broken"), 1);
    assert_eq!(value(&gateway, "gateway_core_repeats_total"), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_while_its_only_core_stays_costs_no_message() {
    let core = FakeCore::new();
    let (uri, _reporter) = serve_with_health(&core).await;
    let wire = Wire::to(&uri, Traffic::Passes).await;
    let gateway = before(vec![wire.uri()], LONG).await;
    for _ in 0..5 {
        gateway.until_metric(&serving(&wire.name()), "1").await;
        send_at_once(&gateway, 1).await;
        wire.set(Traffic::Cut);
        gateway.until_metric(&serving(&wire.name()), "0").await;
        wire.set(Traffic::Passes);
    }
    assert_eq!(events(&core), 5);
}

#[tokio::test]
async fn a_core_that_can_not_work_costs_no_message_while_another_can() {
    let (broken, core) = (FakeCore::new(), FakeCore::new());
    broken.conduct(Conduct::Fail(Status::unavailable("the disk is full")));
    let cores = vec![serve(&broken).await, serve(&core).await];
    let gateway = before(cores, LONG).await;
    for _ in 0..5 {
        send_at_once(&gateway, 10).await;
    }
    assert_eq!(events(&core), 50);
}

#[tokio::test]
async fn what_is_too_much_for_one_core_is_asked_of_one_other_and_of_no_more() {
    let cores = [FakeCore::new(), FakeCore::new(), FakeCore::new()];
    let mut uris = Vec::new();
    for core in &cores {
        core.conduct(Conduct::Fail(Status::resource_exhausted("")));
        uris.push(serve(core).await);
    }
    let gateway = before(uris, LONG).await;
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
    answer.is_fault(503, "OVERLOADED");
    // It got no further than the question whether it may be sent.
    let asked = |core: &FakeCore| core.heard(|heard| heard.access.len());
    assert_eq!(cores.iter().map(asked).sum::<usize>(), 2);

    cores[0].conduct(Conduct::Record);
    cores[1].conduct(Conduct::Record);
    send_at_once(&gateway, 10).await;
}

#[tokio::test]
async fn a_core_that_went_away_is_passed_over_and_used_again_once_it_is_back() {
    let (first, second) = (FakeCore::new(), FakeCore::new());
    let (uri, _reporter) = serve_with_health(&first).await;
    let wire = Wire::to(&uri, Traffic::Passes).await;
    let gateway = before(vec![wire.uri(), serve(&second).await], LONG).await;
    gateway.until_metric(&serving(&wire.name()), "1").await;

    // Nobody needs to send for it to be noticed.
    wire.set(Traffic::Cut);
    gateway.until_metric(&serving(&wire.name()), "0").await;
    send_at_once(&gateway, 20).await;
    assert_eq!(events(&second), 20);
    for outcome in ["broken", "unreached"] {
        assert_eq!(requests(&gateway, &wire.name(), outcome), 0);
    }

    wire.set(Traffic::Passes);
    gateway.until_metric(&serving(&wire.name()), "1").await;
    second.conduct(Conduct::Fail(Status::unavailable("")));
    send_at_once(&gateway, 20).await;
    assert_eq!(events(&first), 20);
}

/// Serves a core that says how it is.
async fn serve_with_health(core: &FakeCore) -> (Uri, HealthReporter) {
    let (reporter, health) = tonic_health::server::health_reporter();
    let routes = core.routes().add_service(health);
    (serve_routes(routes).await, reporter)
}

#[tokio::test]
async fn a_core_that_says_that_it_is_not_serving_is_sent_nothing() {
    let (ending, core) = (FakeCore::new(), FakeCore::new());
    let (uri, reporter) = serve_with_health(&ending).await;
    let name = authority(&uri).to_owned();
    let gateway = before(vec![uri, serve(&core).await], LONG).await;
    let say = async |status| reporter.set_service_status("", status).await;
    say(ServingStatus::NotServing).await;
    gateway.until_metric(&serving(&name), "0").await;
    send_at_once(&gateway, 20).await;
    assert_eq!((events(&ending), events(&core)), (0, 20));

    // As a last resort it is asked all the same.
    core.conduct(Conduct::Fail(Status::unavailable("")));
    send_at_once(&gateway, 1).await;
    assert_eq!(events(&ending), 1);

    say(ServingStatus::Serving).await;
    gateway.until_metric(&serving(&name), "1").await;
}

#[tokio::test]
async fn requests_go_to_all_cores_that_are_well() {
    let cores = [FakeCore::new(), FakeCore::new(), FakeCore::new()];
    let mut uris = Vec::new();
    for core in &cores {
        core.conduct(Conduct::Wait);
        uris.push(serve(core).await);
    }
    let gateway = before(uris, LONG).await;
    // A core that was slow once is asked only when the others have much to do.
    let mut sending = JoinSet::new();
    while cores.iter().any(|core| core.waiting() == 0) {
        // Those of one organisation would share requests.
        let organization = format!("00D{:012}", sending.len());
        let body = message(&["a"]).replace(ORGANIZATION, &organization);
        let address = gateway.address;
        sending.spawn(async move { exchange(address, post(EVENTS, &body)).await });
        while cores.iter().map(FakeCore::waiting).sum::<usize>() < sending.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let sent = sending.len();
    for core in &cores {
        core.conduct(Conduct::Record);
    }
    while let Some(answer) = sending.join_next().await {
        answer.unwrap().is_acknowledgement();
    }
    assert_eq!(cores.iter().map(events).sum::<usize>(), sent);
}
