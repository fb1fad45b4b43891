//! Permission comes before existence: who may not know of something gets the
//! same answer whether or not it is there. Every RPC is in [`rpcs()`].

mod rpcs;

use std::collections::BTreeSet;

use core_service::domain::{Coverage, Role};
use prost::Message;
use prost_types::FileDescriptorSet;
use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Client, Setup, TestCore, reason};
use rpcs::{Rpc, event, lead, notification, rpcs};

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
        // The short one last: it may stand within another.
        let names: [&str; 9] = [
            event_id,
            lead_enrichment_id,
            quarantined_id,
            visitor_id,
            call_ref,
            organization_id,
            api_key_id,
            url_token_id,
            &igrp,
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
    run("/RecordRefusedMessages").await;

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
    // A process adds this one to its core, and forwards the caller's key.
    let services = ours
        .flat_map(|file| &file.service)
        .filter(|service| service.name() != "MappingService");
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
