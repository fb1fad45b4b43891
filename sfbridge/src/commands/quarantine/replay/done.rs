//! What became of a replayed notification, or would.

use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::replayed_notification::Item;

use crate::commands::listing::{rejection_text, short};
use crate::output::{Output, OutputError, json_of, printable};

/// For programs. A dry run also shows what it was mapped to.
pub(super) fn json(
    result: &pb::ReplayedNotification,
    is_dry_run: bool,
) -> Result<Value, OutputError> {
    let rejection = result
        .rejection
        .as_ref()
        .map(|rejection| json_of("Rejection", rejection))
        .transpose()?;
    let mut document = json!({
        "quarantined_notification_id": result.quarantined_notification_id,
        "outcome": result.outcome().as_str_name(),
        "record_id": result.resolved_record_id,
        "rejection": rejection,
    });
    if is_dry_run {
        document["would_be"] = match &result.item {
            Some(Item::Event(event)) => json!({ "event": json_of("Event", event)? }),
            Some(Item::Rating(rating)) => json!({ "rating": json_of("CallRating", rating)? }),
            Some(Item::Lead(lead)) => json!({ "lead": json_of("LeadToEnrich", lead)? }),
            None => Value::Null,
        };
    }
    Ok(document)
}

/// What it would be, for people.
pub(super) fn preview(
    result: &pb::ReplayedNotification,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    let id = printable(&result.quarantined_notification_id);
    output.line(format_args!("{id} would be {}", outcome(result)))?;
    match &result.item {
        Some(Item::Event(event)) => output.fields("Event", event)?,
        Some(Item::Rating(rating)) => output.fields("CallRating", rating)?,
        Some(Item::Lead(lead)) => output.fields("LeadToEnrich", lead)?,
        None => {}
    }
    output.line("")
}

/// What it is now, for people.
pub(super) fn print(
    result: &pb::ReplayedNotification,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    let id = printable(&result.quarantined_notification_id);
    output.line(format_args!("{id}: {}", outcome(result)))
}

fn outcome(result: &pb::ReplayedNotification) -> String {
    let outcome = short(result.outcome().as_str_name(), "OUTCOME_");
    match (&result.rejection, result.resolved_record_id.as_str()) {
        (Some(rejection), _) => format!("{outcome}, {}", rejection_text(rejection)),
        (None, "") => outcome,
        (None, id) => format!("{outcome} as {}", printable(id)),
    }
}
