//! Replaying quarantined notifications.

mod done;
mod summary;

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::mapping_service_client::MappingServiceClient;
use tonic::Code;

use crate::client::{Core, Refused};
use crate::failure::Failure;
use crate::output::{Output, note};
use summary::Summary;

/// The most notifications that the core replays in one call.
const PAGE: usize = 100;

/// Which notifications to replay, and how.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct Replay {
    /// The quarantined notifications' ids
    #[arg(group = "which", conflicts_with = "filter")]
    ids: Vec<String>,
    /// All open ones of this reason, such as `MISSING_IGRP`
    #[arg(long, groups = ["which", "filter"], value_parser = super::reason)]
    reason: Option<pb::RejectionReason>,
    /// All open ones of this installation
    #[arg(long, groups = ["which", "filter"])]
    igrp: Option<i64>,
    /// All open ones of this Salesforce organisation
    #[arg(long, groups = ["which", "filter"])]
    organization_id: Option<String>,
    /// All open ones that came to this endpoint, `events` for instance
    #[arg(long, groups = ["which", "filter"])]
    endpoint: Option<String>,
    /// All open ones of this type of sObject
    #[arg(long, groups = ["which", "filter"])]
    object_type: Option<String>,
    /// All open ones that came with exactly these parameters, as `show` shows
    /// them
    #[arg(long, groups = ["which", "filter"], value_name = "QUERY")]
    came_with: Option<String>,
    /// All open ones
    #[arg(long, group = "which", conflicts_with_all = ["ids", "filter"])]
    all: bool,
    /// The parameters to map with, as `igrp=1001&vidField=Visitor__c`
    /// [default: those that each came with]
    #[arg(long)]
    query: Option<String>,
    /// Only show what would become of them
    #[arg(long)]
    dry_run: bool,
    /// Go on after the dry run without asking, where there is no id
    #[arg(long)]
    yes: bool,
}

impl Replay {
    pub(super) async fn run(self, core: Core, output: &mut Output<'_>) -> Result<(), Failure> {
        let client = MappingServiceClient::new(core);
        if self.ids.is_empty() {
            self.run_filtered(client, output).await
        } else {
            self.run_named(client, output).await
        }
    }

    /// Replays these, one line each.
    async fn run_named(&self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut rejected = 0;
        let mut documents = Vec::new();
        for ids in self.ids.chunks(PAGE) {
            let request = pb::ReplayQuarantinedNotificationsRequest {
                quarantined_notification_ids: ids.to_vec(),
                query: self.query.clone(),
                validate_only: self.dry_run,
                ..Default::default()
            };
            for result in self.replayed(&client, request).await?.results {
                rejected += usize::from(result.outcome() == pb::Outcome::Rejected);
                if output.is_json() {
                    documents.push(done::json(&result, self.dry_run)?);
                } else if self.dry_run {
                    done::preview(&result, output)?;
                } else {
                    done::print(&result, output)?;
                }
            }
        }
        if output.is_json() {
            output.json(&json!({ "results": documents }))?;
        }
        if self.dry_run {
            return Ok(());
        }
        still_there(rejected)
    }

    /// Replays what the filter matches: first for show, and then, if that is
    /// wanted, in earnest.
    async fn run_filtered(&self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        if output.is_json() && !self.dry_run && !self.yes {
            return Err(Failure::usage(
                "with --json nobody is asked; give --dry-run to look first, then --yes",
            ));
        }
        let tried = self.pages(&client, true, None, |_| Ok(())).await?;
        if !output.is_json() {
            tried.print("would be", output)?;
        }
        if self.dry_run || tried.is_empty() {
            if output.is_json() {
                output.json(&json!({ "dry_run": tried.json(), "results": [] }))?;
            }
            return Ok(());
        }
        if !self.yes {
            if !io::stdin().is_terminal() {
                return Err(Failure::failed(
                    "nothing was replayed; give --yes to replay them",
                ));
            }
            output.flush()?;
            if !is_confirmed(&tried)? {
                return Ok(output.line("Nothing was replayed.")?);
            }
        }
        let mut documents: Vec<Value> = Vec::new();
        let is_json = output.is_json();
        let replayed = self
            .pages(&client, false, Some(tried.count()), |result| {
                if is_json {
                    documents.push(done::json(result, false)?);
                }
                Ok(())
            })
            .await?;
        if is_json {
            output.json(&json!({
                "dry_run": tried.json(),
                "replayed": replayed.json(),
                "results": documents,
            }))?;
        } else {
            replayed.print("were", output)?;
        }
        still_there(replayed.rejected())
    }

    /// Goes through all pages of the filter, and says on the way how far it is.
    async fn pages(
        &self,
        client: &Client,
        validate_only: bool,
        expected: Option<usize>,
        mut see: impl FnMut(&pb::ReplayedNotification) -> Result<(), Failure>,
    ) -> Result<Summary, Failure> {
        let mut summary = Summary::default();
        let mut page_token = String::new();
        loop {
            let request = pb::ReplayQuarantinedNotificationsRequest {
                filter: Some(self.filter()),
                query: self.query.clone(),
                validate_only,
                page_size: i32::try_from(PAGE).unwrap_or(i32::MAX),
                page_token,
                ..Default::default()
            };
            let page = self.replayed(client, request).await?;
            for result in &page.results {
                see(result)?;
                summary.add(result);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(summary);
            }
            let count = summary.count();
            match expected {
                Some(expected) => note(format_args!("{count} of about {expected} replayed")),
                None => note(format_args!("{count} looked at")),
            }
        }
    }

    async fn replayed(
        &self,
        client: &Client,
        request: pb::ReplayQuarantinedNotificationsRequest,
    ) -> Result<pb::ReplayQuarantinedNotificationsResponse, Failure> {
        let mut client = client.clone();
        let answer = client.replay_quarantined_notifications(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| {
            let is_usage = status.code() == Code::InvalidArgument;
            let refused = anyhow::Error::new(Refused(status));
            if is_usage {
                Failure::Usage(match self.query {
                    Some(_) => refused.context("the replay, perhaps --query, is not valid"),
                    None => refused,
                })
            } else {
                Failure::Failed(refused)
            }
        })
    }

    fn filter(&self) -> pb::ReplayFilter {
        pb::ReplayFilter {
            igrp: self.igrp.unwrap_or_default(),
            organization_id: self.organization_id.clone().unwrap_or_default(),
            record_id: String::new(),
            reason: self.reason.unwrap_or_default().into(),
            endpoint: self.endpoint.clone().unwrap_or_default(),
            object_type: self.object_type.clone().unwrap_or_default(),
            query: self.came_with.clone(),
        }
    }
}

type Client = MappingServiceClient<Core>;

/// Asks at the terminal whether to go on.
fn is_confirmed(tried: &Summary) -> Result<bool, Failure> {
    note(format_args!(
        "Replay these {}? Type y for yes:",
        tried.count()
    ));
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("the answer can't be read; give --yes instead")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn still_there(rejected: usize) -> Result<(), Failure> {
    if rejected == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{rejected} rejected again and still in the quarantine; give other parameters with \
         --query, or mend the installation"
    )))
}
