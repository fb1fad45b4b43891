//! Waking the jobs that wait for visits and calls.

use deadpool_postgres::GenericClient;
use sfbridge_values::{CallRef, Igrp, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::StoreError;
use super::events::visitor_uuid;
use super::lead_enrichments::{self, all, any_due};

/// Wakes the jobs that wait for these visitors or these calls; whether one of
/// them may be due sooner than somebody knows, so that the alarm is to be rung
/// after the commit.
///
/// The transaction holds the installations' rows `FOR SHARE`, so that none of
/// these jobs begins to wait meanwhile.
pub(super) async fn wake(
    transaction: &impl GenericClient,
    visitors: &[(Igrp, VisitorId)],
    calls: &[(Igrp, CallRef)],
    now: Timestamp,
) -> Result<bool, StoreError> {
    if visitors.is_empty() && calls.is_empty() {
        return Ok(false);
    }
    let visitor_igrps: Vec<i64> = visitors.iter().map(|(igrp, _)| igrp.get()).collect();
    let visitor_ids: Vec<Uuid> = visitors.iter().map(|(_, id)| visitor_uuid(*id)).collect();
    let call_igrps: Vec<i64> = calls.iter().map(|(igrp, _)| igrp.get()).collect();
    let call_refs: Vec<&str> = calls.iter().map(|(_, call)| call.as_str()).collect();
    let mut waiting = all(
        transaction,
        "SELECT * FROM lead_enrichments WHERE lead_enrichment_id IN (
             SELECT lead_enrichment_id FROM lead_enrichments AS jobs
             JOIN unnest($1::int8[], $2::uuid[]) AS visitor (igrp, visitor_id)
                 ON jobs.igrp = visitor.igrp AND jobs.awaited_visitor_id = visitor.visitor_id
             WHERE jobs.state = 3 AND jobs.awaited_visitor_id IS NOT NULL
             UNION
             SELECT lead_enrichment_id FROM lead_enrichments AS jobs
             JOIN unnest($3::int8[], $4::text[]) AS call (igrp, call_ref)
                 ON jobs.igrp = call.igrp AND jobs.call_ref = call.call_ref
             WHERE jobs.state = 3 AND jobs.call_ref IS NOT NULL)
         ORDER BY lead_enrichment_id FOR UPDATE",
        &[&visitor_igrps, &visitor_ids, &call_igrps, &call_refs],
    )
    .await?;
    waiting.retain_mut(|job| job.wake(now));
    lead_enrichments::put(transaction, &waiting).await?;
    Ok(any_due(&waiting))
}
