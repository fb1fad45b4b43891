//! Previews of lead enrichments.

use sfbridge_proto::v1 as pb;
use tonic::Code;

use crate::harness::{Client, TestCore};

const VISITOR: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const DAY: i64 = 24 * 60 * 60;
const NOW: i64 = 1_714_557_600;

fn time(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

fn visit(days_ago: i64, channel: &str) -> pb::Visit {
    pb::Visit {
        igrp: 7,
        visitor_id: VISITOR.to_owned(),
        visit_time: Some(time(NOW - days_ago * DAY)),
        channel_name: channel.to_uppercase(),
        channel_type: channel.to_owned(),
        source: format!("source {days_ago}"),
        ..Default::default()
    }
}

async fn record(client: &Client, visits: Vec<pb::Visit>) {
    let request = pb::RecordVisitsRequest {
        visits,
        ..Default::default()
    };
    client.visits().record_visits(request).await.unwrap();
}

fn lead() -> pb::LeadToEnrich {
    pb::LeadToEnrich {
        igrp: 7,
        visitor_id: VISITOR.to_owned(),
        as_of_time: Some(time(NOW)),
        ..Default::default()
    }
}

async fn preview(
    client: &Client,
    lead: pb::LeadToEnrich,
) -> Result<pb::PreviewLeadEnrichmentResponse, tonic::Status> {
    let request = pb::PreviewLeadEnrichmentRequest { lead: Some(lead) };
    let answer = client.leads().preview_lead_enrichment(request).await;
    answer.map(tonic::Response::into_inner)
}

/// Decision and value of the field of an attribute.
fn field(preview: &pb::PreviewLeadEnrichmentResponse, attribute: &str) -> (i32, String) {
    let mut fields = preview.fields.iter();
    let field = fields.find(|field| field.attribute == attribute).unwrap();
    (field.decision, field.value.clone())
}

#[tokio::test]
async fn a_preview_shows_the_journey_the_choice_and_the_values() {
    let core = TestCore::start().await;
    let client = core.client().await;
    // Whatever the order in which they come.
    record(&client, vec![visit(1, "direct"), visit(200, "seo")]).await;
    record(&client, vec![visit(10, "ppc")]).await;
    let call = pb::Call {
        igrp: 7,
        call_ref: "call-1".to_owned(),
        visitor_id: VISITOR.to_owned(),
        start_time: Some(time(NOW - DAY / 2)),
        dialled_phone_number: "+442079460000".to_owned(),
        ..Default::default()
    };
    let calls = pb::RecordCallsRequest {
        calls: vec![call],
        ..Default::default()
    };
    client.calls().record_calls(calls).await.unwrap();

    let asked = pb::LeadToEnrich {
        attribution_model_id: Some(5),
        field_mapping: [("dialledPhoneNumber", "Dialled__c"), ("src", "LeadSource")]
            .map(|(name, field)| (name.to_owned(), field.to_owned()))
            .into(),
        known_values: [("infinity_first_source__C", "Fair")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..lead()
    };
    let shown = preview(&client, asked).await.unwrap();
    assert_eq!(shown.attribution_model_name, "Last Click");
    assert_eq!((shown.visit_count, shown.call_count), (3, 1));
    let journey: Vec<_> = shown
        .journey
        .iter()
        .map(|attributed| {
            let visit = attributed.visit.as_ref().unwrap();
            (
                visit.channel_type.as_str(),
                attributed.share,
                attributed.is_chosen,
            )
        })
        .collect();
    let expected = [
        ("seo", 0, false),
        ("ppc", 1_000_000, true),
        ("direct", 0, false),
    ];
    assert_eq!(journey, expected);

    let write = i32::from(pb::LeadFieldDecision::Write);
    assert_eq!(field(&shown, "src"), (write, "source 10".to_owned()));
    assert_eq!(
        field(&shown, "path"),
        (write, "SEO > PPC > DIRECT".to_owned())
    );
    assert_eq!(
        field(&shown, "dialledPhoneNumber"),
        (write, "+442079460000".to_owned())
    );
    let kept = i32::from(pb::LeadFieldDecision::Kept);
    assert_eq!(field(&shown, "first.src"), (kept, "source 200".to_owned()));
    assert_eq!(shown.warnings, Vec::<String>::new());

    // A lead that came by phone: its call names the visitor.
    let by_phone = pb::LeadToEnrich {
        visitor_id: String::new(),
        call_ref: "call-1".to_owned(),
        ..lead()
    };
    let shown = preview(&client, by_phone).await.unwrap();
    assert_eq!((shown.visitor_id.as_str(), shown.visit_count), (VISITOR, 3));
    assert_eq!(field(&shown, "callRef"), (write, "call-1".to_owned()));
}

#[tokio::test]
async fn a_preview_stores_nothing() {
    let core = TestCore::start().await;
    let client = core.client().await;
    record(&client, vec![visit(1, "seo")]).await;
    preview(&client, lead()).await.unwrap();
    let list = pb::ListLeadEnrichmentsRequest {
        igrp: 7,
        ..Default::default()
    };
    let listed = client.leads().list_lead_enrichments(list).await.unwrap();
    assert!(listed.into_inner().lead_enrichments.is_empty());
}

#[tokio::test]
async fn a_preview_says_why_there_is_nothing_to_write() {
    let core = TestCore::start().await;
    let client = core.client().await;
    record(&client, vec![visit(1, "seo")]).await;
    let unknown = pb::LeadToEnrich {
        visitor_id: VISITOR.replace('3', "4"),
        ..lead()
    };
    let shown = preview(&client, unknown).await.unwrap();
    assert!(shown.journey.is_empty());
    assert!(
        shown.warnings[0].contains("No visit"),
        "{:?}",
        shown.warnings
    );

    let ppc_only = pb::LeadToEnrich {
        attribution_model_id: Some(9),
        ..lead()
    };
    let shown = preview(&client, ppc_only).await.unwrap();
    assert!(
        shown.warnings[0].contains("PPC Only"),
        "{:?}",
        shown.warnings
    );
    let no_value = i32::from(pb::LeadFieldDecision::NoValue);
    assert_eq!(field(&shown, "src").0, no_value);
}

#[tokio::test]
async fn each_fault_of_a_preview_is_named() {
    let core = TestCore::start().await;
    let client = core.client().await;
    record(&client, vec![visit(1, "seo")]).await;
    let wrong = pb::LeadToEnrich {
        visitor_id: "me".to_owned(),
        attribution_model_id: Some(-1),
        field_mapping: [("chNam".to_owned(), "A__c".to_owned())].into(),
        overwrite_policy: 9,
        ..lead()
    };
    let refused = preview(&client, wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    for name in [
        "visitor_id",
        "attribution_model_id",
        "chName",
        "overwrite_policy",
    ] {
        assert!(refused.message().contains(name), "{}", refused.message());
    }

    let nobody = pb::LeadToEnrich {
        visitor_id: String::new(),
        ..lead()
    };
    let refused = preview(&client, nobody).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let nowhere = pb::LeadToEnrich { igrp: 8, ..lead() };
    let refused = preview(&client, nowhere).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let custom = pb::LeadToEnrich {
        attribution_model_id: Some(11),
        ..lead()
    };
    let refused = preview(&client, custom).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

fn criterion(field: &str, op: &str, value: &str) -> pb::Criterion {
    pb::Criterion {
        field: field.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn a_preview_works_with_the_installations_own_models() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let model = pb::AttributionModel {
        id: 11,
        display_name: "Late and not PPC".to_owned(),
        r#type: pb::AttributionModelType::Spread.into(),
        lookback_days: Some(100),
        first_weight: Some(1),
        channels: Some(pb::AttributionChannels {
            include: Vec::new(),
            exclude: vec!["PPC".to_owned()],
        }),
        criteria: vec![
            criterion("src", "re", "^source [1-6]"),
            criterion("src", "nei", "SOURCE 4"),
        ],
        ..Default::default()
    };
    let installation = pb::Installation {
        attribution_model_id: 11,
        attribution_models: vec![model],
        ..crate::harness::installation()
    };
    let request = pb::CreateInstallationRequest {
        installation: Some(installation),
    };
    let mut installations = client.installations();
    installations.create_installation(request).await.unwrap();
    let visits = [
        (200, "seo"),
        (60, "seo"),
        (10, "ppc"),
        (4, "email"),
        (1, "seo"),
    ];
    let visits = visits.map(|(days, channel)| visit(days, channel));
    record(&client, visits.to_vec()).await;

    // It is the default, and can be asked for.
    for attribution_model_id in [None, Some(11)] {
        let asked = pb::LeadToEnrich {
            attribution_model_id,
            ..lead()
        };
        let shown = preview(&client, asked).await.unwrap();
        assert_eq!(shown.attribution_model_id, 11);
        assert_eq!(shown.attribution_model_name, "Late and not PPC");
        let shares: Vec<_> = shown.journey.iter().map(|visit| visit.share).collect();
        assert_eq!(shares, [0, 250_000, 0, 0, 750_000]);
        let write = i32::from(pb::LeadFieldDecision::Write);
        assert_eq!(field(&shown, "src"), (write, "source 1".to_owned()));
    }
    let unknown = pb::LeadToEnrich {
        attribution_model_id: Some(12),
        ..lead()
    };
    let refused = preview(&client, unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("attribution_model_id"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_lead_is_not_lost_for_a_model_that_is_not_there() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let asking = |model, validate_only| pb::EnrichLeadsRequest {
        leads: vec![pb::LeadToEnrich {
            organization_id: "00D000000000062EAA".to_owned(),
            record_id: "00Q000000000001EAA".to_owned(),
            attribution_model_id: Some(model),
            ..lead()
        }],
        validate_only,
        ..Default::default()
    };
    let mut leads = client.leads();
    let foretold = leads.enrich_leads(asking(42, true)).await.unwrap();
    let foretold = foretold.into_inner().results.remove(0);
    assert_eq!(foretold.outcome(), pb::Outcome::Recorded);
    let recorded = leads.enrich_leads(asking(42, false)).await.unwrap();
    let recorded = recorded.into_inner().results.remove(0);
    assert_eq!(recorded.outcome(), pb::Outcome::Recorded);
    let get = pb::GetLeadEnrichmentRequest {
        lead_enrichment_id: recorded.lead_enrichment_id,
    };
    let job = leads.get_lead_enrichment(get.clone()).await.unwrap();
    let job = job.into_inner().lead_enrichment.unwrap();
    // Should somebody add the model, it is what was asked for.
    assert_eq!(job.attribution_model_id, Some(42));
    assert_eq!(job.warnings, foretold.warnings);
    assert_eq!(job.warnings.len(), 1);
    assert!(
        job.warnings[0].contains("no attribution model 42"),
        "{:?}",
        job.warnings
    );

    // A newer request that asks for a model that is there clears it.
    leads.enrich_leads(asking(4, false)).await.unwrap();
    let job = leads.get_lead_enrichment(get).await.unwrap();
    let job = job.into_inner().lead_enrichment.unwrap();
    assert_eq!(job.warnings, Vec::<String>::new());
}
