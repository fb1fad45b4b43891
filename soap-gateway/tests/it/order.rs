//! Which fault counts where several apply.

use std::fmt::Write;

use soap_gateway::InstallationMode;

use crate::harness::TestGateway;
use crate::http_client::{EVENTS, exchange, head};
use crate::messages::{ORGANIZATION, message};

/// A request with all faults from one on: each part is wrong until it is named.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Good {
    Nothing,
    Path,
    Method,
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
        target.push_str("?nonsense=1");
    }
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

    let mut request = head(method, &target, &[&format!("Content-Type: {media_type}")]);
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
    })
    .await;
    check(&gateway, Good::Nothing, 404, "UNKNOWN_PATH").await;
    check(&gateway, Good::Path, 405, "METHOD_NOT_ALLOWED").await;
    check(&gateway, Good::Method, 400, "INVALID_PARAMETER").await;
    check(&gateway, Good::Query, 415, "UNSUPPORTED_MEDIA_TYPE").await;
    check(&gateway, Good::MediaType, 413, "BODY_TOO_LARGE").await;
    check(&gateway, Good::Length, 400, "INVALID_MESSAGE").await;
    check(&gateway, Good::Body, 403, "ORGANIZATION_NOT_LINKED").await;
    check(&gateway, Good::Organization, 200, "").await;
}
