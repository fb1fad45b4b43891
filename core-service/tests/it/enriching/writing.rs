//! What is written, and by how many calls.

use serde_json::{Value as Json, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;

use super::world::{World, lead, mapped, pairs, record_visits, visit};

#[tokio::test]
async fn what_is_known_is_written_into_the_lead_and_shown() {
    let world = World::with_leads(1).await;
    let owner = world.org.field(0, "OwnerId").await;
    world.visit([0]).await;
    let id = world.enrich([0]).await.remove(0);
    let job = world.reaches(&id, State::Succeeded).await;
    for (field, value) in [
        ("Infinity_Channel__c", json!("PPC")),
        ("Infinity_Source__c", json!("google")),
        ("Infinity_Campaign__c", json!("campaign 0")),
        ("Infinity_First_Channel__c", json!("PPC")),
        ("Infinity_Visits__c", json!(1)),
        ("OwnerId", owner),
    ] {
        let held = world.org.field(0, field).await;
        let is_same = held == value || held.as_f64() == value.as_f64() && held.is_number();
        assert!(is_same, "{field}: {held}");
    }
    assert_eq!(job.written_fields["Infinity_Channel__c"], "PPC");
    assert_eq!(job.written_fields["Infinity_Visits__c"], "1");
    assert_eq!(job.attempt_count, 1);
    let attribution = job.attribution.unwrap();
    assert_eq!(
        (attribution.share_count, attribution.shares[0].share),
        (1, 1_000_000)
    );
    let updates = world.org.calls("PATCH", "").await;
    assert_eq!(updates.len(), 1);
    assert_eq!(
        updates[0]["path"],
        "/services/data/v66.0/composite/sobjects"
    );
    assert_eq!(updates[0]["headers"]["sforce-auto-assign"], "FALSE");
}

#[tokio::test]
async fn two_hundred_leads_are_read_by_one_call_and_written_by_another() {
    let world = World::with_leads(200).await;
    world.visit(0..200).await;
    let ids = world.enrich(0..200).await;
    world.all_reach(&ids, State::Succeeded).await;
    assert_eq!(
        world.org.field(199, "Infinity_Campaign__c").await,
        "campaign 199"
    );
    assert_eq!(
        (world.org.queries().await, world.org.updates().await),
        (1, 1)
    );
    // The session and the description are those of the credentials' first try.
    assert_eq!(world.org.log_ins().await, 0);
    assert!(world.org.calls("GET", "/describe").await.is_empty());
}

#[tokio::test]
async fn a_visit_that_comes_late_is_written_at_once() {
    let world = World::with_leads(1).await;
    let id = world.enrich([0]).await.remove(0);
    let job = world.reaches(&id, State::WaitingForData).await;
    assert!(job.next_attempt_time.is_some());
    assert_eq!(world.org.queries().await, 0);
    world.visit([0]).await;
    world.reaches(&id, State::Succeeded).await;
    assert_eq!(world.org.field(0, "Infinity_Channel__c").await, "PPC");
}

#[tokio::test]
async fn the_echo_of_our_own_update_changes_nothing() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    let id = world.enrich([0]).await.remove(0);
    world.reaches(&id, State::Succeeded).await;
    let id = world.enrich([0]).await.remove(0);
    world.reaches(&id, State::Unchanged).await;
    assert_eq!(world.org.updates().await, 1);
}

#[tokio::test]
async fn a_message_that_is_fresh_and_whole_is_not_read_again() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    let whole = pb::LeadToEnrich {
        known_values: pairs(&[("title", "Engineer")]),
        ..mapped_alone(&world).await
    };
    let id = world.enrich_one(whole).await;
    world.reaches(&id, State::Succeeded).await;
    assert_eq!(
        (world.org.queries().await, world.org.updates().await),
        (0, 1)
    );
    assert_eq!(world.org.field(0, "Title").await, "PPC");

    let echo = pb::LeadToEnrich {
        known_values: pairs(&[("Title", "PPC")]),
        ..lead(0)
    };
    let id = world.enrich_one(echo).await;
    world.reaches(&id, State::Unchanged).await;
    assert_eq!(
        (world.org.queries().await, world.org.updates().await),
        (0, 1)
    );
}

/// Has the installation write the channel into the title, and no more.
async fn mapped_alone(world: &World) -> pb::LeadToEnrich {
    let request = pb::UpdateInstallationRequest {
        installation: Some(pb::Installation {
            igrp: 7,
            lead_field_mapping: pairs(&[("chName", "Title")]),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["lead_field_mapping".to_owned()],
        }),
    };
    let mut client = world.client.installations();
    client.update_installation(request).await.unwrap();
    world.org.forget_calls().await;
    lead(0)
}

#[tokio::test]
async fn what_somebody_else_wrote_is_kept_where_only_empty_fields_are_filled() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    mapped_alone(&world).await;
    let path = format!("records/Lead/{}", super::world::record_id(0));
    let order = json!({ "Title": "Engineer" });
    world.org.order(reqwest::Method::PATCH, &path, order).await;
    let careful = pb::LeadToEnrich {
        overwrite_policy: pb::OverwritePolicy::Empty.into(),
        ..lead(0)
    };
    let id = world.enrich_one(careful).await;
    world.reaches(&id, State::Unchanged).await;
    assert_eq!(world.org.field(0, "Title").await, "Engineer");
    assert_eq!(world.org.updates().await, 0);
}

#[tokio::test]
async fn a_mapped_field_that_is_not_there_is_named() {
    let world = World::with_leads(2).await;
    world.visit([0, 1]).await;
    let id = world.enrich_one(mapped(0, &[("src", "Nowhere__c")])).await;
    let job = world.reaches(&id, State::Failed).await;
    let failure = job.failure.unwrap();
    assert!(failure.description.contains("Nowhere__c"), "{failure:?}");
    assert_eq!(world.org.updates().await, 0);
    let id = world.enrich([1]).await.remove(0);
    world.reaches(&id, State::Succeeded).await;
}

#[tokio::test]
async fn a_default_field_that_is_not_there_is_left_out() {
    let without = r#"without_lead_fields = ["Infinity_Path__c"]"#;
    let world = World::described(1, without).await;
    world.visit([0]).await;
    let id = world.enrich([0]).await.remove(0);
    let job = world.reaches(&id, State::Succeeded).await;
    assert!(!job.written_fields.contains_key("Infinity_Path__c"));
    let warnings = world.connection().await.warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Infinity_Path__c"), "{warnings:?}");
}

#[tokio::test]
async fn a_field_that_salesforce_refuses_is_left_out_and_the_others_are_written() {
    let region = r#"
        [[lead_fields]]
        name = "Region__c"
        type = "picklist"
        values = ["North", "South"]
        restricted = true
    "#;
    let world = World::described(2, region).await;
    world.visit([0, 1]).await;
    let leads = vec![mapped(0, &[("chName", "Region__c")]), lead(1)];
    let ids = super::world::enrich(&world.client, leads).await;
    world.all_reach(&ids, State::Succeeded).await;
    let job = world.get(&ids[0]).await;
    assert!(
        job.warnings
            .iter()
            .any(|warning| warning.contains("Region__c")),
        "{:?}",
        job.warnings
    );
    assert_eq!(job.attempt_count, 1);
    assert_eq!(world.org.field(0, "Region__c").await, Json::Null);
    assert_eq!(world.org.field(0, "Infinity_Source__c").await, "google");
    assert_eq!(world.org.updates().await, 2);
}

#[tokio::test]
async fn a_value_is_cut_to_the_length_of_its_field() {
    let world = World::with_leads(1).await;
    let long = pb::Visit {
        campaign: "é".repeat(300),
        ..visit(0)
    };
    record_visits(&world.client, vec![long]).await;
    let id = world.enrich_one(mapped(0, &[("campaign", "Title")])).await;
    let job = world.reaches(&id, State::Succeeded).await;
    assert_eq!(world.org.field(0, "Title").await, "é".repeat(128));
    assert!(
        job.warnings.iter().any(|warning| warning.contains("Title")),
        "{:?}",
        job.warnings
    );
}

#[tokio::test]
async fn a_model_that_selects_nothing_is_named() {
    let world = World::with_leads(1).await;
    let seo = pb::Visit {
        channel_type: "seo".to_owned(),
        ..visit(0)
    };
    record_visits(&world.client, vec![seo]).await;
    let asked = pb::LeadToEnrich {
        attribution_model_id: Some(9),
        ..lead(0)
    };
    let id = world.enrich_one(asked).await;
    let job = world.reaches(&id, State::NoData).await;
    let attempt = job.attempts.last().unwrap();
    assert!(attempt.description.contains("PPC Only"), "{attempt:?}");
}
