//! A core whose installation 7 is linked to a pretend org, with Leads that are
//! numbered from 0. Lead N belongs to visitor N.

use std::path::Path;
use std::time::Duration;

use core_service::{EnrichingConfig, SalesforceConfig};
use reqwest::Method;
use salesforce_client::ExtraHosts;
use salesforce_sim::{OrgDescription, SimConfig};
use serde_json::{Value as Json, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, Setup, TestCore, installation, until};

pub(crate) const ORGANIZATION: &str = "00D000000000062EAA";
pub(crate) const SECRET: &str = "pretended-secret";

/// A pretend org that runs until the test is over.
pub(crate) struct Org {
    pub(crate) host: String,
    http: reqwest::Client,
    _running: tokio_util::sync::DropGuard,
}

/// A core, a client of it, and the org that it writes into.
pub(crate) struct World {
    pub(crate) org: Org,
    pub(crate) core: TestCore,
    pub(crate) client: Client,
}

impl Org {
    /// An org with so many Leads, and what a data file says besides.
    pub(crate) async fn start(leads: usize, description: &str) -> Self {
        let mut org = OrgDescription::parse(Path::new("org.toml"), description).unwrap();
        org.leads = (0..leads).map(made).collect();
        let sim = salesforce_sim::bind(SimConfig {
            org,
            ..SimConfig::new(([127, 0, 0, 1], 0).into())
        });
        let sim = sim.await.unwrap();
        let host = sim.local_addr().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(sim.run(stop.clone()));
        Self {
            host,
            http: reqwest::Client::new(),
            _running: stop.drop_guard(),
        }
    }

    /// Tells the org by its control API.
    pub(crate) async fn order(&self, method: Method, path: &str, body: Json) -> Json {
        let url = format!("http://{}/__sim/{path}", self.host);
        let request = self.http.request(method, url);
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Json::Null)
    }

    pub(crate) async fn fail(&self, failure: Json) {
        self.order(Method::POST, "failures", failure).await;
    }

    pub(crate) async fn stop_failing(&self) {
        self.order(Method::DELETE, "failures", json!({})).await;
    }

    /// Forgets the calls that were made so far.
    pub(crate) async fn forget_calls(&self) {
        self.order(Method::DELETE, "calls", json!({})).await;
    }

    /// The calls of a method to paths that have this in them.
    pub(crate) async fn calls(&self, method: &str, path: &str) -> Vec<Json> {
        let calls = self.order(Method::GET, "calls", json!({})).await;
        let is_there =
            |call: &Json| call["method"] == method && call["path"].as_str().unwrap().contains(path);
        let Json::Array(calls) = calls else {
            panic!("{calls}");
        };
        calls.into_iter().filter(is_there).collect()
    }

    pub(crate) async fn updates(&self) -> usize {
        self.calls("PATCH", "/composite/sobjects").await.len()
    }

    pub(crate) async fn queries(&self) -> usize {
        self.calls("GET", "/query").await.len()
    }

    pub(crate) async fn log_ins(&self) -> usize {
        self.calls("POST", "/oauth2/token").await.len()
    }

    /// A field of a Lead.
    pub(crate) async fn field(&self, lead: usize, name: &str) -> Json {
        let path = format!("records/Lead/{}", record_id(lead));
        self.order(Method::GET, &path, json!({})).await[name].clone()
    }

    /// Credentials of installation 7 for this org.
    pub(crate) fn credentials(&self, secret: &str) -> pb::SetSalesforceCredentialsRequest {
        let credentials = pb::ClientCredentials {
            client_id: "3MVG9pretended.sfbridge.simulator".to_owned(),
            client_secret: secret.to_owned(),
        };
        pb::SetSalesforceCredentialsRequest {
            igrp: 7,
            login_url: format!("http://{}", self.host),
            credentials: Some(Credentials::ClientCredentials(credentials)),
        }
    }
}

impl World {
    /// So many Leads, and a connection that works.
    pub(crate) async fn with_leads(leads: usize) -> Self {
        Self::described(leads, "").await
    }

    /// Such a world with an org that a data file describes.
    pub(crate) async fn described(leads: usize, description: &str) -> Self {
        let world = Self::unconnected(leads, description).await;
        world.connect(SECRET).await;
        world.org.forget_calls().await;
        world
    }

    /// Nobody has said how to log in yet.
    pub(crate) async fn unconnected(leads: usize, description: &str) -> Self {
        let org = Org::start(leads, description).await;
        let setup = setup(&[&org]);
        Self::set_up(org, setup).await
    }

    /// A core that is set up otherwise.
    pub(crate) async fn set_up(org: Org, setup: Setup) -> Self {
        let core = setup.start().await.unwrap();
        let client = core.client().await;
        link(&client, 7, ORGANIZATION).await;
        Self { org, core, client }
    }

    /// Sets how to log in.
    pub(crate) async fn connect(&self, secret: &str) -> pb::SalesforceConnection {
        connect(&self.client, self.org.credentials(secret)).await
    }

    /// Has Leads enriched, by the visitors of the same numbers; the jobs' ids.
    pub(crate) async fn enrich(&self, leads: impl IntoIterator<Item = usize>) -> Vec<String> {
        enrich(&self.client, leads.into_iter().map(lead).collect()).await
    }

    pub(crate) async fn enrich_one(&self, lead: pb::LeadToEnrich) -> String {
        enrich(&self.client, vec![lead]).await.remove(0)
    }

    /// Records a visit of each of these visitors.
    pub(crate) async fn visit(&self, visitors: impl IntoIterator<Item = usize>) {
        record_visits(&self.client, visitors.into_iter().map(visit).collect()).await;
    }

    pub(crate) async fn get(&self, id: &str) -> pb::LeadEnrichment {
        get(&self.client, id).await
    }

    /// Waits until a job is in a state.
    pub(crate) async fn reaches(&self, id: &str, state: State) -> pb::LeadEnrichment {
        reaches(&self.client, id, state).await
    }

    pub(crate) async fn all_reach(&self, ids: &[String], state: State) {
        for id in ids {
            self.reaches(id, state).await;
        }
    }

    /// What is known of the connection.
    pub(crate) async fn connection(&self) -> pb::SalesforceConnection {
        let request = pb::GetInstallationRequest { igrp: 7 };
        let answer = self.client.installations().get_installation(request).await;
        let installation = answer.unwrap().into_inner().installation.unwrap();
        installation.salesforce_connection.unwrap()
    }
}

/// A core that takes these orgs for Salesforce, and does not wait long.
pub(crate) fn setup(orgs: &[&Org]) -> Setup {
    let hosts: Vec<&str> = orgs.iter().map(|org| org.host.as_str()).collect();
    let mut setup = Setup::new();
    setup.salesforce = SalesforceConfig {
        extra_hosts: ExtraHosts::parse(&hosts.join(",")).unwrap(),
        ..SalesforceConfig::default()
    };
    setup.enriching = EnrichingConfig {
        quota_pause: Duration::from_millis(50),
        connection_retry: Duration::from_millis(50),
        ..EnrichingConfig::default()
    };
    setup
}

/// Creates an installation that is linked to an organisation.
pub(crate) async fn link(client: &Client, igrp: i64, organization_id: &str) {
    let request = pb::CreateInstallationRequest {
        installation: Some(pb::Installation {
            igrp,
            organization_id: organization_id.to_owned(),
            ..installation()
        }),
    };
    let mut client = client.installations();
    client.create_installation(request).await.unwrap();
}

pub(crate) async fn connect(
    client: &Client,
    request: pb::SetSalesforceCredentialsRequest,
) -> pb::SalesforceConnection {
    let mut client = client.installations();
    let answer = client.set_salesforce_credentials(request).await.unwrap();
    answer.into_inner().salesforce_connection.unwrap()
}

pub(crate) async fn enrich(client: &Client, leads: Vec<pb::LeadToEnrich>) -> Vec<String> {
    let request = pb::EnrichLeadsRequest {
        leads,
        ..Default::default()
    };
    let answer = client.leads().enrich_leads(request).await.unwrap();
    let results = answer.into_inner().results.into_iter();
    results
        .map(|result| {
            assert_eq!(result.outcome(), pb::Outcome::Recorded, "{result:?}");
            result.lead_enrichment_id
        })
        .collect()
}

pub(crate) async fn record_visits(client: &Client, visits: Vec<pb::Visit>) {
    let request = pb::RecordVisitsRequest {
        visits,
        ..Default::default()
    };
    client.visits().record_visits(request).await.unwrap();
}

pub(crate) async fn get(client: &Client, id: &str) -> pb::LeadEnrichment {
    let request = pb::GetLeadEnrichmentRequest {
        lead_enrichment_id: id.to_owned(),
    };
    let answer = client.leads().get_lead_enrichment(request).await.unwrap();
    answer.into_inner().lead_enrichment.unwrap()
}

/// Waits until a job is in a state. One that comes to another end fails the
/// test.
pub(crate) async fn reaches(client: &Client, id: &str, state: State) -> pb::LeadEnrichment {
    let is_end = |state| {
        matches!(
            state,
            State::Succeeded | State::Unchanged | State::NoData | State::Failed | State::Parked
        )
    };
    let mut job = get(client, id).await;
    until(async || {
        job = get(client, id).await;
        assert!(job.state() == state || !is_end(job.state()), "{job:#?}");
        job.state() == state
    })
    .await;
    job
}

pub(crate) fn record_id(lead: usize) -> String {
    format!("00Q{lead:012}EAA")
}

fn visitor_id(number: usize) -> String {
    format!("3f2504e0-4f89-41d3-9a0c-{number:012}")
}

/// A Lead whose visitor has the same number.
pub(crate) fn lead(number: usize) -> pb::LeadToEnrich {
    pb::LeadToEnrich {
        igrp: 7,
        visitor_id: visitor_id(number),
        organization_id: ORGANIZATION.to_owned(),
        record_id: record_id(number),
        ..Default::default()
    }
}

/// Such a Lead with a mapping of its own.
pub(crate) fn mapped(number: usize, fields: &[(&str, &str)]) -> pb::LeadToEnrich {
    pb::LeadToEnrich {
        field_mapping: pairs(fields),
        ..lead(number)
    }
}

pub(crate) fn pairs(fields: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    fields.iter().map(own).collect()
}

/// A visit by a paid advertisement.
pub(crate) fn visit(visitor: usize) -> pb::Visit {
    pb::Visit {
        igrp: 7,
        visitor_id: visitor_id(visitor),
        visit_time: Some(prost_types::Timestamp {
            seconds: 1_714_557_600,
            nanos: 0,
        }),
        channel_name: "PPC".to_owned(),
        channel_type: "ppc".to_owned(),
        source: "google".to_owned(),
        campaign: format!("campaign {visitor}"),
        term: "boots".to_owned(),
        ..Default::default()
    }
}

fn made(number: usize) -> serde_json::Map<String, Json> {
    let lead = json!({
        "Id": record_id(number),
        "LastName": format!("Example {number}"),
        "Company": "Example & Sons",
    });
    lead.as_object().unwrap().clone()
}
