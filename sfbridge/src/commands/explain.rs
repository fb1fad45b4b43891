//! `sfbridge explain`: what a message would become, without sending it.

mod asked;
mod shown;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use soap_gateway::{EndpointUrl, encoding};

use super::message_file;
use crate::client::block_on;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, printable};
use asked::Explained;

/// Says what each notification would become.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The outbound message; `-` is standard input
    file: PathBuf,
    /// The endpoint URL that it would be posted to; path and query are enough
    #[arg(long)]
    url: String,
    /// Do not ask a core what it knows
    #[arg(long)]
    offline: bool,
}

impl Explain {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let url = EndpointUrl::parse(&self.url).map_err(anyhow::Error::new)?;
        let body = message_file::read(&self.file)?;
        let is_compressed = encoding::is_gzip(&body);
        let explained = if self.offline {
            asked::alone(config, &url, &body, "--offline says so".to_owned())?
        } else {
            block_on(asked::explained(config, &url, body))?
        };
        if output.is_json() {
            return Ok(output.json(&document(&explained)?)?);
        }
        if is_compressed {
            output.line("The file is compressed: this is for `Content-Encoding: gzip`.")?;
        }
        print(&explained, output)
    }
}

fn document(explained: &Explained) -> Result<Value, Failure> {
    let Explained {
        response,
        not_asked,
    } = explained;
    let notifications = response.notifications.iter().map(shown::json);
    Ok(json!({
        "endpoint": response.endpoint,
        "canonical_query": response.query,
        "organization_id": response.organization_id,
        "organization_linked": not_asked.is_none().then_some(response.is_organization_linked),
        "sender": sender(explained),
        "warnings": response.warnings,
        "notification_count": response.notification_count,
        "notifications": notifications.collect::<Result<Vec<_>, _>>()?,
        "core_asked": not_asked.is_none(),
        "not_consulted": not_asked.as_deref().map(not_consulted),
    }))
}

fn print(explained: &Explained, output: &mut Output<'_>) -> Result<(), Failure> {
    let pb::ExplainMessageResponse {
        organization_id,
        warnings,
        notification_count,
        notifications,
        ..
    } = &explained.response;
    output.line(format_args!("Organisation {}", printable(organization_id)))?;
    output.line(sender(explained))?;
    for warning in warnings {
        output.line(format_args!("Warning: {}", printable(warning)))?;
    }
    for (number, notification) in (1..).zip(notifications) {
        shown::print(number, notification, warnings, output)?;
    }
    output.line("")?;
    let more = usize::try_from(*notification_count)
        .unwrap_or(0)
        .saturating_sub(notifications.len());
    if more > 0 {
        output.line(format_args!(
            "The message has {more} more, which are not explained here: it would be too much."
        ))?;
    } else if notifications.is_empty() {
        output.line("The message has no notification; it would be acknowledged.")?;
    }
    let asked = "The core was asked: this is by its installations, rating items and records as \
                 they are now. Nothing was stored.";
    let told = explained.not_asked.as_deref();
    Ok(output.line(told.map_or_else(|| asked.to_owned(), not_consulted))?)
}

/// What is known of who sends, and what is not.
fn sender(explained: &Explained) -> &'static str {
    match explained {
        Explained {
            not_asked: Some(_), ..
        } => {
            "Sender: not judged. Whether the organisation is linked only the core knows; address, \
             certificate and token are not known before a message is sent."
        }
        Explained { response, .. } if response.is_organization_linked => {
            "Sender: the organisation is linked to an installation. Address, certificate and token \
             are not known before a message is sent, and not judged."
        }
        Explained { .. } => {
            "Sender: no installation that you may see is linked to the organisation. Where unknown \
             installations are refused, the gateway answers the whole message with 403. Address, \
             certificate and token are not known before a message is sent, and not judged."
        }
    }
}

/// What an explanation without a core can't know.
fn not_consulted(why: &str) -> String {
    format!(
        "The core was not asked: {}. Installations, their rating items and what was recorded \
         before were not consulted.",
        printable(why)
    )
}
