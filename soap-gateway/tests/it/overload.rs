//! Limits that are taken before work.

use crate::fake_core::Conduct;
use crate::harness::TestGateway;
use crate::http_client::{Client, EVENTS, exchange, head, post};
use crate::messages::message;

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
