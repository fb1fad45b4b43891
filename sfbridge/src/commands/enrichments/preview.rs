//! Previews of lead enrichments.

use clap::Args;
use prost_types::Timestamp;
use sfbridge_proto::v1 as pb;

use super::Client;
use crate::client::Refused;
use crate::commands::listing::{short, time};
use crate::failure::Failure;
use crate::output::{Output, OutputError, Table, printable};

/// Whom to look up, and how.
#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// The installation
    #[arg(long)]
    igrp: i64,
    /// The visitor
    #[arg(long, required_unless_present = "call_ref")]
    visitor_id: Option<String>,
    /// The call that gives the visitor
    #[arg(long)]
    call_ref: Option<String>,
    /// The moment to look back from, for instance 2024-05-01T00:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    as_of_time: Option<Timestamp>,
    /// The attribution model [default: the installation's]
    #[arg(long, value_name = "NUMBER")]
    attribution_model_id: Option<i32>,
    /// Write a marketing attribute into a Lead field; repeatable
    #[arg(long = "map", value_name = "ATTRIBUTE=FIELD", value_parser = pair)]
    field_mapping: Vec<(String, String)>,
    /// What a Lead field holds now; repeatable
    #[arg(long = "holds", value_name = "FIELD=VALUE", value_parser = pair)]
    known_values: Vec<(String, String)>,
}

/// A name and a value.
fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write a name, an equals sign and a value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Preview {
    pub(super) async fn run(
        self,
        mut client: Client,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let request = pb::PreviewLeadEnrichmentRequest {
            lead: Some(pb::LeadToEnrich {
                igrp: self.igrp,
                visitor_id: self.visitor_id.unwrap_or_default(),
                call_ref: self.call_ref.unwrap_or_default(),
                as_of_time: self.as_of_time,
                attribution_model_id: self.attribution_model_id,
                field_mapping: self.field_mapping.into_iter().collect(),
                known_values: self.known_values.into_iter().collect(),
                ..Default::default()
            }),
        };
        let answer = client.preview_lead_enrichment(request).await;
        let preview = answer.map_err(Refused)?.into_inner();
        if output.is_json() {
            return Ok(output.message("PreviewLeadEnrichmentResponse", &preview)?);
        }
        Ok(print(&preview, output)?)
    }
}

fn print(
    preview: &pb::PreviewLeadEnrichmentResponse,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    output.line(format_args!(
        "As of {}, by model {} ({}): {} visits, {} calls.",
        time(preview.as_of_time),
        preview.attribution_model_id,
        printable(&preview.attribution_model_name),
        preview.visit_count,
        preview.call_count
    ))?;
    let mut journey = Table::new(["VISIT", "CHANNEL", "SOURCE", "CAMPAIGN", "SHARE", ""]);
    for attributed in &preview.journey {
        let visit = attributed.visit.clone().unwrap_or_default();
        let chosen = if attributed.is_chosen { "chosen" } else { "" };
        journey.row([
            time(visit.visit_time),
            visit.channel_name,
            visit.source,
            visit.campaign,
            percent(attributed.share),
            chosen.to_owned(),
        ]);
    }
    output.table(&journey, "No visit is known.")?;
    output.line("")?;
    let mut fields = Table::new(["LEAD FIELD", "ATTRIBUTE", "DECISION", "VALUE"]);
    for field in &preview.fields {
        let decision = field.decision().as_str_name();
        fields.row([
            field.lead_field.clone(),
            field.attribute.clone(),
            short(decision, "LEAD_FIELD_DECISION_"),
            field.value.clone(),
        ]);
    }
    output.table(&fields, "No Lead field is mapped.")?;
    for warning in &preview.warnings {
        output.line(format_args!("Warning: {}", printable(warning)))?;
    }
    Ok(())
}

/// Parts per million as a percentage, exactly.
pub(super) fn percent(parts: i32) -> String {
    match parts {
        0 => String::new(),
        parts => format!("{}.{:04} %", parts / 10_000, parts % 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_shown_exactly() {
        assert_eq!(percent(1_000_000), "100.0000 %");
        assert_eq!(percent(166_667), "16.6667 %");
        assert_eq!(percent(1), "0.0001 %");
        assert_eq!(percent(0), "");
    }
}
