//! Every error says what it is in its details, also those that no handler of
//! ours makes.

use std::time::Duration;

use http::uri::PathAndQuery;
use sfbridge_proto::v1 as pb;
use tonic::{Code, Request, Status};

use crate::harness::{Client, TestCore, event, reason};

/// Calls a method with a message of any kind.
async fn call(client: &Client, path: &'static str, message: pb::Event) -> Status {
    let mut raw = tonic::client::Grpc::new(client.channel.clone());
    raw.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<pb::Event, pb::Event>::default();
    let path = PathAndQuery::from_static(path);
    raw.unary(Request::new(message), path, codec)
        .await
        .unwrap_err()
}

#[track_caller]
fn check(status: &Status, code: Code, expected: &str) {
    assert_eq!(
        (status.code(), reason(status).as_str()),
        (code, expected),
        "{status:?}"
    );
    assert!(!status.message().is_empty());
}

#[tokio::test]
async fn an_unknown_method_or_service_is_an_error_with_details() {
    let core = TestCore::start().await;
    let client = core.client().await;
    for path in [
        "/infinity.core.v1.EventService/Nothing",
        "/nowhere.Nothing/Nothing",
    ] {
        check(
            &call(&client, path, event("")).await,
            Code::Unimplemented,
            "UNIMPLEMENTED",
        );
    }
}

#[tokio::test]
async fn a_message_that_is_none_is_an_error_with_details() {
    let core = TestCore::start().await;
    let client = core.client().await;
    // The title is where a batch has its events, and no event.
    let message = pb::Event {
        event_id: "\u{7f}\u{7f}\u{7f}".to_owned(),
        ..Default::default()
    };
    let path = "/infinity.core.v1.EventService/RecordEvents";
    check(
        &call(&client, path, message).await,
        Code::Internal,
        "INTERNAL",
    );
    client.record(vec![event("")]).await;
}

#[tokio::test]
async fn our_own_errors_have_details() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let get = |event_id: &str| pb::GetEventRequest {
        event_id: event_id.to_owned(),
    };
    let status = client.events().get_event(get("x")).await.unwrap_err();
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let nil = "00000000-0000-0000-0000-000000000000";
    let status = client.events().get_event(get(nil)).await.unwrap_err();
    check(&status, Code::NotFound, "NOT_FOUND");
    let status = client
        .leads()
        .list_lead_enrichments(pb::ListLeadEnrichmentsRequest {
            igrp: 7,
            state: 99,
            ..Default::default()
        })
        .await;
    check(
        &status.unwrap_err(),
        Code::InvalidArgument,
        "INVALID_REQUEST",
    );
    for igrp in [0, -1, i64::MIN, i64::MAX] {
        let list = pb::ListCallsRequest {
            igrp,
            ..Default::default()
        };
        let status = client.calls().list_calls(list).await.unwrap_err();
        check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    }
    for (seconds, nanos) in [(i64::MIN, 0), (i64::MAX, 0), (0, -1), (0, i32::MAX)] {
        let list = pb::ListEventsRequest {
            igrp: 7,
            end_time: Some(prost_types::Timestamp { seconds, nanos }),
            ..Default::default()
        };
        let status = client.events().list_events(list).await.unwrap_err();
        check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn a_deadline_is_honoured() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut request = Request::new(pb::RecordEventsRequest {
        events: vec![event(""); 1_000],
        ..Default::default()
    });
    request.set_timeout(Duration::from_nanos(1));
    let status = client.events().record_events(request).await.unwrap_err();
    // A channel gives up by itself, and calls that cancelled.
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status:?}"
    );
}

#[tokio::test]
async fn strange_characters_and_extreme_numbers_break_nothing() {
    let core = TestCore::start().await;
    let client = core.client().await;
    for text in [
        "\0",
        "\0\0sale",
        "\u{feff}",
        "'; DROP TABLE events; --",
        "%_\\",
        "\u{10ffff}",
        " ",
    ] {
        let text = text.to_owned();
        let everywhere = pb::Event {
            action: text.clone(),
            visitor_id: text.clone(),
            call_ref: text.clone(),
            title: text.clone(),
            value: text.clone(),
            transaction_value: text.clone(),
            currency: text.clone(),
            transaction_ref: text.clone(),
            source_phone_number: text.clone(),
            attributes: [(text.clone(), text.clone())].into(),
            warnings: vec![text.clone()],
            idempotency_key: text.clone(),
            fallback_currency: text.clone(),
            event_time_source: i32::MIN,
            match_mode: i32::MAX,
            ..event("")
        };
        let title = pb::Event {
            title: text.clone(),
            ..event("")
        };
        let notification = pb::Notification {
            endpoint: text.clone(),
            query: text.clone(),
            fields: [(text.clone(), text.clone())].into(),
            rejection: None,
            ..Default::default()
        };
        let request = pb::RecordEventsRequest {
            events: vec![everywhere, title],
            notifications: vec![notification; 2],
            ..Default::default()
        };
        let results = client
            .events()
            .record_events(request)
            .await
            .unwrap()
            .into_inner()
            .results;
        assert_eq!(
            results[0].outcome,
            i32::from(pb::Outcome::Rejected),
            "{text:?}"
        );
        assert_eq!(
            results[1].outcome,
            i32::from(pb::Outcome::Recorded),
            "{text:?}"
        );
        let get = pb::GetQuarantinedNotificationRequest {
            quarantined_notification_id: results[0].quarantined_notification_id.clone(),
        };
        let kept = client
            .quarantine()
            .get_quarantined_notification(get)
            .await
            .unwrap();
        let kept = kept.into_inner().quarantined_notification.unwrap();
        assert_eq!(kept.fields[&text], text);
        for list in [
            pb::ListEventsRequest {
                igrp: 7,
                action: text.clone(),
                ..Default::default()
            },
            pb::ListEventsRequest {
                igrp: 7,
                record_id: text.clone(),
                ..Default::default()
            },
        ] {
            client.events().list_events(list).await.unwrap();
        }
    }
}
