//! A core that ends while it writes.

use std::time::Duration;

use serde_json::json;
use sfbridge_proto::v1::{AttemptOutcome, LeadEnrichmentState as State};

use super::world::{Org, SECRET, World, get, reaches, setup};

#[tokio::test]
async fn a_core_that_is_cut_while_it_writes_loses_no_job() {
    let org = Org::start(2, "").await;
    let mut cut = setup(&[&org]);
    cut.drain = Duration::ZERO;
    cut.enriching.lease = Duration::from_secs(2);
    let world = World::set_up(org, cut).await;
    world.connect(SECRET).await;
    world.visit(0..2).await;
    // Nobody answers until long after the core is gone.
    let silence = json!({ "on": "update", "delay_ms": 600_000 });
    world.org.fail(silence).await;
    let ids = world.enrich(0..2).await;
    world.all_reach(&ids, State::Pushing).await;
    let World { org, core, client } = world;
    drop(client);
    let core = core.stop().await.start().await.unwrap();
    let client = core.client().await;
    for (lead, id) in ids.iter().enumerate() {
        let job = reaches(&client, id, State::Succeeded).await;
        assert_eq!(job.attempts[0].outcome(), AttemptOutcome::Interrupted);
        assert_eq!(org.field(lead, "Infinity_Channel__c").await, "PPC");
    }
}

#[tokio::test]
async fn a_core_that_is_told_to_end_comes_to_the_end_of_its_jobs() {
    let world = World::with_leads(1).await;
    world.visit([0]).await;
    world
        .org
        .fail(json!({ "on": "update", "delay_ms": 300 }))
        .await;
    let id = world.enrich([0]).await.remove(0);
    world.reaches(&id, State::Pushing).await;
    let World { core, client, .. } = world;
    drop(client);
    let core = core.stop().await.start().await.unwrap();
    let job = get(&core.client().await, &id).await;
    assert_eq!((job.state(), job.attempt_count), (State::Succeeded, 1));
}
