//! Which organisations may send.

use soap_gateway::InstallationMode;
use tonic::Status;

use crate::fake_core::Conduct;
use crate::harness::TestGateway;
use crate::http_client::{Answer, EVENTS, exchange, post, post_with};
use crate::messages::{ORGANIZATION, message};

async fn gateway(mode: InstallationMode) -> TestGateway {
    TestGateway::start_with(|config| config.installations = mode).await
}

/// A message of an organisation that is linked to nothing.
fn stranger() -> String {
    message(&["a"]).replace(ORGANIZATION, "00D000000000001AAA")
}

async fn send(gateway: &TestGateway, body: &str) -> Answer {
    exchange(gateway.address, post(EVENTS, body)).await
}

#[tokio::test]
async fn strict_lets_in_linked_organisations_alone() {
    let gateway = gateway(InstallationMode::Strict).await;
    send(&gateway, &message(&["a"])).await.is_acknowledgement();
    let answer = send(&gateway, &stranger()).await;
    answer.is_fault(403, "ORGANIZATION_NOT_LINKED");
    assert!(answer.body.contains("soapenv:Client"));
    gateway.core.heard(|heard| {
        assert_eq!(heard.events.len(), 1);
        assert_eq!(heard.events[0].unknown_installations, 1);
    });
}

#[tokio::test]
async fn open_lets_in_anybody() {
    let gateway = gateway(InstallationMode::Open).await;
    send(&gateway, &stranger()).await.is_acknowledgement();
    gateway.core.heard(|heard| {
        assert_eq!(heard.events[0].unknown_installations, 0);
    });
}

#[tokio::test]
async fn auto_is_open_for_this_machine_alone() {
    let gateway = gateway(InstallationMode::Auto).await;
    send(&gateway, &stranger()).await.is_acknowledgement();

    let forwarded = post_with(EVENTS, &["X-Forwarded-For: 192.0.2.1"], stranger());
    let other_name = post(EVENTS, &stranger());
    let other_name = String::from_utf8(other_name).unwrap();
    let other_name = other_name.replace("Host: localhost", "Host: sf.example.com");
    for request in [forwarded, other_name.into_bytes()] {
        let answer = exchange(gateway.address, request).await;
        answer.is_fault(403, "ORGANIZATION_NOT_LINKED");
    }
}

#[tokio::test]
async fn what_the_core_says_of_an_organisation_is_remembered_for_a_while() {
    let gateway = gateway(InstallationMode::Strict).await;
    for _ in 0..3 {
        send(&gateway, &message(&["a"])).await.is_acknowledgement();
        send(&gateway, &stranger())
            .await
            .is_fault(403, "ORGANIZATION_NOT_LINKED");
    }
    gateway.core.heard(|heard| {
        assert_eq!(heard.access, [ORGANIZATION, "00D000000000001AAA"]);
    });
}

#[tokio::test]
async fn messages_that_come_together_share_one_question() {
    let gateway = gateway(InstallationMode::Strict).await;
    gateway.core.conduct(Conduct::Silence);
    let body = message(&["a"]);
    let (first, second, ()) = tokio::join!(send(&gateway, &body), send(&gateway, &body), async {
        gateway.core.until_waiting(1).await;
        gateway
            .until_metric("gateway_requests_in_flight", "2")
            .await;
        gateway.core.conduct(Conduct::Record);
    });
    first.is_acknowledgement();
    second.is_acknowledgement();
    gateway
        .core
        .heard(|heard| assert_eq!(heard.access.len(), 1));
}

#[tokio::test]
async fn a_core_that_can_not_tell_is_503_and_not_remembered() {
    let gateway = gateway(InstallationMode::Strict).await;
    gateway.core.conduct(Conduct::Fail(Status::unavailable("")));
    let answer = send(&gateway, &message(&["a"])).await;
    answer.is_fault(503, "CORE_UNAVAILABLE");
    assert!(answer.header("retry-after").is_some());

    gateway.core.conduct(Conduct::Record);
    send(&gateway, &message(&["a"])).await.is_acknowledgement();
}

#[tokio::test]
async fn a_stranger_is_refused_wherever_an_id_stands() {
    let gateway = gateway(InstallationMode::Strict).await;
    let id = |id: &str| format!("<OrganizationId>{id}</OrganizationId>");
    let (ours, others) = (id(ORGANIZATION), id("00D000000000001AAA"));
    let without = message(&["a"]).replace(&ours, "");
    let outbound = " xmlns=\"http://soap.sforce.com/2005/09/outbound\"";
    let in_header = ours.replace("Id>00", &format!("Id{outbound}>00"));
    let header = format!("<soapenv:Header>{in_header}</soapenv:Header><soapenv:Body>");
    for body in [
        // Behind the notifications.
        without.replace("</notifications>", &format!("{others}</notifications>")),
        // With another's in the header, in the record, and as a field.
        stranger().replace("<soapenv:Body>", &header),
        stranger().replace("<sf:Name>", &format!("{ours}<sf:Name>")),
        stranger().replace("<Notification>", &format!("<Notification>{ours}")),
        // The same letters in another case are another organisation.
        message(&["a"]).replace(ORGANIZATION, "00D5G0000004343EAA"),
    ] {
        let answer = send(&gateway, &body).await;
        answer.is_fault(403, "ORGANIZATION_NOT_LINKED");
        assert!(!answer.body.contains(&ORGANIZATION[..15]), "{answer:?}");
    }
    for body in [
        without.clone(),
        without.replace("<sf:Name>", &format!("{ours}<sf:Name>")),
        message(&["a"]).replace(&ours, &ours.repeat(2)),
    ] {
        send(&gateway, &body).await.is_fault(400, "INVALID_MESSAGE");
    }
    gateway.core.heard(|heard| assert!(heard.events.is_empty()));
}
