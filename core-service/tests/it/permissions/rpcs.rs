//! Every RPC with a request that names things.

use std::pin::Pin;

use core_service::domain::Role;
use sfbridge_proto::v1 as pb;
use tonic::Status;
use uuid::Uuid;

use super::Named;
use crate::harness::Client;

pub(super) type Answer = Pin<Box<dyn Future<Output = Result<String, Status>> + Send>>;

/// An RPC, the role that it needs, and a request that names things.
pub(super) struct Rpc {
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) call: fn(Client, Named) -> Answer,
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

/// An import of one message, whose answers are counted together.
macro_rules! import {
    ($name:literal, $service:ident.$method:ident, |$named:ident| $request:expr) => {
        Rpc {
            name: $name,
            role: Role::Ingest,
            call: |client, $named| {
                Box::pin(async move {
                    let requests = tokio_stream::once($request);
                    let answers = client.$service().$method(requests).await?;
                    let mut answers = answers.into_inner();
                    let mut told = String::new();
                    while let Some(answer) = answers.message().await? {
                        told.push_str(&format!("{answer:?}"));
                    }
                    Ok(told)
                })
            },
        }
    };
}

/// The first answer of a stream.
macro_rules! stream {
    ($name:literal, $role:ident, $service:ident.$method:ident, |$named:ident| $request:expr) => {
        Rpc {
            name: $name,
            role: Role::$role,
            call: |client, $named| {
                Box::pin(async move {
                    let answers = client.$service().$method($request).await?;
                    let answer = answers.into_inner().message().await?;
                    Ok(format!("{answer:?}"))
                })
            },
        }
    };
}

/// Every RPC.
pub(super) fn rpcs() -> Vec<Rpc> {
    [
        records(),
        reads(),
        put_aside(),
        settings(),
        credentials(),
        access(),
    ]
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
        import!("VisitService/ImportVisits", visits.import_visits, |named| {
            pb::ImportVisitsRequest {
                visits: vec![visit(&named)],
                options: None,
            }
        }),
        import!("CallService/ImportCalls", calls.import_calls, |named| {
            pb::ImportCallsRequest {
                calls: vec![call(&named)],
                options: None,
            }
        }),
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
        rpc!(
            "QuarantineService/RecordRefusedMessages",
            Ingest,
            quarantine.record_refused_messages,
            |named| pb::RecordRefusedMessagesRequest {
                refused_messages: vec![refused(&named)],
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
        stream!(
            "EventService/StreamEvents",
            Read,
            events.stream_events,
            |named| {
                pb::StreamEventsRequest {
                    igrp: named.igrp,
                    start: pb::StreamStart::Beginning.into(),
                    ..Default::default()
                }
            }
        ),
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
            "LeadEnrichmentService/PreviewLeadEnrichment",
            Read,
            leads.preview_lead_enrichment,
            |named| pb::PreviewLeadEnrichmentRequest {
                lead: Some(lead(&named)),
            }
        ),
    ]
}

fn put_aside() -> Vec<Rpc> {
    vec![
        rpc!(
            "LeadEnrichmentService/RetryLeadEnrichment",
            Admin,
            leads.retry_lead_enrichment,
            |named| pb::RetryLeadEnrichmentRequest {
                lead_enrichment_id: named.lead_enrichment_id,
            }
        ),
        rpc!(
            "LeadEnrichmentService/CancelLeadEnrichment",
            Admin,
            leads.cancel_lead_enrichment,
            |named| pb::CancelLeadEnrichmentRequest {
                lead_enrichment_id: named.lead_enrichment_id,
            }
        ),
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
        rpc!(
            "QuarantineService/ListRefusedMessages",
            Read,
            quarantine.list_refused_messages,
            |named| pb::ListRefusedMessagesRequest {
                organization_id: named.organization_id.to_owned(),
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

fn credentials() -> Vec<Rpc> {
    vec![
        rpc!(
            "InstallationService/SetSalesforceCredentials",
            Admin,
            installations.set_salesforce_credentials,
            |named| pb::SetSalesforceCredentialsRequest {
                igrp: named.igrp,
                ..Default::default()
            }
        ),
        rpc!(
            "InstallationService/TestSalesforceConnection",
            Admin,
            installations.test_salesforce_connection,
            |named| pb::TestSalesforceConnectionRequest { igrp: named.igrp }
        ),
        rpc!(
            "InstallationService/DeleteSalesforceCredentials",
            Admin,
            installations.delete_salesforce_credentials,
            |named| pb::DeleteSalesforceCredentialsRequest { igrp: named.igrp }
        ),
        rpc!(
            "InstallationService/ResealSalesforceCredentials",
            Admin,
            installations.reseal_salesforce_credentials,
            |_named| pb::ResealSalesforceCredentialsRequest {}
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
                ..Default::default()
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

pub(super) fn event(named: &Named) -> pb::Event {
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

pub(super) fn lead(named: &Named) -> pb::LeadToEnrich {
    pb::LeadToEnrich {
        igrp: named.igrp,
        visitor_id: named.visitor_id.to_owned(),
        organization_id: named.organization_id.to_owned(),
        record_id: "00Q000000000001".to_owned(),
        ..Default::default()
    }
}

fn refused(named: &Named) -> pb::RefusedMessage {
    pb::RefusedMessage {
        endpoint: "events".to_owned(),
        organization_id: named.organization_id.to_owned(),
        status: 400,
        reason: "INVALID_MESSAGE".to_owned(),
        request_id: Uuid::from_u128(1).to_string(),
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

pub(super) fn notification() -> pb::Notification {
    pb::Notification {
        endpoint: "events".to_owned(),
        rejection: Some(pb::Rejection {
            reason: pb::RejectionReason::RecordGone.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}
