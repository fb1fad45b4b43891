//! Which tokens in the URL let a message in.

use std::time::Duration;

use sfbridge_proto::v1::UrlTokenRule;
use sha2::{Digest as _, Sha256};
use soap_gateway::{CoreService, GatewayConfig};
use tonic::{Code, Status};

use crate::fake_core::FakeCore;
use crate::harness::TestGateway;
use crate::http_client::{Answer, EVENTS, exchange, head, post};
use crate::messages::{ORGANIZATION, message};

/// What a core says of a live token; empty, the organisation is any.
pub(crate) fn token(id: &str, secret: &str, organization: &str) -> UrlTokenRule {
    UrlTokenRule {
        url_token_id: id.to_owned(),
        secret_hash: Sha256::digest(secret).to_vec(),
        organization_id: organization.chars().take(15).collect(),
    }
}

async fn gateway(tokens: Vec<UrlTokenRule>) -> TestGateway {
    let gateway = TestGateway::start().await;
    gateway.core.senders(|senders| senders.url_tokens = tokens);
    gateway
}

/// A gateway before a core in the same process: nothing but itself runs by its
/// clock.
pub(crate) async fn gateway_with_own_clock(
    tokens: Vec<UrlTokenRule>,
    change: impl FnOnce(&mut GatewayConfig),
) -> TestGateway {
    const DRAIN: Duration = Duration::from_secs(20);

    let core = FakeCore::new();
    core.senders(|senders| senders.url_tokens = tokens);
    let service = CoreService::in_process(core.routes());
    TestGateway::start_before(core, service, DRAIN, change).await
}

async fn send(gateway: &TestGateway, query: &str) -> Answer {
    let target = format!("{EVENTS}?{query}");
    exchange(gateway.address, post(&target, &message(&["a"]))).await
}

pub(crate) async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_token_for_all_is_needed_by_every_request() {
    let gateway = gateway(vec![token("id", "secret", "")]).await;
    send(&gateway, "token=id.secret").await.is_acknowledgement();
    send(&gateway, "t%6Fken=id%2Esecret&igrp=7")
        .await
        .is_acknowledgement();
    let missing = send(&gateway, "igrp=7").await;
    missing.is_fault(403, "TOKEN_NEEDED");
    assert_eq!(missing.detail("parameter"), Some("token"));
    for wrong in ["id.Secret", "id", "", "%zz", "id.secret&token=id.secret"] {
        let answer = send(&gateway, &format!("token={wrong}&nonsense=1")).await;
        answer.is_fault(403, "TOKEN_NOT_ALLOWED");
        assert_eq!(answer.detail("parameter"), Some("token"));
        assert!(!answer.body.contains("id."), "{answer:?}");
    }
    gateway
        .core
        .heard(|heard| assert_eq!(heard.events.len(), 2));
}

#[tokio::test]
async fn a_token_of_an_organisation_is_needed_by_its_messages() {
    let ours = gateway(vec![token("id", "secret", ORGANIZATION)]).await;
    send(&ours, "token=id.secret").await.is_acknowledgement();
    send(&ours, "igrp=7").await.is_fault(403, "TOKEN_NEEDED");

    let others = gateway(vec![token("id", "secret", "00D000000000001AAA")]).await;
    send(&others, "igrp=7").await.is_acknowledgement();
    let answer = send(&others, "token=id.secret").await;
    answer.is_fault(403, "TOKEN_NOT_ALLOWED");
    assert!(answer.body.contains("another Salesforce organisation"));
}

#[tokio::test]
async fn without_tokens_whatever_is_given_is_ignored() {
    let gateway = gateway(Vec::new()).await;
    send(&gateway, "token=x").await.is_acknowledgement();
    for broken in ["token=", "token=%zz", "token=a&token=a"] {
        let answer = send(&gateway, broken).await;
        answer.is_fault(400, "INVALID_PARAMETER");
    }
}

#[tokio::test]
async fn a_token_guards_the_wsdl_too() {
    let gateway = gateway(vec![token("id", "secret", "")]).await;
    let get = async |query: &str| {
        let target = format!("{EVENTS}?wsdl{query}");
        exchange(gateway.address, head("GET", &target, &[])).await
    };
    get("").await.is_fault(403, "TOKEN_NEEDED");
    get("&token=x").await.is_fault(403, "TOKEN_NOT_ALLOWED");
    let answer = get("&token=id.secret").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("?token=id.secret\""));
}

#[tokio::test]
async fn the_core_is_asked_again_after_a_while_by_the_revision_that_is_known() {
    let gateway = gateway_with_own_clock(vec![token("id", "secret", "")], |_| {}).await;
    let known = || gateway.core.heard(|heard| heard.known_revisions.clone());
    for _ in 0..2 {
        send(&gateway, "token=id.secret").await.is_acknowledgement();
    }
    assert_eq!(known(), [""]);

    later(Duration::from_secs(6)).await;
    send(&gateway, "token=id.secret").await.is_acknowledgement();
    let revisions = known();
    assert_eq!(revisions.len(), 2);
    assert!(!revisions[1].is_empty());

    gateway.core.senders(|senders| {
        senders.url_tokens[0].secret_hash = Vec::new();
    });
    later(Duration::from_secs(6)).await;
    let revoked = send(&gateway, "token=id.secret").await;
    revoked.is_fault(403, "TOKEN_NOT_ALLOWED");
    send(&gateway, "igrp=7").await.is_fault(403, "TOKEN_NEEDED");
}

#[tokio::test]
async fn without_the_core_the_last_answer_counts_for_some_minutes() {
    let gateway = gateway_with_own_clock(vec![token("id", "secret", "")], |_| {}).await;
    send(&gateway, "token=id.secret").await.is_acknowledgement();

    let away = Status::unavailable("");
    gateway.core.senders(|senders| senders.failure = Some(away));
    for _ in 0..4 {
        later(Duration::from_mins(1)).await;
        send(&gateway, "token=id.secret").await.is_acknowledgement();
        send(&gateway, "igrp=7").await.is_fault(403, "TOKEN_NEEDED");
    }
    later(Duration::from_secs(61)).await;
    let answer = send(&gateway, "token=id.secret").await;
    answer.is_fault(503, "CORE_UNAVAILABLE");

    gateway.core.senders(|senders| senders.failure = None);
    send(&gateway, "token=id.secret").await.is_acknowledgement();
}

#[tokio::test]
async fn a_core_that_has_never_told_lets_nobody_in() {
    for (code, status) in [
        (Code::Unavailable, 503),
        (Code::PermissionDenied, 503),
        (Code::Unimplemented, 500),
    ] {
        let gateway = gateway(Vec::new()).await;
        let failure = Status::new(code, "");
        gateway
            .core
            .senders(|senders| senders.failure = Some(failure));
        let answer = send(&gateway, "nonsense=1").await;
        assert_eq!(answer.status, status);
        gateway.core.heard(|heard| assert!(heard.events.is_empty()));

        gateway.core.senders(|senders| senders.failure = None);
        send(&gateway, "igrp=7").await.is_acknowledgement();
    }
}

#[tokio::test]
async fn requests_that_come_together_share_one_question() {
    let gateway = gateway(Vec::new()).await;
    gateway.core.senders(|senders| senders.is_slow = true);
    let (one, other, ()) = tokio::join!(send(&gateway, ""), send(&gateway, ""), async {
        gateway
            .until_metric("gateway_requests_in_flight", "2")
            .await;
        gateway.core.senders(|senders| senders.is_slow = false);
    });
    one.is_acknowledgement();
    other.is_acknowledgement();
    gateway
        .core
        .heard(|heard| assert_eq!(heard.known_revisions.len(), 1));
}
