//! One lead enrichment, for people.

use sfbridge_proto::v1 as pb;

use super::preview::percent;
use super::state;
use crate::commands::listing::{short, time};
use crate::output::{Output, OutputError, Table, printable};

/// Prints a job: where it stands, what to do, what it is, and what was tried.
pub(super) fn print(job: &pb::LeadEnrichment, output: &mut Output<'_>) -> Result<(), OutputError> {
    print_state(job, output)?;
    output.line("")?;
    // What has a part of its own below is left out here.
    let plain = pb::LeadEnrichment {
        attempts: Vec::new(),
        attribution: None,
        written_fields: [].into(),
        failure: None,
        ..job.clone()
    };
    output.fields("LeadEnrichment", &plain)?;
    print_written(job, output)?;
    if let Some(attribution) = &job.attribution {
        print_attribution(attribution, output)?;
    }
    print_attempts(job, output)
}

fn print_state(job: &pb::LeadEnrichment, output: &mut Output<'_>) -> Result<(), OutputError> {
    output.line(format_args!("{}", state::name(job.state())))?;
    if let Some(failure) = &job.failure {
        let text = format!("{} {}", failure.code, failure.description);
        output.line(format_args!("Salesforce says: {}", printable(text.trim())))?;
    }
    output.line(state::explain(job.state()))
}

fn print_written(job: &pb::LeadEnrichment, output: &mut Output<'_>) -> Result<(), OutputError> {
    if job.written_fields.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut fields: Vec<_> = job.written_fields.iter().collect();
    fields.sort_unstable();
    let mut table = Table::new(["WRITTEN FIELD", "VALUE"]);
    for (field, value) in fields {
        table.row([field.clone(), value.clone()]);
    }
    output.table(&table, "")
}

fn print_attribution(
    attribution: &pb::LeadAttribution,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    output.line("")?;
    output.line(format_args!(
        "Attributed by model {} ({}) to {} of the visits{}.",
        attribution.attribution_model_id,
        printable(&attribution.attribution_model_name),
        attribution.share_count,
        if attribution.is_late {
            ", the earliest later one for want of one up to the as-of time"
        } else {
            ""
        }
    ))?;
    let mut table = Table::new(["VISIT", "CHANNEL", "TYPE", "SHARE", "", "VISIT ID"]);
    for share in &attribution.shares {
        table.row([
            time(share.visit_time),
            share.channel_name.clone(),
            share.channel_type.clone(),
            percent(share.share),
            if share.is_chosen { "chosen" } else { "" }.to_owned(),
            share.visit_id.clone(),
        ]);
    }
    output.table(&table, "No visit has a share.")
}

fn print_attempts(job: &pb::LeadEnrichment, output: &mut Output<'_>) -> Result<(), OutputError> {
    output.line("")?;
    let mut table = Table::new([
        "ATTEMPT", "BEGAN", "ENDED", "OUTCOME", "NEXT", "CODE", "WHY",
    ]);
    for attempt in &job.attempts {
        table.row([
            attempt.number.to_string(),
            time(attempt.start_time),
            time(attempt.end_time),
            short(attempt.outcome().as_str_name(), "ATTEMPT_OUTCOME_"),
            time(attempt.next_attempt_time),
            attempt.code.clone(),
            attempt.description.clone(),
        ]);
    }
    output.table(&table, "Nothing has been tried yet.")?;
    let kept = i32::try_from(job.attempts.len()).unwrap_or(i32::MAX);
    if kept < job.attempts.last().map_or(0, |attempt| attempt.number) {
        output.line("Of many attempts the first and the latest are kept.")?;
    }
    for attempt in &job.attempts {
        for warning in &attempt.warnings {
            output.line(format_args!(
                "Warning of attempt {}: {}",
                attempt.number,
                printable(warning)
            ))?;
        }
    }
    Ok(())
}
