//! Queries, as far as clients of Leads need them: a list of fields or
//! `COUNT()`, one object, comparisons joined by `AND`, `ORDER BY` and `LIMIT`.

mod condition;
mod cursor;
mod parser;
mod tokens;

use std::cmp::Ordering;

use sfbridge_values::SalesforceId;

use crate::org::{Record, Records};
use crate::refusal::Refusal;
use crate::schema::{ObjectType, Schema};
use condition::{Condition, compare};
pub(crate) use cursor::{Cursor, Cursors};

/// A query whose names are known.
#[derive(Debug)]
pub(crate) struct Query {
    /// None counts.
    fields: Option<Vec<String>>,
    object: ObjectType,
    conditions: Vec<Condition>,
    order: Option<Order>,
    limit: Option<usize>,
}

/// In which order records come.
#[derive(Debug)]
struct Order {
    field: String,
    is_descending: bool,
}

/// What a query finds.
#[derive(Debug)]
pub(crate) enum Found {
    Count(usize),
    Records(Cursor),
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(text: &str, schema: &Schema) -> Result<Self, Refusal> {
        parser::parse(text, schema)
    }

    /// Finds what the query asks for. Deleted records are never found.
    pub(crate) fn run(&self, records: &Records) -> Found {
        let is_wanted = |record: &&Record| {
            !record.is_deleted()
                && self
                    .conditions
                    .iter()
                    .all(|condition| condition.holds(record))
        };
        let mut found: Vec<&Record> = records.of(self.object).filter(is_wanted).collect();
        if let Some(order) = &self.order {
            found.sort_by(|one, other| {
                // Nulls come first, as in Salesforce.
                let ordering = match (one.get(&order.field), other.get(&order.field)) {
                    (Some(one), Some(other)) => compare(&one, &other).unwrap_or(Ordering::Equal),
                    (one, other) => one.is_some().cmp(&other.is_some()),
                };
                if order.is_descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            });
        }
        found.truncate(self.limit.unwrap_or(usize::MAX));
        match &self.fields {
            None => Found::Count(found.len()),
            Some(fields) => {
                let ids: Vec<SalesforceId> = found.iter().map(|record| record.id.clone()).collect();
                Found::Records(Cursor::new(self.object, fields.clone(), ids))
            }
        }
    }
}

/// A field that an object does not have, at a place in a query.
pub(crate) fn no_such_column(query: &str, position: usize, name: &str, object: &str) -> Refusal {
    let message = format!(
        "No such column '{name}' on entity '{object}'. If you are attempting to use a custom \
         field, be sure to append the '__c' after the custom field name. Please reference your \
         WSDL or the describe call for the appropriate names."
    );
    Refusal::new("INVALID_FIELD", at(query, position, &message))
}

/// A message as Salesforce writes it: with the query, and a mark below the
/// place.
fn at(query: &str, position: usize, message: &str) -> String {
    let before = query.get(..position).unwrap_or(query);
    let row = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let line = query.split('\n').nth(row - 1).unwrap_or_default();
    let mark = " ".repeat(column - 1);
    format!("\n{line}\n{mark}^\nERROR at Row:{row}:Column:{column}\n{message}")
}

#[cfg(test)]
mod tests;
