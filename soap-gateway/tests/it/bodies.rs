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

#[tokio::test]
async fn a_body_that_breaks_off_is_never_read_in_part() {
    let gateway = TestGateway::start().await;
    let body = message(&["a", "b"]);
    let length = format!("Content-Length: {}", body.len() + 1);
    let chunk = format!("{:x}\r\n{body}", body.len() + 1);
    for (line, sent) in [
        (length.as_str(), body.as_str()),
        (length.as_str(), ""),
        ("Transfer-Encoding: chunked", chunk.as_str()),
    ] {
        let mut client = Client::connect(gateway.address).await;
        client.send(head("POST", EVENTS, &[XML, line])).await;
        client.send(sent).await;
        client.finish().await;
        client.answer().await.is_fault(400, "BROKEN_BODY");
    }
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}

#[tokio::test]
async fn pages_forms_and_data_are_never_acknowledged() {
    let gateway = TestGateway::start().await;
    for media_type in [
        "text/html",
        "text/plain",
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/related; type=\"text/xml\"; boundary=x",
    ] {
        let line = format!("Content-Type: {media_type}");
        let request = post_with(EVENTS, &[&line], message(&["a"]));
        let answer = exchange(gateway.address, request).await;
        answer.is_fault(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for body in [
        "{\"Ack\": true}",
        "<html><body><Ack>true</Ack></body></html>",
        "a=1&b=2",
        "--x\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--x--",
    ] {
        let answer = exchange(gateway.address, post(EVENTS, body)).await;
        answer.is_fault(400, "INVALID_MESSAGE");
    }
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}

#[tokio::test]
async fn a_charset_is_taken_from_the_mark_then_the_header_then_the_declaration() {
    let gateway = TestGateway::start().await;
    let text = message(&["Müller"]);
    let declared = text.replace("UTF-8", "ISO-8859-1");
    let latin1 = |text: &str| -> Vec<u8> {
        let to_byte = |character| u8::try_from(u32::from(character)).unwrap();
        text.chars().map(to_byte).collect()
    };
    let utf16: Vec<u8> = format!("\u{FEFF}{text}")
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    for (media_type, body) in [
        ("text/xml; charset=UTF-8", text.clone().into_bytes()),
        (
            "text/xml;CHARSET=\"utf-8\" ; x=y",
            text.clone().into_bytes(),
        ),
        ("text/xml; charset='utf-8'", declared.clone().into_bytes()),
        ("text/xml; charset=latin1", latin1(&text)),
        ("text/xml", latin1(&declared)),
        ("text/xml; charset=", latin1(&declared)),
        ("text/xml; charset=latin1", utf16.clone()),
        ("text/xml; charset=x-none", utf16),
        ("text/xml", format!("\u{FEFF}{declared}").into_bytes()),
    ] {
        let line = format!("Content-Type: {media_type}");
        let answer = exchange(gateway.address, post_with(EVENTS, &[&line], body)).await;
        answer.is_acknowledgement();
    }
    gateway.core.heard(|heard| {
        assert_eq!(heard.events.len(), 9);
        for batch in &heard.events {
            assert_eq!(batch.events[0].title, "Müller");
        }
    });
}

#[tokio::test]
async fn the_soap_action_does_not_matter() {
    let gateway = TestGateway::start().await;
    for lines in [
        &[XML][..],
        &[XML, "SOAPAction: \"\""],
        &[XML, "SOAPAction:"],
        &[XML, "SOAPAction: urn:anything"],
        &[XML, "SOAPAction: \"a\"", "SOAPAction: \"b\""],
    ] {
        let request = post_with(EVENTS, lines, message(&["a"]));
        exchange(gateway.address, request)
            .await
            .is_acknowledgement();
    }
}

#[tokio::test]
async fn gzip_that_does_not_say_so_is_no_message() {
    let gateway = TestGateway::start().await;
    let body = gzip(message(&["a"]).as_bytes());
    for lines in [&[XML][..], &[XML, "Content-Encoding: identity"]] {
        let answer = exchange(gateway.address, post_with(EVENTS, lines, &body)).await;
        answer.is_fault(400, "INVALID_MESSAGE");
    }
    let lines = [XML, "Content-Encoding: deflate"];
    let answer = exchange(gateway.address, post_with(EVENTS, &lines, &body)).await;
    answer.is_fault(415, "UNSUPPORTED_CONTENT_ENCODING");
}
