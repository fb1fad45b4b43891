//! How connections begin and end.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prometheus_client::registry::Registry;
use soap_gateway::{CoreService, GatewayConfig, StartError};
use tokio::net::TcpStream;

use crate::fake_core::{Conduct, FakeCore};
use crate::harness::{TestGateway, serve};
use crate::http_client::{Client, EVENTS, exchange, post};
use crate::messages::message;

const SOON: Duration = Duration::from_millis(500);

async fn with_drain(drain: Duration) -> TestGateway {
    let core = FakeCore::new();
    let service = CoreService::connect(vec![serve(&core).await], None).unwrap();
    TestGateway::start_before(core, service, drain, |_| {}).await
}

#[tokio::test]
async fn http_2_is_spoken_without_being_asked() {
    let gateway = TestGateway::start().await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);

    let send = |method: &str, path: &str, body: String| {
        http::Request::builder()
            .method(method)
            .uri(format!("http://localhost{path}"))
            .body(Full::new(Bytes::from(body)))
            .unwrap()
    };
    for (method, path, body, status) in [
        ("POST", EVENTS, message(&["a"]), 200),
        ("POST", "/", message(&["a"]), 404),
        ("POST", EVENTS, "x".repeat(17 * 1024 * 1024), 413),
        ("GET", EVENTS, String::new(), 405),
        ("HEAD", EVENTS, String::new(), 405),
        ("POST", EVENTS, message(&["a"]), 200),
    ] {
        let answer = sender.send_request(send(method, path, body)).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert!(answer.headers().contains_key("x-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.is_empty(), method == "HEAD", "{method} {path}");
    }
    gateway
        .core
        .heard(|heard| assert_eq!(heard.events.len(), 2));
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_too_little_is_closed() {
    let gateway = TestGateway::start_with(|config| config.header_time = SOON).await;
    for bytes in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\n",
    ] {
        let mut client = Client::connect(gateway.address).await;
        client.send(bytes).await;
        assert!(client.is_closed().await, "{bytes:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_but_one_at_work_is_not() {
    let gateway = TestGateway::start_with(|config| config.header_time = SOON).await;
    gateway.core.conduct(Conduct::Wait);
    let mut client = Client::connect(gateway.address).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    gateway.core.until_waiting(1).await;
    // Another one, begun later, is closed for saying nothing.
    let mut mute = Client::connect(gateway.address).await;
    assert!(mute.is_closed().await);
    gateway.core.conduct(Conduct::Record);
    client.answer().await.is_acknowledgement();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn at_shutdown_what_is_at_work_is_finished() {
    let gateway = with_drain(Duration::from_mins(1)).await;
    gateway.core.conduct(Conduct::Wait);
    let mut busy = Client::connect(gateway.address).await;
    busy.send(post(EVENTS, &message(&["a"]))).await;
    let mut idle = Client::connect(gateway.address).await;
    let mut mute = Client::connect(gateway.address).await;
    gateway.core.until_waiting(1).await;
    gateway.until_metric("gateway_connections", "3").await;

    gateway.shutdown.cancel();
    assert!(idle.is_closed().await);
    assert!(mute.is_closed().await);
    assert!(TcpStream::connect(gateway.address).await.is_err());

    gateway.core.conduct(Conduct::Record);
    let answer = busy.answer().await;
    answer.is_acknowledgement();
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(busy.is_closed().await);
    gateway.stopped().await;
}

#[tokio::test]
async fn until_its_end_was_noticed_a_gateway_takes_messages_but_keeps_no_connection() {
    let core = FakeCore::new();
    let service = CoreService::connect(vec![serve(&core).await], None).unwrap();
    let (notice, drain) = (Duration::from_mins(10), Duration::from_mins(20));
    let noticed = |config: &mut GatewayConfig| config.notice_time = notice;
    let gateway = TestGateway::start_before(core, service, drain, noticed).await;
    let mut open = Client::connect(gateway.address).await;
    open.send(post(EVENTS, &message(&["a"]))).await;
    assert_eq!(open.answer().await.header("connection"), None);

    gateway.shutdown.cancel();
    // Its other end learns of it with the next answer.
    let closing = async {
        loop {
            open.send(post(EVENTS, &message(&["b"]))).await;
            let answer = open.answer().await;
            answer.is_acknowledgement();
            if answer.header("connection") == Some("close") {
                return;
            }
        }
    };
    closing.await;
    assert!(open.is_closed().await);
    let mut new = Client::connect(gateway.address).await;
    new.send(post(EVENTS, &message(&["c"]))).await;
    let answer = new.answer().await;
    answer.is_acknowledgement();
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(new.is_closed().await);
}

#[tokio::test]
async fn at_the_end_of_the_drain_what_is_left_is_cut() {
    let gateway = with_drain(SOON).await;
    gateway.core.conduct(Conduct::Wait);
    let mut busy = Client::connect(gateway.address).await;
    busy.send(post(EVENTS, &message(&["a"]))).await;
    let mut half = Client::connect(gateway.address).await;
    half.send("POST / HTTP/1.1\r\n").await;
    let _mute = Client::connect(gateway.address).await;
    gateway.core.until_waiting(1).await;
    gateway.until_metric("gateway_connections", "3").await;

    gateway.shutdown.cancel();
    gateway.stopped().await;
    busy.answer().await.is_fault(503, "DEADLINE_EXCEEDED");
    assert!(busy.is_closed().await);
    assert!(half.is_closed().await);
}

#[tokio::test]
async fn a_gateway_that_was_stopped_before_it_ran_ends() {
    let gateway = with_drain(SOON).await;
    gateway.shutdown.cancel();
    gateway.stopped().await;
}

#[tokio::test]
async fn an_address_in_use_and_a_limit_of_nothing_are_told() {
    let gateway = TestGateway::start().await;
    let bind = async |config| {
        let core = CoreService::in_process(FakeCore::new().routes());
        soap_gateway::bind(config, core, &mut Registry::default()).await
    };
    let taken = GatewayConfig {
        listen: gateway.address,
        ..GatewayConfig::default()
    };
    let error = bind(taken).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&gateway.address.to_string()));

    let nothing = GatewayConfig {
        max_requests: 0,
        ..GatewayConfig::default()
    };
    let error = bind(nothing).await.unwrap_err();
    assert!(error.to_string().contains("max_requests"), "{error}");
    exchange(gateway.address, post(EVENTS, &message(&["a"])))
        .await
        .is_acknowledgement();
}

#[tokio::test]
async fn two_thousand_mute_connections_keep_no_sender_out() {
    let gateway = TestGateway::start_with(|config| {
        config.max_connections = 200;
        config.max_connections_per_address = 100;
    })
    .await;
    let mut mute = Vec::new();
    for sender in 0..20 {
        for _ in 0..100 {
            mute.push(Client::connect(gateway.address).await);
        }
        let notification = sender.to_string();
        exchange(gateway.address, post(EVENTS, &message(&[&notification])))
            .await
            .is_acknowledgement();
    }
    assert!(mute[0].is_closed().await);
    let metrics = gateway.metrics();
    assert!(
        metrics.contains("gateway_connections_refused_total 0\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_connection_at_work_is_not_closed_for_others() {
    let gateway = TestGateway::start_with(|config| {
        config.max_connections = 4;
        config.max_connections_per_address = 2;
    })
    .await;
    gateway.core.conduct(Conduct::Wait);
    let mut busy = Vec::new();
    for notification in ["a", "b"] {
        let mut client = Client::connect(gateway.address).await;
        client.send(post(EVENTS, &message(&[notification]))).await;
        busy.push(client);
    }
    gateway.core.until_waiting(2).await;
    assert!(Client::connect(gateway.address).await.is_closed().await);
    gateway.core.conduct(Conduct::Record);
    for client in &mut busy {
        client.answer().await.is_acknowledgement();
    }
    exchange(gateway.address, post(EVENTS, &message(&["c"])))
        .await
        .is_acknowledgement();
}
