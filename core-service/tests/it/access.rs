use core_service::domain::{Coverage, Role};
use core_service::{InstallationMode, StartError};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_client::AccessServiceClient;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_values::Igrp;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::harness::{Client, Setup, TestCore, event, installation, reason};

fn record(igrp: i64) -> pb::RecordEventsRequest {
    pb::RecordEventsRequest {
        events: vec![pb::Event { igrp, ..event("") }],
        ..Default::default()
    }
}

fn list(igrp: i64) -> pb::ListEventsRequest {
    pb::ListEventsRequest {
        igrp,
        ..Default::default()
    }
}

/// What a client may do: record, read, change settings.
async fn may(client: &Client) -> [Result<(), Code>; 3] {
    let code = |status: Status| status.code();
    let update = pb::UpdateInstallationRequest {
        installation: Some(installation()),
        update_mask: None,
    };
    [
        client
            .events()
            .record_events(record(7))
            .await
            .map(drop)
            .map_err(code),
        client
            .events()
            .list_events(list(7))
            .await
            .map(drop)
            .map_err(code),
        client
            .installations()
            .update_installation(update)
            .await
            .map(drop)
            .map_err(code),
    ]
}

#[tokio::test]
async fn a_key_allows_what_its_roles_say() {
    let setup = Setup::new();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let ingest = setup.key(&[Role::Ingest], Coverage::All).await;
    let read = setup.key(&[Role::Read], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let create = pb::CreateInstallationRequest {
        installation: Some(installation()),
    };
    let admin = core.client_with(Some(&admin)).await;
    admin
        .installations()
        .create_installation(create)
        .await
        .unwrap();

    let no = Err(Code::PermissionDenied);
    assert_eq!(may(&admin).await, [Ok(()); 3]);
    assert_eq!(
        may(&core.client_with(Some(&ingest)).await).await,
        [Ok(()), no, no]
    );
    assert_eq!(
        may(&core.client_with(Some(&read)).await).await,
        [no, Ok(()), no]
    );
    let nobody = Err(Code::Unauthenticated);
    for wrong in [
        None,
        Some(""),
        Some("sfb_x_y"),
        Some(&ingest[..ingest.len() - 1]),
    ] {
        let client = core.client_with(wrong).await;
        assert_eq!(may(&client).await, [nobody; 3]);
        let refused = client.events().list_events(list(7)).await.unwrap_err();
        assert_eq!(reason(&refused), "API_KEY_NEEDED");
    }
}

#[tokio::test]
async fn a_key_reaches_no_further_than_its_installations() {
    let setup = Setup::new();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let seven = Coverage::Only([Igrp::new(7).unwrap()].into());
    let sevens = setup.key(&[Role::Admin], seven).await;
    let core = setup.start().await.unwrap();
    let admin = core.client_with(Some(&admin)).await;
    for igrp in [7, 8] {
        let installation = pb::Installation {
            igrp,
            ..installation()
        };
        let create = pb::CreateInstallationRequest {
            installation: Some(installation),
        };
        admin
            .installations()
            .create_installation(create)
            .await
            .unwrap();
    }
    let eights = admin
        .events()
        .record_events(record(8))
        .await
        .unwrap()
        .into_inner();
    let event_id = eights.results[0].event_id.clone();

    let sevens = core.client_with(Some(&sevens)).await;
    sevens.events().list_events(list(7)).await.unwrap();
    let refused = sevens.events().list_events(list(8)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "NOT_ALLOWED")
    );
    let rejected = sevens
        .events()
        .record_events(record(8))
        .await
        .unwrap()
        .into_inner();
    let rejection = rejected.results[0].rejection.as_ref().unwrap();
    assert_eq!(rejection.reason(), pb::RejectionReason::UnknownInstallation);
    // What is not the caller's is as good as not there.
    let refused = sevens
        .events()
        .get_event(pb::GetEventRequest { event_id })
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let listed = sevens
        .installations()
        .list_installations(pb::ListInstallationsRequest::default())
        .await;
    let listed = listed.unwrap().into_inner().installations;
    assert_eq!(listed.iter().map(|kept| kept.igrp).collect::<Vec<_>>(), [7]);
    let refused = sevens
        .access()
        .list_api_keys(pb::ListApiKeysRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);

    // A notification without an installation is for keys of all.
    let mut nobodys = record(0);
    nobodys.notifications = vec![pb::Notification::default()];
    let nobodys = sevens
        .events()
        .record_events(nobodys)
        .await
        .unwrap()
        .into_inner();
    let get = pb::GetQuarantinedNotificationRequest {
        quarantined_notification_id: nobodys.results[0].quarantined_notification_id.clone(),
    };
    let refused = sevens
        .quarantine()
        .get_quarantined_notification(get.clone())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    admin
        .quarantine()
        .get_quarantined_notification(get)
        .await
        .unwrap();
    let all = pb::ListQuarantinedNotificationsRequest::default();
    let listed = sevens
        .quarantine()
        .list_quarantined_notifications(all)
        .await
        .unwrap();
    assert!(listed.into_inner().quarantined_notifications.is_empty());
}

fn new_key(roles: &[pb::Role], igrps: &[i64]) -> pb::CreateApiKeyRequest {
    pb::CreateApiKeyRequest {
        api_key: Some(pb::ApiKey {
            roles: roles.iter().map(|role| i32::from(*role)).collect(),
            igrps: igrps.to_vec(),
            ..Default::default()
        }),
    }
}

#[tokio::test]
async fn the_first_key_closes_the_core_and_a_revoked_one_counts_no_more() {
    let core = TestCore::start().await;
    let anybody = core.client().await;
    let admin = anybody
        .access()
        .create_api_key(new_key(&[pb::Role::Admin], &[]))
        .await;
    let admin = admin.unwrap().into_inner();
    let refused = anybody.events().list_events(list(7)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);

    let client = core.client_with(Some(&admin.api_key_text)).await;
    let reader = client
        .access()
        .create_api_key(new_key(&[pb::Role::Read], &[7]))
        .await;
    let reader = reader.unwrap().into_inner();
    let reading = core.client_with(Some(&reader.api_key_text)).await;
    reading.events().list_events(list(7)).await.unwrap();
    let revoke = |key: &Option<pb::ApiKey>| pb::RevokeApiKeyRequest {
        api_key_id: key.as_ref().unwrap().api_key_id.clone(),
    };
    client
        .access()
        .revoke_api_key(revoke(&reader.api_key))
        .await
        .unwrap();
    let refused = reading.events().list_events(list(7)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);

    let last = client
        .access()
        .revoke_api_key(revoke(&admin.api_key))
        .await
        .unwrap_err();
    assert_eq!(
        (last.code(), reason(&last).as_str()),
        (Code::FailedPrecondition, "LAST_ADMIN_KEY")
    );
    let listed = client
        .access()
        .list_api_keys(pb::ListApiKeysRequest::default())
        .await
        .unwrap();
    let listed = listed.into_inner().api_keys;
    assert_eq!(listed.len(), 1);
    assert!(!format!("{listed:?}").contains(&admin.api_key_text));
}

#[tokio::test]
async fn a_key_needs_roles_and_good_installations() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let too_many: Vec<_> = (1..=1_001).collect();
    for (request, field) in [
        (new_key(&[], &[]), "api_key.roles"),
        (new_key(&[pb::Role::Unspecified], &[]), "api_key.roles"),
        (new_key(&[pb::Role::Read], &[0]), "api_key.igrps"),
        (new_key(&[pb::Role::Read], &too_many), "api_key.igrps"),
        (pb::CreateApiKeyRequest::default(), "api_key"),
    ] {
        let refused = client.access().create_api_key(request).await.unwrap_err();
        assert_eq!(crate::harness::fields_at_fault(&refused), [field]);
    }
}

#[tokio::test]
async fn beyond_loopback_nobody_is_served_without_a_key() {
    let everywhere = || {
        let mut setup = Setup::new();
        setup.listen = ([0, 0, 0, 0], 0).into();
        setup
    };
    let Err(refused) = everywhere().start().await else {
        panic!("it started");
    };
    assert!(matches!(refused, StartError::Unguarded(_)), "{refused}");

    // One key lets it start; when that is gone, nobody is let in.
    let setup = everywhere();
    let key = setup.key(&[Role::Read], Coverage::All).await;
    let core = setup.start().await.unwrap();
    core.client_with(Some(&key))
        .await
        .events()
        .list_events(list(7))
        .await
        .unwrap();
    let mut in_process = AccessServiceClient::new(core.in_process.clone());
    let api_key_id = key.split('_').nth(1).unwrap().to_owned();
    in_process
        .revoke_api_key(pb::RevokeApiKeyRequest { api_key_id })
        .await
        .unwrap();
    for key in [None, Some(key.as_str())] {
        let client = core.client_with(key).await;
        let refused = client.events().list_events(list(7)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn callers_in_the_process_need_no_key() {
    let setup = Setup::new();
    setup.key(&[Role::Admin], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let mut in_process = EventServiceClient::new(core.in_process.clone());
    let answer = in_process
        .record_events(record(7))
        .await
        .unwrap()
        .into_inner();
    // They have looked by themselves where a request is from.
    assert_eq!(answer.results[0].outcome(), pb::Outcome::Recorded);
    in_process.list_events(list(7)).await.unwrap();
}

#[tokio::test]
async fn what_is_recorded_without_grpc_is_answered_as_with_it() {
    let setup = Setup::new();
    setup.key(&[Role::Admin], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let mut client = EventServiceClient::new(core.in_process.clone());
    let bad_currency = pb::Event {
        currency: "???".to_owned(),
        ..record(7).events[0].clone()
    };
    let with_key = |key: &str, event: &pb::Event| pb::RecordEventsRequest {
        events: vec![pb::Event {
            idempotency_key: key.to_owned(),
            ..event.clone()
        }],
        ..record(7)
    };
    let good = record(7).events[0].clone();
    let rejected = [pb::Outcome::Rejected, pb::Outcome::Rejected];
    for (event, keys, outcomes) in [
        (
            &good,
            ["a", "b"],
            [pb::Outcome::Recorded, pb::Outcome::Duplicate],
        ),
        (&bad_currency, ["c", "d"], rejected),
    ] {
        for key in keys {
            let request = with_key(key, event);
            let without = core.recorder.clone().oneshot(request.clone());
            let first = without.await.unwrap().results;
            let second = client.record_events(request).await.unwrap().into_inner();
            assert_eq!(first[0].outcome(), outcomes[0], "{key}");
            assert_eq!(second.results[0].outcome(), outcomes[1], "{key}");
            assert_eq!(first[0].event_id, second.results[0].event_id);
            assert_eq!(first[0].rejection, second.results[0].rejection);
        }
    }
}

#[tokio::test]
async fn what_is_refused_without_grpc_is_refused_as_with_it() {
    let core = Setup::new().start().await.unwrap();
    let event = record(7).events[0].clone();
    let requests = [
        pb::RecordEventsRequest {
            events: vec![event.clone(); 1_001],
            ..record(7)
        },
        pb::RecordEventsRequest {
            notifications: vec![pb::Notification::default(); 2],
            ..record(7)
        },
        pb::RecordEventsRequest {
            unknown_installations: 99,
            ..record(7)
        },
    ];
    let mut client = EventServiceClient::new(core.in_process.clone());
    for request in requests {
        let without = core.recorder.clone().oneshot(request.clone());
        let without = without.await.unwrap_err();
        let with = client.record_events(request).await.unwrap_err();
        assert_eq!(without.code(), Code::InvalidArgument);
        assert_eq!(without.code(), with.code());
        assert_eq!(without.message(), with.message());
        assert_eq!(without.details(), with.details());
        // What a status was made of is not for who is told of it.
        assert!(std::error::Error::source(&without).is_none());
    }
}

/// What becomes of an event of an installation that nobody has created.
async fn unknown(client: &Client, asked: pb::UnknownInstallations) -> pb::Outcome {
    let request = pb::RecordEventsRequest {
        unknown_installations: asked.into(),
        ..record(7)
    };
    let answer = client
        .events()
        .record_events(request)
        .await
        .unwrap()
        .into_inner();
    answer.results[0].outcome()
}

#[tokio::test]
async fn an_unknown_installation_is_created_only_where_that_is_safe() {
    use pb::Outcome::{Recorded, Rejected};
    use pb::UnknownInstallations::{Reject, Unspecified};
    let core = TestCore::start().await;
    let client = core.client().await;
    assert_eq!(unknown(&client, Reject).await, Rejected);
    assert_eq!(unknown(&client, Unspecified).await, Recorded);

    let setup = Setup::new();
    let key = setup.key(&[Role::Ingest], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let client = core.client_with(Some(&key)).await;
    assert_eq!(unknown(&client, Unspecified).await, Rejected);

    let mut setup = Setup::new();
    setup.installations = InstallationMode::Strict;
    let core = setup.start().await.unwrap();
    assert_eq!(unknown(&core.client().await, Unspecified).await, Rejected);

    let mut setup = Setup::new();
    setup.installations = InstallationMode::Open;
    let key = setup.key(&[Role::Ingest], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let client = core.client_with(Some(&key)).await;
    assert_eq!(unknown(&client, Reject).await, Rejected);
    assert_eq!(unknown(&client, Unspecified).await, Recorded);
}

#[tokio::test]
async fn an_organisation_may_send_once_an_installation_is_linked_to_it() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let is_linked = async |id: &str| {
        let request = pb::GetOrganizationAccessRequest {
            organization_id: id.to_owned(),
            ..Default::default()
        };
        let answer = client.access().get_organization_access(request).await;
        answer.map(|answer| answer.into_inner().is_linked)
    };
    assert!(!is_linked("00D000000000062EAA").await.unwrap());
    let create = pb::CreateInstallationRequest {
        installation: Some(pb::Installation {
            organization_id: "00D000000000062".to_owned(),
            ..installation()
        }),
    };
    client
        .installations()
        .create_installation(create)
        .await
        .unwrap();
    assert!(is_linked("00D000000000062EAA").await.unwrap());
    assert!(is_linked("x").await.is_err());
}
