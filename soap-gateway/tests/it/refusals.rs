//! Refused messages, and how the core learns of them.

use soap_gateway::InstallationMode;
use tonic::{Code, Status};

use sfbridge_proto::v1 as pb;

use crate::fake_core::{Conduct, FakeCore};
use crate::harness::TestGateway;
use crate::http_client::{EVENTS, exchange, head, post, post_with};
use crate::messages::{ORGANIZATION, message};

/// A body that ends in the middle, after it said whose it is.
fn truncated() -> String {
    let body = message(&["Jane Doe"]);
    body.split("</Notification>").next().unwrap().to_owned()
}

/// Waits until the core has heard of so many refused messages.
async fn until_reported(core: &FakeCore, count: i64) -> Vec<pb::RefusedMessage> {
    let counted = |refused: &[pb::RefusedMessage]| refused.iter().map(|it| it.count).sum::<i64>();
    loop {
        let refused = core.heard(|heard| heard.refused.clone());
        if counted(&refused) >= count {
            return refused;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn of_reason<'a>(refused: &'a [pb::RefusedMessage], reason: &str) -> Vec<&'a pb::RefusedMessage> {
    refused.iter().filter(|it| it.reason == reason).collect()
}

#[tokio::test]
async fn the_core_learns_of_every_refusal_that_is_final_and_of_no_content() {
    let gateway = TestGateway::start_with(|config| {
        config.installations = InstallationMode::Strict;
        config.max_body_bytes = 20_000;
    })
    .await;
    let address = gateway.address;
    let body = message(&["Jane Doe"]);

    let unknown = format!("{EVENTS}?token=s3cret&igrpFeild=s3cret-value");
    exchange(address, post(&unknown, &body))
        .await
        .is_fault(400, "INVALID_PARAMETER");
    let broken = exchange(address, post(EVENTS, &truncated())).await;
    broken.is_fault(400, "INVALID_MESSAGE");
    let stranger = body.replace(ORGANIZATION, "00D000000000001AAA");
    exchange(address, post(EVENTS, &stranger))
        .await
        .is_fault(403, "ORGANIZATION_NOT_LINKED");
    exchange(address, post(EVENTS, &"x".repeat(30_000)))
        .await
        .is_fault(413, "BODY_TOO_LARGE");

    // None of these is: no such endpoint, no message, no refusal for good.
    exchange(address, post("/nothing", &body))
        .await
        .is_fault(404, "UNKNOWN_PATH");
    exchange(address, head("GET", EVENTS, &[]))
        .await
        .is_fault(405, "METHOD_NOT_ALLOWED");
    let asked = head("GET", &format!("{EVENTS}?wsdl&x=1"), &[]);
    exchange(address, asked)
        .await
        .is_fault(400, "INVALID_PARAMETER");
    let json = post_with(EVENTS, &["Content-Type: application/json"], "{}");
    exchange(address, json)
        .await
        .is_fault(415, "UNSUPPORTED_MEDIA_TYPE");
    exchange(address, post(EVENTS, &body))
        .await
        .is_acknowledgement();

    let refused = until_reported(&gateway.core, 4).await;
    assert_eq!(refused.len(), 4, "{refused:?}");
    let [message] = of_reason(&refused, "INVALID_MESSAGE")[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(message.organization_id, ORGANIZATION);
    assert_eq!((message.endpoint.as_str(), message.status), ("events", 400));
    assert_eq!(
        broken.detail("line"),
        Some(message.line.to_string().as_str())
    );
    assert_eq!(broken.detail("requestId"), Some(&*message.request_id));
    let [parameter] = of_reason(&refused, "INVALID_PARAMETER")[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(parameter.parameter, "igrpFeild");
    assert_eq!(parameter.organization_id, "");
    let [stranger] = of_reason(&refused, "ORGANIZATION_NOT_LINKED")[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(stranger.organization_id, "00D000000000001AAA");
    let [large] = of_reason(&refused, "BODY_TOO_LARGE")[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(large.status, 413);
    let told = format!("{refused:?}");
    assert!(!told.contains("s3cret") && !told.contains("Jane"), "{told}");

    // Two had an invalid parameter, of which the one that was no POST is not
    // on the list.
    for (reason, count) in [("INVALID_PARAMETER", 2), ("ORGANIZATION_NOT_LINKED", 1)] {
        let line = format!("gateway_refused_total{{reason=\"{reason}\"}} {count}\n");
        let metrics = gateway.metrics();
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert!(
        gateway
            .metrics()
            .contains("refused_messages_dropped_total 0\n")
    );
}

#[tokio::test]
async fn a_core_that_is_away_hears_of_them_when_it_is_back() {
    let gateway = TestGateway::start().await;
    let core = &gateway.core;
    core.conduct(Conduct::Fail(Status::unavailable("down")));
    for _ in 0..3 {
        let refused = exchange(gateway.address, post(EVENTS, &truncated())).await;
        refused.is_fault(400, "INVALID_MESSAGE");
    }
    // It was tried at least twice.
    while core.heard(|heard| heard.timeouts.len()) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    core.conduct(Conduct::Record);
    let refused = until_reported(core, 3).await;
    assert_eq!(refused.iter().map(|it| it.count).sum::<i64>(), 3);
}

#[tokio::test]
async fn a_core_that_does_not_take_them_is_no_reason_to_hold_anything_up() {
    let gateway = TestGateway::start().await;
    let refusal = Status::new(Code::Unimplemented, "an older core");
    gateway.core.conduct(Conduct::Fail(refusal));
    let refused = exchange(gateway.address, post(EVENTS, &truncated())).await;
    refused.is_fault(400, "INVALID_MESSAGE");
    gateway
        .until_metric("gateway_refused_messages_dropped_total", "1")
        .await;

    // One that never answers delays no answer.
    gateway.core.conduct(Conduct::Wait);
    exchange(gateway.address, post(EVENTS, &truncated())).await;
    gateway.core.until_waiting(1).await;
    let refused = exchange(gateway.address, post(EVENTS, &truncated())).await;
    refused.is_fault(400, "INVALID_MESSAGE");
}

#[tokio::test]
async fn what_was_refused_to_the_last_is_reported_before_the_gateway_ends() {
    let gateway = TestGateway::start().await;
    let core = gateway.core.clone();
    let refused = exchange(gateway.address, post(EVENTS, &truncated())).await;
    refused.is_fault(400, "INVALID_MESSAGE");
    gateway.shutdown.cancel();
    gateway.stopped().await;
    let counts = core.heard(|heard| heard.refused.iter().map(|it| it.count).sum::<i64>());
    assert_eq!(counts, 1);
}
