//! Permission comes before existence: who may not know of something gets the
//! same answer whether or not it is there. Every RPC is in [`rpcs`].

use std::collections::BTreeSet;
use std::pin::Pin;

use core_service::domain::{Coverage, Role};
use prost::Message;
use prost_types::FileDescriptorSet;
use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::harness::{Client, Setup, TestCore, reason};

/// What requests name. Values that stand for one another are equally long.
#[derive(Clone, Debug)]
struct Named {
    igrp: i64,
    event_id: String,
    lead_enrichment_id: String,
    quarantined_id: String,
    visitor_id: &'static str,
    call_ref: &'static str,
    organization_id: &'static str,
    api_key_id: String,
    url_token_id: String,
}

impl Named {
    /// What is nowhere.
    fn missing() -> Self {
        Self {
            igrp: 9999,
            event_id: Uuid::from_u128(9).to_string(),
            lead_enrichment_id: Uuid::from_u128(9).to_string(),
            quarantined_id: Uuid::from_u128(9).to_string(),
            visitor_id: "99999999-7cf6-49ff-a131-538d85bd143d",
            call_ref: "nowhere",
            organization_id: "00D000000000099EAA",
            api_key_id: "9999999999999999".to_owned(),
            url_token_id: "9999999999".to_owned(),
        }
    }

    /// A text without what was asked for, and without ids that were made.
    fn masked(&self, text: &str) -> String {
        let Self {
            igrp,
            event_id,
            lead_enrichment_id,
            quarantined_id,
            visitor_id,
            call_ref,
            organization_id,
            api_key_id,
            url_token_id,
        } = self;
        let igrp = igrp.to_string();
        let names: [&str; 9] = [
            &igrp,
            event_id,
            lead_enrichment_id,
            quarantined_id,
            visitor_id,
            call_ref,
            organization_id,
            api_key_id,
            url_token_id,
        ];
        let text = names
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(name, "<named>"));
        let words = text.split('"');
        let words = words.map(|word| match Uuid::try_parse(word) {
            Ok(_) => "<made>",
            Err(_) => word,
        });
        words.collect::<Vec<_>>().join("\"")
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<String, Status>> + Send>>;

/// An RPC, the role that it needs, and a request that names things.
struct Rpc {
    name: &'static str,
    role: Role,
    call: fn(Client, Named) -> Answer,
}

macro_rules! rpc {
    ($name:literal, $role:ident, $service:ident.$method:ident, |$named:ident| $request:expr) => {
        Rpc {
            name: $name,
            role: Role::$role,
            call: |client, $named| {
                Box::pin(async move {
                    let request = $request;
                    let answer = client.$service().$method(request).await?;
                    Ok(format!("{:?}", answer.into_inner()))
                })
            },
        }
    };
}

/// Every RPC.
fn rpcs() -> Vec<Rpc> {
    [records(), reads(), settings(), access()]
        .into_iter()
        .flatten()
        .collect()
}

fn records() -> Vec<Rpc> {
    vec![
        rpc!(
            "EventService/RecordEvents",
            Ingest,
            events.record_events,
            |named| {
                pb::RecordEventsRequest {
                    events: vec![event(&named)],
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "CallRatingService/RateCalls",
            Ingest,
            call_ratings.rate_calls,
            |named| {
                pb::RateCallsRequest {
                    ratings: vec![rating(&named)],
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "LeadEnrichmentService/EnrichLeads",
            Ingest,
            leads.enrich_leads,
            |named| {
                pb::EnrichLeadsRequest {
                    leads: vec![lead(&named)],
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "VisitService/RecordVisits",
            Ingest,
            visits.record_visits,
            |named| {
                pb::RecordVisitsRequest {
                    visits: vec![visit(&named)],
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "CallService/RecordCalls",
            Ingest,
            calls.record_calls,
            |named| {
                pb::RecordCallsRequest {
                    calls: vec![call(&named)],
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "QuarantineService/QuarantineNotifications",
            Ingest,
            quarantine.quarantine_notifications,
            |named| pb::QuarantineNotificationsRequest {
                notifications: vec![pb::NotificationToQuarantine {
                    igrp: named.igrp,
                    notification: Some(notification()),
                    ..Default::default()
                }],
            }
        ),
    ]
}

fn reads() -> Vec<Rpc> {
    vec![
        rpc!("EventService/GetEvent", Read, events.get_event, |named| {
            pb::GetEventRequest {
                event_id: named.event_id,
            }
        }),
        rpc!(
            "EventService/ListEvents",
            Read,
            events.list_events,
            |named| {
                pb::ListEventsRequest {
                    igrp: named.igrp,
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "CallRatingService/GetCallRating",
            Read,
            call_ratings.get_call_rating,
            |named| {
                pb::GetCallRatingRequest {
                    igrp: named.igrp,
                    call_ref: named.call_ref.to_owned(),
                }
            }
        ),
        rpc!(
            "CallRatingService/ListCallRatings",
            Read,
            call_ratings.list_call_ratings,
            |named| {
                pb::ListCallRatingsRequest {
                    igrp: named.igrp,
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "LeadEnrichmentService/GetLeadEnrichment",
            Read,
            leads.get_lead_enrichment,
            |named| pb::GetLeadEnrichmentRequest {
                lead_enrichment_id: named.lead_enrichment_id,
            }
        ),
        rpc!(
            "LeadEnrichmentService/ListLeadEnrichments",
            Read,
            leads.list_lead_enrichments,
            |named| pb::ListLeadEnrichmentsRequest {
                igrp: named.igrp,
                ..Default::default()
            }
        ),
        rpc!(
            "VisitService/ListVisits",
            Read,
            visits.list_visits,
            |named| {
                pb::ListVisitsRequest {
                    igrp: named.igrp,
                    ..Default::default()
                }
            }
        ),
        rpc!("CallService/GetCall", Read, calls.get_call, |named| {
            pb::GetCallRequest {
                igrp: named.igrp,
                call_ref: named.call_ref.to_owned(),
            }
        }),
        rpc!("CallService/ListCalls", Read, calls.list_calls, |named| {
            pb::ListCallsRequest {
                igrp: named.igrp,
                ..Default::default()
            }
        }),
        rpc!(
            "QuarantineService/GetQuarantinedNotification",
            Read,
            quarantine.get_quarantined_notification,
            |named| pb::GetQuarantinedNotificationRequest {
                quarantined_notification_id: named.quarantined_id,
            }
        ),
        rpc!(
            "QuarantineService/ListQuarantinedNotifications",
            Read,
            quarantine.list_quarantined_notifications,
            |named| pb::ListQuarantinedNotificationsRequest {
                igrp: named.igrp,
                ..Default::default()
            }
        ),
    ]
}

fn settings() -> Vec<Rpc> {
    vec![
        rpc!(
            "QuarantineService/ResolveQuarantinedNotifications",
            Admin,
            quarantine.resolve_quarantined_notifications,
            |named| pb::ResolveQuarantinedNotificationsRequest {
                quarantined_notification_ids: vec![named.quarantined_id],
                state: pb::QuarantineState::Discarded.into(),
            }
        ),
        rpc!(
            "InstallationService/CreateInstallation",
            Admin,
            installations.create_installation,
            |named| pb::CreateInstallationRequest {
                installation: Some(installation(&named)),
            }
        ),
        rpc!(
            "InstallationService/GetInstallation",
            Read,
            installations.get_installation,
            |named| pb::GetInstallationRequest { igrp: named.igrp }
        ),
        rpc!(
            "InstallationService/ListInstallations",
            Read,
            installations.list_installations,
            |named| pb::ListInstallationsRequest {
                organization_id: named.organization_id.to_owned(),
                ..Default::default()
            }
        ),
        rpc!(
            "InstallationService/UpdateInstallation",
            Admin,
            installations.update_installation,
            |named| pb::UpdateInstallationRequest {
                installation: Some(installation(&named)),
                update_mask: None,
            }
        ),
        rpc!(
            "InstallationService/DeleteInstallation",
            Admin,
            installations.delete_installation,
            |named| pb::DeleteInstallationRequest {
                igrp: named.igrp,
                force: true,
            }
        ),
    ]
}

fn access() -> Vec<Rpc> {
    vec![
        rpc!(
            "AccessService/CreateApiKey",
            Admin,
            access.create_api_key,
            |named| {
                pb::CreateApiKeyRequest {
                    api_key: Some(pb::ApiKey {
                        roles: vec![pb::Role::Admin.into()],
                        igrps: vec![named.igrp],
                        ..Default::default()
                    }),
                }
            }
        ),
        rpc!(
            "AccessService/ListApiKeys",
            Admin,
            access.list_api_keys,
            |_named| { pb::ListApiKeysRequest::default() }
        ),
        rpc!(
            "AccessService/RevokeApiKey",
            Admin,
            access.revoke_api_key,
            |named| {
                pb::RevokeApiKeyRequest {
                    api_key_id: named.api_key_id,
                }
            }
        ),
        rpc!(
            "AccessService/CreateUrlToken",
            Admin,
            access.create_url_token,
            |named| {
                pb::CreateUrlTokenRequest {
                    url_token: Some(pb::UrlToken {
                        organization_id: named.organization_id.to_owned(),
                        ..Default::default()
                    }),
                }
            }
        ),
        rpc!(
            "AccessService/ListUrlTokens",
            Admin,
            access.list_url_tokens,
            |named| {
                pb::ListUrlTokensRequest {
                    organization_id: named.organization_id.to_owned(),
                    ..Default::default()
                }
            }
        ),
        rpc!(
            "AccessService/RevokeUrlToken",
            Admin,
            access.revoke_url_token,
            |named| {
                pb::RevokeUrlTokenRequest {
                    url_token_id: named.url_token_id,
                    forget: true,
                }
            }
        ),
        rpc!(
            "AccessService/GetOrganizationAccess",
            Ingest,
            access.get_organization_access,
            |named| pb::GetOrganizationAccessRequest {
                organization_id: named.organization_id.to_owned(),
            }
        ),
        rpc!(
            "AccessService/GetSenderRules",
            Ingest,
            access.get_sender_rules,
            |_named| { pb::GetSenderRulesRequest::default() }
        ),
    ]
}

fn time() -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: 1_700_000_000,
        nanos: 0,
    }
}

fn event(named: &Named) -> pb::Event {
    pb::Event {
        igrp: named.igrp,
        call_ref: named.call_ref.to_owned(),
        ..Default::default()
    }
}

fn rating(named: &Named) -> pb::CallRating {
    pb::CallRating {
        igrp: named.igrp,
        call_ref: named.call_ref.to_owned(),
        rating: "Good".to_owned(),
        ..Default::default()
    }
}

fn lead(named: &Named) -> pb::LeadToEnrich {
    pb::LeadToEnrich {
        igrp: named.igrp,
        visitor_id: named.visitor_id.to_owned(),
        organization_id: named.organization_id.to_owned(),
        record_id: "00Q000000000001".to_owned(),
        ..Default::default()
    }
}

fn visit(named: &Named) -> pb::Visit {
    pb::Visit {
        igrp: named.igrp,
        visitor_id: named.visitor_id.to_owned(),
        visit_time: Some(time()),
        ..Default::default()
    }
}

fn call(named: &Named) -> pb::Call {
    pb::Call {
        igrp: named.igrp,
        call_ref: named.call_ref.to_owned(),
        start_time: Some(time()),
        ..Default::default()
    }
}

fn installation(named: &Named) -> pb::Installation {
    pb::Installation {
        igrp: named.igrp,
        organization_id: named.organization_id.to_owned(),
        address_ranges: vec!["192.0.2.0/24".to_owned()],
        ..Default::default()
    }
}

fn notification() -> pb::Notification {
    pb::Notification {
        endpoint: "events".to_owned(),
        rejection: Some(pb::Rejection {
            reason: pb::RejectionReason::RecordGone.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Keys for a core that holds one of each.
struct Keys {
    all: String,
    of_another_installation: String,
    ingest: String,
    read: String,
}

/// A core, its keys, and the names of what is there.
async fn filled() -> (TestCore, Keys, Named) {
    let setup = Setup::new();
    let another = Coverage::Only([Igrp::new(8).unwrap()].into());
    let every_role = [Role::Ingest, Role::Read, Role::Admin];
    let keys = Keys {
        all: setup.key(&every_role, Coverage::All).await,
        of_another_installation: setup.key(&every_role, another).await,
        ingest: setup.key(&[Role::Ingest], Coverage::All).await,
        read: setup.key(&[Role::Read], Coverage::All).await,
    };
    let core = setup.start().await.unwrap();
    let client = core.client_with(Some(&keys.all)).await;
    let mut there = Named {
        igrp: 7777,
        visitor_id: "b5bb14cc-7cf6-49ff-a131-538d85bd143d",
        call_ref: "there-1",
        organization_id: "00D000000000062EAA",
        api_key_id: keys.read.split('_').nth(1).unwrap().to_owned(),
        ..Named::missing()
    };
    let rpcs = rpcs();
    let run = async |name: &str| {
        let rpc = rpcs.iter().find(|rpc| rpc.name.ends_with(name)).unwrap();
        (rpc.call)(client.clone(), there.clone()).await.unwrap()
    };
    run("/CreateInstallation").await;
    for name in ["/RateCalls", "/RecordVisits", "/RecordCalls"] {
        let answer = run(name).await;
        assert!(answer.contains("outcome: Recorded"), "{answer}");
    }

    let request = pb::RecordEventsRequest {
        events: vec![event(&there)],
        ..Default::default()
    };
    let answer = client.events().record_events(request).await.unwrap();
    let event_id = answer.into_inner().results.remove(0).event_id;
    let request = pb::EnrichLeadsRequest {
        leads: vec![lead(&there)],
        ..Default::default()
    };
    let answer = client.leads().enrich_leads(request).await.unwrap();
    let lead_enrichment_id = answer.into_inner().results.remove(0).lead_enrichment_id;
    let request = pb::QuarantineNotificationsRequest {
        notifications: vec![pb::NotificationToQuarantine {
            igrp: there.igrp,
            notification: Some(notification()),
            ..Default::default()
        }],
    };
    let answer = client.quarantine().quarantine_notifications(request).await;
    let mut results = answer.unwrap().into_inner().results;
    let quarantined_id = results.remove(0).quarantined_notification_id;
    let request = pb::CreateUrlTokenRequest {
        url_token: Some(pb::UrlToken {
            organization_id: there.organization_id.to_owned(),
            ..Default::default()
        }),
    };
    let answer = client.access().create_url_token(request).await.unwrap();
    let url_token = answer.into_inner().url_token.unwrap();
    there = Named {
        event_id,
        lead_enrichment_id,
        quarantined_id,
        url_token_id: url_token.url_token_id,
        ..there
    };
    (core, keys, there)
}

/// What a client is told, without the names that it used.
async fn told(rpc: &Rpc, client: &Client, named: &Named) -> Result<String, (Code, String)> {
    let answer = (rpc.call)(client.clone(), named.clone()).await;
    let answer = answer.map(|answer| named.masked(&answer));
    answer.map_err(|status| {
        let text = format!("{}: {}", reason(&status), status.message());
        (status.code(), named.masked(&text))
    })
}

#[test]
fn every_rpc_is_among_these() {
    let files = FileDescriptorSet::decode(sfbridge_proto::FILE_DESCRIPTOR_SET).unwrap();
    let files = files.file.iter();
    let ours = files.filter(|file| file.package() == "infinity.core.v1");
    let services = ours.flat_map(|file| &file.service);
    let methods = services.flat_map(|service| {
        let methods = service.method.iter();
        methods.map(|method| format!("{}/{}", service.name(), method.name()))
    });
    let here = rpcs().into_iter().map(|rpc| rpc.name.to_owned());
    assert_eq!(
        here.collect::<BTreeSet<_>>(),
        methods.collect::<BTreeSet<_>>()
    );
}

#[tokio::test]
async fn who_may_look_finds_what_is_there_and_only_that() {
    let (core, keys, there) = filled().await;
    let client = core.client_with(Some(&keys.all)).await;
    for rpc in rpcs() {
        if rpc.role == Role::Read || rpc.name.ends_with("/GetOrganizationAccess") {
            let found = told(&rpc, &client, &there).await.unwrap();
            let missed = told(&rpc, &client, &Named::missing()).await;
            assert_ne!(Ok(found), missed, "{}", rpc.name);
        }
    }
}

#[tokio::test]
async fn a_key_without_the_role_learns_nothing() {
    let (core, keys, there) = filled().await;
    let ingest = core.client_with(Some(&keys.ingest)).await;
    let read = core.client_with(Some(&keys.read)).await;
    for rpc in rpcs() {
        let clients = match rpc.role {
            Role::Ingest => vec![&read],
            Role::Read => vec![&ingest],
            Role::Admin => vec![&read, &ingest],
        };
        for client in clients {
            let refused = told(&rpc, client, &there).await.unwrap_err();
            assert_eq!(refused.0, Code::PermissionDenied, "{}", rpc.name);
            let missing = told(&rpc, client, &Named::missing()).await;
            assert_eq!(missing, Err(refused), "{}", rpc.name);
        }
    }
}

#[tokio::test]
async fn a_key_of_another_installation_learns_nothing() {
    let (core, keys, there) = filled().await;
    let client = core.client_with(Some(&keys.of_another_installation)).await;
    // Gateways need every URL token, whatever installations they serve.
    let asks_for_something = |rpc: &Rpc| rpc.name != "AccessService/GetSenderRules";
    for rpc in rpcs().into_iter().filter(asks_for_something) {
        let told_of_it = told(&rpc, &client, &there).await;
        let missing = told(&rpc, &client, &Named::missing()).await;
        assert_eq!(told_of_it, missing, "{}", rpc.name);
    }
}

#[tokio::test]
async fn without_a_key_nobody_learns_anything() {
    let (core, keys, there) = filled().await;
    let wrong = format!("{}0", keys.all);
    for key in [None, Some(wrong.as_str())] {
        let client = core.client_with(key).await;
        for rpc in rpcs() {
            let refused = told(&rpc, &client, &there).await.unwrap_err();
            assert_eq!(refused.0, Code::Unauthenticated, "{}", rpc.name);
        }
    }
}
