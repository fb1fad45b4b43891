//! The story: visits, a form, a Lead, and what sfbridge makes of them.

mod waiting;

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use salesforce_sim::{Handle, ObjectType, OrgDescription};
use serde_json::{Map, Value as Json, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use sfbridge_values::{SalesforceId, Timestamp};
use tonic::transport::{Channel, Endpoint};

use super::{cast, tried};
use crate::client::Refused;
use crate::commands::listing::short;
use crate::failure::Failure;
use crate::output::{Output, OutputError, json_of, printable};
use waiting::Jobs;

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) gateway: SocketAddr,
    pub(super) core: SocketAddr,
    pub(super) simulator: SocketAddr,
}

/// What is needed to tell it.
pub(super) struct Story<'a> {
    place: Place,
    org: &'a OrgDescription,
    private_key: &'a str,
    sim: &'a Handle,
    core: Channel,
}

impl<'a> Story<'a> {
    pub(super) async fn new(
        place: Place,
        org: &'a OrgDescription,
        private_key: &'a str,
        sim: &'a Handle,
    ) -> Result<Self, Failure> {
        let core = Endpoint::from_shared(format!("http://{}", place.core))
            .context("the core's address is no URL")?
            .timeout(Duration::from_secs(30))
            .connect()
            .await
            .context("the demo's own core does not answer")?;
        Ok(Self {
            place,
            org,
            private_key,
            sim,
            core,
        })
    }

    /// Tells it from the beginning to the end.
    pub(super) async fn tell(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut told = Told(output);
        told.line("A web lead's way, with a pretend Salesforce org. Nothing in it is real.")?;
        self.connect(&mut told).await?;
        let ada = self.enrich_ada(&mut told).await?;
        let ben = self.enrich_ben(&mut told).await?;
        self.end(&mut told, [ada, ben])
    }

    async fn connect(&self, told: &mut Told<'_, '_>) -> Result<(), Failure> {
        let mut installations = InstallationServiceClient::new(self.core.clone());
        let request = pb::CreateInstallationRequest {
            installation: Some(cast::installation(&self.org.org.id)),
        };
        installations
            .create_installation(request)
            .await
            .map_err(Refused)?;
        let request = pb::SetSalesforceCredentialsRequest {
            igrp: cast::IGRP,
            login_url: format!("http://{}", self.place.simulator),
            credentials: Some(Credentials::JwtBearer(pb::JwtBearer {
                client_id: self.org.app.client_id.clone(),
                username: self.org.user.username.clone(),
                private_key_pem: self.private_key.to_owned(),
            })),
        };
        let answer = installations.set_salesforce_credentials(request).await;
        let connection = answer.map_err(Refused)?.into_inner().salesforce_connection;
        let connection = connection.unwrap_or_default();
        told.step(
            "Installation 1001 is linked to the org and logs in to it by OAuth (JWT bearer)",
        )?;
        told.detail(format_args!(
            "organisation {}, {}, API {}",
            connection.organization_id, connection.organization_name, connection.api_version
        ))?;
        Ok(())
    }

    async fn record(&self, visits: Vec<pb::Visit>) -> Result<(), Failure> {
        let request = pb::RecordVisitsRequest {
            visits,
            ..Default::default()
        };
        let mut client = VisitServiceClient::new(self.core.clone());
        client.record_visits(request).await.map_err(Refused)?;
        Ok(())
    }

    async fn enrich_ada(&self, told: &mut Told<'_, '_>) -> Result<pb::LeadEnrichment, Failure> {
        let visits = cast::journey_of_ada(now());
        told.step("The tracked site records the visits of one person")?;
        for visit in &visits {
            told.detail(format_args!(
                "{:<7} {:<11} {}",
                visit.channel_name, visit.source, visit.landing_page
            ))?;
        }
        self.record(visits).await?;

        let lead = self.create_lead("Ada", "Analytical Engines", cast::ADA)?;
        told.step("She fills in a form, and Salesforce makes a Lead of it")?;
        told.detail(format_args!(
            "Lead {lead} holds her visitor id; an outbound message goes to sfbridge"
        ))?;

        let jobs = Jobs::of(self.core.clone(), &lead);
        let job = jobs.first_ended().await?;
        told.step("sfbridge has acknowledged it, looked her up and written into the Lead")?;
        self.tell_of(told, &job, &lead)?;

        let echo = jobs.latest_of(2).await?;
        told.step("That write has fired the message once more, which finds nothing to change")?;
        if let Some(attempt) = echo.attempts.last() {
            let outcome = attempt.outcome().as_str_name();
            told.detail(format_args!(
                "attempt {} {}: no loop",
                attempt.number,
                short(outcome, "ATTEMPT_OUTCOME_")
            ))?;
        }
        Ok(job)
    }

    async fn enrich_ben(&self, told: &mut Told<'_, '_>) -> Result<pb::LeadEnrichment, Failure> {
        let lead = self.create_lead("Ben", "Difference Ltd", cast::BEN)?;
        let jobs = Jobs::of(self.core.clone(), &lead);
        let waiting = jobs.waits_for_data().await?;
        told.step("Another Lead comes before its visit is recorded")?;
        told.detail(format_args!(
            "job {} {}",
            waiting.lead_enrichment_id,
            state(&waiting)
        ))?;
        self.record(vec![cast::visit_of_ben(now())]).await?;
        let job = jobs.first_ended().await?;
        told.step("The visit arrives, and the job goes on at once")?;
        self.tell_of(told, &job, &lead)?;
        Ok(job)
    }

    fn create_lead(
        &self,
        first_name: &str,
        company: &str,
        visitor_id: &str,
    ) -> Result<SalesforceId, Failure> {
        let fields = cast::lead(first_name, company, visitor_id);
        let created = self.sim.create(ObjectType::Lead, &fields);
        Ok(created.context("the pretend org refuses the Lead")?)
    }

    /// Says what a job wrote, as the Lead has it now.
    fn tell_of(
        &self,
        told: &mut Told<'_, '_>,
        job: &pb::LeadEnrichment,
        lead: &SalesforceId,
    ) -> Result<(), Failure> {
        told.detail(format_args!(
            "job {} {}{}",
            job.lead_enrichment_id,
            state(job),
            taken(job)
        ))?;
        let record = self.sim.record(lead).unwrap_or_default();
        for (name, value) in filled(&record) {
            told.detail(format_args!("{name:<26} {}", printable(&value)))?;
        }
        Ok(())
    }

    fn end(&self, told: &mut Told<'_, '_>, jobs: [pb::LeadEnrichment; 2]) -> Result<(), Failure> {
        let Self { place, .. } = self;
        if told.0.is_json() {
            let jobs: Result<Vec<Json>, OutputError> = jobs
                .iter()
                .map(|job| json_of("LeadEnrichment", job))
                .collect();
            told.0.json(&json!({
                "gateway": place.gateway.to_string(),
                "core": place.core.to_string(),
                "simulator": place.simulator.to_string(),
                "lead_enrichments": jobs?,
            }))?;
            return Ok(told.0.flush()?);
        }
        told.line("")?;
        told.line("Everything still runs. Try, in another terminal:")?;
        for (what, line) in tried::lines(place) {
            told.line("")?;
            told.line(what)?;
            told.line(line)?;
        }
        told.line("")?;
        told.line("Ctrl-C ends it, and nothing of it stays.")?;
        Ok(())
    }
}

/// What is told, as it happens. Programs get the end alone.
struct Told<'a, 'b>(&'a mut Output<'b>);

impl Told<'_, '_> {
    fn line(&mut self, text: impl std::fmt::Display) -> Result<(), OutputError> {
        if self.0.is_json() {
            return Ok(());
        }
        self.0.line(text)?;
        self.0.flush()
    }

    fn step(&mut self, text: &str) -> Result<(), OutputError> {
        self.line(format_args!("\n> {text}."))
    }

    fn detail(&mut self, text: impl std::fmt::Display) -> Result<(), OutputError> {
        self.line(format_args!("    {text}"))
    }
}

fn state(job: &pb::LeadEnrichment) -> String {
    short(job.state().as_str_name(), "LEAD_ENRICHMENT_STATE_")
}

/// How long a job took from its receipt to the end of its last attempt.
fn taken(job: &pb::LeadEnrichment) -> String {
    let micros = |time: Option<prost_types::Timestamp>| {
        let time = time?;
        Some(
            Timestamp::from_parts(time.seconds, time.nanos)
                .ok()?
                .micros(),
        )
    };
    let end = job
        .attempts
        .last()
        .and_then(|attempt| micros(attempt.end_time));
    match (micros(job.receive_time), end) {
        (Some(start), Some(end)) => format!(" after {} ms", (end - start).max(0) / 1_000),
        _ => String::new(),
    }
}

/// The fields of sfbridge that are not empty, by name.
fn filled(record: &Map<String, Json>) -> impl Iterator<Item = (&str, String)> {
    record
        .iter()
        .filter(|(name, value)| name.starts_with("Infinity_") && !value.is_null())
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), value)
        })
}

/// The second of Unix time that it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the visits of the story are of these days"
)]
fn now() -> i64 {
    let now = prost_types::Timestamp::from(SystemTime::now());
    now.seconds
}
