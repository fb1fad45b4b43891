//! Lead enrichments.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sfbridge_values::{OrganizationId, SalesforceId, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::{LeadEnrichmentFilter, Page, PageRequest, StoreError};
use super::columns::{self, text, unreadable};
use super::listing::{Conditions, Listing};
use super::recording::{self, Admitted, Repeat, Steps};
use crate::domain::{
    LeadEnrichment, LeadEnrichmentState, LeadToEnrich, Origin, OverwritePolicy, identity,
};
use crate::recording::{
    Batch, ItemResult, RecordKind, new_enrichment, new_record_id, with_known_model,
};

/// Records a batch in the present transaction.
pub(super) fn record(
    connection: &Connection,
    batch: Batch<LeadToEnrich>,
) -> Result<Vec<ItemResult>, StoreError> {
    let now = batch.now;
    let steps = Steps {
        kind: RecordKind::LeadEnrichment,
        fingerprint: LeadToEnrich::fingerprint,
        repeat: |id, admitted: Admitted<'_, LeadToEnrich>| {
            repeat(connection, id, admitted, now).map(Ok)
        },
        insert: |admitted: Admitted<'_, LeadToEnrich>| {
            insert_or_join(connection, admitted, now).map(Ok)
        },
    };
    recording::record(connection, batch, &steps)
}

/// Opens a job for a lead, or joins the one that is open.
fn insert_or_join(
    connection: &Connection,
    admitted: Admitted<'_, LeadToEnrich>,
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    let Admitted {
        content,
        installation,
        receive_time,
        idempotency_key: _,
    } = admitted;
    let content = with_known_model(content, installation);
    let open = find_open(
        connection,
        installation.igrp.get(),
        &content.organization_id,
        &content.record_id,
    )?;
    if let Some(mut job) = open {
        job.join(content, receive_time, now);
        job.request_count += 1;
        put(connection, &job)?;
        return Ok(job.lead_enrichment_id);
    }
    let id = new_record_id(now);
    put(
        connection,
        &new_enrichment(id, installation.igrp, content, receive_time, now),
    )?;
    Ok(id)
}

/// An open job takes the newer content of a repeat; a closed one is done.
fn repeat(
    connection: &Connection,
    id: Uuid,
    admitted: Admitted<'_, LeadToEnrich>,
    now: Timestamp,
) -> Result<Repeat, StoreError> {
    match find(connection, id)? {
        Some(mut job) if is_open(job.state) && is_same_lead(&job, &admitted) => {
            // A repeat that names no time still means its first receipt.
            let as_of_time = job.as_of_time;
            let content = with_known_model(admitted.content, admitted.installation);
            job.join(content, as_of_time, now);
            put(connection, &job)?;
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

fn is_open(state: LeadEnrichmentState) -> bool {
    match state {
        LeadEnrichmentState::Pending => true,
    }
}

fn find_open(
    connection: &Connection,
    igrp: i64,
    organization_id: &OrganizationId,
    record_id: &SalesforceId,
) -> Result<Option<LeadEnrichment>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT * FROM lead_enrichments
             WHERE igrp = ?1 AND organization_key = ?2 AND record_key = ?3 AND is_open = 1",
        )?
        .query_row(params![igrp, organization_id.key(), record_id.key()], read)
        .optional()?)
}

fn put(connection: &Connection, job: &LeadEnrichment) -> Result<(), StoreError> {
    let origin = job.origin.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO lead_enrichments (
                 lead_enrichment_id, igrp, visitor_id, call_ref, organization_id, organization_key,
                 record_id, record_key, state, is_open, as_of_time, attribution_model_id,
                 field_mapping, overwrite_policy, known_values, receive_time, update_time,
                 request_count, warnings, action_id, notification_id, object_type)
             VALUES (
                 :id, :igrp, :visitor_id, :call_ref, :organization_id, :organization_key,
                 :record_id, :record_key, :state, :is_open, :as_of_time, :attribution_model_id,
                 :field_mapping, :overwrite_policy, :known_values, :receive_time, :update_time,
                 :request_count, :warnings, :action_id, :notification_id, :object_type)
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
                 object_type = excluded.object_type",
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
            ":is_open": is_open(job.state),
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
        state: match row.get("state")? {
            1_i64 => LeadEnrichmentState::Pending,
            other => return Err(unreadable("state", format!("{other} is no state of a job"))),
        },
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
    }
}

/// The contract's number of a policy.
fn overwrite_policy_number(policy: Option<OverwritePolicy>) -> i64 {
    match policy {
        None => 0,
        Some(OverwritePolicy::Always) => 1,
        Some(OverwritePolicy::Empty) => 2,
    }
}
