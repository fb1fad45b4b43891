//! Deciding what is written into a Lead.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use salesforce_client::{FieldValue, InvalidLeadUpdate, LeadUpdate};
use sfbridge_values::{FieldName, Timestamp};

use super::lookup::Found;
use super::verdict;
use crate::domain::{
    Decision, FieldTexts, LeadField, LeadState, LeadValue, PlannedField, RunResult, TimeZone, plan,
};

/// What is to become of a Lead.
#[derive(Debug)]
pub(super) struct Decided {
    /// What is to be written, unless that is nothing.
    pub(super) writes: Vec<(FieldName, LeadValue)>,
    /// What an interrupted push turns out to have written: field to text.
    pub(super) written_before: BTreeMap<String, String>,
    /// What was doubtful, one sentence each.
    pub(super) warnings: Vec<String>,
    /// What the run came to, where nothing is to be written.
    pub(super) result: Option<RunResult>,
}

/// How old a message may be for its values to be taken for the present ones.
const FRESH: TimeDelta = TimeDelta::minutes(1);

/// The fields that a lead's values go to, and that the organisation has as far
/// as is known.
pub(super) fn wanted_fields(found: &Found, fields: Option<&[LeadField]>) -> Vec<FieldName> {
    let has = |name: &FieldName| {
        fields.is_none_or(|fields| {
            let name = name.as_str();
            fields
                .iter()
                .any(|field| field.name.eq_ignore_ascii_case(name))
        })
    };
    let with_values = found.with_data(|data| {
        let targets = found.targets.iter();
        targets
            .filter(|target| data.value(&target.attribute).is_some())
            .map(|target| target.field.clone())
            .collect::<Vec<_>>()
    });
    with_values.into_iter().filter(has).collect()
}

/// Whether the Lead's present values must be read: the message is older than a
/// minute or does not have all of them, or a push was interrupted.
pub(super) fn must_be_read(found: &Found, wanted: &[FieldName], now: Timestamp) -> bool {
    let job = found.job();
    let age = now.micros().saturating_sub(job.receive_time.micros());
    let is_old = age > FRESH.num_microseconds().unwrap_or_default();
    let known = FieldTexts::new(job.known_values.clone());
    let lacks_one = wanted.iter().any(|field| known.get(field).is_none());
    let is_doubtful = !job.progress.planned_fields.is_empty();
    !wanted.is_empty() && (is_old || lacks_one || is_doubtful)
}

/// Decides about a Lead that shows these values.
pub(super) fn decide(
    found: &Found,
    fields: Option<&[LeadField]>,
    present: &FieldTexts,
    zone: TimeZone,
) -> Decided {
    let job = found.job();
    let state = LeadState {
        fields,
        present,
        written: &found.claimed.written,
        overwrite_policy: job.overwrite_policy,
        zone,
    };
    let planned = found.with_data(|data| plan(&found.targets, data, &state));
    let mut warnings: Vec<String> = planned.iter().filter_map(warning).collect();
    if found.attribution.is_late {
        warnings.push(
            "There was no visit up to 5 minutes after the as-of time; the earliest later one \
             stands in."
                .to_owned(),
        );
    }
    let written_before = written_before(&planned, &job.progress.planned_fields);
    let result = why_nothing(&planned, &written_before);
    let writes = planned.into_iter().filter_map(|field| {
        let is_written = field.decision == Decision::Write;
        Some((field.target.field, field.value.filter(|_| is_written)?))
    });
    Decided {
        writes: writes.collect(),
        written_before,
        warnings,
        result,
    }
}

/// Fields that the Lead holds as an interrupted push was to write them.
fn written_before(
    planned: &[PlannedField],
    before: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let held = planned.iter().filter_map(|field| {
        let text = field.value.as_ref()?.to_text();
        let name = field.target.field.as_str();
        let is_ours = before
            .iter()
            .any(|(planned, value)| planned.eq_ignore_ascii_case(name) && *value == text);
        let is_held = field.decision == Decision::Unchanged;
        (is_held && is_ours).then(|| (name.to_owned(), text))
    });
    held.collect()
}

/// What it means that nothing is to be written. `None` when something is.
fn why_nothing(
    planned: &[PlannedField],
    written_before: &BTreeMap<String, String>,
) -> Option<RunResult> {
    let missing: Vec<&PlannedField> = planned
        .iter()
        .filter(|field| field.decision == Decision::NoField && !field.target.is_default)
        .collect();
    if let Some(field) = missing.first() {
        return Some(verdict::failed(format!(
            "The organisation's Leads have no field {}, into which {} is to be written, or the \
             integration user may not see it. Mend the mapping, or the field's security, and retry.",
            field.target.field, field.target.attribute
        )));
    }
    let any = |decision| planned.iter().any(|field| field.decision == decision);
    if any(Decision::Write) {
        return None;
    }
    if !written_before.is_empty() {
        return Some(RunResult::Succeeded(written_before.clone()));
    }
    if any(Decision::Unchanged) || any(Decision::Kept) {
        return Some(RunResult::Unchanged);
    }
    let unfit: Vec<&str> = planned
        .iter()
        .filter(|field| {
            matches!(
                field.decision,
                Decision::NoField | Decision::ReadOnly | Decision::Misfit
            )
        })
        .map(|field| field.target.field.as_str())
        .collect();
    if unfit.is_empty() {
        return Some(RunResult::NoData(
            "What is known of the visit has a value for none of the mapped attributes.".to_owned(),
        ));
    }
    Some(verdict::failed(format!(
        "None of the Lead fields that there are values for can be written: {}. Create them, or \
         give the integration user access to them, or map other fields, and retry.",
        unfit.join(", ")
    )))
}

fn warning(field: &PlannedField) -> Option<String> {
    let (name, attribute) = (&field.target.field, &field.target.attribute);
    match field.decision {
        Decision::Write if field.is_cut => {
            Some(format!("{attribute} was cut to the length of {name}."))
        }
        Decision::ReadOnly => Some(format!(
            "{name} was left out: the integration user may not write it."
        )),
        Decision::Misfit => Some(format!(
            "{name} was left out: a field of its type can't hold {attribute}."
        )),
        Decision::Write
        | Decision::Unchanged
        | Decision::Kept
        | Decision::NoValue
        | Decision::NoField => None,
    }
}

impl Decided {
    /// What is to be written, as texts.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let texts = self
            .writes
            .iter()
            .map(|(field, value)| (field.to_string(), value.to_text()));
        texts.collect()
    }

    /// What was written once it was: that, and what was before.
    pub(super) fn written(&self) -> BTreeMap<String, String> {
        let mut written = self.written_before.clone();
        written.extend(self.texts());
        written
    }

    /// Leaves fields out that Salesforce refuses; whether there were any.
    pub(super) fn drop_fields(&mut self, refused: &[String], why: &str) -> bool {
        let before = self.writes.len();
        let warnings = &mut self.warnings;
        self.writes.retain(|(field, _)| {
            let is_refused = refused
                .iter()
                .any(|name| name.eq_ignore_ascii_case(field.as_str()));
            if is_refused {
                warnings.push(format!(
                    "{field} was left out: Salesforce refuses it ({why})."
                ));
            }
            !is_refused
        });
        self.writes.len() < before
    }

    /// The change that Salesforce is asked for.
    pub(super) fn update(&self, found: &Found) -> Result<LeadUpdate, InvalidLeadUpdate> {
        let fields = self.writes.iter().map(|(field, value)| {
            let value = match value {
                LeadValue::Text(text) => FieldValue::Text(text.clone()),
                LeadValue::Number(number) => FieldValue::Number(*number),
                LeadValue::Date(date) => FieldValue::Date(*date),
                LeadValue::DateTime(time) => FieldValue::DateTime(*time),
            };
            (field.clone(), value)
        });
        LeadUpdate::new(found.record_id.to_long(), fields.collect())
    }
}
