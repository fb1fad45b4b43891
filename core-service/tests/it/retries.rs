//! Operators decide about lead enrichments.

use sfbridge_proto::v1 as pb;
use tonic::Code;

use crate::harness::{Client, TestCore, reason};

const ORGANIZATION: &str = "00D000000000062EAA";

/// Has a lead enriched and returns the job's id.
async fn enrich(client: &Client) -> String {
    let lead = pb::LeadToEnrich {
        igrp: 7,
        visitor_id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301".to_owned(),
        organization_id: ORGANIZATION.to_owned(),
        record_id: "00Q000000000001EAA".to_owned(),
        ..Default::default()
    };
    let request = pb::EnrichLeadsRequest {
        leads: vec![lead],
        ..Default::default()
    };
    let answer = client.leads().enrich_leads(request).await.unwrap();
    answer.into_inner().results.remove(0).lead_enrichment_id
}

async fn retry(client: &Client, id: &str) -> Result<pb::LeadEnrichment, tonic::Status> {
    let request = pb::RetryLeadEnrichmentRequest {
        lead_enrichment_id: id.to_owned(),
    };
    let answer = client.leads().retry_lead_enrichment(request).await?;
    Ok(answer.into_inner().lead_enrichment.unwrap())
}

async fn cancel(client: &Client, id: &str) -> Result<pb::LeadEnrichment, tonic::Status> {
    let request = pb::CancelLeadEnrichmentRequest {
        lead_enrichment_id: id.to_owned(),
    };
    let answer = client.leads().cancel_lead_enrichment(request).await?;
    Ok(answer.into_inner().lead_enrichment.unwrap())
}

async fn get(client: &Client, id: &str) -> pb::LeadEnrichment {
    let request = pb::GetLeadEnrichmentRequest {
        lead_enrichment_id: id.to_owned(),
    };
    let answer = client.leads().get_lead_enrichment(request).await.unwrap();
    answer.into_inner().lead_enrichment.unwrap()
}

#[tokio::test]
async fn a_cancelled_lead_enrichment_stays_so_until_it_is_retried() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let id = enrich(&client).await;
    for _ in 0..2 {
        let cancelled = cancel(&client, &id).await.unwrap();
        assert_eq!(cancelled.state(), pb::LeadEnrichmentState::Cancelled);
        assert_eq!(cancelled.next_attempt_time, None);
    }
    let kept = get(&client, &id).await;
    assert_eq!(kept.state(), pb::LeadEnrichmentState::Cancelled);
    let retried = retry(&client, &id).await.unwrap();
    assert_eq!(retried.state(), pb::LeadEnrichmentState::Pending);
    assert!(retried.next_attempt_time.is_some());
    // It is open again, so a newer request joins it.
    assert_eq!(enrich(&client).await, id);
}

#[tokio::test]
async fn a_retry_beside_an_open_job_is_refused_and_names_it() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let first = enrich(&client).await;
    cancel(&client, &first).await.unwrap();
    let second = enrich(&client).await;
    assert_ne!(first, second);
    let refused = retry(&client, &first).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "OTHER_LEAD_ENRICHMENT_OPEN");
    assert!(refused.message().contains(&second), "{refused:?}");
    // The other one is not touched by that.
    assert_ne!(
        get(&client, &second).await.state(),
        pb::LeadEnrichmentState::Cancelled
    );
    retry(&client, &second).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let id = "01a2037e-ea68-72b0-a8c3-85d13aa08e68";
    assert_eq!(retry(&client, id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        cancel(&client, id).await.unwrap_err().code(),
        Code::NotFound
    );
    let wrong = retry(&client, "x").await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn lists_are_filtered_by_every_state() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let id = enrich(&client).await;
    cancel(&client, &id).await.unwrap();
    let states = (1..).map_while(|number| pb::LeadEnrichmentState::try_from(number).ok());
    let mut count = 0;
    for state in states {
        let request = pb::ListLeadEnrichmentsRequest {
            igrp: 7,
            state: state.into(),
            ..Default::default()
        };
        let answer = client.leads().list_lead_enrichments(request).await.unwrap();
        let found = answer.into_inner().lead_enrichments.len();
        let expected = usize::from(state == pb::LeadEnrichmentState::Cancelled);
        assert_eq!(found, expected, "{state:?}");
        count += 1;
    }
    assert_eq!(count, 10);
    let request = pb::ListLeadEnrichmentsRequest {
        igrp: 7,
        state: 99,
        ..Default::default()
    };
    let refused = client.leads().list_lead_enrichments(request).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}
