//! Lead enrichments.

mod work;

pub(super) use work::{
    SLICE, all, any_due, begin_push, cancel, claim, counts, due, release, retry, settle,
};

use deadpool_postgres::{Client, GenericClient};
use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::super::columns::{self, text};
use super::super::rows::lead_enrichment::{self, overwrite_policy_number, state_number};
use super::super::rows::progress;
use super::super::{LeadEnrichmentFilter, Page, PageRequest, StoreError};
use super::events::visitor_uuid;
use super::keys;
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use super::statements::{self, Behind, Statement};
use crate::domain::{HeldLease, LeadEnrichment, Origin, Progress, SalesforceRefusal, identity};
use crate::recording::{LeadKey, Needs};

/// The jobs that keys were used for, and the open jobs of leads. They are
/// locked, in one order.
pub(super) async fn find_needed(
    transaction: &impl GenericClient,
    needs: &Needs,
) -> Result<Vec<LeadEnrichment>, StoreError> {
    if needs.lead_keys.is_empty() && needs.leads.is_empty() {
        return Ok(Vec::new());
    }
    let known = keys::KNOWN;
    let select = format!(
        "SELECT * FROM lead_enrichments
                  WHERE lead_enrichment_id IN (
                      SELECT record_id FROM idempotency_keys WHERE {known}
                      UNION
                      SELECT lead_enrichment_id FROM lead_enrichments AS jobs
                      JOIN unnest($3::int8[], $4::text[], $5::text[])
                          AS lead (igrp, organization_key, record_key)
                          USING (igrp, organization_key, record_key)
                      WHERE jobs.is_open)
                  ORDER BY lead_enrichment_id FOR UPDATE"
    );
    let statement = transaction.prepare_cached(&select).await?;
    let (ordered, unordered) = keys::lookup(&needs.lead_keys);
    let igrps: Vec<i64> = needs.leads.iter().map(|lead| lead.igrp.get()).collect();
    let of =
        |part: fn(&LeadKey) -> &String| -> Vec<&String> { needs.leads.iter().map(part).collect() };
    let organizations = of(|lead| &lead.organization_key);
    let records = of(|lead| &lead.record_key);
    let rows = transaction
        .query(
            &statement,
            &[&ordered, &unordered, &igrps, &organizations, &records],
        )
        .await?;
    rows.iter().map(lead_enrichment::read).collect()
}

/// Writes jobs, new ones and those that have changed.
pub(super) async fn put(
    transaction: &impl GenericClient,
    jobs: &[LeadEnrichment],
) -> Result<(), StoreError> {
    let writing = writing(jobs)?;
    statements::run(transaction, writing.as_slice(), Behind::Nothing).await?;
    Ok(())
}

/// The statement that writes jobs, new ones and those that have changed; none if
/// there are none.
pub(super) fn writing(jobs: &[LeadEnrichment]) -> Result<Option<Statement<'_>>, StoreError> {
    let columns = job_columns(jobs)?;
    let columns = progress_columns(columns, jobs)?;
    Ok(columns.insertion(
        "lead_enrichments",
        "ON CONFLICT (lead_enrichment_id) DO UPDATE SET
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
    ))
}

fn job_columns(jobs: &[LeadEnrichment]) -> Result<Rows<'_>, StoreError> {
    let all = || jobs.iter();
    let origin = |field: fn(&Origin) -> Option<&str>| {
        all().map(move |job| job.origin.as_ref().and_then(field).map(str::to_owned))
    };
    let mappings: Vec<_> = all()
        .map(|job| columns::to_json(&job.field_mapping))
        .collect::<Result<_, _>>()?;
    let known_values: Vec<_> = all()
        .map(|job| columns::to_json(&job.known_values))
        .collect::<Result<_, _>>()?;
    let warnings: Vec<_> = all()
        .map(|job| columns::warnings(&job.warnings))
        .collect::<Result<_, _>>()?;
    Ok(Rows::default()
        .column(
            "lead_enrichment_id",
            all().map(|job| job.lead_enrichment_id),
        )
        .column("igrp", all().map(|job| job.igrp.get()))
        .column(
            "visitor_id",
            all().map(|job| job.visitor_id.map(visitor_uuid)),
        )
        .column("call_ref", all().map(|job| job.call_ref.clone()))
        .column(
            "organization_id",
            all().map(|job| job.organization_id.clone()),
        )
        .column(
            "organization_key",
            all().map(|job| identity(&job.organization_id).to_owned()),
        )
        .column("record_id", all().map(|job| job.record_id.clone()))
        .column(
            "record_key",
            all().map(|job| identity(&job.record_id).to_owned()),
        )
        .column("state", all().map(|job| state_number(job.state)))
        .column("is_open", all().map(|job| job.state.is_open()))
        .column("as_of_time", all().map(|job| job.as_of_time.micros()))
        .column(
            "attribution_model_id",
            all().map(|job| job.attribution_model_id.map(i64::from)),
        )
        .column("field_mapping", mappings.into_iter())
        .column(
            "overwrite_policy",
            all().map(|job| overwrite_policy_number(job.overwrite_policy)),
        )
        .column("known_values", known_values.into_iter())
        .column("receive_time", all().map(|job| job.receive_time.micros()))
        .column("update_time", all().map(|job| job.update_time.micros()))
        .column(
            "request_count",
            all().map(|job| i64::from(job.request_count)),
        )
        .column("warnings", warnings.into_iter())
        .column(
            "action_id",
            origin(|origin| text(origin.action_id.as_ref())),
        )
        .column(
            "notification_id",
            origin(|origin| text(origin.notification_id.as_ref())),
        )
        .column(
            "object_type",
            origin(|origin| text(origin.object_type.as_ref())),
        ))
}

fn progress_columns<'a>(
    rows: Rows<'a>,
    jobs: &'a [LeadEnrichment],
) -> Result<Rows<'a>, StoreError> {
    let all = || jobs.iter().map(|job| &job.progress);
    let time = |field: fn(&Progress) -> Option<Timestamp>| {
        all().map(move |progress| field(progress).map(Timestamp::micros))
    };
    let lease = || all().map(|progress| progress.lease.as_ref());
    let failure = |field: fn(&SalesforceRefusal) -> &String| {
        // The database keeps no U+0000, which may be in somebody else's words.
        all().map(move |progress| {
            let failure = progress.failure.as_ref().map(field);
            failure.map(|words| words.replace('\0', ""))
        })
    };
    let attempts: Vec<_> = all()
        .map(|progress| progress::attempts(&progress.attempts))
        .collect::<Result<_, _>>()?;
    let planned: Vec<_> = all()
        .map(|progress| columns::map(&progress.planned_fields))
        .collect::<Result<_, _>>()?;
    let written: Vec<_> = all()
        .map(|progress| columns::map(&progress.written_fields))
        .collect::<Result<_, _>>()?;
    let attributions: Vec<_> = all()
        .map(|progress| progress::attribution(progress.attribution.as_ref()))
        .collect::<Result<_, _>>()?;
    Ok(rows
        .column("due_time", time(|progress| progress.due_time))
        .column(
            "lease_owner",
            lease().map(|lease| lease.map(|lease: &HeldLease| lease.owner)),
        )
        .column(
            "lease_start",
            lease().map(|lease| lease.map(|lease| lease.start_time.micros())),
        )
        .column(
            "attempt_count",
            all().map(|progress| i64::from(progress.attempt_count)),
        )
        .column("attempts", attempts.into_iter())
        .column(
            "refusal_count",
            all().map(|progress| i64::from(progress.refusal_count)),
        )
        .column("retry_deadline", time(|progress| progress.retry_deadline))
        .column("data_deadline", time(|progress| progress.data_deadline))
        .column(
            "connection_wait_start",
            time(|progress| progress.connection_wait_start),
        )
        .column(
            "awaited_visitor_id",
            all().map(|progress| progress.awaited_visitor_id.map(visitor_uuid)),
        )
        .column("is_fresh", all().map(|progress| progress.is_fresh))
        .column("is_joined", all().map(|progress| progress.is_joined))
        .column("planned_fields", planned.into_iter())
        .column("written_fields", written.into_iter())
        .column("failure_code", failure(|failure| &failure.code))
        .column(
            "failure_description",
            failure(|failure| &failure.description),
        )
        .column("attribution", attributions.into_iter()))
}

/// One lead enrichment.
pub(super) async fn find(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<LeadEnrichment>, StoreError> {
    let select = "SELECT * FROM lead_enrichments WHERE lead_enrichment_id = $1";
    let statement = client.prepare_cached(select).await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    row.map(|row| lead_enrichment::read(&row)).transpose()
}

/// A page of lead enrichments.
pub(super) async fn list(
    client: &Client,
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
    conditions.add_if("visitor_id = ?", visitor_id.map(visitor_uuid));
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
    listing.page(client, page, lead_enrichment::read).await
}
