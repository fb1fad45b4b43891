//! `sfbridge enrichments`: the jobs of writing marketing data into Leads.

mod preview;
mod show;
mod state;

use clap::{Args, Subcommand};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use tonic::Status;

use super::listing::{Limit, Times, more, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};
use preview::Preview;

/// Looks at lead enrichments, and decides about them.
#[derive(Debug, Subcommand)]
pub(crate) enum Enrichments {
    /// List the lead enrichments of an installation, the newest first
    List(List),
    /// Show one lead enrichment: what to do next, what was tried and written,
    /// and what it was attributed to
    Show {
        /// The lead enrichment's id
        lead_enrichment_id: String,
    },
    /// Have a lead enrichment tried now, also one that has ended or is parked
    Retry {
        /// The lead enrichment's id
        lead_enrichment_id: String,
    },
    /// End a lead enrichment; what is on its way to Salesforce may still arrive
    Cancel {
        /// The lead enrichment's id
        lead_enrichment_id: String,
    },
    /// Show what an enrichment would find and write, writing nothing
    Preview(Preview),
}

/// Which lead enrichments to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The installation
    #[arg(long)]
    igrp: i64,
    /// Only this state, such as `WAITING_FOR_DATA`
    #[arg(long, value_parser = state::parse)]
    state: Option<pb::LeadEnrichmentState>,
    /// Only this visitor
    #[arg(long)]
    visitor_id: Option<String>,
    /// Only this call reference
    #[arg(long)]
    call_ref: Option<String>,
    /// Only this Lead
    #[arg(long)]
    record_id: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    limit: Limit,
}

type Client = LeadEnrichmentServiceClient<crate::client::Core>;

impl Enrichments {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let client = LeadEnrichmentServiceClient::new(connect(config).await?);
            match self {
                Self::List(list) => list.run(client, output).await,
                Self::Show { lead_enrichment_id } => show(client, lead_enrichment_id, output).await,
                Self::Retry { lead_enrichment_id } => {
                    retry(client, lead_enrichment_id, output).await
                }
                Self::Cancel { lead_enrichment_id } => {
                    cancel(client, lead_enrichment_id, output).await
                }
                Self::Preview(preview) => preview.run(client, output).await,
            }
        })
    }
}

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListLeadEnrichmentsRequest {
            igrp: self.igrp,
            state: self.state.unwrap_or_default().into(),
            visitor_id: self.visitor_id.unwrap_or_default(),
            call_ref: self.call_ref.unwrap_or_default(),
            record_id: self.record_id.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            ..Default::default()
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListLeadEnrichmentsRequest {
                page_size,
                page_token,
                ..request.clone()
            };
            let answer = client.clone().list_lead_enrichments(request).await?;
            let answer = answer.into_inner();
            Ok::<_, Status>(Page {
                items: answer.lead_enrichments,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListLeadEnrichmentsResponse {
                lead_enrichments: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListLeadEnrichmentsResponse", &response)?);
        }
        let mut table = Table::new([
            "RECEIVED",
            "STATE",
            "LEAD",
            "VISITOR",
            "CALL",
            "REQUESTS",
            "ATTEMPTS",
            "NEXT ATTEMPT",
            "ENRICHMENT ID",
        ]);
        for job in page.items {
            table.row([
                time(job.receive_time),
                state::name(job.state()).to_owned(),
                job.record_id,
                job.visitor_id,
                job.call_ref,
                job.request_count.to_string(),
                job.attempt_count.to_string(),
                time(job.next_attempt_time),
                job.lead_enrichment_id,
            ]);
        }
        output.table(&table, "There are no such lead enrichments.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

async fn show(
    mut client: Client,
    lead_enrichment_id: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::GetLeadEnrichmentRequest { lead_enrichment_id };
    let answer = client.get_lead_enrichment(request).await.map_err(Refused)?;
    let job = answer.into_inner().lead_enrichment.unwrap_or_default();
    if output.is_json() {
        return Ok(output.message("LeadEnrichment", &job)?);
    }
    Ok(show::print(&job, output)?)
}

async fn retry(
    mut client: Client,
    lead_enrichment_id: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::RetryLeadEnrichmentRequest { lead_enrichment_id };
    let answer = client.retry_lead_enrichment(request).await;
    let job = answer.map_err(Refused)?.into_inner().lead_enrichment;
    tell(&job.unwrap_or_default(), output)
}

async fn cancel(
    mut client: Client,
    lead_enrichment_id: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::CancelLeadEnrichmentRequest { lead_enrichment_id };
    let answer = client.cancel_lead_enrichment(request).await;
    let job = answer.map_err(Refused)?.into_inner().lead_enrichment;
    tell(&job.unwrap_or_default(), output)
}

/// Says where a job stands now.
fn tell(job: &pb::LeadEnrichment, output: &mut Output<'_>) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.message("LeadEnrichment", job)?);
    }
    Ok(output.line(format_args!(
        "{} is {}. {}",
        job.lead_enrichment_id,
        state::name(job.state()),
        state::explain(job.state())
    ))?)
}
