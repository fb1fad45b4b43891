//! Refused messages: who may report them, who sees which.

use core_service::domain::{Coverage, Role};
use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;
use tonic::{Code, Status};

use crate::harness::{Client, Setup, TestCore, fields_at_fault, installation};

const OURS: &str = "00D000000000062EAA";
const OTHERS: &str = "00D000000000063EAA";

fn refused(organization_id: &str) -> pb::RefusedMessage {
    pb::RefusedMessage {
        endpoint: "events".to_owned(),
        organization_id: organization_id.to_owned(),
        status: 400,
        reason: "INVALID_MESSAGE".to_owned(),
        line: 3,
        column: 14,
        request_id: "01890000-0000-7000-8000-000000000000".to_owned(),
        ..Default::default()
    }
}

async fn report(client: &Client, messages: Vec<pb::RefusedMessage>) -> Result<(), Status> {
    let request = pb::RecordRefusedMessagesRequest {
        refused_messages: messages,
    };
    let answer = client.quarantine().record_refused_messages(request).await;
    answer.map(drop)
}

async fn list(
    client: &Client,
    request: pb::ListRefusedMessagesRequest,
) -> Result<pb::ListRefusedMessagesResponse, Status> {
    let answer = client.quarantine().list_refused_messages(request).await;
    answer.map(tonic::Response::into_inner)
}

/// The organisations of all messages that a client sees.
async fn seen(client: &Client) -> Vec<String> {
    let listed = list(client, pb::ListRefusedMessagesRequest::default()).await;
    let messages = listed.unwrap().refused_messages.into_iter();
    let mut seen: Vec<_> = messages.map(|message| message.organization_id).collect();
    seen.sort();
    seen
}

#[tokio::test]
async fn what_a_gateway_reports_is_listed_and_repeats_are_counted() {
    let core = TestCore::start().await;
    let client = core.client().await;
    report(&client, vec![refused(OURS), refused("")])
        .await
        .unwrap();
    let again = pb::RefusedMessage {
        count: 4,
        ..refused(OURS)
    };
    report(&client, vec![again]).await.unwrap();

    let request = pb::ListRefusedMessagesRequest {
        organization_id: OURS.to_owned(),
        ..Default::default()
    };
    let listed = list(&client, request).await.unwrap();
    assert_eq!(listed.next_page_token, "");
    let [message] = &listed.refused_messages[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(message.count, 5);
    assert!(message.first_receive_time.is_some());
    let expected = pb::RefusedMessage {
        refused_message_id: message.refused_message_id.clone(),
        first_receive_time: message.first_receive_time,
        last_receive_time: message.last_receive_time,
        count: 5,
        ..refused(OURS)
    };
    assert_eq!(message, &expected);
}

#[tokio::test]
async fn a_report_that_can_not_be_is_refused_whole() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let check = async |messages, field: &str| {
        let refused = report(&client, messages).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(fields_at_fault(&refused), [field]);
    };
    let good = || refused(OURS);
    check(vec![good(); 257], "refused_messages").await;
    let status = pb::RefusedMessage {
        status: 503,
        ..good()
    };
    check(vec![good(), status], "refused_messages.status").await;
    let reason = pb::RefusedMessage {
        reason: "jane@example.com".to_owned(),
        ..good()
    };
    check(vec![good(), reason], "refused_messages.reason").await;
    let endpoint = pb::RefusedMessage {
        endpoint: "/x".to_owned(),
        ..good()
    };
    check(vec![good(), endpoint], "refused_messages.endpoint").await;
    check(
        vec![good(), refused("Acme")],
        "refused_messages.organization_id",
    )
    .await;
    let time = pb::RefusedMessage {
        last_receive_time: Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..good()
    };
    check(vec![good(), time], "refused_messages.last_receive_time").await;
    assert_eq!(seen(&client).await, Vec::<String>::new());
    report(&client, vec![good(); 256]).await.unwrap();
    assert_eq!(seen(&client).await, [OURS]);
}

#[tokio::test]
async fn a_filter_that_can_not_be_is_refused() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let check = async |request, field: &str| {
        let refused = list(&client, request).await.unwrap_err();
        assert_eq!(fields_at_fault(&refused), [field]);
    };
    let all = pb::ListRefusedMessagesRequest::default;
    let reason = pb::ListRefusedMessagesRequest {
        reason: "invalid message".to_owned(),
        ..all()
    };
    check(reason, "reason").await;
    let endpoint = pb::ListRefusedMessagesRequest {
        endpoint: "event".to_owned(),
        ..all()
    };
    check(endpoint, "endpoint").await;
    let page_size = pb::ListRefusedMessagesRequest {
        page_size: -1,
        ..all()
    };
    check(page_size, "page_size").await;
}

#[tokio::test]
async fn a_key_sees_the_organisations_of_its_installations_and_only_one_of_all_reports() {
    let setup = Setup::new();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let ingest = setup.key(&[Role::Ingest], Coverage::All).await;
    let read = setup.key(&[Role::Read], Coverage::All).await;
    let seven = Coverage::Only([Igrp::new(7).unwrap()].into());
    let sevens = setup.key(&[Role::Ingest, Role::Read], seven).await;
    let core = setup.start().await.unwrap();
    let client = async |key: &str| core.client_with(Some(key)).await;
    let create = pb::CreateInstallationRequest {
        installation: Some(pb::Installation {
            organization_id: OURS.to_owned(),
            ..installation()
        }),
    };
    let admin = client(&admin).await;
    let created = admin.installations().create_installation(create).await;
    created.unwrap();

    let messages = || vec![refused(OURS), refused(OTHERS), refused("")];
    report(&client(&ingest).await, messages()).await.unwrap();
    for key in [&read, &sevens] {
        let refused = report(&client(key).await, messages()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }

    assert_eq!(seen(&client(&read).await).await, ["", OURS, OTHERS]);
    assert_eq!(seen(&client(&sevens).await).await, [OURS]);
    let all = pb::ListRefusedMessagesRequest::default();
    let refused = list(&client(&ingest).await, all).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
