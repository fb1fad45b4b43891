//! `sfbridge quarantine`: what could not be understood.

mod replay;

use clap::{Args, Subcommand};
use serde_json::json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use sfbridge_values::nearest;
use tonic::Status;

use super::listing::{Limit, more, short, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};
use replay::Replay;

/// Looks at the quarantine and empties it.
#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// List quarantined notifications, the newest first
    List(List),
    /// Show one quarantined notification with its fields
    Show {
        /// The quarantined notification's id
        id: String,
    },
    /// Map notifications again, with other parameters, and record what comes
    /// of them
    Replay(Replay),
    /// Set notifications aside; they stay readable
    Discard {
        /// The quarantined notifications' ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Which quarantined notifications to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this installation
    #[arg(long)]
    igrp: Option<i64>,
    /// Only this Salesforce organisation
    #[arg(long)]
    organization_id: Option<String>,
    /// Only this notification
    #[arg(long)]
    notification_id: Option<String>,
    /// Only this Salesforce record
    #[arg(long)]
    record_id: Option<String>,
    /// Only this reason, such as `MISSING_IGRP`
    #[arg(long, value_parser = reason)]
    reason: Option<pb::RejectionReason>,
    /// Only those that came to this endpoint, `events` for instance
    #[arg(long)]
    endpoint: Option<String>,
    /// Only this type of sObject
    #[arg(long)]
    object_type: Option<String>,
    /// Also those that are resolved
    #[arg(long)]
    show_resolved: bool,
    #[command(flatten)]
    limit: Limit,
}

type Client = QuarantineServiceClient<crate::client::Core>;

impl Quarantine {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let core = connect(config).await?;
            let client = QuarantineServiceClient::new(core.clone());
            match self {
                Self::List(list) => list.run(client, output).await,
                Self::Show { id } => show(client, id, output).await,
                Self::Replay(replay) => replay.run(core, output).await,
                Self::Discard { ids } => discard(client, ids, output).await,
            }
        })
    }
}

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListQuarantinedNotificationsRequest {
            igrp: self.igrp.unwrap_or_default(),
            page_size: 0,
            page_token: String::new(),
            organization_id: self.organization_id.unwrap_or_default(),
            notification_id: self.notification_id.unwrap_or_default(),
            record_id: self.record_id.unwrap_or_default(),
            reason: self.reason.unwrap_or_default().into(),
            show_resolved: self.show_resolved,
            endpoint: self.endpoint.unwrap_or_default(),
            object_type: self.object_type.unwrap_or_default(),
            query: None,
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListQuarantinedNotificationsRequest {
                page_size,
                page_token,
                ..request.clone()
            };
            let mut client = client.clone();
            let answer = client.list_quarantined_notifications(request).await?;
            let answer = answer.into_inner();
            Ok::<_, Status>(Page {
                items: answer.quarantined_notifications,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListQuarantinedNotificationsResponse {
                quarantined_notifications: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListQuarantinedNotificationsResponse", &response)?);
        }
        let mut table = Table::new([
            "RECEIVED", "IGRP", "REASON", "ENDPOINT", "OBJECT", "RECORD", "STATE", "ID",
        ]);
        for held in page.items {
            table.row([
                time(held.receive_time),
                if held.igrp == 0 {
                    String::new()
                } else {
                    held.igrp.to_string()
                },
                short(held.reason().as_str_name(), "REJECTION_REASON_"),
                held.endpoint.clone(),
                held.object_type.clone(),
                held.record_id.clone(),
                short(held.state().as_str_name(), "QUARANTINE_STATE_"),
                held.quarantined_notification_id,
            ]);
        }
        output.table(&table, "There are no such quarantined notifications.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

async fn show(client: Client, id: String, output: &mut Output<'_>) -> Result<(), Failure> {
    let held = get(client, id).await?;
    if output.is_json() {
        return Ok(output.message("QuarantinedNotification", &held)?);
    }
    Ok(output.fields("QuarantinedNotification", &held)?)
}

async fn discard(
    mut client: Client,
    ids: Vec<String>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::ResolveQuarantinedNotificationsRequest {
        quarantined_notification_ids: ids,
        state: pb::QuarantineState::Discarded.into(),
    };
    let answer = client.resolve_quarantined_notifications(request).await;
    let count = answer.map_err(Refused)?.into_inner().resolved_count;
    if output.is_json() {
        return Ok(output.json(&json!({ "resolved_count": count }))?);
    }
    Ok(output.line(format_args!("Discarded {count}."))?)
}

async fn get(
    mut client: Client,
    quarantined_notification_id: String,
) -> Result<pb::QuarantinedNotification, Failure> {
    let request = pb::GetQuarantinedNotificationRequest {
        quarantined_notification_id,
    };
    let answer = client.get_quarantined_notification(request).await;
    let held = answer
        .map_err(Refused)?
        .into_inner()
        .quarantined_notification;
    Ok(held.unwrap_or_default())
}

/// A reason by its name, with or without the contract's prefix.
fn reason(text: &str) -> Result<pb::RejectionReason, String> {
    const PREFIX: &str = "REJECTION_REASON_";
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    let known = (1..)
        .map_while(|number| pb::RejectionReason::try_from(number).ok())
        .collect::<Vec<_>>();
    let names = known
        .iter()
        .map(|reason| reason.as_str_name().trim_start_matches(PREFIX));
    if let Some(reason) = pb::RejectionReason::from_str_name(&format!("{PREFIX}{name}"))
        && reason != pb::RejectionReason::Unspecified
    {
        return Ok(reason);
    }
    Err(match nearest(name, names) {
        Some(near) => format!("this is no reason; did you mean {near}?"),
        None => "this is no reason; `sfbridge quarantine list` shows reasons".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_known_by_its_name_with_or_without_prefix() {
        assert_eq!(reason("MISSING_IGRP"), Ok(pb::RejectionReason::MissingIgrp));
        assert_eq!(reason("missing_igrp"), Ok(pb::RejectionReason::MissingIgrp));
        assert_eq!(
            reason("REJECTION_REASON_RECORD_GONE"),
            Ok(pb::RejectionReason::RecordGone)
        );
        assert!(reason("MISING_IGRP").unwrap_err().contains("MISSING_IGRP"));
        assert!(reason("UNSPECIFIED").is_err());
    }
}
