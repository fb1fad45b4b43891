//! Replaying what was quarantined.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::replayed_notification::Item;
use tonic::{Code, Status};

use super::{Client, client, server_with_keys};
use crate::harness::{
    CALL_RATING, CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start,
};

/// Has so many notifications quarantined that lack their installation.
async fn quarantine(server: &Server, target: &str, numbers: std::ops::Range<u32>) {
    for hundred in numbers.clone().step_by(100) {
        let numbers = hundred..numbers.end.min(hundred + 100);
        let message = numbers.fold(Message::new(), |message, number| {
            message.with(&Notification::opportunity(number).field("Site__c", "95"))
        });
        let post = Request::post(target, message.xml());
        post.send(server.gateway()).await.assert_acknowledged();
    }
}

fn all() -> pb::ReplayQuarantinedNotificationsRequest {
    pb::ReplayQuarantinedNotificationsRequest {
        filter: Some(pb::ReplayFilter::default()),
        ..Default::default()
    }
}

fn with_site() -> pb::ReplayQuarantinedNotificationsRequest {
    pb::ReplayQuarantinedNotificationsRequest {
        query: Some("igrpField=Site__c".to_owned()),
        page_size: 1_000,
        ..all()
    }
}

async fn replay(
    client: &Client,
    request: pb::ReplayQuarantinedNotificationsRequest,
) -> Result<pb::ReplayQuarantinedNotificationsResponse, Status> {
    let mut client = client.clone();
    let answer = client.replay_quarantined_notifications(request).await;
    answer.map(tonic::Response::into_inner)
}

#[track_caller]
fn outcomes(response: &pb::ReplayQuarantinedNotificationsResponse) -> Vec<pb::Outcome> {
    response
        .results
        .iter()
        .map(pb::ReplayedNotification::outcome)
        .collect()
}

#[tokio::test]
async fn a_replay_goes_on_after_a_crash_between_two_pages() {
    let mut up = Start::new(Role::Up).on_lasting_ports().start().await;
    quarantine(&up, EVENTS, 0..230).await;
    let core = CoreCaller::of(up.core_address());
    let received = core.quarantined("").await[0].receive_time;
    let caller = client(&up, None);

    let tried = replay(
        &caller,
        pb::ReplayQuarantinedNotificationsRequest {
            validate_only: true,
            ..with_site()
        },
    );
    let tried = tried.await.unwrap();
    assert_eq!(outcomes(&tried), [pb::Outcome::Recorded; 100]);
    assert!(matches!(&tried.results[0].item, Some(Item::Event(event)) if event.igrp == 95));
    assert!(
        tried
            .results
            .iter()
            .all(|result| result.resolved_record_id.is_empty())
    );
    assert!(core.events(95).await.is_empty());

    let first = replay(&caller, with_site()).await.unwrap();
    assert_eq!(outcomes(&first), [pb::Outcome::Recorded; 100]);
    assert!(
        first
            .results
            .iter()
            .all(|result| !result.resolved_record_id.is_empty())
    );
    let token = first.next_page_token;
    up.kill().await;
    up.restart().await;

    // The token is still good, and starting anew finds the same.
    let caller = client(&up, None);
    let second = pb::ReplayQuarantinedNotificationsRequest {
        page_token: token,
        ..with_site()
    };
    assert_eq!(replay(&caller, second).await.unwrap().results.len(), 100);
    let rest = replay(&caller, with_site()).await.unwrap();
    assert_eq!(
        (rest.results.len(), rest.next_page_token.as_str()),
        (30, "")
    );
    let core = CoreCaller::of(up.core_address());
    assert_eq!(core.events(95).await.len(), 230);
    assert!(
        core.events(95)
            .await
            .iter()
            .any(|event| event.receive_time == received)
    );
    assert!(
        replay(&caller, with_site())
            .await
            .unwrap()
            .results
            .is_empty()
    );
}

#[tokio::test]
async fn a_filter_leaves_alone_what_it_does_not_match() {
    let up = Server::up().await;
    let caller = client(&up, None);
    quarantine(&up, EVENTS, 0..3).await;
    quarantine(&up, &format!("{EVENTS}?act=won"), 3..5).await;
    quarantine(&up, CALL_RATING, 5..6).await;
    let count = async |filter: pb::ReplayFilter| {
        let request = pb::ReplayQuarantinedNotificationsRequest {
            filter: Some(filter),
            validate_only: true,
            ..Default::default()
        };
        replay(&caller, request).await.unwrap().results.len()
    };
    let filter = pb::ReplayFilter::default;
    assert_eq!(count(filter()).await, 6);
    let endpoint = "events".to_owned();
    assert_eq!(
        count(pb::ReplayFilter {
            endpoint,
            ..filter()
        })
        .await,
        5
    );
    let query = Some(String::new());
    assert_eq!(count(pb::ReplayFilter { query, ..filter() }).await, 4);
    let query = Some("act=won".to_owned());
    assert_eq!(count(pb::ReplayFilter { query, ..filter() }).await, 2);
    let object_type = "Lead".to_owned();
    assert_eq!(
        count(pb::ReplayFilter {
            object_type,
            ..filter()
        })
        .await,
        0
    );
    let reason = pb::RejectionReason::MissingIgrp.into();
    assert_eq!(count(pb::ReplayFilter { reason, ..filter() }).await, 6);
    assert_eq!(
        count(pb::ReplayFilter {
            igrp: 95,
            ..filter()
        })
        .await,
        0
    );

    // Ratings have no titles, so theirs stay and say why.
    let request = pb::ReplayQuarantinedNotificationsRequest {
        query: Some("igrpField=Site__c&title=Found".to_owned()),
        ..all()
    };
    let replayed = replay(&caller, request).await.unwrap();
    let (rejected, recorded): (Vec<_>, Vec<_>) = replayed
        .results
        .iter()
        .partition(|result| result.outcome() == pb::Outcome::Rejected);
    assert_eq!((rejected.len(), recorded.len()), (1, 5));
    let rejection = rejected[0].rejection.as_ref().unwrap();
    assert_eq!(rejection.field, "query");
    assert!(rejection.description.contains("`title`"), "{rejection:?}");
}

#[tokio::test]
async fn a_request_that_names_nothing_or_nonsense_replays_nothing() {
    let up = Server::up().await;
    let caller = client(&up, None);
    quarantine(&up, EVENTS, 0..1).await;
    let core = CoreCaller::of(up.core_address());
    let id = core.quarantined("").await[0]
        .quarantined_notification_id
        .clone();
    let check = async |request, code, words: &str| {
        let status = replay(&caller, request).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(words), "{words}: {status:?}");
    };
    let empty = pb::ReplayQuarantinedNotificationsRequest::default;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    check(empty(), Code::InvalidArgument, "filter").await;
    let both = pb::ReplayQuarantinedNotificationsRequest {
        quarantined_notification_ids: ids(&[&id]),
        ..all()
    };
    check(both, Code::InvalidArgument, "filter").await;
    let misspelt = pb::ReplayQuarantinedNotificationsRequest {
        query: Some("igrpFeild=Site__c".to_owned()),
        ..all()
    };
    check(misspelt, Code::InvalidArgument, "`igrpField`").await;
    let negative = pb::ReplayQuarantinedNotificationsRequest {
        page_size: -1,
        ..all()
    };
    check(negative, Code::InvalidArgument, "page_size").await;
    let nowhere = pb::ReplayQuarantinedNotificationsRequest {
        filter: Some(pb::ReplayFilter {
            endpoint: "x".to_owned(),
            ..Default::default()
        }),
        query: Some("igrp=1".to_owned()),
        ..Default::default()
    };
    check(nowhere, Code::InvalidArgument, "endpoint").await;
    let many = pb::ReplayQuarantinedNotificationsRequest {
        quarantined_notification_ids: vec![id.clone(); 101],
        ..empty()
    };
    check(many, Code::InvalidArgument, "100").await;
    let gone = pb::ReplayQuarantinedNotificationsRequest {
        quarantined_notification_ids: ids(&[&id, "01a2037e-ea68-72b0-a8c3-85d13aa08e68"]),
        query: Some("igrpField=Site__c".to_owned()),
        ..empty()
    };
    check(gone, Code::NotFound, "01a2037e").await;
    assert!(core.events(95).await.is_empty());
}

#[tokio::test]
async fn a_replay_needs_a_key_that_may_read_and_record() {
    let flags = [
        "--role read",
        "--role ingest",
        "--role read --role ingest",
        "--role read --role ingest --igrp 95",
    ];
    let (up, keys) = server_with_keys(&flags).await;
    let [_, read, ingest, both, of_95] = keys.as_slice() else {
        panic!("{keys:?}");
    };
    quarantine(&up, EVENTS, 0..1).await;
    let none = replay(&client(&up, None), with_site()).await.unwrap_err();
    assert_eq!(none.code(), Code::Unauthenticated);
    for key in [read, ingest] {
        let refused = replay(&client(&up, Some(key)), with_site())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    }
    let tried = pb::ReplayQuarantinedNotificationsRequest {
        validate_only: true,
        ..with_site()
    };
    let tried = replay(&client(&up, Some(read)), tried).await.unwrap();
    assert_eq!(outcomes(&tried), [pb::Outcome::Recorded]);
    // What has no installation is not for a key of certain ones.
    let theirs = replay(&client(&up, Some(of_95)), with_site())
        .await
        .unwrap();
    assert!(theirs.results.is_empty());
    let replayed = replay(&client(&up, Some(both)), with_site()).await.unwrap();
    assert_eq!(outcomes(&replayed), [pb::Outcome::Recorded]);
}
