//! How far a job has come, as columns.

use serde::{Deserialize, Serialize};
use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{
    Attempt, AttemptOutcome, Attempts, HeldLease, KeptAttribution, KeptShare, Progress,
    SalesforceRefusal,
};

/// An attempt in JSON. Times are microseconds.
#[derive(Debug, Serialize, Deserialize)]
struct AttemptColumn {
    number: u32,
    start: i64,
    end: i64,
    outcome: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// An attribution in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct AttributionColumn {
    model: i32,
    name: String,
    late: bool,
    count: u32,
    shares: Vec<ShareColumn>,
}

/// A share in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct ShareColumn {
    visit: String,
    time: i64,
    channel: String,
    kind: String,
    parts: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    chosen: bool,
}

/// Writes attempts; none take no room.
pub(in super::super) fn attempts(attempts: &Attempts) -> Result<Option<String>, StoreError> {
    let rows: Vec<_> = attempts
        .iter()
        .cloned()
        .map(|attempt| AttemptColumn {
            number: attempt.number,
            start: attempt.start_time.micros(),
            end: attempt.end_time.micros(),
            outcome: outcome_number(attempt.outcome),
            code: attempt.code,
            description: attempt.description,
            fields: attempt.written_fields,
            warnings: attempt.warnings,
            next: attempt.next_attempt_time.map(Timestamp::micros),
        })
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    columns::to_json(&rows).map(Some)
}

/// Writes an attribution, if there is one.
pub(in super::super) fn attribution(
    attribution: Option<&KeptAttribution>,
) -> Result<Option<String>, StoreError> {
    let share = |share: &KeptShare| ShareColumn {
        visit: share.visit_id.to_string(),
        time: share.visit_time.micros(),
        channel: share.channel_name.clone(),
        kind: share.channel_type.clone(),
        parts: share.parts,
        chosen: share.is_chosen,
    };
    attribution
        .map(|attribution| {
            columns::to_json(&AttributionColumn {
                model: attribution.attribution_model_id,
                name: attribution.attribution_model_name.clone(),
                late: attribution.is_late,
                count: attribution.share_count,
                shares: attribution.shares.iter().map(share).collect(),
            })
        })
        .transpose()
}

/// Reads how far a job has come.
pub(super) fn read(row: &impl Columns) -> Result<Progress, StoreError> {
    let owner = columns::optional_uuid(row, "lease_owner")?;
    let start_time = columns::optional_timestamp(row, "lease_start")?;
    let lease = owner.zip(start_time);
    let description: Option<String> = row.get("failure_description")?;
    let code: Option<String> = row.get("failure_code")?;
    Ok(Progress {
        due_time: columns::optional_timestamp(row, "due_time")?,
        lease: lease.map(|(owner, start_time)| HeldLease { owner, start_time }),
        attempt_count: row.get("attempt_count")?,
        attempts: read_attempts(row)?,
        refusal_count: row.get("refusal_count")?,
        retry_deadline: columns::optional_timestamp(row, "retry_deadline")?,
        data_deadline: columns::optional_timestamp(row, "data_deadline")?,
        connection_wait_start: columns::optional_timestamp(row, "connection_wait_start")?,
        awaited_visitor_id: columns::visitor_id(row, "awaited_visitor_id")?,
        is_fresh: row.get("is_fresh")?,
        is_joined: row.get("is_joined")?,
        planned_fields: columns::json(row, "planned_fields")?,
        written_fields: columns::json(row, "written_fields")?,
        failure: description.map(|description| SalesforceRefusal {
            code: code.unwrap_or_default(),
            description,
        }),
        attribution: read_attribution(row)?,
    })
}

fn read_attempts(row: &impl Columns) -> Result<Attempts, StoreError> {
    let rows: Vec<AttemptColumn> = columns::json(row, "attempts")?;
    let attempts = rows.into_iter().map(|attempt| {
        Ok(Attempt {
            number: attempt.number,
            start_time: Timestamp::from_micros(attempt.start),
            end_time: Timestamp::from_micros(attempt.end),
            outcome: outcome(attempt.outcome)?,
            code: attempt.code,
            description: attempt.description,
            written_fields: attempt.fields,
            warnings: attempt.warnings,
            next_attempt_time: attempt.next.map(Timestamp::from_micros),
        })
    });
    Ok(Attempts::new(attempts.collect::<Result<_, StoreError>>()?))
}

fn read_attribution(row: &impl Columns) -> Result<Option<KeptAttribution>, StoreError> {
    let kept: Option<AttributionColumn> = columns::json(row, "attribution")?;
    let share = |share: ShareColumn| -> Result<KeptShare, StoreError> {
        Ok(KeptShare {
            visit_id: Uuid::try_parse(&share.visit)
                .map_err(|error| unreadable("attribution", error))?,
            visit_time: Timestamp::from_micros(share.time),
            channel_name: share.channel,
            channel_type: share.kind,
            parts: share.parts,
            is_chosen: share.chosen,
        })
    };
    kept.map(|kept| {
        let shares = kept.shares.into_iter().map(share);
        Ok(KeptAttribution {
            attribution_model_id: kept.model,
            attribution_model_name: kept.name,
            is_late: kept.late,
            shares: shares.collect::<Result<_, StoreError>>()?,
            share_count: kept.count,
        })
    })
    .transpose()
}

/// The contract's number of an outcome.
fn outcome_number(outcome: AttemptOutcome) -> i64 {
    match outcome {
        AttemptOutcome::Succeeded => 1,
        AttemptOutcome::Unchanged => 2,
        AttemptOutcome::NoData => 3,
        AttemptOutcome::Failed => 4,
        AttemptOutcome::Refused => 5,
        AttemptOutcome::WaitedForData => 6,
        AttemptOutcome::WaitedForConnection => 7,
        AttemptOutcome::Postponed => 8,
        AttemptOutcome::Interrupted => 9,
    }
}

fn outcome(number: i64) -> Result<AttemptOutcome, StoreError> {
    Ok(match number {
        1 => AttemptOutcome::Succeeded,
        2 => AttemptOutcome::Unchanged,
        3 => AttemptOutcome::NoData,
        4 => AttemptOutcome::Failed,
        5 => AttemptOutcome::Refused,
        6 => AttemptOutcome::WaitedForData,
        7 => AttemptOutcome::WaitedForConnection,
        8 => AttemptOutcome::Postponed,
        9 => AttemptOutcome::Interrupted,
        other => {
            let what = format!("{other} is no outcome of an attempt");
            return Err(unreadable("attempts", what));
        }
    })
}
