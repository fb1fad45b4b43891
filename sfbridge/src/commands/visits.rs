//! `sfbridge visits`: how visitors arrived.

use std::num::NonZeroUsize;

use clap::{Args, Subcommand};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use tonic::Status;

use super::listing::{Limit, Times, more, time};
use crate::client::{Page, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Looks at visits.
#[derive(Debug, Subcommand)]
pub(crate) enum Visits {
    /// List the visits of an installation, the newest first
    List(List),
    /// Show how a visitor came, the oldest visit first
    Journey(Journey),
}

/// Which visits to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The installation
    #[arg(long)]
    igrp: i64,
    /// Only this visitor
    #[arg(long)]
    visitor_id: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    limit: Limit,
}

/// Whose journey to show.
#[derive(Debug, Args)]
pub(crate) struct Journey {
    /// The installation
    #[arg(long)]
    igrp: i64,
    /// The visitor
    #[arg(long, visible_alias = "visitor")]
    visitor_id: String,
    #[command(flatten)]
    times: Times,
    /// Show at most this many, the latest
    #[arg(long, value_name = "NUMBER", default_value = "10000")]
    limit: NonZeroUsize,
}

impl Visits {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::List(list) => block_on(list.run(config, output)),
            Self::Journey(journey) => block_on(journey.run(config, output)),
        }
    }
}

/// Reads visits, the newest first, until they end or so many are there.
async fn read(
    config: &Config,
    request: pb::ListVisitsRequest,
    limit: usize,
) -> Result<Page<pb::Visit>, Failure> {
    let client = VisitServiceClient::new(connect(config).await?);
    collect(limit, async |page_size, page_token| {
        let request = pb::ListVisitsRequest {
            page_size,
            page_token,
            ..request.clone()
        };
        let answer = client.clone().list_visits(request).await?.into_inner();
        Ok::<_, Status>(Page {
            items: answer.visits,
            next_page_token: answer.next_page_token,
        })
    })
    .await
}

impl List {
    async fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListVisitsRequest {
            igrp: self.igrp,
            visitor_id: self.visitor_id.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            page_size: 0,
            page_token: String::new(),
        };
        let page = read(config, request, self.limit.get()).await?;

        if output.is_json() {
            let response = pb::ListVisitsResponse {
                visits: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListVisitsResponse", &response)?);
        }
        let mut table = Table::new([
            "VISIT TIME",
            "VISITOR",
            "CHANNEL",
            "SOURCE",
            "CAMPAIGN",
            "LANDING PAGE",
            "VISIT ID",
        ]);
        for visit in page.items {
            table.row([
                time(visit.visit_time),
                visit.visitor_id,
                visit.channel_name,
                visit.source,
                visit.campaign,
                visit.landing_page,
                visit.visit_id,
            ]);
        }
        output.table(&table, "There are no such visits.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

impl Journey {
    async fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        if self.visitor_id.trim().is_empty() {
            return Err(Failure::usage("--visitor-id is empty; name the visitor"));
        }
        let request = pb::ListVisitsRequest {
            igrp: self.igrp,
            visitor_id: self.visitor_id,
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            page_size: 0,
            page_token: String::new(),
        };
        let mut page = read(config, request, self.limit.get()).await?;
        // The core lists the newest first.
        page.items.reverse();

        if output.is_json() {
            // A token would go on with the visits before these.
            let response = pb::ListVisitsResponse {
                visits: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListVisitsResponse", &response)?);
        }
        if !page.next_page_token.is_empty() {
            output.line("There are earlier ones; show them with a larger --limit.")?;
        }
        let mut table = Table::new([
            "VISIT TIME",
            "CHANNEL",
            "SOURCE",
            "CAMPAIGN",
            "LANDING PAGE",
        ]);
        for visit in page.items {
            table.row([
                time(visit.visit_time),
                visit.channel_name,
                visit.source,
                visit.campaign,
                visit.landing_page,
            ]);
        }
        Ok(output.table(&table, "There are no such visits.")?)
    }
}
