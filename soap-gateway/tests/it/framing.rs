//! Where requests begin and end.

use crate::harness::TestGateway;
use crate::http_client::{Client, EVENTS, chunked, exchange, head, post};
use crate::messages::message;

const XML: &str = "Content-Type: text/xml";
const CHUNKED: &str = "Transfer-Encoding: chunked";

#[tokio::test]
async fn a_body_in_chunks_is_read() {
    let gateway = TestGateway::start().await;
    for size in [1, 7, 100_000] {
        let head = head("POST", EVENTS, &[XML, CHUNKED]);
        let request = [head.into_bytes(), chunked(&message(&["a"]), size)].concat();
        exchange(gateway.address, request)
            .await
            .is_acknowledgement();
    }
}

#[tokio::test]
async fn broken_chunks_are_refused() {
    let gateway = TestGateway::start().await;
    let request = head("POST", EVENTS, &[XML, CHUNKED]) + "zz\r\n<a/>\r\n0\r\n\r\n";
    let answer = exchange(gateway.address, request).await;
    answer.is_fault(400, "BROKEN_BODY");
}

#[tokio::test]
async fn with_two_framings_chunks_decide_and_nothing_after_them_is_read() {
    let gateway = TestGateway::start().await;
    for lines in [
        ["Content-Length: 5", CHUNKED, XML],
        [CHUNKED, "Content-Length: 5", XML],
    ] {
        let body = chunked(&message(&["a"]), 1_000);
        let smuggled = post(EVENTS, &message(&["smuggled"]));
        let head = head("POST", EVENTS, &lines);
        let mut client = Client::connect(gateway.address).await;
        client
            .send([head.as_bytes(), &body, &smuggled].concat())
            .await;
        let answer = client.answer().await;
        answer.is_acknowledgement();
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.is_closed().await);
    }
    gateway.core.heard(|heard| {
        let titles = heard.events.iter().flat_map(|batch| &batch.events);
        let titles: Vec<_> = titles.map(|event| event.title.as_str()).collect();
        assert_eq!(titles, ["a", "a"]);
    });
}

#[tokio::test]
async fn what_http_itself_forbids_is_400() {
    let gateway = TestGateway::start().await;
    for lines in [
        &["Content-Length: 5", "Content-Length: 6"][..],
        &["Content-Length: -1"],
        &["Content-Length: 5x"],
        &["Transfer-Encoding: gzip"],
        &["no colon"],
    ] {
        let mut client = Client::connect(gateway.address).await;
        client.send(head("POST", EVENTS, lines)).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 400, "{lines:?}");
        assert!(client.is_closed().await, "{lines:?}");
    }
}

#[tokio::test]
async fn leave_to_send_is_given_after_the_checks_of_the_header() {
    let gateway = TestGateway::start().await;
    let body = message(&["a"]);
    let length = format!("Content-Length: {}", body.len());
    let lines = [XML, "Expect: 100-continue", length.as_str()];
    let mut client = Client::connect(gateway.address).await;
    client.send(head("POST", EVENTS, &lines)).await;
    assert_eq!(client.answer().await.status, 100);
    client.send(&body).await;
    client.answer().await.is_acknowledgement();

    for (target, line, status) in [
        ("/", XML, 404),
        ("/callback/v1/salesforce/events?nonsense=1", XML, 400),
        (EVENTS, "Content-Type: text/plain", 415),
    ] {
        let mut client = Client::connect(gateway.address).await;
        let lines = [line, "Expect: 100-continue", length.as_str()];
        client.send(head("POST", target, &lines)).await;
        assert_eq!(client.answer().await.status, status);
        assert!(client.is_closed().await);
    }

    let lines = [XML, "Expect: 100-continue", "Content-Length: 17000000"];
    let mut client = Client::connect(gateway.address).await;
    client.send(head("POST", EVENTS, &lines)).await;
    client.answer().await.is_fault(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_connection_is_used_again_also_after_a_refusal() {
    let gateway = TestGateway::start().await;
    let mut client = Client::connect(gateway.address).await;
    for _ in 0..3 {
        client.send(post(EVENTS, &message(&["a"]))).await;
        client.answer().await.is_acknowledgement();
        client.send(post("/", &message(&["a"]))).await;
        client.answer().await.is_fault(404, "UNKNOWN_PATH");
    }
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order() {
    let gateway = TestGateway::start().await;
    let mut client = Client::connect(gateway.address).await;
    let requests = [
        post(EVENTS, &message(&["a"])),
        post("/", &message(&["b"])),
        post(EVENTS, &message(&["c"])),
        head("GET", EVENTS, &[]).into_bytes(),
    ];
    client.send(requests.concat()).await;
    for status in [200, 404, 200, 405] {
        assert_eq!(client.answer().await.status, status);
    }
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let gateway = TestGateway::start().await;
    let body = message(&["a"]);
    let mut client = Client::connect(gateway.address).await;
    let length = body.len();
    let head =
        format!("POST {EVENTS} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    client.send(head + &body).await;
    client.answer().await.is_acknowledgement();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_is_answered() {
    let gateway = TestGateway::start().await;
    let mut client = Client::connect(gateway.address).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    client.finish().await;
    client.answer().await.is_acknowledgement();
}

#[tokio::test]
async fn a_whole_url_as_the_target_is_the_same_endpoint() {
    let gateway = TestGateway::start().await;
    let target = format!("http://localhost{EVENTS}?igrp=7");
    exchange(gateway.address, post(&target, &message(&["a"])))
        .await
        .is_acknowledgement();
}

#[tokio::test]
async fn the_host_that_is_asked_for_decides_nothing_but_what_is_local() {
    let gateway = TestGateway::start().await;
    let body = message(&["a"]);
    let length = body.len();
    for (target, host) in [
        (EVENTS.to_owned(), "Host: sf.example.com\r\n"),
        (EVENTS.to_owned(), "Host: \r\n"),
        (EVENTS.to_owned(), ""),
        (format!("http://sf.example.com{EVENTS}"), "Host: x\r\n"),
        (format!("https://sf.example.com{EVENTS}"), ""),
    ] {
        let request =
            format!("POST {target} HTTP/1.1\r\n{host}Content-Length: {length}\r\n\r\n{body}");
        exchange(gateway.address, request)
            .await
            .is_acknowledgement();
    }
    let target = "http://sf.example.com/elsewhere";
    exchange(gateway.address, post(target, &body))
        .await
        .is_fault(404, "UNKNOWN_PATH");
}
