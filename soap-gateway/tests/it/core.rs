//! What the core answers, and what becomes of it.

use std::time::Duration;

use secrecy::SecretString;
use soap_gateway::CoreService;
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::fake_core::{Conduct, FakeCore};
use crate::harness::{TestGateway, free, serve};
use crate::http_client::{Client, EVENTS, exchange, post};
use crate::messages::message;

const DRAIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn each_endpoint_has_its_own_call() {
    let gateway = TestGateway::start().await;
    for endpoint in soap_gateway::Endpoint::ALL {
        let answer = exchange(
            gateway.address,
            post(endpoint.path(), &message(&["a", "b"])),
        )
        .await;
        answer.is_acknowledgement();
    }
    gateway.core.heard(|heard| {
        assert_eq!(heard.events[0].events.len(), 2);
        assert_eq!(heard.ratings[0].ratings.len(), 2);
        assert_eq!(heard.leads[0].leads.len(), 2);
        assert_eq!(heard.leads[0].notifications.len(), 2);
    });
}

#[tokio::test]
async fn a_message_without_notifications_is_acknowledged() {
    let gateway = TestGateway::start().await;
    exchange(gateway.address, post(EVENTS, &message(&[])))
        .await
        .is_acknowledgement();
}

#[tokio::test]
async fn what_is_neither_recorded_nor_quarantined_is_never_acknowledged() {
    let gateway = TestGateway::start().await;
    for title in ["lost", "unspecified"] {
        let answer = exchange(gateway.address, post(EVENTS, &message(&["a", title]))).await;
        answer.is_fault(500, "INTERNAL");
        assert!(answer.body.contains("soapenv:Server"));
    }
    gateway.core.conduct(Conduct::Forget);
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a", "b"]))).await;
    answer.is_fault(500, "INTERNAL");
}

#[tokio::test]
async fn a_failure_of_the_core_is_answered_by_its_kind() {
    let gateway = TestGateway::start().await;
    for (code, status, reason) in [
        (Code::Unavailable, 503, "CORE_UNAVAILABLE"),
        (Code::Cancelled, 503, "CORE_UNAVAILABLE"),
        (Code::Unauthenticated, 503, "CORE_UNAVAILABLE"),
        (Code::PermissionDenied, 503, "CORE_UNAVAILABLE"),
        (Code::ResourceExhausted, 503, "OVERLOADED"),
        (Code::DeadlineExceeded, 503, "DEADLINE_EXCEEDED"),
        (Code::InvalidArgument, 500, "INTERNAL"),
        (Code::Internal, 500, "INTERNAL"),
        (Code::Unknown, 500, "INTERNAL"),
        (Code::Unimplemented, 500, "INTERNAL"),
    ] {
        gateway
            .core
            .conduct(Conduct::Fail(Status::new(code, "Jane Doe")));
        let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
        answer.is_fault(status, reason);
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
        assert!(!answer.body.contains("Jane"));
    }
}

#[tokio::test]
async fn salesforce_is_told_when_the_core_wants_to_be_asked_again() {
    let gateway = TestGateway::start().await;
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(16_500)));
    let status = Status::with_error_details(Code::ResourceExhausted, "", details);
    gateway.core.conduct(Conduct::Fail(status));
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((17..=25).contains(&seconds), "{seconds}");
    let refused = "gateway_overloaded_total{limit=\"core\"}";
    gateway.until_metric(refused, "1").await;
}

#[tokio::test]
async fn a_core_that_is_not_there_is_503() {
    let listener = TcpListener::bind(free()).await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let service = CoreService::connect(vec![nobody.parse().unwrap()], None).unwrap();
    let gateway = TestGateway::start_before(FakeCore::new(), service, DRAIN, |_| {}).await;
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
    answer.is_fault(503, "CORE_UNAVAILABLE");
}

#[tokio::test]
async fn another_core_stands_in_for_one_that_is_not_there() {
    let listener = TcpListener::bind(free()).await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (one, other) = (FakeCore::new(), FakeCore::new());
    let cores = vec![
        nobody.parse().unwrap(),
        serve(&one).await,
        serve(&other).await,
    ];
    let service = CoreService::connect(cores, None).unwrap();
    let gateway = TestGateway::start_before(one.clone(), service, DRAIN, |_| {}).await;
    for _ in 0..24 {
        exchange(gateway.address, post(EVENTS, &message(&["a"])))
            .await
            .is_acknowledgement();
    }
    let counts = [&one, &other].map(|core| core.heard(|heard| heard.events.len()));
    assert_eq!(counts.iter().sum::<usize>(), 24);
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
}

#[tokio::test]
async fn the_core_gets_the_key_and_the_time_that_is_left() {
    let core = FakeCore::new();
    let key = Some(SecretString::from("s3cret"));
    let service = CoreService::connect(vec![serve(&core).await], key).unwrap();
    let gateway = TestGateway::start_before(core, service, DRAIN, |_| {}).await;
    exchange(gateway.address, post(EVENTS, &message(&["a"])))
        .await
        .is_acknowledgement();
    gateway.core.heard(|heard| {
        assert_eq!(heard.authorizations, [Some("Bearer s3cret".to_owned())]);
        assert!(heard.timeouts[0].is_some());
    });
}

#[tokio::test]
async fn a_core_in_the_same_process_is_called_alike() {
    let core = FakeCore::new();
    let service = CoreService::in_process(core.routes());
    let gateway = TestGateway::start_before(core, service, DRAIN, |_| {}).await;
    let answer = exchange(
        gateway.address,
        post(EVENTS, &message(&["a", "quarantined"])),
    )
    .await;
    answer.is_acknowledgement();
    gateway
        .core
        .heard(|heard| assert_eq!(heard.authorizations, [None]));

    gateway.core.conduct(Conduct::Fail(Status::unavailable("")));
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
    answer.is_fault(503, "CORE_UNAVAILABLE");
}

#[tokio::test]
async fn a_core_that_does_not_answer_in_time_is_503() {
    let time = Duration::from_millis(300);
    let gateway = TestGateway::start_with(|config| config.request_time = time).await;
    gateway.core.conduct(Conduct::Wait);
    let answer = exchange(gateway.address, post(EVENTS, &message(&["a"]))).await;
    answer.is_fault(503, "DEADLINE_EXCEEDED");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_message_is_recorded_also_when_its_sender_has_gone() {
    let gateway = TestGateway::start().await;
    gateway.core.conduct(Conduct::Wait);
    let mut client = Client::connect(gateway.address).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    gateway.core.until_waiting(1).await;
    drop(client);
    gateway.core.conduct(Conduct::Record);
    let outcome = "gateway_notifications_total{endpoint=\"events\",outcome=\"recorded\"}";
    gateway.until_metric(outcome, "1").await;
}

#[tokio::test]
async fn one_bad_notification_of_a_hundred_is_no_reason_to_refuse() {
    let gateway = TestGateway::start().await;
    let titles: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let name = "<sf:Name>41</sf:Name>";
    let body = message(&titles).replace(name, &format!("{name}<sf:Name>other</sf:Name>"));
    exchange(gateway.address, post(&format!("{EVENTS}?igrp=7"), &body))
        .await
        .is_acknowledgement();
    gateway.core.heard(|heard| {
        assert_eq!(heard.events.len(), 1);
        let notifications = heard.events[0].notifications.iter().enumerate();
        let bad: Vec<_> = notifications
            .filter(|(_, notification)| notification.rejection.is_some())
            .map(|(at, _)| at)
            .collect();
        assert_eq!(bad, [41]);
    });
}

#[tokio::test]
async fn what_failed_in_part_is_sent_again_with_the_same_keys() {
    let gateway = TestGateway::start().await;
    let mut titles = vec!["a"; 1_000];
    titles.push("unspecified");
    let body = message(&titles);
    for _ in 0..2 {
        let answer = exchange(gateway.address, post(EVENTS, &body)).await;
        answer.is_fault(500, "INTERNAL");
    }
    gateway.core.heard(|heard| {
        let keys = |from: usize| -> Vec<_> {
            let batches = heard.events[from..from + 2].iter();
            let events = batches.flat_map(|batch| &batch.events);
            events.map(|event| event.idempotency_key.clone()).collect()
        };
        assert_eq!(heard.events.len(), 4);
        let (first, second) = (keys(0), keys(2));
        assert_eq!(first, second);
        let mut distinct = first;
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 1_001);
    });
}

#[tokio::test]
async fn the_same_notification_twice_has_one_key() {
    let gateway = TestGateway::start().await;
    let body = message(&["a", "b"]).replace("04l5g0000000001", "04l5g0000000000");
    exchange(gateway.address, post(EVENTS, &body))
        .await
        .is_acknowledgement();
    gateway.core.heard(|heard| {
        let [one, other] = heard.events[0].events.as_slice() else {
            panic!("{heard:?}");
        };
        assert_eq!(one.idempotency_key, other.idempotency_key);
        assert_eq!((&*one.title, &*other.title), ("a", "b"));
    });
}

#[tokio::test]
async fn a_session_id_goes_nowhere() {
    let gateway = TestGateway::start().await;
    let session = "<SessionId>00D!AQ.s3cret</SessionId>";
    let body = message(&["a"]).replace("<SessionId xsi:nil=\"true\"/>", session);
    assert!(body.contains("s3cret"));
    let answer = exchange(gateway.address, post(EVENTS, &body)).await;
    answer.is_acknowledgement();
    assert!(!answer.body.contains("s3cret"));
    gateway
        .core
        .heard(|heard| assert!(!format!("{heard:?}").contains("s3cret")));
}
