//! From which addresses and with which certificates messages are taken.

use sfbridge_proto::v1::SenderRestriction;
use soap_gateway::{AddressHeader, InstallationMode, SenderConfig};

use crate::harness::TestGateway;
use crate::http_client::{Answer, EVENTS, exchange, head, post_with};
use crate::messages::message;

/// A gateway that trusts this machine as a proxy.
async fn behind_a_proxy(change: impl FnOnce(&mut SenderConfig)) -> TestGateway {
    TestGateway::start_with(|config| {
        config.installations = InstallationMode::Open;
        config.senders.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        change(&mut config.senders);
    })
    .await
}

async fn send(gateway: &TestGateway, lines: &[&str]) -> Answer {
    exchange(gateway.address, post_with(EVENTS, lines, message(&["a"]))).await
}

fn allow(config: &mut SenderConfig, range: &str) {
    config.allowed_addresses = vec![range.parse().unwrap()];
}

#[tokio::test]
async fn messages_come_from_allowed_addresses_alone() {
    let here = TestGateway::start_with(|config| allow(&mut config.senders, "127.0.0.0/8")).await;
    send(&here, &[]).await.is_acknowledgement();

    let elsewhere =
        TestGateway::start_with(|config| allow(&mut config.senders, "192.0.2.0/24")).await;
    for lines in [
        &[][..],
        &["X-Forwarded-For: 192.0.2.1"],
        &["Forwarded: for=192.0.2.1"],
    ] {
        let answer = send(&elsewhere, lines).await;
        answer.is_fault(403, "ADDRESS_NOT_ALLOWED");
        assert!(answer.body.contains("soapenv:Client"));
    }
    let asked = head("GET", &format!("{EVENTS}?wsdl"), &[]);
    exchange(elsewhere.address, asked)
        .await
        .is_fault(403, "ADDRESS_NOT_ALLOWED");
    elsewhere.core.heard(|heard| {
        assert!(heard.events.is_empty() && heard.access.is_empty());
    });
}

#[tokio::test]
async fn a_trusted_proxy_says_who_sends_in_one_header() {
    let gateway = behind_a_proxy(|config| allow(config, "192.0.2.0/24")).await;
    let allowed = "X-Forwarded-For: 203.0.113.9, 192.0.2.1";
    send(&gateway, &[allowed]).await.is_acknowledgement();
    for lines in [
        &[][..],
        &["X-Forwarded-For: 192.0.2.1, 203.0.113.9"],
        &["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 203.0.113.9"],
        &["X-Forwarded-For: 192.0.2.1, unknown"],
        &["Forwarded: for=192.0.2.1"],
    ] {
        let answer = send(&gateway, lines).await;
        answer.is_fault(403, "ADDRESS_NOT_ALLOWED");
    }

    let other = behind_a_proxy(|config| {
        config.client_address_header = AddressHeader::Forwarded;
        allow(config, "192.0.2.0/24");
    })
    .await;
    let allowed = "Forwarded: for=\", for=203.0.113.9, FOR=\"192.0.2.1:80\";proto=https";
    send(&other, &[allowed]).await.is_acknowledgement();
    let answer = send(&other, &["X-Forwarded-For: 192.0.2.1"]).await;
    answer.is_fault(403, "ADDRESS_NOT_ALLOWED");
}

#[tokio::test]
async fn a_certificate_is_passed_on_by_a_trusted_proxy_alone() {
    let (ours, others) = ("11".repeat(32), "22".repeat(32));
    let configure = |config: &mut SenderConfig| {
        config.client_certificate_header = Some("x-client-cert".parse().unwrap());
        config.client_certificates = vec![ours.parse().unwrap()];
    };
    let line = |text: &str| format!("X-Client-Cert: {text}");

    let gateway = behind_a_proxy(configure).await;
    for good in [&ours, &format!("Hash={others},By=x;Hash={ours}")] {
        send(&gateway, &[&line(good)]).await.is_acknowledgement();
    }
    let answer = send(&gateway, &[&line(&others)]).await;
    answer.is_fault(403, "CLIENT_CERTIFICATE_NOT_ALLOWED");
    let (unreadable, good) = (line("CN=x"), line(&ours));
    for needed in [&[][..], &[&*unreadable], &[&*good, &*good]] {
        let answer = send(&gateway, needed).await;
        answer.is_fault(403, "CLIENT_CERTIFICATE_NEEDED");
    }

    let direct = TestGateway::start_with(|config| configure(&mut config.senders)).await;
    let answer = send(&direct, &[&line(&ours)]).await;
    answer.is_fault(403, "CLIENT_CERTIFICATE_NEEDED");
}

#[tokio::test]
async fn an_authority_of_the_connection_has_to_be_there_when_one_is_asked_for() {
    let gateway = TestGateway::start_with(|config| {
        config.senders.requires_client_authority = true;
    })
    .await;
    let answer = send(&gateway, &[]).await;
    answer.is_fault(403, "CLIENT_CERTIFICATE_NEEDED");
}

#[tokio::test]
async fn what_each_installation_of_the_organisation_says_has_to_hold() {
    let restriction = |igrp, ranges: &[&str], certificates: &[String]| SenderRestriction {
        igrp,
        address_ranges: ranges.iter().map(ToString::to_string).collect(),
        client_certificates: certificates.to_vec(),
    };
    let ours = "11".repeat(32);
    for (restrictions, reason) in [
        (vec![restriction(7, &["192.0.2.0/24"], &[])], None),
        (
            vec![
                restriction(7, &["192.0.2.0/24"], &[]),
                restriction(8, &["192.0.3.0/24"], &[]),
            ],
            Some("ADDRESS_NOT_ALLOWED"),
        ),
        (
            vec![restriction(7, &[], std::slice::from_ref(&ours))],
            Some("CLIENT_CERTIFICATE_NEEDED"),
        ),
    ] {
        let gateway = behind_a_proxy(|_| {}).await;
        gateway
            .core
            .senders(|senders| senders.restrictions = restrictions);
        let answer = send(&gateway, &["X-Forwarded-For: 192.0.2.1"]).await;
        match reason {
            None => answer.is_acknowledgement(),
            Some(reason) => answer.is_fault(403, reason),
        }
        // A message that can't be read is 400 whoever sends it.
        let broken = post_with(EVENTS, &["X-Forwarded-For: 203.0.113.9"], "<a>");
        let answer = exchange(gateway.address, broken).await;
        answer.is_fault(400, "INVALID_MESSAGE");
    }
}

#[tokio::test]
async fn the_wsdl_is_for_https_where_a_trusted_proxy_was_asked_by_it() {
    let asked = |lines: &[&str]| head("GET", &format!("{EVENTS}?wsdl"), lines);
    let proxied = behind_a_proxy(|_| {}).await;
    let direct = TestGateway::start().await;
    for (gateway, line, scheme) in [
        (&proxied, "X-Forwarded-Proto: https", "https"),
        (&proxied, "X-Forwarded-Proto: http", "http"),
        (&proxied, "Forwarded: proto=https", "http"),
        (&direct, "X-Forwarded-Proto: https", "http"),
    ] {
        let answer = exchange(gateway.address, asked(&[line])).await;
        let location = format!("location=\"{scheme}://localhost{EVENTS}\"");
        assert!(answer.body.contains(&location), "{line}: {answer:?}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_on_this_machine_makes_nothing_local() {
    let gateway = TestGateway::start_with(|config| {
        config.senders.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let stranger = message(&["a"]).replace("00D5g0000004242EAA", "00D000000000001AAA");
    let answer = exchange(gateway.address, post_with(EVENTS, &[], stranger)).await;
    answer.is_fault(403, "ORGANIZATION_NOT_LINKED");
}

#[tokio::test]
async fn refusals_are_counted_by_their_reason() {
    let gateway = TestGateway::start_with(|config| allow(&mut config.senders, "192.0.2.1")).await;
    for _ in 0..2 {
        let answer = send(&gateway, &[]).await;
        answer.is_fault(403, "ADDRESS_NOT_ALLOWED");
    }
    let counted = "gateway_refused_total{reason=\"ADDRESS_NOT_ALLOWED\"} 2\n";
    assert!(gateway.metrics().contains(counted), "{}", gateway.metrics());
}
