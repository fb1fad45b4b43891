//! `validate_only`: what would become of items, with nothing kept.

use core_service::domain::{Coverage, Role};
use sfbridge_proto::v1 as pb;
use tonic::Code;

use crate::harness::{Client, Setup, TestCore, event};

async fn validate(
    client: &Client,
    events: Vec<pb::Event>,
) -> Result<Vec<pb::RecordEventResult>, tonic::Status> {
    let request = pb::RecordEventsRequest {
        events,
        validate_only: true,
        ..Default::default()
    };
    let answer = client.events().record_events(request).await;
    answer.map(|answer| answer.into_inner().results)
}

fn keyed(title: &str, key: &str) -> pb::Event {
    pb::Event {
        idempotency_key: key.to_owned(),
        transaction_value: "5".to_owned(),
        ..event(title)
    }
}

#[tokio::test]
async fn a_validation_answers_like_a_recording_and_counts_nothing() {
    use pb::Outcome::{Duplicate, Recorded, Rejected};

    let core = TestCore::start().await;
    let client = core.client().await;
    let counted =
        || core.counter("core_items_total{kind=\"event\",outcome=\"recorded\",reason=\"\"}");
    let first = client.record(vec![keyed("A", "a")]).await.remove(0);
    assert_eq!(counted(), 1);
    let asked = vec![
        keyed("A", "a"),
        keyed("B", "b"),
        keyed("B", "b"),
        pb::Event {
            visitor_id: "nobody".to_owned(),
            ..event("C")
        },
    ];
    let told = validate(&client, asked).await.unwrap();
    let outcomes: Vec<_> = told.iter().map(pb::RecordEventResult::outcome).collect();
    assert_eq!(outcomes, [Duplicate, Recorded, Duplicate, Rejected]);
    // Only ids of what is there are told.
    let ids: Vec<_> = told.iter().map(|one| one.event_id.as_str()).collect();
    assert_eq!(ids, [first.event_id.as_str(), "", "", ""]);
    assert!(told[1].warnings[0].contains("no currency"), "{told:?}");
    let tie = told[1].r#match.as_ref().unwrap();
    assert_eq!(tie.status(), pb::MatchStatus::Unmatched);
    let rejection = told[3].rejection.as_ref().unwrap();
    assert_eq!(rejection.reason(), pb::RejectionReason::InvalidVisitorId);
    assert_eq!(counted(), 1);
    let list = pb::ListEventsRequest {
        igrp: 7,
        ..Default::default()
    };
    let listed = client.events().list_events(list).await.unwrap();
    assert_eq!(listed.into_inner().events.len(), 1);
}

#[tokio::test]
async fn ratings_and_leads_are_validated_too() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let ratings = pb::RateCallsRequest {
        ratings: vec![pb::CallRating {
            igrp: 7,
            call_ref: "1".to_owned(),
            rating: "Great".to_owned(),
            ..Default::default()
        }],
        validate_only: true,
        ..Default::default()
    };
    let told = client.call_ratings().rate_calls(ratings).await.unwrap();
    let told = told.into_inner().results.remove(0);
    assert_eq!(
        (told.outcome(), told.call_rating_id.as_str()),
        (pb::Outcome::Recorded, "")
    );
    let leads = pb::EnrichLeadsRequest {
        leads: vec![pb::LeadToEnrich {
            igrp: 7,
            call_ref: "1".to_owned(),
            organization_id: "00D000000000062EAA".to_owned(),
            record_id: "00Q000000000001EAA".to_owned(),
            ..Default::default()
        }],
        validate_only: true,
        ..Default::default()
    };
    let told = client.leads().enrich_leads(leads).await.unwrap();
    let told = told.into_inner().results.remove(0);
    assert_eq!(
        (told.outcome(), told.lead_enrichment_id.as_str()),
        (pb::Outcome::Recorded, "")
    );
    // Not even the installation that they would have made is there.
    let get = pb::GetInstallationRequest { igrp: 7 };
    let gone = client
        .installations()
        .get_installation(get)
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn who_may_read_may_validate_and_who_may_only_record_learns_no_ties() {
    let mut setup = Setup::new();
    setup.installations = core_service::InstallationMode::Open;
    let read = setup.key(&[Role::Read], Coverage::All).await;
    let ingest = setup.key(&[Role::Ingest], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let told = async |key: &str| {
        let client = core.client_with(Some(key)).await;
        validate(&client, vec![event("A")]).await.unwrap().remove(0)
    };
    assert!(told(&read).await.r#match.is_some());
    assert!(told(&ingest).await.r#match.is_none());
    let reader = core.client_with(Some(&read)).await;
    let request = pb::RecordEventsRequest {
        events: vec![event("A")],
        ..Default::default()
    };
    let refused = reader.events().record_events(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
