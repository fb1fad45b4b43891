//! Replaying quarantined notifications.

mod done;
mod preview;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use sfbridge_values::OrganizationId;
use soap_gateway::Endpoint;
use soap_gateway::mapping::{self, CoreRequest};
use soap_gateway::parameters::Parameters;
use soap_gateway::soap::{Content, Notification, OutboundMessage, SObject};

use crate::client::Core;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;
use done::Done;

/// Which notifications to replay, and how.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The quarantined notifications' ids
    #[arg(required = true)]
    ids: Vec<String>,
    /// The parameters to map with, as `igrp=1001&vidField=Visitor__c`
    /// [default: those that it came with]
    #[arg(long)]
    query: Option<String>,
    /// Only show what would be sent to the core
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    pub(super) async fn run(
        self,
        core: Core,
        config: &Config,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let mut rejected = 0;
        let mut results = Vec::new();
        for id in self.ids {
            let client = QuarantineServiceClient::new(core.clone());
            let held = super::get(client, id.clone()).await?;
            let request = mapped(held, self.query.as_deref(), config)?;
            if self.dry_run {
                if output.is_json() {
                    results.push(preview::json(&id, &request)?);
                } else {
                    preview::print(&id, &request, output)?;
                }
                continue;
            }
            let done = Done::of(core.clone(), request).await?;
            rejected += usize::from(done.outcome == pb::Outcome::Rejected);
            if output.is_json() {
                results.push(done.json(&id)?);
            } else {
                done.print(&id, output)?;
            }
        }
        if output.is_json() {
            output.json(&json!({ "results": results }))?;
        }
        if rejected == 0 {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "{rejected} rejected again and still in the quarantine; give other parameters with \
             --query, or mend the installation"
        )))
    }
}

/// Maps a kept notification with other parameters.
fn mapped(
    held: pb::QuarantinedNotification,
    query: Option<&str>,
    config: &Config,
) -> Result<CoreRequest, Failure> {
    let id = held.quarantined_notification_id.clone();
    let endpoint = Endpoint::named(&held.endpoint)
        .with_context(|| format!("{id} came by an endpoint that this release does not know"))?;
    let parameters =
        Parameters::parse(endpoint, query.unwrap_or(&held.query)).map_err(|error| {
            let error = anyhow::Error::new(error);
            match query {
            Some(_) => Failure::Usage(error.context("--query is not valid")),
            None => Failure::Failed(error.context(format!(
                "{id} came with parameters that are not valid any more; give others with --query"
            ))),
        }
        })?;
    let message = message(held).with_context(|| format!("{id} can't be replayed"))?;
    let mut request = mapping::map(message, &parameters, &config.gateway.default_fields);
    for notification in notifications(&mut request) {
        notification.replay_of.clone_from(&id);
    }
    Ok(request)
}

/// The message of one notification that it came in.
fn message(held: pb::QuarantinedNotification) -> anyhow::Result<OutboundMessage> {
    let is_gone = held.reason() == pb::RejectionReason::RecordGone;
    let content = if is_gone {
        Content::Gone {
            object_type: held.object_type,
        }
    } else {
        Content::Record(SObject {
            object_type: held.object_type,
            fields: held.fields.into_iter().collect(),
        })
    };
    Ok(OutboundMessage {
        organization_id: OrganizationId::parse(&held.organization_id)
            .context("its organisation id is not valid")?,
        action_id: held.action_id,
        notifications: vec![Notification {
            id: held.notification_id,
            content,
            warnings: Vec::new(),
        }],
        warnings: Vec::new(),
    })
}

fn notifications(request: &mut CoreRequest) -> &mut [pb::Notification] {
    match request {
        CoreRequest::Events(paired) => &mut paired.notifications,
        CoreRequest::Ratings(paired) => &mut paired.notifications,
        CoreRequest::Leads(paired) => &mut paired.notifications,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Role};

    fn held() -> pb::QuarantinedNotification {
        pb::QuarantinedNotification {
            quarantined_notification_id: "q1".to_owned(),
            reason: pb::RejectionReason::MissingIgrp.into(),
            endpoint: "events".to_owned(),
            query: "txvField=Amount".to_owned(),
            organization_id: "00D000000000062EAA".to_owned(),
            notification_id: "04l000000000001EAA".to_owned(),
            object_type: "Opportunity".to_owned(),
            fields: [("Id", "006000000000001EAA"), ("Amount", "12.5")]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
            ..Default::default()
        }
    }

    fn events(query: Option<&str>) -> mapping::Paired<pb::Event> {
        let layers = Layers::read(None, [], []).unwrap();
        let config = Config::new(layers, Role::Up).unwrap();
        match mapped(held(), query, &config).unwrap() {
            CoreRequest::Events(paired) => paired,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_replay_maps_again_and_says_what_it_is_a_replay_of() {
        let paired = events(Some("igrp=1001&txvField=Amount"));
        assert_eq!(paired.items[0].igrp, 1001);
        assert_eq!(paired.items[0].transaction_value, "12.5");
        assert_eq!(paired.notifications[0].replay_of, "q1");
        assert_eq!(paired.notifications[0].rejection, None);
    }

    #[test]
    fn without_a_query_the_old_one_counts() {
        let paired = events(None);
        assert_eq!(paired.notifications[0].query, "txvField=Amount");
        let rejection = paired.notifications[0].rejection.clone().unwrap();
        assert_eq!(rejection.reason(), pb::RejectionReason::MissingIgrp);
    }
}
