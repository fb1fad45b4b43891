//! `sfbridge calls`: tracked phone calls.

use clap::{Args, Subcommand};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_service_client::CallServiceClient;
use tonic::Status;

use super::listing::{Limit, Times, more, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Looks at calls.
#[derive(Debug, Subcommand)]
pub(crate) enum Calls {
    /// List the calls of an installation, the newest start first
    List(List),
    /// Show one call
    Show {
        /// The installation
        #[arg(long)]
        igrp: i64,
        /// The call's reference
        call_ref: String,
    },
}

/// Which calls to list.
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

type Client = CallServiceClient<crate::client::Core>;

impl Calls {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let client = CallServiceClient::new(connect(config).await?);
            match self {
                Self::List(list) => list.run(client, output).await,
                Self::Show { igrp, call_ref } => show(client, igrp, call_ref, output).await,
            }
        })
    }
}

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListCallsRequest {
            igrp: self.igrp,
            visitor_id: self.visitor_id.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            page_size: 0,
            page_token: String::new(),
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListCallsRequest {
                page_size,
                page_token,
                ..request.clone()
            };
            let answer = client.clone().list_calls(request).await?.into_inner();
            Ok::<_, Status>(Page {
                items: answer.calls,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListCallsResponse {
                calls: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListCallsResponse", &response)?);
        }
        let mut table = Table::new(["START TIME", "CALL", "VISITOR", "FROM", "TO", "STATE"]);
        for call in page.items {
            table.row([
                time(call.start_time),
                call.call_ref,
                call.visitor_id,
                call.source_phone_number,
                call.dialled_phone_number,
                call.state,
            ]);
        }
        output.table(&table, "There are no such calls.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

async fn show(
    mut client: Client,
    igrp: i64,
    call_ref: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let answer = client.get_call(pb::GetCallRequest { igrp, call_ref }).await;
    let call = answer
        .map_err(Refused)?
        .into_inner()
        .call
        .unwrap_or_default();
    if output.is_json() {
        return Ok(output.message("Call", &call)?);
    }
    Ok(output.fields("Call", &call)?)
}
