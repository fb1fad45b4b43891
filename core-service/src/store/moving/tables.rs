//! The tables, and how each is walked through.

use std::collections::BTreeMap;

use super::MoveError;

/// A table that is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    /// The columns by which its rows are told apart and ordered; both backends
    /// have an index of them.
    pub(in crate::store) key: &'static [&'static str],
    /// The sequence that PostgreSQL takes the rows' numbers from.
    pub(in crate::store) sequence: Option<&'static str>,
}

const fn table(name: &'static str, key: &'static [&'static str]) -> Table {
    Table {
        name,
        key,
        sequence: None,
    }
}

const fn numbered(
    name: &'static str,
    key: &'static [&'static str],
    sequence: &'static str,
) -> Table {
    Table {
        name,
        key,
        sequence: Some(sequence),
    }
}

/// All tables that are moved.
pub(in crate::store) const TABLES: &[Table] = &[
    table("installations", &["igrp"]),
    numbered("api_keys", &["number"], "api_key_numbers"),
    numbered("url_tokens", &["number"], "url_token_numbers"),
    table("salesforce_connections", &["igrp"]),
    table("idempotency_keys", &["key_digest"]),
    table("unordered_keys", &["id"]),
    numbered("events", &["event_id"], "event_numbers"),
    numbered("call_ratings", &["number"], "call_rating_numbers"),
    numbered("lead_enrichments", &["number"], "lead_enrichment_numbers"),
    table("known_leads", &["igrp", "organization_key", "record_key"]),
    numbered("visits", &["number"], "visit_numbers"),
    numbered("calls", &["number"], "call_numbers"),
    numbered(
        "quarantined_notifications",
        &["number"],
        "quarantined_notification_numbers",
    ),
    numbered("refused_messages", &["number"], "refused_message_numbers"),
    numbered("store_lives", &["number"], "store_life_numbers"),
];

/// Tables that are not moved: each backend makes its own.
pub(in crate::store) const OWN: &[&str] = &[
    // What migrations were run.
    "refinery_schema_history",
    "schema_compatibility",
    // A number of no meaning.
    "probes",
    // Numbers are from sequences there.
    "event_numbers",
    // Kept by triggers, or counted.
    "lead_enrichment_counts",
    // Made of the events when the store is opened.
    "event_references",
    "event_segments",
    // What is locked to count a list.
    "bounded_lists",
    // Tokens that Salesforce gives anew.
    "salesforce_sessions",
    "moves",
];

/// Columns that one backend works out from the others.
const WORKED_OUT: &[(&str, &str)] = &[
    ("events", "transaction_id"),
    ("call_ratings", "rating_folded"),
    ("call_ratings", "receive_order"),
    ("call_ratings", "is_current"),
    ("call_ratings", "is_unchanged"),
];

/// The columns of each table of a store.
pub(in crate::store) type Schema = BTreeMap<String, Vec<String>>;

/// Fails if a table or column is there that nobody has thought of: better than
/// to leave it behind.
pub(super) fn check(source: &Schema, target: &Schema) -> Result<(), MoveError> {
    for schema in [source, target] {
        let is_known = |name: &String| {
            OWN.contains(&name.as_str()) || TABLES.iter().any(|table| table.name == name)
        };
        if let Some(unknown) = schema.keys().find(|name| !is_known(name)) {
            return Err(MoveError::Unknown(format!("the table {unknown}")));
        }
    }
    for table in TABLES {
        columns(table, source, target)?;
    }
    Ok(())
}

/// The columns of a table that both sides have.
pub(super) fn columns(
    table: &Table,
    source: &Schema,
    target: &Schema,
) -> Result<Vec<String>, MoveError> {
    let of = |schema: &Schema| {
        let columns = schema.get(table.name).cloned();
        columns.ok_or_else(|| MoveError::Unknown(format!("the table {}", table.name)))
    };
    let (left, right) = (of(source)?, of(target)?);
    let is_worked_out = |column: &String| WORKED_OUT.contains(&(table.name, column.as_str()));
    let lonely = left
        .iter()
        .filter(|column| !right.contains(column))
        .chain(right.iter().filter(|column| !left.contains(column)))
        .find(|column| !is_worked_out(column));
    if let Some(column) = lonely {
        return Err(MoveError::Unknown(format!(
            "the column {column} of {}",
            table.name
        )));
    }
    let mut shared = left;
    shared.retain(|column| right.contains(column));
    Ok(shared)
}
