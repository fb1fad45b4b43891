//! `sfbridge visits`: how visitors arrived.

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

impl Visits {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self::List(list) = self;
        block_on(list.run(config, output))
    }
}

impl List {
    async fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let client = VisitServiceClient::new(connect(config).await?);
        let request = pb::ListVisitsRequest {
            igrp: self.igrp,
            visitor_id: self.visitor_id.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            page_size: 0,
            page_token: String::new(),
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
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
        .await?;

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
