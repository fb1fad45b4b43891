//! Which fault counts where several apply.

use std::fmt::Write;

use soap_gateway::{InstallationMode, SenderConfig};

use crate::harness::TestGateway;
use crate::http_client::{EVENTS, exchange, head};
use crate::messages::{ORGANIZATION, message};
use crate::tokens::token;

/// A request with all faults from one on: each part is wrong until it is named.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Good {
    Nothing,
    Path,
    Method,
    Address,
    Certificate,
    Token,
    Query,
    MediaType,
    Length,
    Body,
    Organization,
}

async fn check(gateway: &TestGateway, good: Good, status: u16, reason: &str) {
    let path = if good >= Good::Path {
        EVENTS
    } else {
        "/events"
    };
    let method = if good >= Good::Method { "POST" } else { "PUT" };
    let mut target = path.to_owned();
    if good < Good::Query {
        target.push_str("?nonsense=1&");
    } else {
        target.push('?');
    }
    if good >= Good::Token {
        target.push_str("token=id.secret");
    }
    let address = if good >= Good::Address {
        "192.0.2.1"
    } else {
        "192.0.2.2"
    };
    let certificate = if good >= Good::Certificate {
        "11".repeat(32)
    } else {
        "22".repeat(32)
    };
    let media_type = if good >= Good::MediaType {
        "text/xml"
    } else {
        "text/html"
    };
    let stranger = message(&["a"]).replace(ORGANIZATION, "00D000000000001AAA");
    let body = match good {
        Good::Organization => message(&["a"]),
        Good::Body => stranger,
        _ => "<a>".to_owned(),
    };
    let length = if good >= Good::Length {
        body.len()
    } else {
        17_000_000
    };

    let lines = [
        format!("Content-Type: {media_type}"),
        format!("X-Forwarded-For: {address}"),
        format!("X-Client-Cert: {certificate}"),
    ];
    let mut request = head(method, &target, &lines.each_ref().map(String::as_str));
    request.truncate(request.len() - 2);
    let _ = write!(request, "Content-Length: {length}\r\n\r\n{body}");
    let answer = exchange(gateway.address, request).await;
    if status == 200 {
        answer.is_acknowledgement();
    } else {
        answer.is_fault(status, reason);
    }
}

#[tokio::test]
async fn the_first_fault_in_the_order_of_the_contract_is_given() {
    let gateway = TestGateway::start_with(|config| {
        config.installations = InstallationMode::Strict;
        config.senders = SenderConfig {
            trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
            client_certificate_header: Some("x-client-cert".parse().unwrap()),
            allowed_addresses: vec!["192.0.2.1".parse().unwrap()],
            client_certificates: vec!["11".repeat(32).parse().unwrap()],
            ..SenderConfig::default()
        };
    })
    .await;
    let for_all = token("id", "secret", "");
    gateway
        .core
        .senders(|senders| senders.url_tokens = vec![for_all]);
    check(&gateway, Good::Nothing, 404, "UNKNOWN_PATH").await;
    check(&gateway, Good::Path, 405, "METHOD_NOT_ALLOWED").await;
    check(&gateway, Good::Method, 403, "ADDRESS_NOT_ALLOWED").await;
    check(
        &gateway,
        Good::Address,
        403,
        "CLIENT_CERTIFICATE_NOT_ALLOWED",
    )
    .await;
    check(&gateway, Good::Certificate, 403, "TOKEN_NEEDED").await;
    check(&gateway, Good::Token, 400, "INVALID_PARAMETER").await;
    check(&gateway, Good::Query, 415, "UNSUPPORTED_MEDIA_TYPE").await;
    check(&gateway, Good::MediaType, 413, "BODY_TOO_LARGE").await;
    check(&gateway, Good::Length, 400, "INVALID_MESSAGE").await;
    check(&gateway, Good::Body, 403, "ORGANIZATION_NOT_LINKED").await;
    check(&gateway, Good::Organization, 200, "").await;
}
