//! Lead enrichments.

mod progress;
mod work;

pub(super) use work::{
    SLICE, begin_push, cancel, claim, counts, due, end_leases, has_leases, release, retry, settle,
    wake_by_call, wake_by_visitor,
};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sfbridge_values::{Igrp, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::{LeadEnrichmentFilter, Page, PageRequest, StoreError};
use super::alarm::Alarm;
use super::columns::{self, text, unreadable};
use super::listing::{Conditions, Listing};
use super::recording::{self, Admitted, Repeat, Steps};
use crate::domain::{
    LeadEnrichment, LeadEnrichmentState, LeadToEnrich, Origin, OverwritePolicy, identity,
};
use crate::recording::{
    Batch, ItemResult, RecordKind, for_installation, new_enrichment, new_record_id,
};

/// Records a batch in the present transaction.
pub(super) fn record(
    connection: &Connection,
    batch: Batch<LeadToEnrich>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let now = batch.now;
    let steps = Steps {
        kind: RecordKind::LeadEnrichment,
        fingerprint: LeadToEnrich::fingerprint,
        repeat: |id, admitted: Admitted<'_, LeadToEnrich>| {
            repeat(connection, id, admitted, now, alarm).map(Ok)
        },
        insert: |admitted: Admitted<'_, LeadToEnrich>| {
            insert_or_join(connection, admitted, now, alarm).map(Ok)
        },
    };
    recording::record(connection, batch, &steps)
}

/// Opens a job for a lead, or joins the one that is open.
fn insert_or_join(
    connection: &Connection,
    admitted: Admitted<'_, LeadToEnrich>,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<Uuid, StoreError> {
    let Admitted {
        content,
        installation,
        receive_time,
        idempotency_key: _,
    } = admitted;
    let content = for_installation(content, installation);
    let open = find_open(
        connection,
        installation.igrp,
        content.organization_id.as_str(),
        content.record_id.as_str(),
    )?;
    if let Some(mut job) = open {
        job.join(content, receive_time, now);
        job.request_count += 1;
        work::keep(connection, &job, alarm)?;
        return Ok(job.lead_enrichment_id);
    }
    let id = new_record_id(now);
    let job = new_enrichment(id, installation.igrp, content, receive_time, now);
    work::keep(connection, &job, alarm)?;
    Ok(id)
}

/// An open job takes the newer content of a repeat; a closed one is done.
fn repeat(
    connection: &Connection,
    id: Uuid,
    admitted: Admitted<'_, LeadToEnrich>,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<Repeat, StoreError> {
    match find(connection, id)? {
        Some(mut job) if job.state.is_open() && is_same_lead(&job, &admitted) => {
            // A repeat that names no time still means its first receipt.
            let as_of_time = job.as_of_time;
            let content = for_installation(admitted.content, admitted.installation);
            job.join(content, as_of_time, now);
            work::keep(connection, &job, alarm)?;
            Ok(Repeat::Replaced)
        }
        _ => Ok(Repeat::Kept),
    }
}

fn is_same_lead(job: &LeadEnrichment, admitted: &Admitted<'_, LeadToEnrich>) -> bool {
    job.igrp == admitted.installation.igrp
        && identity(&job.record_id) == admitted.content.record_id.key()
        && identity(&job.organization_id) == admitted.content.organization_id.key()
}

fn find_open(
    connection: &Connection,
    igrp: Igrp,
    organization_id: &str,
    record_id: &str,
) -> Result<Option<LeadEnrichment>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT * FROM lead_enrichments
             WHERE igrp = ?1 AND organization_key = ?2 AND record_key = ?3 AND is_open = 1",
        )?
        .query_row(
            params![igrp.get(), identity(organization_id), identity(record_id)],
            read,
        )
        .optional()?)
}

fn put(connection: &Connection, job: &LeadEnrichment) -> Result<(), StoreError> {
    let origin = job.origin.as_ref();
    let progress = &job.progress;
    let lease = progress.lease.as_ref();
    let failure = progress.failure.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO lead_enrichments (
                 lead_enrichment_id, igrp, visitor_id, call_ref, organization_id, organization_key,
                 record_id, record_key, state, is_open, as_of_time, attribution_model_id,
                 field_mapping, overwrite_policy, known_values, receive_time, update_time,
                 request_count, warnings, action_id, notification_id, object_type,
                 due_time, lease_owner, lease_start, attempt_count, attempts, refusal_count,
                 retry_deadline, data_deadline, connection_wait_start, awaited_visitor_id,
                 is_fresh, is_joined, planned_fields, written_fields, failure_code,
                 failure_description, attribution)
             VALUES (
                 :id, :igrp, :visitor_id, :call_ref, :organization_id, :organization_key,
                 :record_id, :record_key, :state, :is_open, :as_of_time, :attribution_model_id,
                 :field_mapping, :overwrite_policy, :known_values, :receive_time, :update_time,
                 :request_count, :warnings, :action_id, :notification_id, :object_type,
                 :due_time, :lease_owner, :lease_start, :attempt_count, :attempts, :refusal_count,
                 :retry_deadline, :data_deadline, :connection_wait_start, :awaited_visitor_id,
                 :is_fresh, :is_joined, :planned_fields, :written_fields, :failure_code,
                 :failure_description, :attribution)
             ON CONFLICT (lead_enrichment_id) DO UPDATE SET
                 visitor_id = excluded.visitor_id, call_ref = excluded.call_ref,
                 organization_id = excluded.organization_id, record_id = excluded.record_id,
                 state = excluded.state, is_open = excluded.is_open,
                 as_of_time = excluded.as_of_time,
                 attribution_model_id = excluded.attribution_model_id,
                 field_mapping = excluded.field_mapping,
                 overwrite_policy = excluded.overwrite_policy,
                 known_values = excluded.known_values, update_time = excluded.update_time,
                 request_count = excluded.request_count, warnings = excluded.warnings,
                 action_id = excluded.action_id, notification_id = excluded.notification_id,
                 object_type = excluded.object_type,
                 due_time = excluded.due_time, lease_owner = excluded.lease_owner,
                 lease_start = excluded.lease_start, attempt_count = excluded.attempt_count,
                 attempts = excluded.attempts, refusal_count = excluded.refusal_count,
                 retry_deadline = excluded.retry_deadline, data_deadline = excluded.data_deadline,
                 connection_wait_start = excluded.connection_wait_start,
                 awaited_visitor_id = excluded.awaited_visitor_id,
                 is_fresh = excluded.is_fresh, is_joined = excluded.is_joined,
                 planned_fields = excluded.planned_fields,
                 written_fields = excluded.written_fields, failure_code = excluded.failure_code,
                 failure_description = excluded.failure_description,
                 attribution = excluded.attribution",
        )?
        .execute(named_params! {
            ":id": job.lead_enrichment_id.as_bytes(),
            ":igrp": job.igrp.get(),
            ":visitor_id": job.visitor_id.as_ref().map(VisitorId::as_bytes),
            ":call_ref": job.call_ref,
            ":organization_id": job.organization_id,
            ":organization_key": identity(&job.organization_id),
            ":record_id": job.record_id,
            ":record_key": identity(&job.record_id),
            ":state": state_number(job.state),
            ":is_open": job.state.is_open(),
            ":as_of_time": job.as_of_time.micros(),
            ":attribution_model_id": job.attribution_model_id,
            ":field_mapping": columns::to_json(&job.field_mapping)?,
            ":overwrite_policy": overwrite_policy_number(job.overwrite_policy),
            ":known_values": columns::to_json(&job.known_values)?,
            ":receive_time": job.receive_time.micros(),
            ":update_time": job.update_time.micros(),
            ":request_count": job.request_count,
            ":warnings": columns::warnings(&job.warnings)?,
            ":action_id": origin.and_then(|origin| text(origin.action_id.as_ref())),
            ":notification_id": origin.and_then(|origin| text(origin.notification_id.as_ref())),
            ":object_type": origin.and_then(|origin| text(origin.object_type.as_ref())),
            ":due_time": progress.due_time.map(Timestamp::micros),
            ":lease_owner": lease.map(|lease| lease.owner.as_bytes()),
            ":lease_start": lease.map(|lease| lease.start_time.micros()),
            ":attempt_count": progress.attempt_count,
            ":attempts": progress::attempts(&progress.attempts)?,
            ":refusal_count": progress.refusal_count,
            ":retry_deadline": progress.retry_deadline.map(Timestamp::micros),
            ":data_deadline": progress.data_deadline.map(Timestamp::micros),
            ":connection_wait_start": progress.connection_wait_start.map(Timestamp::micros),
            ":awaited_visitor_id": progress.awaited_visitor_id.as_ref().map(VisitorId::as_bytes),
            ":is_fresh": progress.is_fresh,
            ":is_joined": progress.is_joined,
            ":planned_fields": columns::map(&progress.planned_fields)?,
            ":written_fields": columns::map(&progress.written_fields)?,
            ":failure_code": failure.map(|failure| &failure.code),
            ":failure_description": failure.map(|failure| &failure.description),
            ":attribution": progress::attribution(progress.attribution.as_ref())?,
        })?;
    Ok(())
}

/// One lead enrichment.
pub(super) fn find(
    connection: &Connection,
    id: Uuid,
) -> Result<Option<LeadEnrichment>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM lead_enrichments WHERE lead_enrichment_id = ?1")?
        .query_row([id.as_bytes()], read)
        .optional()?)
}

/// A page of lead enrichments.
pub(super) fn list(
    connection: &Connection,
    filter: LeadEnrichmentFilter,
    page: PageRequest,
) -> Result<Page<LeadEnrichment>, StoreError> {
    let LeadEnrichmentFilter {
        igrp,
        state,
        visitor_id,
        call_ref,
        record_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if("state = ?", state.map(state_number));
    conditions.add_if(
        "visitor_id = ?",
        visitor_id.map(|visitor_id| Value::from(visitor_id.as_bytes().to_vec())),
    );
    conditions.add_if(
        "call_ref = ?",
        call_ref.map(|call_ref| call_ref.as_str().to_owned()),
    );
    conditions.add_if(
        "record_key = ?",
        record_id.map(|id| identity(&id).to_owned()),
    );
    conditions.add_range("receive_time", time);
    let listing = Listing {
        select: "SELECT * FROM lead_enrichments",
        conditions,
        key: "receive_time",
        number: "number",
    };
    listing.page(connection, page, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<LeadEnrichment> {
    Ok(LeadEnrichment {
        lead_enrichment_id: columns::uuid(row, "lead_enrichment_id")?,
        igrp: columns::igrp(row)?,
        visitor_id: columns::visitor_id(row, "visitor_id")?,
        call_ref: row.get("call_ref")?,
        organization_id: row.get("organization_id")?,
        record_id: row.get("record_id")?,
        state: read_state(row)?,
        as_of_time: columns::timestamp(row, "as_of_time")?,
        attribution_model_id: row.get("attribution_model_id")?,
        field_mapping: columns::json(row, "field_mapping")?,
        overwrite_policy: match row.get("overwrite_policy")? {
            0_i64 => None,
            1 => Some(OverwritePolicy::Always),
            2 => Some(OverwritePolicy::Empty),
            other => {
                return Err(unreadable(
                    "overwrite_policy",
                    format!("{other} is no policy"),
                ));
            }
        },
        known_values: columns::json(row, "known_values")?,
        receive_time: columns::timestamp(row, "receive_time")?,
        update_time: columns::timestamp(row, "update_time")?,
        request_count: row.get("request_count")?,
        warnings: columns::json(row, "warnings")?,
        origin: origin(row)?,
        progress: progress::read(row)?,
    })
}

/// Where the last request came from. The lead and its organisation are the
/// job's own, and alone say nothing of that.
fn origin(row: &Row<'_>) -> rusqlite::Result<Option<Origin>> {
    Ok(columns::origin(row)?.filter(|origin| {
        origin.action_id.is_some()
            || origin.notification_id.is_some()
            || origin.object_type.is_some()
    }))
}

/// The contract's number of a state.
fn state_number(state: LeadEnrichmentState) -> i64 {
    match state {
        LeadEnrichmentState::Pending => 1,
        // Queries and indexes name these two by their number.
        LeadEnrichmentState::WaitingForConnection => 2,
        LeadEnrichmentState::WaitingForData => 3,
        LeadEnrichmentState::Pushing => 4,
        LeadEnrichmentState::Succeeded => 5,
        LeadEnrichmentState::Unchanged => 6,
        LeadEnrichmentState::NoData => 7,
        LeadEnrichmentState::Failed => 8,
        LeadEnrichmentState::Cancelled => 9,
        LeadEnrichmentState::Parked => 10,
    }
}

fn read_state(row: &Row<'_>) -> rusqlite::Result<LeadEnrichmentState> {
    let number: i64 = row.get("state")?;
    LeadEnrichmentState::ALL
        .into_iter()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| unreadable("state", format!("{number} is no state of a job")))
}

/// The contract's number of a policy.
fn overwrite_policy_number(policy: Option<OverwritePolicy>) -> i64 {
    match policy {
        None => 0,
        Some(OverwritePolicy::Always) => 1,
        Some(OverwritePolicy::Empty) => 2,
    }
}
