//! Two cores over one PostgreSQL database.

use std::time::Duration;

use serde_json::json;
use sfbridge_proto::v1::{Attempt, AttemptOutcome, LeadEnrichmentState as State};

use super::world::{Org, SECRET, World, enrich, get, lead, reaches, setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_cores_share_the_jobs_and_write_each_lead_once() {
    let org = Org::start(100, "").await;
    let one = setup(&[&org]).on_postgres();
    let other = one.beside();
    let world = World::set_up(org, one).await;
    let other = other.start().await.unwrap();
    world.connect(SECRET).await;
    world.visit(0..100).await;
    world.org.forget_calls().await;
    let mut ids = Vec::new();
    let second = other.client().await;
    for leads in (0..100).collect::<Vec<_>>().chunks(10) {
        let (some, others) = leads.split_at(5);
        ids.extend(world.enrich(some.iter().copied()).await);
        ids.extend(enrich(&second, others.iter().copied().map(lead).collect()).await);
    }
    for id in &ids {
        let job = world.reaches(id, State::Succeeded).await;
        assert_eq!(job.attempt_count, 1, "{job:#?}");
    }
    for lead in 0..100 {
        assert_eq!(world.org.field(lead, "Infinity_Channel__c").await, "PPC");
    }
    // The session that the credentials were tried with is everybody's.
    assert_eq!(world.org.log_ins().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_core_was_at_that_is_cut_is_taken_over_by_another() {
    let org = Org::start(20, "").await;
    let mut cut = setup(&[&org]).on_postgres();
    cut.drain = Duration::ZERO;
    cut.enriching.lease = Duration::from_secs(2);
    let other = cut.beside();
    let world = World::set_up(org, cut).await;
    world.connect(SECRET).await;
    world.visit(0..20).await;
    // Nobody answers until long after the core is gone.
    let silence = json!({ "on": "update", "delay_ms": 600_000 });
    world.org.fail(silence).await;
    let ids = world.enrich(0..20).await;
    world.all_reach(&ids, State::Pushing).await;
    let other = other.start().await.unwrap();
    let World { org, core, client } = world;
    drop(client);
    core.stop().await;
    let client = other.client().await;
    for (lead, id) in ids.iter().enumerate() {
        let job = reaches(&client, id, State::Succeeded).await;
        let outcomes: Vec<_> = job.attempts.iter().map(Attempt::outcome).collect();
        assert_eq!(outcomes[0], AttemptOutcome::Interrupted);
        assert_eq!(outcomes.last(), Some(&AttemptOutcome::Succeeded));
        assert_eq!(org.field(lead, "Infinity_Channel__c").await, "PPC");
    }
    // What has ended stays as it is.
    for id in &ids {
        assert_eq!(get(&client, id).await.state(), State::Succeeded);
    }
}
