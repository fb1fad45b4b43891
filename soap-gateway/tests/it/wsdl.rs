//! What a request for the WSDL gets.

use crate::harness::TestGateway;
use crate::http_client::{Answer, Client, EVENTS, exchange, head, post};
use crate::messages::message;

const ENDPOINTS: [&str; 3] = [
    EVENTS,
    "/callback/v1/salesforce/callRating",
    "/callback/v1/salesforce/leadEnrich",
];

async fn get(gateway: &TestGateway, target: &str) -> Answer {
    exchange(gateway.address, head("GET", target, &[])).await
}

#[track_caller]
fn is_wsdl(answer: &Answer, location: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/xml; charset=utf-8")
    );
    assert_eq!(answer.header("transfer-encoding"), None);
    assert!(answer.header("x-request-id").is_some());
    assert!(answer.body.starts_with("<?xml"));
    let address = format!("<soap:address location=\"{location}\"/>");
    assert!(answer.body.contains(&address), "no {address} in {answer:?}");
    assert_eq!(answer.body.matches("location=").count(), 1);
}

#[tokio::test]
async fn each_endpoint_gives_a_wsdl_with_its_own_address() {
    let gateway = TestGateway::start().await;
    for path in ENDPOINTS {
        for (query, rest) in [
            ("wsdl", ""),
            ("WSDL", ""),
            ("Wsdl=", ""),
            ("igrp=1001&wsdl", "?igrp=1001"),
            (
                "wsdl&igrp=1001&tz=Europe/London",
                "?igrp=1001&amp;tz=Europe/London",
            ),
            ("igrp=1&wSdL=1&token=s3+cret", "?igrp=1&amp;token=s3+cret"),
        ] {
            let answer = get(&gateway, &format!("{path}?{query}")).await;
            is_wsdl(&answer, &format!("http://localhost{path}{rest}"));
        }
        let answer = get(&gateway, &format!("{path}/?wsdl")).await;
        is_wsdl(&answer, &format!("http://localhost{path}/"));
    }
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}

#[tokio::test]
async fn the_address_is_one_that_messages_can_be_sent_to() {
    let gateway = TestGateway::start().await;
    let answer = get(&gateway, &format!("{EVENTS}?wsdl&igrp=7&act=a%26b")).await;
    let (_, location) = answer
        .body
        .split_once("location=\"http://localhost")
        .unwrap();
    let (target, _) = location.split_once('"').unwrap();
    let target = target.replace("&amp;", "&");
    let answer = exchange(gateway.address, post(&target, &message(&["a"]))).await;
    answer.is_acknowledgement();
    gateway
        .core
        .heard(|heard| assert_eq!(heard.events[0].events[0].action, "a&b"));
}

#[tokio::test]
async fn head_says_how_long_the_wsdl_is() {
    let gateway = TestGateway::start().await;
    let target = format!("{EVENTS}?wsdl");
    let shown = get(&gateway, &target).await;

    let mut client = Client::connect(gateway.address).await;
    client.send(head("HEAD", &target, &[])).await;
    let answer = client.answer_to("HEAD").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-length"),
        shown.header("content-length")
    );
    // The connection goes on, with no byte of a body left on it.
    client.send(post(EVENTS, &message(&["a"]))).await;
    client.answer().await.is_acknowledgement();
}

#[tokio::test]
async fn only_get_and_head_ask_for_the_wsdl() {
    let gateway = TestGateway::start().await;
    let target = format!("{EVENTS}?wsdl");
    for method in ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get"] {
        let answer = exchange(gateway.address, head(method, &target, &[])).await;
        answer.is_fault(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    for query in ["", "?", "?igrp=7", "?wsdl2", "?act=wsdl", "?nonsense=1"] {
        let answer = get(&gateway, &format!("{EVENTS}{query}")).await;
        answer.is_fault(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), Some("POST"));
        assert!(answer.body.contains("`?wsdl`"));
    }
    let answer = exchange(gateway.address, post(&target, &message(&["a"]))).await;
    answer.is_fault(400, "INVALID_PARAMETER");
    assert_eq!(answer.detail("parameter"), Some("wsdl"));
}

#[tokio::test]
async fn faults_come_in_the_usual_order() {
    let gateway = TestGateway::start().await;
    let bad_host = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a b\r\n\r\n");

    let answer = exchange(gateway.address, bad_host("/events?wsdl&nonsense=1")).await;
    answer.is_fault(404, "UNKNOWN_PATH");
    let target = format!("{EVENTS}?wsdl&igrp=7&vidFeild=s3cret");
    let answer = exchange(gateway.address, bad_host(&target)).await;
    answer.is_fault(400, "INVALID_PARAMETER");
    assert_eq!(answer.detail("parameter"), Some("vidFeild"));
    assert!(answer.body.contains("vidField") && !answer.body.contains("s3cret"));
    let answer = exchange(gateway.address, bad_host(&format!("{EVENTS}?wsdl"))).await;
    answer.is_fault(400, "INVALID_HOST");
    assert!(!answer.body.contains("a b"));
}

#[tokio::test]
async fn the_host_is_the_one_that_the_client_names() {
    let gateway = TestGateway::start().await;
    for (request, host) in [
        (
            format!("GET {EVENTS}?wsdl HTTP/1.1\r\nHost: [2001:db8::7]:8443\r\n\r\n"),
            "[2001:db8::7]:8443",
        ),
        (
            format!("GET http://one.example{EVENTS}?wsdl HTTP/1.1\r\nHost: other\r\n\r\n"),
            "one.example",
        ),
        (
            format!("GET {EVENTS}?wsdl HTTP/1.0\r\nHost: one.example:80\r\n\r\n"),
            "one.example:80",
        ),
    ] {
        let answer = exchange(gateway.address, request).await;
        is_wsdl(&answer, &format!("http://{host}{EVENTS}"));
    }
    for lines in ["", "Host: a\r\nHost: a\r\n", "Host: user@a\r\n"] {
        let request = format!("GET {EVENTS}?wsdl HTTP/1.0\r\n{lines}\r\n");
        let answer = exchange(gateway.address, request).await;
        answer.is_fault(400, "INVALID_HOST");
    }
}

#[tokio::test]
async fn it_is_counted_as_any_other_request() {
    let gateway = TestGateway::start().await;
    get(&gateway, &format!("{EVENTS}?wsdl")).await;
    let counted = "gateway_messages_total{endpoint=\"events\",status=\"200\"} 1\n";
    assert!(gateway.metrics().contains(counted));
}
