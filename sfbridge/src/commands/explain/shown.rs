//! One explained notification, for people and for programs.

use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::explained_notification::Item;

use crate::commands::listing::rejection_text;
use crate::output::{Output, OutputError, Table, json_of, printable};

/// For programs.
pub(super) fn json(notification: &pb::ExplainedNotification) -> Result<Value, OutputError> {
    let item = match &notification.item {
        Some(Item::Event(event)) => json!({ "event": json_of("Event", event)? }),
        Some(Item::Rating(rating)) => json!({ "rating": json_of("CallRating", rating)? }),
        Some(Item::Lead(lead)) => json!({ "lead": json_of("LeadToEnrich", lead)? }),
        None => Value::Null,
    };
    let rejections = notification
        .rejections
        .iter()
        .map(|rejection| json_of("Rejection", rejection))
        .collect::<Result<Vec<_>, _>>()?;
    let values: Vec<Value> = notification.values.iter().map(value_json).collect();
    let tie = notification.r#match.as_ref();
    Ok(json!({
        "would_be": would_be(notification).word(),
        "outcome": notification.outcome().as_str_name(),
        "duplicate_of": notification.duplicate_of,
        "item": item,
        "values": values,
        "rejections": rejections,
        "warnings": notification.warnings,
        "match": tie.map(|tie| json_of("Match", tie)).transpose()?,
        "is_shortened": notification.is_shortened,
    }))
}

fn value_json(value: &pb::ExplainedValue) -> Value {
    let problem = Some(&value.problem).filter(|problem| !problem.is_empty());
    json!({
        "name": value.name,
        "text": value.text,
        "from": source(value),
        "problem": problem,
    })
}

/// For people. What is said of the whole message is not said again.
pub(super) fn print(
    number: usize,
    notification: &pb::ExplainedNotification,
    said: &[String],
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    let origin = notification.salesforce.clone().unwrap_or_default();
    output.line("")?;
    output.line(format_args!(
        "Notification {number}: {} {} ({})",
        printable(&origin.object_type),
        printable(&origin.record_id),
        printable(&origin.notification_id)
    ))?;
    if notification.is_shortened {
        output.line("Its values are left out: the answer would be too large.")?;
    } else {
        let mut table = Table::new(["VALUE", "TEXT", "FROM", "PROBLEM"]);
        for value in &notification.values {
            table.row([
                value.name.clone(),
                value.text.clone(),
                source(value),
                value.problem.clone(),
            ]);
        }
        output.table(&table, "No values were looked for.")?;
    }
    let warnings = notification.warnings.iter();
    for warning in warnings.filter(|warning| !said.contains(warning)) {
        output.line(format_args!("Warning: {}", printable(warning)))?;
    }
    match would_be(notification) {
        WouldBe::Recorded => {
            output.line(format_args!("It would become {}.", kind(notification)))?;
        }
        WouldBe::Duplicate => output.line(duplicate(&notification.duplicate_of))?,
        WouldBe::Quarantined => {}
    }
    if let Some(tie) = &notification.r#match {
        output.line(tied(tie))?;
    }
    for rejection in &notification.rejections {
        output.line(format_args!(
            "It would be quarantined: {}",
            rejection_text(rejection)
        ))?;
    }
    Ok(())
}

fn duplicate(id: &str) -> String {
    if id.is_empty() {
        return "It would change nothing: an earlier one of this message is the same.".to_owned();
    }
    let id = printable(id);
    format!("It would be a duplicate: it was recorded before as {id}.")
}

fn tied(tie: &pb::Match) -> String {
    if tie.status() != pb::MatchStatus::Matched {
        return "No call or visit that it belongs to is known yet.".to_owned();
    }
    match (tie.call_ref.as_str(), tie.visitor_id.as_str()) {
        ("", visitor) => format!("It belongs to visitor {}.", printable(visitor)),
        (call, "") => format!("It belongs to call {}.", printable(call)),
        (call, visitor) => format!(
            "It belongs to call {} of visitor {}.",
            printable(call),
            printable(visitor)
        ),
    }
}

/// What would become of a notification. Without a core it is what the values
/// alone tell.
enum WouldBe {
    Recorded,
    Duplicate,
    Quarantined,
}

impl WouldBe {
    fn word(&self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
        }
    }
}

fn would_be(notification: &pb::ExplainedNotification) -> WouldBe {
    match notification.outcome() {
        pb::Outcome::Recorded => WouldBe::Recorded,
        pb::Outcome::Duplicate => WouldBe::Duplicate,
        pb::Outcome::Rejected => WouldBe::Quarantined,
        pb::Outcome::Unspecified if notification.rejections.is_empty() => WouldBe::Recorded,
        pb::Outcome::Unspecified => WouldBe::Quarantined,
    }
}

fn kind(notification: &pb::ExplainedNotification) -> &'static str {
    match &notification.item {
        Some(Item::Event(_)) => "an event",
        Some(Item::Rating(_)) => "a call rating",
        Some(Item::Lead(_)) => "a lead enrichment",
        None => "a record",
    }
}

/// What gave a value, in a few words.
fn source(value: &pb::ExplainedValue) -> String {
    let pb::ExplainedValue {
        parameter, field, ..
    } = value;
    match value.source() {
        pb::ValueSource::NamedField => format!("{parameter}={field}"),
        pb::ValueSource::Literal => parameter.clone(),
        pb::ValueSource::DefaultField => format!("default field {field}"),
        pb::ValueSource::DefaultValue => "default".to_owned(),
        pb::ValueSource::Nothing | pb::ValueSource::Unspecified => "not given".to_owned(),
    }
}
