//! What answers look like.

use crate::harness::TestGateway;
use crate::http_client::{Client, EVENTS, exchange, head, post, post_with};
use crate::messages::message;

#[tokio::test]
async fn a_durable_message_is_acknowledged_as_salesforce_wants_it() {
    let gateway = TestGateway::start().await;
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/xml; charset=utf-8")
    );
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(
        answer.body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://\
         schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><notificationsResponse xmlns=\"http:\
         //soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse>\
         </soapenv:Body></soapenv:Envelope>"
    );
    gateway
        .core
        .heard(|heard| assert_eq!(heard.events[0].events[0].title, "a"));
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_our_own() {
    let gateway = TestGateway::start().await;
    let mut ids = Vec::new();
    for target in [EVENTS, "/", "/callback/v1/salesforce/events?nonsense=1"] {
        let body = message(&["a"]);
        let length = format!("Content-Length: {}", body.len());
        let lines = ["X-Request-Id: mine", length.as_str()];
        let request = head("POST", target, &lines) + &body;
        let answer = exchange(gateway.address, request).await;

        let id = answer.header("x-request-id").unwrap().to_owned();
        let version = id.as_bytes()[14];
        assert_eq!((id.len(), version), (36, b'7'), "{id}");
        if answer.status != 200 {
            assert_eq!(answer.detail("requestId"), Some(id.as_str()));
        }
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn unknown_paths_are_404_and_one_trailing_slash_is_allowed() {
    let gateway = TestGateway::start().await;
    for (path, status) in [
        ("/callback/v1/salesforce/events/", 200),
        ("/callback/v1/salesforce/callRating", 200),
        ("/callback/v1/salesforce/leadEnrich", 200),
        ("/callback/v1/salesforce/events//", 404),
        ("//callback/v1/salesforce/events", 404),
        ("/callback/v1/salesforce/EVENTS", 404),
        ("/callback/v1/salesforce/%65vents", 404),
        ("/callback/v1/salesforce/x/../events", 404),
        ("/callback/v1/salesforce/./events", 404),
        ("/callback/v1/salesforce%2Fevents", 404),
        ("/callback/v1/salesforce/events%2F", 404),
        ("/callback/v1/salesforce/events%00", 404),
        ("/callback/v1/salesforce/events;x=1", 404),
        ("/callback/v1/salesforce\\events", 404),
        ("/CALLBACK/v1/salesforce/events", 404),
        ("/callback/v1/salesforce/callrating", 404),
        ("/healthz", 404),
        ("/metrics", 404),
        ("/callback/v1/salesforce", 404),
        ("/", 404),
    ] {
        let answer = exchange(gateway.address, post(path, &message(&["a"]))).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/xml; charset=utf-8")
        );
        if status == 404 {
            answer.is_fault(404, "UNKNOWN_PATH");
            assert!(answer.body.contains("soapenv:Client"));
        }
    }
}

#[tokio::test]
async fn targets_without_a_path_are_404() {
    let gateway = TestGateway::start().await;
    for (method, target) in [
        ("OPTIONS", "*"),
        ("CONNECT", "localhost:80"),
        ("POST", "/?a#b"),
    ] {
        let answer = exchange(gateway.address, head(method, target, &[])).await;
        answer.is_fault(404, "UNKNOWN_PATH");
    }
}

#[tokio::test]
async fn other_methods_are_405_and_say_what_to_do() {
    let gateway = TestGateway::start().await;
    for method in [
        "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "post", "PURGE",
    ] {
        let mut client = Client::connect(gateway.address).await;
        client.send(head(method, EVENTS, &[])).await;
        let answer = client.answer_to(method).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
        if method != "HEAD" {
            answer.is_fault(405, "METHOD_NOT_ALLOWED");
            assert!(answer.body.contains("outbound messages by POST"));
        }

        // The connection goes on, with no byte of a body left on it.
        client.send(post(EVENTS, &message(&["a"]))).await;
        client.answer().await.is_acknowledgement();
    }
}

#[tokio::test]
async fn an_answer_to_head_says_how_long_it_would_be() {
    let gateway = TestGateway::start().await;
    let mut client = Client::connect(gateway.address).await;
    client
        .send(head("GET", "/", &["Connection: keep-alive"]))
        .await;
    let shown = client.answer().await;
    client.send(head("HEAD", "/", &["Connection: close"])).await;
    let answer = client.answer_to("HEAD").await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.header("content-length"),
        shown.header("content-length")
    );
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_fault_names_the_parameter() {
    let gateway = TestGateway::start().await;
    let target = "/callback/v1/salesforce/events?igrp=7&nonsense=s3cret";
    let answer = exchange(gateway.address, post(target, &message(&["a"]))).await;
    answer.is_fault(400, "INVALID_PARAMETER");
    assert_eq!(answer.detail("parameter"), Some("nonsense"));
    assert!(!answer.body.contains("s3cret"));
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}

#[tokio::test]
async fn messages_and_notifications_are_counted() {
    let gateway = TestGateway::start().await;
    let titles = ["a", "duplicate", "quarantined", "b"];
    let answer = exchange(gateway.address, post(EVENTS, &message(&titles))).await;
    answer.is_acknowledgement();
    exchange(gateway.address, head("GET", "/", &[])).await;

    let metrics = gateway.metrics();
    for line in [
        "gateway_messages_total{endpoint=\"events\",status=\"200\"} 1\n",
        "gateway_messages_total{endpoint=\"none\",status=\"404\"} 1\n",
        "gateway_notifications_total{endpoint=\"events\",outcome=\"recorded\"} 2\n",
        "gateway_notifications_total{endpoint=\"events\",outcome=\"duplicate\"} 1\n",
        "gateway_notifications_total{endpoint=\"events\",outcome=\"quarantined\"} 1\n",
        "gateway_message_duration_seconds_count{endpoint=\"events\"} 1\n",
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    gateway
        .until_metric("gateway_requests_in_flight", "0")
        .await;
    gateway.until_metric("gateway_connections", "0").await;
}

#[tokio::test]
async fn an_answer_is_never_compressed_nor_moved() {
    let gateway = TestGateway::start().await;
    let lines = ["Accept-Encoding: gzip, br", "Accept: application/json"];
    for target in [EVENTS, "/"] {
        let answer = exchange(gateway.address, post_with(target, &lines, message(&["a"]))).await;
        assert!(answer.body.starts_with("<?xml "), "{answer:?}");
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length));
        assert_eq!(
            answer.header("content-type"),
            Some("text/xml; charset=utf-8")
        );
        for name in ["content-encoding", "transfer-encoding", "location"] {
            assert_eq!(answer.header(name), None, "{name}");
        }
    }
}

#[tokio::test]
async fn a_query_is_decoded_once_and_a_plus_is_a_space() {
    let gateway = TestGateway::start().await;
    let target = format!("{EVENTS}?t%69tle=A%2BB+C%20D%2525%3D=M%C3%BCller;x&act=a%26b");
    exchange(gateway.address, post(&target, &message(&["a"])))
        .await
        .is_acknowledgement();
    gateway.core.heard(|heard| {
        let event = &heard.events[0].events[0];
        assert_eq!(event.title, "A+B C D%25==Müller;x");
        assert_eq!(event.action, "a&b");
    });
}

#[tokio::test]
async fn a_query_that_can_not_be_read_is_400_and_not_repeated() {
    let gateway = TestGateway::start().await;
    for (query, parameter) in [
        ("title=s3cret%zz", "title"),
        ("title=s3cret%", "title"),
        ("title=s3cret%00", "title"),
        ("title=s3cret%C0%AF", "title"),
        ("title=s3cret%ED%A0%80", "title"),
        ("token=s3cret&token=s3cret", "token"),
        ("tz=UTC&t%7A=UTC", "tz"),
        ("title=s3cret&t=s3cret", "t"),
        ("s3cret", "s3cret"),
    ] {
        let target = format!("{EVENTS}?{query}");
        let answer = exchange(gateway.address, post(&target, &message(&["a"]))).await;
        answer.is_fault(400, "INVALID_PARAMETER");
        assert_eq!(answer.detail("parameter"), Some(parameter), "{query}");
        let is_shown = answer.body.contains("s3cret");
        assert_eq!(is_shown, parameter == "s3cret", "{answer:?}");
    }
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}
