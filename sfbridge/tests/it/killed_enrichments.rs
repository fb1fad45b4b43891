//! No lead enrichment is lost, and none writes twice what differs, however
//! often the process is killed. The seed is printed; with `DURABILITY_SEED` it
//! can be given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use sfbridge_values::SalesforceId;
use tokio::time::sleep;
use tonic::transport::{Channel, Endpoint};

use crate::harness::{CoreCaller, PretendOrg, Request, Role, Server, Start, until};

const IGRP: i64 = 1001;
const LEADS: usize = 60;
const KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lead_is_enriched_once_in_effect_however_often_the_process_is_killed() {
    let seed = std::env::var("DURABILITY_SEED")
        .map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("DURABILITY_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let org = PretendOrg::start(&leads()).await;
    // Every write takes a while, so that kills come in the middle of them.
    let slow = json!({"on": "update", "delay_ms": 60, "times": 0});
    let ordered = reqwest::Client::new()
        .post(format!("{}/__sim/failures", org.url()))
        .body(slow.to_string());
    assert!(ordered.send().await.unwrap().status().is_success());

    let mut up = Start::new(Role::Up)
        .on_lasting_ports()
        .variable("SFBRIDGE_SALESFORCE_EXTRA_HOSTS", org.host())
        .start()
        .await;
    let core = CoreCaller::of(up.core_address());
    connect(&up, &org).await;
    let mut asked = 0;
    for kill in 1..=KILLS {
        let some = LEADS * kill / KILLS;
        enrich(&up, asked..some).await;
        asked = some;
        let wanted = random.random_range(0..3);
        until(async || {
            let jobs = core.lead_enrichments(IGRP).await;
            let of = |state| jobs.iter().filter(|job| job.state() == state).count();
            (of(State::Pushing) > 0 || of(State::Succeeded) >= some - wanted).then_some(())
        })
        .await;
        // Anywhere in what comes next.
        sleep(Duration::from_micros(random.random_range(0..90_000))).await;
        up.kill().await;
        up.restart().await;
    }

    let jobs = until(async || {
        let jobs = core.lead_enrichments(IGRP).await;
        let is_done = jobs.iter().all(|job| job.state() == State::Succeeded);
        is_done.then_some(jobs)
    })
    .await;
    assert_eq!(jobs.len(), LEADS);
    let interrupted = |job: &&pb::LeadEnrichment| {
        let mut outcomes = job.attempts.iter().map(pb::Attempt::outcome);
        outcomes.any(|outcome| outcome == pb::AttemptOutcome::Interrupted)
    };
    println!(
        "{} were interrupted",
        jobs.iter().filter(interrupted).count()
    );
    for job in &jobs {
        assert_eq!(job.written_fields["Infinity_Channel__c"], "PPC", "{job:?}");
    }
    for lead in asked_of(&org, "/__sim/records/Lead")
        .await
        .as_array()
        .unwrap()
    {
        assert_eq!(lead["Infinity_Channel__c"], "PPC", "{lead}");
    }
    check_writes(&asked_of(&org, "/__sim/calls").await);
}

/// Whatever was written into a field was always the same.
fn check_writes(calls: &Value) {
    let mut written: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let updates = calls.as_array().unwrap().iter();
    for update in updates.filter(|call| call["method"] == "PATCH") {
        assert_eq!(update["headers"]["sforce-auto-assign"], "FALSE");
        let body: Value = serde_json::from_str(update["body"].as_str().unwrap()).unwrap();
        for record in body["records"].as_array().unwrap() {
            let id = record["id"].as_str().unwrap();
            for (field, value) in record.as_object().unwrap() {
                let key = (id.to_owned(), field.clone());
                written.entry(key).or_default().insert(value.to_string());
            }
        }
    }
    assert!(written.len() >= LEADS);
    for (field, values) in written {
        assert_eq!(values.len(), 1, "{field:?}: {values:?}");
    }
}

async fn asked_of(org: &PretendOrg, path: &str) -> Value {
    let host = org.host().parse().unwrap();
    let answer = Request::get(path).try_send(host).await.unwrap();
    serde_json::from_str(&answer.body).unwrap()
}

fn lead_id(number: usize) -> String {
    let short = format!("00Q0000000{number:05}");
    SalesforceId::parse(&short)
        .unwrap()
        .to_long()
        .as_str()
        .to_owned()
}

fn visitor_id(number: usize) -> String {
    format!("3f2504e0-4f89-41d3-9a0c-{number:012}")
}

fn leads() -> String {
    let lead = |number| {
        let id = lead_id(number);
        format!("[[leads]]\nId = \"{id}\"\nLastName = \"Example\"\nCompany = \"Example\"\n")
    };
    (0..LEADS).map(lead).collect()
}

fn channel(up: &Server) -> Channel {
    let address = format!("http://{}", up.core_address());
    Endpoint::from_shared(address).unwrap().connect_lazy()
}

async fn connect(up: &Server, org: &PretendOrg) {
    let installation = pb::Installation {
        igrp: IGRP,
        organization_id: "00D000000000062EAA".to_owned(),
        ..Default::default()
    };
    CoreCaller::of(up.core_address())
        .create_installation(installation)
        .await;
    let request = pb::SetSalesforceCredentialsRequest {
        igrp: IGRP,
        login_url: org.url(),
        credentials: Some(Credentials::ClientCredentials(pb::ClientCredentials {
            client_id: "3MVG9pretended.sfbridge.simulator".to_owned(),
            client_secret: "pretended-secret".to_owned(),
        })),
    };
    let mut client = InstallationServiceClient::new(channel(up));
    client.set_salesforce_credentials(request).await.unwrap();
    let visit = |number| pb::Visit {
        igrp: IGRP,
        visitor_id: visitor_id(number),
        visit_time: Some(prost_types::Timestamp::default()),
        channel_name: "PPC".to_owned(),
        channel_type: "ppc".to_owned(),
        source: format!("source {number}"),
        ..Default::default()
    };
    let request = pb::RecordVisitsRequest {
        visits: (0..LEADS).map(visit).collect(),
        ..Default::default()
    };
    let mut client = VisitServiceClient::new(channel(up));
    client.record_visits(request).await.unwrap();
}

async fn enrich(up: &Server, numbers: std::ops::Range<usize>) {
    let lead = |number| pb::LeadToEnrich {
        igrp: IGRP,
        visitor_id: visitor_id(number),
        organization_id: "00D000000000062EAA".to_owned(),
        record_id: lead_id(number),
        ..Default::default()
    };
    let request = pb::EnrichLeadsRequest {
        leads: numbers.map(lead).collect(),
        ..Default::default()
    };
    let mut client = LeadEnrichmentServiceClient::new(channel(up));
    let answer = client.enrich_leads(request).await.unwrap().into_inner();
    for result in answer.results {
        assert_eq!(result.outcome(), pb::Outcome::Recorded);
    }
}
