//! Connections that do not work, and are mended.

use serde_json::json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::{
    AttemptOutcome, LeadEnrichmentState as State, SalesforceConnectionState as ConnectionState,
};

use super::world::{
    ORGANIZATION, Org, SECRET, World, connect, enrich, lead, link, reaches, record_visits, setup,
    visit,
};

#[tokio::test]
async fn without_credentials_jobs_wait_and_go_on_once_there_are_some() {
    let world = World::unconnected(2, "").await;
    world.visit(0..2).await;
    let ids = world.enrich(0..2).await;
    world.all_reach(&ids, State::WaitingForConnection).await;
    let job = world.get(&ids[0]).await;
    let why = &job.attempts[0].description;
    assert!(why.contains("no Salesforce credentials"), "{why}");
    assert_eq!(job.next_attempt_time, None);
    world.connect(SECRET).await;
    world.all_reach(&ids, State::Succeeded).await;
}

#[tokio::test]
async fn wrong_credentials_are_told_in_salesforces_words_and_mended() {
    let world = World::unconnected(1, "").await;
    world.visit([0]).await;
    world.connect("a-guess").await;
    let id = world.enrich([0]).await.remove(0);
    let job = world.reaches(&id, State::WaitingForConnection).await;
    let attempt = job.attempts.last().unwrap();
    assert_eq!(attempt.outcome(), AttemptOutcome::WaitedForConnection);
    assert!(
        attempt.description.contains("invalid client credentials"),
        "{attempt:?}"
    );
    assert!(!format!("{job:?}").contains("a-guess"));
    let connection = world.connection().await;
    assert_eq!(connection.state(), ConnectionState::Broken);
    world.connect(SECRET).await;
    world.reaches(&id, State::Succeeded).await;
}

#[tokio::test]
async fn a_log_in_that_is_refused_is_tried_again_once_for_all_jobs() {
    let world = World::with_leads(50).await;
    world.visit(0..50).await;
    // Nobody has approved the app any more, and the sessions end.
    let denied = json!({ "on": "token", "error": "invalid_app_access", "times": 0 });
    world.org.fail(denied).await;
    world
        .org
        .order(reqwest::Method::POST, "sessions/expire", json!({}))
        .await;
    let ids = world.enrich(0..50).await;
    world.all_reach(&ids, State::WaitingForConnection).await;
    assert_eq!(world.connection().await.state(), ConnectionState::Broken);
    crate::harness::until(async || world.org.log_ins().await >= 3).await;
    world.org.stop_failing().await;
    world.all_reach(&ids, State::Succeeded).await;
    assert_eq!(world.connection().await.state(), ConnectionState::Working);
    // The tries grow apart, and no job makes one of its own.
    assert!(
        world.org.log_ins().await < 15,
        "{}",
        world.org.log_ins().await
    );
    assert_eq!(world.get(&ids[0]).await.attempt_count, 2);
}

#[tokio::test]
async fn another_organisation_than_the_linked_one_is_never_written_to() {
    let org = Org::start(1, "").await;
    let core = setup(&[&org]).start().await.unwrap();
    let client = core.client().await;
    let linked = "00D000000000099EAA";
    link(&client, 7, linked).await;
    connect(&client, org.credentials(SECRET)).await;
    record_visits(&client, vec![visit(0)]).await;
    let asked = pb::LeadToEnrich {
        organization_id: linked.to_owned(),
        ..lead(0)
    };
    let id = enrich(&client, vec![asked]).await.remove(0);
    let job = reaches(&client, &id, State::WaitingForConnection).await;
    let why = &job.attempts.last().unwrap().description;
    assert!(why.contains(ORGANIZATION) && why.contains(linked), "{why}");
    assert_eq!(org.updates().await, 0);
}

#[tokio::test]
async fn installations_do_not_wait_for_one_another() {
    let (down, up) = (Org::start(1, "").await, Org::start(1, "").await);
    let core = setup(&[&down, &up]).start().await.unwrap();
    let client = core.client().await;
    for (igrp, org) in [(7, &down), (8, &up)] {
        link(&client, igrp, ORGANIZATION).await;
        let request = pb::SetSalesforceCredentialsRequest {
            igrp,
            ..org.credentials(SECRET)
        };
        connect(&client, request).await;
        record_visits(&client, vec![pb::Visit { igrp, ..visit(0) }]).await;
    }
    down.fail(json!({ "on": "any", "status": 503, "times": 0 }))
        .await;
    let both = [7, 8].map(|igrp| pb::LeadToEnrich { igrp, ..lead(0) });
    let ids = enrich(&client, both.into()).await;
    reaches(&client, &ids[1], State::Succeeded).await;
    assert_eq!(up.field(0, "Infinity_Channel__c").await, "PPC");
    down.stop_failing().await;
    reaches(&client, &ids[0], State::Succeeded).await;
}
