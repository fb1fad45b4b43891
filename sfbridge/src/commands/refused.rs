//! `sfbridge refused`: messages that the gateway refused.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use soap_gateway::Endpoint;
use tonic::Status;

use super::listing::{Limit, Times, more, time};
use crate::client::{Page, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Looks at refused messages.
#[derive(Debug, Subcommand)]
pub(crate) enum Refused {
    /// List refused messages and why they were refused, the last refusal first
    List(List),
}

/// Which refused messages to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only what claimed to be from this Salesforce organisation
    #[arg(long)]
    organization_id: Option<String>,
    /// Only this reason, such as `INVALID_PARAMETER`
    #[arg(long, value_parser = |reason: &str| Ok::<_, String>(reason.to_ascii_uppercase()))]
    reason: Option<String>,
    /// Only this endpoint
    #[arg(long, value_parser = PossibleValuesParser::new(Endpoint::ALL.map(Endpoint::name)))]
    endpoint: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    limit: Limit,
}

type Client = QuarantineServiceClient<crate::client::Core>;

impl Refused {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let client = QuarantineServiceClient::new(connect(config).await?);
            match self {
                Self::List(list) => list.run(client, output).await,
            }
        })
    }
}

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListRefusedMessagesRequest {
            organization_id: self.organization_id.unwrap_or_default(),
            reason: self.reason.unwrap_or_default(),
            endpoint: self.endpoint.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            ..Default::default()
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListRefusedMessagesRequest {
                page_size,
                page_token,
                ..request.clone()
            };
            let answer = client.clone().list_refused_messages(request).await?;
            let answer = answer.into_inner();
            Ok::<_, Status>(Page {
                items: answer.refused_messages,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListRefusedMessagesResponse {
                refused_messages: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListRefusedMessagesResponse", &response)?);
        }
        let mut table = Table::new([
            "LAST",
            "COUNT",
            "STATUS",
            "REASON",
            "ENDPOINT",
            "ORGANIZATION",
            "AT",
            "REQUEST ID",
        ]);
        for refused in page.items {
            table.row([
                time(refused.last_receive_time),
                refused.count.to_string(),
                refused.status.to_string(),
                refused.reason.clone(),
                refused.endpoint.clone(),
                refused.organization_id.clone(),
                place(&refused),
                refused.request_id,
            ]);
        }
        output.table(&table, "There are no such refused messages.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

/// What of a request was at fault: a parameter, or a place in the body.
fn place(refused: &pb::RefusedMessage) -> String {
    if refused.line > 0 {
        format!("line {}, column {}", refused.line, refused.column)
    } else {
        refused.parameter.clone()
    }
}
