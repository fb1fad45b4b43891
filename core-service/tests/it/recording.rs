use std::collections::BTreeSet;

use sfbridge_proto::v1 as pb;

use crate::harness::{TestCore, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_equal_requests_at_once_leave_one_record() {
    let core = TestCore::start().await;
    let clients = [core.client().await, core.client().await];
    let requests: Vec<_> = (0..50)
        .map(|n| {
            let client = clients[n % 2].clone();
            let event = pb::Event {
                idempotency_key: "k".to_owned(),
                ..event("Deal")
            };
            tokio::spawn(async move { client.record(vec![event]).await.remove(0) })
        })
        .collect();
    let mut ids = BTreeSet::new();
    let mut recorded = 0;
    for request in requests {
        let result = request.await.unwrap();
        recorded += i32::from(result.outcome == i32::from(pb::Outcome::Recorded));
        ids.insert(result.event_id);
    }
    assert_eq!((recorded, ids.len()), (1, 1));
    let list = pb::ListEventsRequest {
        igrp: 7,
        ..Default::default()
    };
    let listed = clients[0]
        .events()
        .list_events(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.events.len(), 1);
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_sent() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let sent = pb::Event {
        action: "Closed Won".to_owned(),
        visitor_id: "vid~0123ABCD-0123-4567-89AB-0123456789AB".to_owned(),
        call_ref: " 007 ".to_owned(),
        value: "1.50".to_owned(),
        transaction_value: "-12e2".to_owned(),
        currency: "gbp".to_owned(),
        transaction_ref: "TEST-1".to_owned(),
        event_time: Some(prost_types::Timestamp {
            seconds: -1,
            nanos: 999_999_999,
        }),
        event_time_source: pb::EventTimeSource::DtField.into(),
        attributes: [("c_a".to_owned(), "b".to_owned())].into(),
        warnings: vec!["doubtful".to_owned()],
        idempotency_key: "k".to_owned(),
        salesforce: Some(pb::SalesforceOrigin {
            record_id: "006000000000001".to_owned(),
            ..Default::default()
        }),
        ..event("Deal")
    };
    let event_id = client.record(vec![sent.clone()]).await.remove(0).event_id;
    let get = pb::GetEventRequest { event_id };
    let kept = client
        .events()
        .get_event(get)
        .await
        .unwrap()
        .into_inner()
        .event
        .unwrap();
    assert_eq!(kept.visitor_id, "0123abcd-0123-4567-89ab-0123456789ab");
    assert_eq!(
        (kept.call_ref.as_str(), kept.currency.as_str()),
        ("007", "GBP")
    );
    assert_eq!(
        (kept.value.as_str(), kept.transaction_value.as_str()),
        ("1.5", "-1200")
    );
    assert_eq!(
        kept.event_time,
        Some(prost_types::Timestamp {
            seconds: -1,
            nanos: 999_999_000
        })
    );
    // Only beside a notification does a sender know better.
    assert_eq!(kept.event_time_source(), pb::EventTimeSource::Given);
    assert!(kept.is_void);
    let own = |event: &pb::Event| {
        (
            event.action.clone(),
            event.title.clone(),
            event.transaction_ref.clone(),
            event.attributes.clone(),
            event.warnings.clone(),
            event.idempotency_key.clone(),
            event.salesforce.clone(),
        )
    };
    assert_eq!(own(&kept), own(&sent));
    assert_eq!(kept.r#match.unwrap().status(), pb::MatchStatus::Unmatched);
}

#[tokio::test]
async fn a_rating_is_kept_with_its_history() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let rating = |text: &str, seconds| pb::CallRating {
        igrp: 7,
        call_ref: "C".to_owned(),
        rating: text.to_owned(),
        rating_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        ..Default::default()
    };
    let request = pb::RateCallsRequest {
        ratings: vec![rating("New Lead", 20), rating("Spam", 10)],
        ..Default::default()
    };
    client.call_ratings().rate_calls(request).await.unwrap();
    let get = pb::GetCallRatingRequest {
        igrp: 7,
        call_ref: "C".to_owned(),
    };
    let current = client
        .call_ratings()
        .get_call_rating(get)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(current.call_rating.unwrap().rating, "New Lead");
    let list = pb::ListCallRatingsRequest {
        igrp: 7,
        call_ref: "C".to_owned(),
        ..Default::default()
    };
    let history = client
        .call_ratings()
        .list_call_ratings(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(history.call_ratings.len(), 2);
}

#[tokio::test]
async fn one_bad_item_is_quarantined_with_its_batch_recorded() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let bad = pb::Event {
        visitor_id: "x".to_owned(),
        ..event("")
    };
    let notification = pb::Notification {
        endpoint: "events".to_owned(),
        fields: [("Name".to_owned(), "Deal".to_owned())].into(),
        ..Default::default()
    };
    let before = core.counter("store_commits_total");
    let request = pb::RecordEventsRequest {
        events: vec![event(""), bad],
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
    assert_eq!(core.counter("store_commits_total"), before + 1);
    let rejection = results[1].rejection.as_ref().unwrap();
    assert_eq!(rejection.reason(), pb::RejectionReason::InvalidVisitorId);
    assert_eq!(rejection.field, "visitor_id");

    let quarantined_notification_id = results[1].quarantined_notification_id.clone();
    let missing = "00000000-0000-0000-0000-000000000000".to_owned();
    let resolve = |ids: &[&String]| pb::ResolveQuarantinedNotificationsRequest {
        quarantined_notification_ids: ids.iter().map(|id| (*id).clone()).collect(),
        state: pb::QuarantineState::Discarded.into(),
    };
    let id = &quarantined_notification_id;
    let refused = client
        .quarantine()
        .resolve_quarantined_notifications(resolve(&[id, &missing]))
        .await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound);
    let resolved = client
        .quarantine()
        .resolve_quarantined_notifications(resolve(&[id]))
        .await;
    assert_eq!(resolved.unwrap().into_inner().resolved_count, 1);
}
