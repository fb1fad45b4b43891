//! Limits that are taken before work.

use std::num::NonZeroU32;

use crate::fake_core::Conduct;
use crate::harness::TestGateway;
use crate::http_client::{Answer, Client, EVENTS, exchange, head, post};
use crate::messages::{ORGANIZATION, message};

/// A message of another organisation.
fn others() -> String {
    message(&["other"]).replace(ORGANIZATION, "00D000000000002AAA")
}

/// Sends the first part of a message's body, and leaves the rest for later.
async fn begin(client: &mut Client, body: &str) {
    let length = format!("Content-Length: {}", body.len());
    client
        .send(head("POST", EVENTS, &["Expect: 100-continue", &length]))
        .await;
    assert_eq!(client.answer().await.status, 100);
    client.send(&body[..10]).await;
}

#[track_caller]
fn is_refused(answer: &Answer) {
    answer.is_fault(503, "OVERLOADED");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((5..=7).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_request_too_many_is_503_at_once() {
    let gateway = TestGateway::start_with(|config| config.max_requests = 1).await;
    gateway.core.conduct(Conduct::Wait);
    let mut first = Client::connect(gateway.address).await;
    first.send(post(EVENTS, &message(&["a"]))).await;
    gateway.core.until_waiting(1).await;

    let answer = exchange(gateway.address, post(EVENTS, &message(&["b"]))).await;
    answer.is_fault(503, "OVERLOADED");
    assert!(answer.header("retry-after").is_some());
    // A fault that no retry would mend is told all the same.
    exchange(gateway.address, post("/", ""))
        .await
        .is_fault(404, "UNKNOWN_PATH");

    gateway.core.conduct(Conduct::Record);
    first.answer().await.is_acknowledgement();
    exchange(gateway.address, post(EVENTS, &message(&["b"])))
        .await
        .is_acknowledgement();
}

#[tokio::test]
async fn bodies_that_do_not_fit_into_memory_together_are_503() {
    let gateway = TestGateway::start_with(|config| config.max_held_bytes = 40_000).await;
    let body = message(&[&"x".repeat(30_000)]);
    let mut slow = Client::connect(gateway.address).await;
    let length = format!("Content-Length: {}", body.len());
    slow.send(head("POST", EVENTS, &["Expect: 100-continue", &length]))
        .await;
    assert_eq!(slow.answer().await.status, 100);
    let (start, end) = body.split_at(29_000);

    slow.send(start).await;
    let refused = loop {
        let answer = exchange(gateway.address, post(EVENTS, &body)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.is_fault(503, "OVERLOADED");

    slow.send(end).await;
    slow.answer().await.is_acknowledgement();
    exchange(gateway.address, post(EVENTS, &body))
        .await
        .is_acknowledgement();
}

#[tokio::test]
async fn a_connection_too_many_takes_the_place_of_one_without_work() {
    let gateway = TestGateway::start_with(|config| config.max_connections = 1).await;
    let mut first = Client::connect(gateway.address).await;
    first.send(post(EVENTS, &message(&["a"]))).await;
    first.answer().await.is_acknowledgement();

    let mut second = Client::connect(gateway.address).await;
    second.send(post(EVENTS, &message(&["b"]))).await;
    second.answer().await.is_acknowledgement();
    assert!(first.is_closed().await);
}

#[tokio::test]
async fn one_organisation_that_floods_leaves_room_for_another() {
    let gateway = TestGateway::start_with(|config| config.max_requests = 4).await;
    gateway.core.conduct(Conduct::Wait);
    let mut waiting = Vec::new();
    for title in ["a", "b"] {
        let mut client = Client::connect(gateway.address).await;
        client.send(post(EVENTS, &message(&[title]))).await;
        waiting.push(client);
    }
    gateway.core.until_waiting(2).await;
    for _ in 0..3 {
        is_refused(&exchange(gateway.address, post(EVENTS, &message(&["c"]))).await);
    }
    gateway
        .until_metric("gateway_shares_in_use{limit=\"work\"}", "2")
        .await;
    gateway
        .until_metric("gateway_overloaded_total{limit=\"work\"}", "3")
        .await;

    let mut other = Client::connect(gateway.address).await;
    other.send(post(EVENTS, &others())).await;
    gateway.core.until_waiting(3).await;
    gateway.core.conduct(Conduct::Record);
    for client in waiting.iter_mut().chain([&mut other]) {
        client.answer().await.is_acknowledgement();
    }
    gateway
        .until_metric("gateway_shares_in_use{limit=\"work\"}", "0")
        .await;
    gateway
        .core
        .heard(|heard| assert_eq!(heard.events.len(), 3));
}

#[tokio::test]
async fn slow_bodies_of_one_address_leave_room_for_another() {
    let gateway = TestGateway::start_with(|config| config.max_requests = 2).await;
    let body = message(&["a"]);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(gateway.address).await;
        begin(&mut client, &body).await;
        slow.push(client);
    }
    is_refused(&exchange(gateway.address, post(EVENTS, &others())).await);
    let mut other = Client::connect_from([127, 0, 0, 2], gateway.address).await;
    other.send(post(EVENTS, &others())).await;
    other.answer().await.is_acknowledgement();

    for client in &mut slow {
        client.send(&body[10..]).await;
        client.answer().await.is_acknowledgement();
    }
    exchange(gateway.address, post(EVENTS, &others()))
        .await
        .is_acknowledgement();
}

#[tokio::test]
async fn what_a_message_is_refused_for_counts_before_its_share() {
    // The one share is taken; a bad message is told so all the same.
    let gateway = TestGateway::start_with(|config| config.max_requests = 1).await;
    gateway.core.conduct(Conduct::Wait);
    let mut first = Client::connect(gateway.address).await;
    first.send(post(EVENTS, &message(&["a"]))).await;
    gateway.core.until_waiting(1).await;
    let target = format!("{EVENTS}?nonsense=1");
    let answer = exchange(gateway.address, post(&target, &message(&["b"]))).await;
    answer.is_fault(400, "INVALID_PARAMETER");
    gateway.core.conduct(Conduct::Record);
    first.answer().await.is_acknowledgement();
}

#[tokio::test]
async fn an_organisation_over_its_rate_is_429_and_others_are_not() {
    let gateway = TestGateway::start_with(|config| config.organization_rate = NonZeroU32::new(1));
    let gateway = gateway.await;
    // More than one in a second at last, however slow the machine.
    let refused = loop {
        let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.is_fault(429, "RATE_LIMITED");
    assert!(refused.body.contains("soapenv:Client"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    exchange(gateway.address, post(EVENTS, &others()))
        .await
        .is_acknowledgement();
}
