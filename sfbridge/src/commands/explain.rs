//! `sfbridge explain`: what a message would become, without sending it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use core_service::check::{self, Checked};
use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use soap_gateway::mapping::{self, Explanation, Item};
use soap_gateway::{encoding, soap};

use super::listing::rejection_text;
use super::message_file;
use crate::config::Config;
use crate::endpoint_url::EndpointUrl;
use crate::failure::Failure;
use crate::output::{Output, OutputError, Table, json_of, printable};

/// Says what each notification would become.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The outbound message; `-` is standard input
    file: PathBuf,
    /// The endpoint URL that it would be posted to; path and query are enough
    #[arg(long)]
    url: String,
}

/// What a dry run can't know.
const NOT_CONSULTED: &str = "Installations and their rating items were not consulted: whether they \
                             exist and are linked to the organisation, only the core knows.";

impl Explain {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let url = EndpointUrl::parse(&self.url).map_err(anyhow::Error::new)?;
        let body = message_file::read(&self.file)?;
        let text = encoding::decode(&body, None)
            .context("the gateway would refuse this message with 415 or 400")?;
        let message = soap::read(&text, &config.gateway.xml).map_err(|error| {
            let place = format!(
                "the gateway would refuse this message with 400, at line {}, column {}",
                error.line(),
                error.column()
            );
            anyhow::Error::new(error).context(place)
        })?;
        let organization = message.organization_id.as_str().to_owned();
        let explained = mapping::explain(message, url.parameters(), &config.gateway.default_fields);
        let verdicts = explained.into_iter().map(Verdict::of);
        if output.is_json() {
            let notifications = verdicts
                .map(|verdict| verdict.json())
                .collect::<Result<Vec<_>, _>>()?;
            return Ok(output.json(&json!({
                "endpoint": url.parameters().endpoint().name(),
                "canonical_query": url.parameters().canonical_query(),
                "organization_id": organization,
                "notifications": notifications,
                "not_consulted": NOT_CONSULTED,
            }))?);
        }
        output.line(format_args!("Organisation {}", printable(&organization)))?;
        let mut count = 0;
        for verdict in verdicts {
            count += 1;
            verdict.print(count, output)?;
        }
        output.line("")?;
        if count == 0 {
            output.line("The message has no notification; it would be acknowledged.")?;
        }
        Ok(output.line(NOT_CONSULTED)?)
    }
}

/// An explanation and what the core would say of its item.
struct Verdict {
    explanation: Explanation,
    rejections: Vec<pb::Rejection>,
    warnings: Vec<String>,
}

impl Verdict {
    fn of(explanation: Explanation) -> Self {
        let (checked, mut all) = match &explanation.item {
            Item::Event(event) => (check::event((**event).clone()), event.warnings.clone()),
            Item::Rating(rating) => (check::rating((**rating).clone()), rating.warnings.clone()),
            Item::Lead(lead) => (check::lead((**lead).clone()), lead.warnings.clone()),
        };
        let Checked {
            rejection,
            warnings,
        } = checked;
        for warning in warnings {
            if !all.contains(&warning) {
                all.push(warning);
            }
        }
        let mut rejections: Vec<_> = explanation
            .notification
            .rejection
            .clone()
            .into_iter()
            .collect();
        if let Some(rejection) = rejection
            && rejections
                .iter()
                .all(|known| known.reason != rejection.reason)
        {
            rejections.push(rejection);
        }
        Self {
            explanation,
            rejections,
            warnings: all,
        }
    }

    fn json(&self) -> Result<Value, OutputError> {
        let item = match &self.explanation.item {
            Item::Event(event) => json!({ "event": json_of("Event", &**event)? }),
            Item::Rating(rating) => json!({ "rating": json_of("CallRating", &**rating)? }),
            Item::Lead(lead) => json!({ "lead": json_of("LeadToEnrich", &**lead)? }),
        };
        let rejections = self
            .rejections
            .iter()
            .map(|rejection| json_of("Rejection", rejection))
            .collect::<Result<Vec<_>, _>>()?;
        let values: Vec<Value> = self
            .explanation
            .values
            .iter()
            .map(|value| {
                json!({
                    "name": value.name,
                    "text": value.text,
                    "from": value.source.to_string(),
                    "problem": value.problem,
                })
            })
            .collect();
        Ok(json!({
            "would_be": if self.rejections.is_empty() { "recorded" } else { "quarantined" },
            "item": item,
            "values": values,
            "rejections": rejections,
            "warnings": self.warnings,
        }))
    }

    fn print(&self, number: usize, output: &mut Output<'_>) -> Result<(), OutputError> {
        let origin = self
            .explanation
            .notification
            .salesforce
            .clone()
            .unwrap_or_default();
        let kind = match &self.explanation.item {
            Item::Event(_) => "an event",
            Item::Rating(_) => "a call rating",
            Item::Lead(_) => "a lead enrichment",
        };
        output.line("")?;
        output.line(format_args!(
            "Notification {number}: {} {} ({})",
            printable(&origin.object_type),
            printable(&origin.record_id),
            printable(&origin.notification_id)
        ))?;
        let mut table = Table::new(["VALUE", "TEXT", "FROM", "PROBLEM"]);
        for value in &self.explanation.values {
            table.row([
                value.name.clone(),
                value.text.clone(),
                value.source.to_string(),
                value.problem.clone().unwrap_or_default(),
            ]);
        }
        output.table(&table, "No values were looked for.")?;
        for warning in &self.warnings {
            output.line(format_args!("Warning: {}", printable(warning)))?;
        }
        if self.rejections.is_empty() {
            return output.line(format_args!("It would become {kind}."));
        }
        for rejection in &self.rejections {
            output.line(format_args!(
                "It would be quarantined: {}",
                rejection_text(rejection)
            ))?;
        }
        Ok(())
    }
}
