//! Bodies: large, slow, compressed, and not XML.

use std::time::Duration;

use crate::harness::TestGateway;
use crate::http_client::{Client, EVENTS, exchange, gzip, head, post, post_with};
use crate::messages::message;

const XML: &str = "Content-Type: text/xml";
const GZIP: &str = "Content-Encoding: gzip";

#[tokio::test]
async fn a_body_that_is_not_xml_is_415() {
    let gateway = TestGateway::start().await;
    let request = post_with(EVENTS, &["Content-Type: application/json"], "{}");
    let answer = exchange(gateway.address, request).await;
    answer.is_fault(415, "UNSUPPORTED_MEDIA_TYPE");

    let request = post_with(EVENTS, &[XML, "Content-Encoding: br"], message(&["a"]));
    let answer = exchange(gateway.address, request).await;
    answer.is_fault(415, "UNSUPPORTED_CONTENT_ENCODING");

    let request = post_with(
        EVENTS,
        &["Content-Type: text/xml; charset=x-none"],
        message(&["a"]),
    );
    let answer = exchange(gateway.address, request).await;
    answer.is_fault(415, "UNKNOWN_CHARSET");
}

#[tokio::test]
async fn xml_by_any_of_its_names_and_by_none_is_read() {
    let gateway = TestGateway::start().await;
    for lines in [
        &[][..],
        &["Content-Type:"],
        &["content-type: APPLICATION/xml"],
        &["Content-Type: application/soap+xml; charset=\"Utf-8\""],
        &[XML, "SOAPAction: \"urn:something\""],
    ] {
        let answer = exchange(gateway.address, post_with(EVENTS, lines, message(&["a"]))).await;
        answer.is_acknowledgement();
    }
}

#[tokio::test]
async fn what_is_no_message_is_400_and_says_where() {
    let gateway = TestGateway::start().await;
    for body in ["", "<", "hello", "<a/>", "\u{0}"] {
        let answer = exchange(gateway.address, post(EVENTS, body)).await;
        answer.is_fault(400, "INVALID_MESSAGE");
        assert!(answer.detail("line").is_some(), "{answer:?}");
        assert!(answer.detail("column").is_some(), "{answer:?}");
    }
    let request = post_with(EVENTS, &[XML], b"<a>\xff</a>");
    let answer = exchange(gateway.address, request).await;
    answer.is_fault(400, "INVALID_MESSAGE");
}

#[tokio::test]
async fn soap_1_2_is_a_version_mismatch() {
    let gateway = TestGateway::start().await;
    let body = message(&["a"]).replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    let answer = exchange(gateway.address, post(EVENTS, &body)).await;
    answer.is_fault(400, "VERSION_MISMATCH");
    assert!(
        answer
            .body
            .contains("<faultcode>soapenv:VersionMismatch</faultcode>")
    );
}

#[tokio::test]
async fn a_header_block_that_must_be_understood_is_refused_as_such() {
    let gateway = TestGateway::start().await;
    let header = "<soapenv:Header><x:y xmlns:x=\"urn:x\" soapenv:mustUnderstand=\"1\"/>\
                  </soapenv:Header><soapenv:Body>";
    let body = message(&["a"]).replace("<soapenv:Body>", header);
    let answer = exchange(gateway.address, post(EVENTS, &body)).await;
    answer.is_fault(400, "MUST_UNDERSTAND");
    assert!(
        answer
            .body
            .contains("<faultcode>soapenv:MustUnderstand</faultcode>")
    );
}

#[tokio::test]
async fn gzip_is_decoded_whole() {
    let gateway = TestGateway::start().await;
    let body = message(&["a"]);
    let (start, end) = body.split_at(300);
    for body in [
        gzip(body.as_bytes()),
        [gzip(start.as_bytes()), gzip(end.as_bytes())].concat(),
    ] {
        let answer = exchange(gateway.address, post_with(EVENTS, &[XML, GZIP], body)).await;
        answer.is_acknowledgement();
    }
}

#[tokio::test]
async fn what_is_not_the_gzip_that_it_says_is_400() {
    let gateway = TestGateway::start().await;
    let whole = gzip(message(&["a"]).as_bytes());
    for body in [
        message(&["a"]).into_bytes(),
        whole[..whole.len() / 2].to_vec(),
    ] {
        let answer = exchange(gateway.address, post_with(EVENTS, &[XML, GZIP], body)).await;
        answer.is_fault(400, "BROKEN_BODY");
    }
}

#[tokio::test]
async fn a_bomb_is_413() {
    let gateway = TestGateway::start().await;
    let bomb = gzip(&vec![b' '; 16 * 1024 * 1024 + 1]);
    let answer = exchange(gateway.address, post_with(EVENTS, &[XML, GZIP], bomb)).await;
    answer.is_fault(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn the_limit_itself_is_not_too_large() {
    let limit = message(&["a"]).len();
    let gateway = TestGateway::start_with(|config| config.max_body_bytes = limit).await;
    exchange(gateway.address, post(EVENTS, &message(&["a"])))
        .await
        .is_acknowledgement();

    let answer = exchange(gateway.address, post(EVENTS, &message(&["aa"]))).await;
    answer.is_fault(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_client_that_sends_too_much_still_reads_the_answer() {
    let gateway = TestGateway::start().await;
    let body = "x".repeat(17 * 1024 * 1024);
    let answer = exchange(gateway.address, post(EVENTS, &body)).await;
    answer.is_fault(413, "BODY_TOO_LARGE");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.body.contains("16 MiB"));
}

#[tokio::test]
async fn a_length_above_the_limit_is_413_before_anything_is_sent() {
    let gateway = TestGateway::start().await;
    let request = head("POST", EVENTS, &[XML, "Content-Length: 99999999999"]);
    let answer = exchange(gateway.address, request).await;
    answer.is_fault(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_body_without_end_is_413_at_the_limit() {
    let gateway = TestGateway::start_with(|config| config.max_body_bytes = 100_000).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .send(head("POST", EVENTS, &[XML, "Transfer-Encoding: chunked"]))
        .await;
    let chunk = format!("2710\r\n{}\r\n", "x".repeat(10_000));
    for _ in 0..11 {
        client.send(&chunk).await;
    }
    let answer = client.answer().await;
    answer.is_fault(413, "BODY_TOO_LARGE");

    while client.try_send(&chunk).await {}
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_408() {
    let time = Duration::from_millis(200);
    let gateway = TestGateway::start_with(|config| config.body_time = time).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .send(head("POST", EVENTS, &[XML, "Content-Length: 1000"]))
        .await;
    client.send("<").await;
    let answer = client.answer().await;
    answer.is_fault(408, "SLOW_BODY");
    assert_eq!(answer.header("connection"), Some("close"));
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}

#[tokio::test]
async fn a_large_message_is_split_for_the_core_and_acknowledged_once() {
    let gateway = TestGateway::start().await;
    let titles: Vec<_> = (0..1_001).map(|n| n.to_string()).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let answer = exchange(gateway.address, post(EVENTS, &message(&titles))).await;
    answer.is_acknowledgement();
    gateway.core.heard(|heard| {
        let sizes: Vec<_> = heard
            .events
            .iter()
            .map(|batch| batch.events.len())
            .collect();
        assert_eq!(sizes, [1_000, 1]);
        let last = &heard.events[1];
        assert_eq!(last.events[0].title, "1000");
        let origin = last.notifications[0].salesforce.as_ref().unwrap();
        assert_eq!(origin.notification_id, "04l5g0000001000");
    });
}
