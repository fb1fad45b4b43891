//! Lead enrichments from the outbound message to the value in the Lead, against
//! a pretend org.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use prost_types::Timestamp;
use sfbridge_bench::shape;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

use crate::connection::Connection;
use crate::instance::Instance;
use crate::process::{End, Process, free_addresses};
use crate::table::Places;

const IGRP: i64 = 1_001;
const ORGANIZATION: &str = "00D000000000062EAA";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// Has so many Leads looked up and written to. Says how many that were in a
/// second, from the first message to the last write.
pub(super) async fn measure(places: &Places, leads: u32) -> anyhow::Result<f64> {
    let (org, _org) = start_org(places, leads).await?;
    let settings = [format!("--salesforce-extra-hosts={org}")];
    let folder = places.data.join("leads");
    let instance = Instance::start(&places.sfbridge, &folder, &settings)?;
    let channel = instance.channel().await?;
    set_up(&channel, org, leads).await?;

    let start = Instant::now();
    send(instance.gateway, leads).await?;
    let jobs = LeadEnrichmentServiceClient::new(channel);
    wait(jobs.clone()).await?;
    let time = start.elapsed();

    let written = count(jobs).await?;
    ensure!(
        written == leads,
        "{written} of {leads} Leads were written to"
    );
    Ok(f64::from(leads) / time.as_secs_f64())
}

/// Starts a pretend org with so many Leads.
async fn start_org(places: &Places, leads: u32) -> anyhow::Result<(SocketAddr, Process)> {
    let [address] = free_addresses()?;
    let data = places.data.join("org.toml");
    let mut toml = "[org]\ndaily_api_requests = 1000000\n".to_owned();
    for lead in 0..leads {
        let id = lead_id(lead);
        let _ = write!(
            toml,
            "[[leads]]\nId = \"{id}\"\nLastName = \"Example\"\nCompany = \"Example\"\n"
        );
    }
    fs::write(&data, toml)?;
    let arguments = [
        "simulate".to_owned(),
        format!("--listen={address}"),
        format!("--data={}", data.display()),
    ];
    let log = places.data.join("org.log");
    let folder = &places.data;
    let process = Process::start(&places.sfbridge, arguments, &[], folder, &log, End::Gently)?;
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).await.is_err() {
        ensure!(
            Instant::now() < deadline,
            "the pretend org does not start; see {}",
            log.display()
        );
        sleep(Duration::from_millis(20)).await;
    }
    Ok((address, process))
}

/// Sets up the installation, its log-in, and a visit of each Lead's visitor.
async fn set_up(channel: &Channel, org: SocketAddr, leads: u32) -> anyhow::Result<()> {
    let mut installations = InstallationServiceClient::new(channel.clone());
    let installation = pb::Installation {
        igrp: IGRP,
        organization_id: ORGANIZATION.to_owned(),
        ..pb::Installation::default()
    };
    let request = pb::CreateInstallationRequest {
        installation: Some(installation),
    };
    installations.create_installation(request).await?;
    let request = pb::SetSalesforceCredentialsRequest {
        igrp: IGRP,
        login_url: format!("http://{org}"),
        credentials: Some(Credentials::ClientCredentials(pb::ClientCredentials {
            client_id: "3MVG9pretended.sfbridge.simulator".to_owned(),
            client_secret: "pretended-secret".to_owned(),
        })),
    };
    let connected = installations.set_salesforce_credentials(request).await;
    connected.context("the pretend org could not be connected")?;

    let mut visits = VisitServiceClient::new(channel.clone());
    let all: Vec<_> = (0..leads).map(visit).collect();
    for some in all.chunks(1_000) {
        let request = pb::RecordVisitsRequest {
            visits: some.to_vec(),
            ..pb::RecordVisitsRequest::default()
        };
        visits.record_visits(request).await?;
    }
    Ok(())
}

fn visit(lead: u32) -> pb::Visit {
    pb::Visit {
        igrp: IGRP,
        visitor_id: shape::visitor(lead.into()).to_string(),
        visit_time: Some(Timestamp {
            seconds: 1_714_557_600,
            nanos: 0,
        }),
        channel_name: "PPC".to_owned(),
        channel_type: "ppc".to_owned(),
        source: "Google".to_owned(),
        campaign: format!("campaign {lead}"),
        ..pb::Visit::default()
    }
}

/// Sends a notification of each Lead, a hundred in a message, as Salesforce
/// does when many change at once.
async fn send(gateway: SocketAddr, leads: u32) -> anyhow::Result<()> {
    let mut connection = Connection::to(gateway);
    for first in (0..leads).step_by(100) {
        let body = message(first..(first + 100).min(leads));
        let request = format!(
            "POST /callback/v1/salesforce/leadEnrich?igrp={IGRP} HTTP/1.1\r\nHost: {gateway}\r\n\
             Content-Type: text/xml; charset=UTF-8\r\nSOAPAction: \"\"\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = connection.exchange(request.as_bytes()).await?;
        ensure!(
            answer.is_acknowledged,
            "Leads were refused: {}",
            answer.status
        );
    }
    Ok(())
}

fn message(leads: impl Iterator<Item = u32>) -> String {
    let mut body = format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
         <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
         <OrganizationId>{ORGANIZATION}</OrganizationId><ActionId>04k000000000001EAA</ActionId>"
    );
    for lead in leads {
        let (id, visitor) = (lead_id(lead), shape::visitor(lead.into()));
        let _ = write!(
            body,
            "<Notification><Id>04l{lead:012}EAA</Id><sObject xsi:type=\"sf:Lead\" \
             xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>{id}</sf:Id>\
             <sf:Infinity_VID__c>{visitor}</sf:Infinity_VID__c></sObject></Notification>"
        );
    }
    body.push_str("</notifications></soapenv:Body></soapenv:Envelope>");
    body
}

fn lead_id(number: u32) -> String {
    format!("00Q{number:012}EAA")
}

/// Waits until no job is left that has not ended.
async fn wait(mut jobs: LeadEnrichmentServiceClient<Channel>) -> anyhow::Result<()> {
    const OPEN: [State; 4] = [
        State::Pending,
        State::Pushing,
        State::WaitingForData,
        State::WaitingForConnection,
    ];

    let deadline = Instant::now() + PATIENCE;
    let mut state = 0;
    // One list is read after the other, so a job may pass from one that comes
    // into one that was: all must be empty in a row.
    let mut empty = 0;
    while empty < 2 * OPEN.len() {
        let request = pb::ListLeadEnrichmentsRequest {
            igrp: IGRP,
            page_size: 1,
            state: OPEN[state].into(),
            ..pb::ListLeadEnrichmentsRequest::default()
        };
        let page = jobs.list_lead_enrichments(request).await?.into_inner();
        if page.lead_enrichments.is_empty() {
            empty += 1;
            state = (state + 1) % OPEN.len();
            continue;
        }
        empty = 0;
        ensure!(
            Instant::now() < deadline,
            "Leads are {} still",
            OPEN[state].as_str_name()
        );
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// How many Leads were written to.
async fn count(mut jobs: LeadEnrichmentServiceClient<Channel>) -> anyhow::Result<u32> {
    let mut request = pb::ListLeadEnrichmentsRequest {
        igrp: IGRP,
        page_size: 1_000,
        state: State::Succeeded.into(),
        ..pb::ListLeadEnrichmentsRequest::default()
    };
    let mut records = std::collections::BTreeSet::new();
    loop {
        let page = jobs.list_lead_enrichments(request.clone()).await?;
        let page = page.into_inner();
        for job in page.lead_enrichments {
            ensure!(
                records.insert(job.record_id),
                "a Lead has more than one job"
            );
        }
        if page.next_page_token.is_empty() {
            return Ok(u32::try_from(records.len())?);
        }
        request.page_token = page.next_page_token;
    }
}
