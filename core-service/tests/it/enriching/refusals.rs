//! What Salesforce refuses, for now or for good.

use reqwest::Method;
use serde_json::json;
use sfbridge_proto::v1::{Attempt, AttemptOutcome, LeadEnrichmentState as State};

use super::world::{World, record_id};

#[tokio::test]
async fn a_locked_record_is_tried_again_and_the_others_do_not_wait() {
    let world = World::with_leads(3).await;
    world.visit(0..3).await;
    let lock = json!({
        "on": "update", "error": "UNABLE_TO_LOCK_ROW", "lead": record_id(1), "times": 2,
    });
    world.org.fail(lock).await;
    let ids = world.enrich(0..3).await;
    world.all_reach(&ids, State::Succeeded).await;
    let job = world.get(&ids[1]).await;
    let outcomes: Vec<_> = job.attempts.iter().map(Attempt::outcome).collect();
    let (refused, succeeded) = (AttemptOutcome::Refused, AttemptOutcome::Succeeded);
    assert_eq!(outcomes, [refused, refused, succeeded]);
    assert_eq!(job.attempts[0].code, "UNABLE_TO_LOCK_ROW");
    assert_eq!(world.get(&ids[0]).await.attempt_count, 1);
}

#[tokio::test]
async fn what_passes_costs_a_try_and_no_lead() {
    let world = World::with_leads(6).await;
    for (lead, failure) in [
        json!({ "on": "update", "status": 503, "retry_after": 1 }),
        json!({ "on": "query", "status": 502 }),
        json!({ "on": "update", "drop": "before" }),
        json!({ "on": "update", "drop": "after" }),
        json!({ "on": "query", "error": "SERVER_UNAVAILABLE" }),
    ]
    .into_iter()
    .enumerate()
    {
        world.visit([lead]).await;
        world.org.fail(failure.clone()).await;
        let id = world.enrich([lead]).await.remove(0);
        let job = world.reaches(&id, State::Succeeded).await;
        assert_eq!(
            world.org.field(lead, "Infinity_Channel__c").await,
            "PPC",
            "{failure}"
        );
        let first = &job.attempts[0];
        assert_eq!(first.outcome(), AttemptOutcome::Refused, "{failure}");
        // What a lost answer had written counts as written.
        assert_eq!(
            job.written_fields["Infinity_Channel__c"], "PPC",
            "{failure}"
        );
    }
}

#[tokio::test]
async fn a_session_that_is_over_costs_no_try() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    world
        .org
        .order(Method::POST, "sessions/expire", json!({}))
        .await;
    let id = world.enrich([0]).await.remove(0);
    let job = world.reaches(&id, State::Succeeded).await;
    assert_eq!(job.attempt_count, 1);
    assert_eq!(world.org.log_ins().await, 1);
}

#[tokio::test]
async fn deleted_and_converted_leads_fail_with_that_reason_at_once() {
    let world = World::with_leads(3).await;
    world.visit(0..3).await;
    let path = |lead| format!("records/Lead/{}", record_id(lead));
    world.org.order(Method::DELETE, &path(0), json!({})).await;
    let convert = format!("{}/convert", path(1));
    world.org.order(Method::POST, &convert, json!({})).await;
    let ids = world.enrich(0..3).await;
    for (id, word) in [(&ids[0], "deleted"), (&ids[1], "converted")] {
        let job = world.reaches(id, State::Failed).await;
        let failure = job.failure.unwrap();
        assert!(failure.description.contains(word), "{failure:?}");
        assert_eq!((job.attempt_count, job.next_attempt_time), (1, None));
    }
    world.reaches(&ids[2], State::Succeeded).await;
}

#[tokio::test]
async fn a_lead_that_is_deleted_between_reading_and_writing_fails_with_that_reason() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    world
        .org
        .fail(json!({ "on": "update", "error": "ENTITY_IS_DELETED" }))
        .await;
    let id = world.enrich([0]).await.remove(0);
    let failure = world.reaches(&id, State::Failed).await.failure.unwrap();
    assert_eq!(failure.code, "ENTITY_IS_DELETED");
    assert!(failure.description.contains("deleted"), "{failure:?}");
}

#[tokio::test]
async fn a_refusal_for_good_is_kept_in_salesforces_words() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    let rule = json!({ "on": "update", "error": "FIELD_CUSTOM_VALIDATION_EXCEPTION" });
    world.org.fail(rule).await;
    let id = world.enrich([0]).await.remove(0);
    let failure = world.reaches(&id, State::Failed).await.failure.unwrap();
    assert_eq!(failure.code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    let words = "The phone number must begin with a country code.";
    assert_eq!(failure.description, words);
}

#[tokio::test]
async fn a_code_that_nobody_knows_is_tried_three_times_and_kept_raw() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    world
        .org
        .fail(json!({ "on": "update", "error": "BRAND_NEW", "times": 0 }))
        .await;
    let id = world.enrich([0]).await.remove(0);
    let job = world.reaches(&id, State::Failed).await;
    assert_eq!(
        (job.attempt_count, job.failure.unwrap().code.as_str()),
        (3, "BRAND_NEW")
    );
}

#[tokio::test]
async fn an_organisation_without_calls_left_pauses_and_goes_on_by_itself() {
    for used in [100, 96] {
        let world = World::with_leads(2).await;
        world.visit(0..2).await;
        let quota = json!({ "limit": 100, "used": used });
        world.org.order(Method::PUT, "quota", quota).await;
        let ids = world.enrich(0..2).await;
        crate::harness::until(async || {
            let job = world.get(&ids[0]).await;
            let last = job.attempts.last();
            last.is_some_and(|last| last.outcome() == AttemptOutcome::Postponed)
        })
        .await;
        assert_eq!(world.org.field(0, "Infinity_Channel__c").await, json!(null));
        world
            .org
            .order(Method::PUT, "quota", json!({ "used": 0 }))
            .await;
        world.all_reach(&ids, State::Succeeded).await;
        let usage = world.connection().await.api_usage.unwrap();
        assert_eq!(usage.limit, 100);
    }
}
