use sfbridge_proto::v1 as pb;
use tonic::Code;

use crate::harness::{TestCore, event, fields_at_fault, reason};

fn batch(count: usize) -> pb::RecordEventsRequest {
    pb::RecordEventsRequest {
        events: vec![event("Deal"); count],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_batch_of_1000_is_one_commit_and_one_more_is_refused() {
    let core = TestCore::start().await;
    let mut events = core.client().await.events();
    let before = core.counter("store_commits_total");
    let answer = events
        .record_events(batch(1_000))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.results.len(), 1_000);
    let recorded = i32::from(pb::Outcome::Recorded);
    assert!(
        answer
            .results
            .iter()
            .all(|result| result.outcome == recorded)
    );
    assert_eq!(core.counter("store_commits_total"), before + 1);

    let refused = events.record_events(batch(1_001)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields_at_fault(&refused), ["events"]);
    assert_eq!(core.counter("store_commits_total"), before + 1);
}

#[tokio::test]
async fn an_empty_batch_is_no_error() {
    let core = TestCore::start().await;
    assert!(core.client().await.record(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn notifications_pair_with_items_or_there_are_none() {
    let core = TestCore::start().await;
    let mut events = core.client().await.events();
    for count in [1, 3] {
        let mut request = batch(2);
        request.notifications = vec![pb::Notification::default(); count];
        let refused = events.record_events(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(fields_at_fault(&refused), ["notifications"]);
    }
}

#[tokio::test]
async fn a_flood_of_empty_items_is_refused_before_it_is_read() {
    let core = TestCore::start().await;
    let request = pb::RecordEventsRequest {
        events: vec![pb::Event::default(); 200_000],
        ..Default::default()
    };
    let refused = core
        .client()
        .await
        .events()
        .record_events(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    assert_eq!(reason(&refused), "INVALID_REQUEST");
    assert!(refused.message().contains("1,000"), "{refused:?}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_details() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let request = pb::RecordEventsRequest {
        events: vec![event(&"x".repeat(65 << 20))],
        ..Default::default()
    };
    let refused = client.events().record_events(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    assert_eq!(reason(&refused), "MESSAGE_TOO_LARGE");
    // The connection lives on.
    client.record(vec![event("small")]).await;
}

#[tokio::test]
async fn pages_of_long_rows_fit_into_what_clients_take() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let long = || pb::Event {
        attributes: (0..50)
            .map(|n| (format!("c_{n}"), "ü".repeat(4_000)))
            .collect(),
        ..event("")
    };
    for _ in 0..4 {
        client.record(vec![long(); 5]).await;
    }
    // The client's own limit is 4 MiB, as nobody has told it otherwise.
    let mut seen = 0;
    let mut request = pb::ListEventsRequest {
        igrp: 7,
        page_size: 1_000,
        ..Default::default()
    };
    loop {
        let page = client
            .events()
            .list_events(request.clone())
            .await
            .unwrap()
            .into_inner();
        seen += page.events.len();
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, 20);
}

#[tokio::test]
async fn an_errors_details_are_small_whatever_was_sent() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let rating_items = vec![
        pb::RatingItem {
            text: "x".repeat(300),
            currency: "no".to_owned(),
            ..Default::default()
        };
        900
    ];
    let request = pb::CreateInstallationRequest {
        installation: Some(pb::Installation {
            igrp: 7,
            rating_items,
            ..Default::default()
        }),
    };
    let refused = client
        .installations()
        .create_installation(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields = fields_at_fault(&refused);
    assert_eq!(
        (fields.len(), fields[2].as_str()),
        (20, "installation.rating_items[2].text")
    );

    // What is said of the twenty together is cut.
    assert!(refused.message().ends_with('…'), "{}", refused.message());

    let api_key_id = "x".repeat(1 << 20);
    let revoke = pb::RevokeApiKeyRequest { api_key_id };
    let refused = client.access().revoke_api_key(revoke).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().len() < 2_000);
}
