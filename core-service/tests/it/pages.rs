use sfbridge_proto::v1 as pb;
use tonic::Code;

use crate::harness::{Client, TestCore, event, fields_at_fault};

async fn page(
    client: &Client,
    size: i32,
    token: &str,
    action: &str,
) -> Result<pb::ListEventsResponse, tonic::Status> {
    let request = pb::ListEventsRequest {
        igrp: 7,
        page_size: size,
        page_token: token.to_owned(),
        action: action.to_owned(),
        ..Default::default()
    };
    let answer = client.events().list_events(request).await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let events = (0..25).map(|n| event(&n.to_string())).collect();
    let recorded: Vec<_> = client
        .record(events)
        .await
        .into_iter()
        .map(|result| result.event_id)
        .collect();
    let mut listed = Vec::new();
    let mut token = String::new();
    loop {
        let answer = page(&client, 10, &token, "").await.unwrap();
        listed.extend(answer.events.into_iter().map(|event| event.event_id));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // All were received at once; the last of a batch is the newest.
    listed.reverse();
    assert_eq!(listed, recorded);
    // The last page has no token, also when it is full.
    let answer = page(&client, 25, "", "").await.unwrap();
    assert_eq!(
        (answer.events.len(), answer.next_page_token.as_str()),
        (25, "")
    );
}

#[tokio::test]
async fn only_the_token_of_this_list_and_these_filters_is_taken() {
    let core = TestCore::start().await;
    let client = core.client().await;
    client.record(vec![event(""); 3]).await;
    let token = page(&client, 1, "", "sale").await.unwrap().next_page_token;
    page(&client, 2, &token, "sale").await.unwrap();
    let mut tampered = token.clone();
    tampered.replace_range(..1, if token.starts_with('A') { "B" } else { "A" });
    for (token, action) in [
        (token.as_str(), "lost"),
        (token.as_str(), ""),
        (&token[1..], "sale"),
        (tampered.as_str(), "sale"),
        ("*", "sale"),
    ] {
        let refused = page(&client, 1, token, action).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(fields_at_fault(&refused), ["page_token"]);
    }

    let token = page(&client, 1, "", "").await.unwrap().next_page_token;
    let visits = pb::ListVisitsRequest {
        igrp: 7,
        page_token: token,
        ..Default::default()
    };
    let refused = client.visits().list_visits(visits).await.unwrap_err();
    assert_eq!(fields_at_fault(&refused), ["page_token"]);
}

#[tokio::test]
async fn a_token_is_good_after_a_restart() {
    let core = TestCore::start().await;
    let client = core.client().await;
    client.record(vec![event(""); 3]).await;
    let token = page(&client, 1, "", "").await.unwrap().next_page_token;
    let core = core.stop().await.start().await.unwrap();
    let rest = page(&core.client().await, 0, &token, "").await.unwrap();
    assert_eq!(rest.events.len(), 2);
}

#[tokio::test]
async fn a_negative_page_size_is_refused() {
    let core = TestCore::start().await;
    let refused = page(&core.client().await, i32::MIN, "", "")
        .await
        .unwrap_err();
    assert_eq!(fields_at_fault(&refused), ["page_size"]);
}
