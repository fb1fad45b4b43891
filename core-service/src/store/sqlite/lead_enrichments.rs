//! Lead enrichments.

mod work;

pub(super) use work::{
    SLICE, begin_push, cancel, claim, counts, due, end_leases, has_leases, keep, release, retry,
    settle, wake_by_call, wake_by_visitor,
};

use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params};
use sfbridge_values::{Timestamp, VisitorId};
use uuid::Uuid;

use super::super::columns::{self, text};
use super::super::rows::lead_enrichment::{self, overwrite_policy_number, state_number};
use super::super::rows::progress;
use super::super::{LeadEnrichmentFilter, Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use super::row::one;
use crate::domain::{LeadEnrichment, identity};
use crate::recording::LeadKey;

/// The open job of a lead.
pub(super) fn find_open(
    connection: &Connection,
    lead: &LeadKey,
) -> Result<Option<LeadEnrichment>, StoreError> {
    let statement = connection.prepare_cached(
        "SELECT * FROM lead_enrichments
         WHERE igrp = ?1 AND organization_key = ?2 AND record_key = ?3 AND is_open = 1",
    )?;
    let lead = params![lead.igrp.get(), lead.organization_key, lead.record_key];
    one(statement, lead, |row| lead_enrichment::read(row))
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
    let select = "SELECT * FROM lead_enrichments WHERE lead_enrichment_id = ?1";
    let statement = connection.prepare_cached(select)?;
    one(statement, [id.as_bytes()], |row| lead_enrichment::read(row))
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
    listing.page(connection, page, |row| lead_enrichment::read(row))
}
