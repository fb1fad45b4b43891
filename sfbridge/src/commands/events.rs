//! `sfbridge events`: what came of outbound messages.

mod stream;

use clap::{Args, Subcommand};
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::{self as pb, MatchStatus};
use tonic::Status;

use super::listing::{Limit, Times, money, more, short, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Looks at events.
#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// List the events of an installation, the newest first
    List(List),
    /// Print events as they are recorded, each once
    ///
    /// Goes on by itself when the connection breaks or the core restarts. With
    /// --json each line holds an event and the cursor after it: keep that
    /// together with what becomes of the event, and nothing is missed or
    /// repeated. --cursor-file keeps it here, once a second and at the end.
    Stream(stream::Stream),
    /// Show one event
    Show {
        /// The event's id
        event_id: String,
    },
}

/// Which events to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The installation
    #[arg(long)]
    igrp: i64,
    /// Only this action
    #[arg(long)]
    action: Option<String>,
    /// Only this visitor
    #[arg(long)]
    visitor_id: Option<String>,
    /// Only this call reference
    #[arg(long)]
    call_ref: Option<String>,
    /// Only this Salesforce record
    #[arg(long)]
    record_id: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    limit: Limit,
}

impl Events {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let client = async { Ok::<_, Failure>(Client::new(connect(config).await?)) };
            match self {
                Self::List(list) => list.run(client.await?, output).await,
                Self::Stream(stream) => stream.run(config, output).await,
                Self::Show { event_id } => show(client.await?, event_id, output).await,
            }
        })
    }
}

type Client = EventServiceClient<crate::client::Core>;

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListEventsRequest {
            igrp: self.igrp,
            action: self.action.unwrap_or_default(),
            visitor_id: self.visitor_id.unwrap_or_default(),
            call_ref: self.call_ref.unwrap_or_default(),
            record_id: self.record_id.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            page_size: 0,
            page_token: String::new(),
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListEventsRequest {
                page_size,
                page_token,
                ..request.clone()
            };
            let answer = client.clone().list_events(request).await?.into_inner();
            Ok::<_, Status>(Page {
                items: answer.events,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListEventsResponse {
                events: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListEventsResponse", &response)?);
        }
        let mut table = Table::new([
            "EVENT TIME",
            "ACTION",
            "TITLE",
            "TRANSACTION",
            "VISITOR",
            "CALL",
            "MATCH",
            "EVENT ID",
        ]);
        for event in page.items {
            table.row(row(event));
        }
        output.table(&table, "There are no such events.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

fn row(event: pb::Event) -> [String; 8] {
    let tie = event.r#match.clone().unwrap_or_default();
    let status = short(tie.status().as_str_name(), "MATCH_STATUS_");
    let status = if tie.status() == MatchStatus::Unspecified {
        String::new()
    } else {
        status
    };
    [
        time(event.event_time),
        event.action,
        event.title,
        money(&event.transaction_value, &event.currency),
        event.visitor_id,
        event.call_ref,
        if event.is_void {
            format!("{status} VOID").trim_start().to_owned()
        } else {
            status
        },
        event.event_id,
    ]
}

async fn show(
    mut client: Client,
    event_id: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let answer = client.get_event(pb::GetEventRequest { event_id }).await;
    let event = answer
        .map_err(Refused)?
        .into_inner()
        .event
        .unwrap_or_default();
    if output.is_json() {
        return Ok(output.message("Event", &event)?);
    }
    Ok(output.fields("Event", &event)?)
}
