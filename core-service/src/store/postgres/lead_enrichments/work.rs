//! The work on jobs: taking them up, and keeping what came of it.
//!
//! What becomes of a job is decided in the domain; here jobs are found, locked
//! and kept. Whoever changes jobs locks, in this order, the installations'
//! rows where visits and calls matter, the jobs by their ids, and what is
//! remembered of their Leads; so nobody waits for each other in a circle. A
//! claim takes no job that somebody holds, so it may lock them in any order.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Client, GenericClient, Transaction};
use sfbridge_values::{CallRef, Igrp, Timestamp};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::super::columns::{self, Columns, unreadable};
use super::super::super::rows::lead_enrichment::{read, read_state};
use super::super::super::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, StoreError};
use super::super::{histories, known_leads};
use super::put;
use crate::domain::{
    Awaited, Claim, LeadEnrichment, LeadEnrichmentState, NotOpen, PlannedPush, RunResult,
    Settlement,
};

/// How many jobs that waited for a connection one transaction lets go on.
pub(in super::super) const SLICE: usize = 200;

/// Jobs that were taken up, and those that were parked instead.
#[derive(Debug, Default)]
pub(in super::super) struct Claimed {
    pub(in super::super) enrichments: Vec<ClaimedEnrichment>,
    pub(in super::super) parked: Vec<LeadEnrichment>,
}

/// What came of a write, and whether it made a job due.
#[derive(Debug)]
pub(in super::super) struct Woken<T> {
    pub(in super::super) done: T,
    pub(in super::super) is_due: bool,
}

/// Takes up jobs of an installation that are due, the earliest due first, and
/// leaves out those that somebody else is just taking up.
pub(in super::super) async fn claim(
    transaction: &Transaction<'_>,
    claim: &EnrichmentClaim,
    limit: usize,
) -> Result<Claimed, StoreError> {
    let EnrichmentClaim {
        igrp,
        owner,
        now,
        lease_until,
        limit: _,
    } = *claim;
    let mut jobs = all(
        transaction,
        "SELECT * FROM lead_enrichments
         WHERE igrp = $1 AND due_time <= $2 ORDER BY due_time, number LIMIT $3
         FOR UPDATE SKIP LOCKED",
        &[&igrp.get(), &now.micros(), &to_limit(limit)],
    )
    .await?;
    let mut leads = known_leads::find(transaction, &jobs).await?;
    let mut leases = Vec::with_capacity(jobs.len());
    for job in &mut jobs {
        let mut lead = leads.of(job);
        let claim = job.claim(owner, lease_until, &mut lead, now);
        leases.push((claim, lead.written.clone()));
        leads.remember(job, lead);
    }
    leads.put(transaction).await?;
    put(transaction, &jobs).await?;
    let mut claimed = Claimed::default();
    for (enrichment, (claim, written)) in jobs.into_iter().zip(leases) {
        match claim {
            Claim::Claimed(lease) => claimed.enrichments.push(ClaimedEnrichment {
                enrichment,
                lease,
                written,
            }),
            Claim::Parked => claimed.parked.push(enrichment),
        }
    }
    Ok(claimed)
}

/// Keeps what is about to be written; `false` for each whose lease is lost.
pub(in super::super) async fn begin_push(
    transaction: &Transaction<'_>,
    pushes: &[PlannedPush],
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<Vec<bool>, StoreError> {
    let ids = pushes.iter().map(|push| push.lease.lead_enrichment_id);
    let mut jobs = lock(transaction, ids).await?;
    let mut leads = known_leads::find(transaction, jobs.values()).await?;
    let mut changed = BTreeSet::new();
    let mut answers = Vec::with_capacity(pushes.len());
    for push in pushes {
        let Some(job) = jobs.get_mut(&push.lease.lead_enrichment_id) else {
            answers.push(false);
            continue;
        };
        let mut lead = leads.of(job);
        let has_begun = job.begin_push(push.clone(), lease_until, &mut lead, now);
        if has_begun {
            leads.remember(job, lead);
            changed.insert(job.lead_enrichment_id);
        }
        answers.push(has_begun);
    }
    leads.put(transaction).await?;
    put_changed(transaction, jobs, &changed).await?;
    Ok(answers)
}

/// Keeps what runs came to; nothing for each whose lease is lost.
pub(in super::super) async fn settle(
    transaction: &Transaction<'_>,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Woken<Vec<Option<LeadEnrichmentState>>>, StoreError> {
    let unknown = settlements
        .iter()
        .filter(|settlement| matches!(settlement.result, RunResult::NothingKnown(_)));
    let unknown: Vec<Uuid> = unknown
        .map(|settlement| settlement.lease.lead_enrichment_id)
        .collect();
    hold_back_arrivals(transaction, &unknown).await?;
    let ids = settlements.iter().map(|one| one.lease.lead_enrichment_id);
    let mut jobs = lock(transaction, ids).await?;
    let mut known = BTreeMap::new();
    for id in unknown {
        if let Some(job) = jobs.get(&id) {
            known.insert(id, now_known(transaction, job).await?);
        }
    }
    let mut leads = known_leads::find(transaction, jobs.values()).await?;
    let mut changed = BTreeSet::new();
    let mut answers = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        let id = settlement.lease.lead_enrichment_id;
        let Some(job) = jobs.get_mut(&id) else {
            answers.push(None);
            continue;
        };
        let known = match settlement.result {
            RunResult::NothingKnown(_) => known.get(&id).copied(),
            _ => None,
        };
        let mut lead = leads.of(job);
        let state = job.settle(settlement.clone(), &mut lead, known, now);
        if state.is_some() {
            leads.remember(job, lead);
            changed.insert(id);
        }
        answers.push(state);
    }
    leads.put(transaction).await?;
    let is_due = put_changed(transaction, jobs, &changed).await?;
    Ok(Woken {
        done: answers,
        is_due,
    })
}

/// Waits for visits and calls that are being recorded in the installations of
/// these jobs, and lets no others be recorded before the end of the
/// transaction: what is known is then known to be all.
async fn hold_back_arrivals(
    transaction: &Transaction<'_>,
    jobs: &[Uuid],
) -> Result<(), StoreError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let lock = "SELECT igrp FROM installations
                WHERE igrp IN (SELECT igrp FROM lead_enrichments WHERE lead_enrichment_id = ANY($1))
                ORDER BY igrp FOR NO KEY UPDATE";
    let statement = transaction.prepare_cached(lock).await?;
    transaction.query(&statement, &[&jobs]).await?;
    Ok(())
}

/// What is known by now of the visitor that a job looks up.
async fn now_known(
    transaction: &Transaction<'_>,
    job: &LeadEnrichment,
) -> Result<Awaited, StoreError> {
    let call_ref = job.call_ref.as_deref().map(CallRef::parse).transpose();
    let call_ref = call_ref.map_err(|invalid| unreadable("call_ref", invalid))?;
    let history = histories::find(
        transaction,
        job.igrp,
        job.visitor_id,
        call_ref.as_ref(),
        job.as_of_time,
    )
    .await?;
    Ok(Awaited::from(&history))
}

/// Lets some jobs of an installation go on that waited for a connection, and
/// says how many.
pub(in super::super) async fn release(
    transaction: &Transaction<'_>,
    igrp: Igrp,
    now: Timestamp,
) -> Result<Woken<usize>, StoreError> {
    // Whoever holds one of them is about to change it, and the connection with it.
    let mut jobs = all(
        transaction,
        "SELECT * FROM lead_enrichments WHERE lead_enrichment_id IN (
             SELECT lead_enrichment_id FROM lead_enrichments WHERE igrp = $1 AND state = 2
             ORDER BY receive_time, number LIMIT $2)
         ORDER BY lead_enrichment_id FOR UPDATE",
        &[&igrp.get(), &to_limit(SLICE)],
    )
    .await?;
    jobs.retain_mut(|job| job.release(now));
    put(transaction, &jobs).await?;
    Ok(Woken {
        done: jobs.len(),
        is_due: any_due(&jobs),
    })
}

/// Has a job tried now. `None` when there is none; the id of another that is
/// open for its lead, when there is one.
pub(in super::super) async fn retry(
    transaction: &Transaction<'_>,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
    // The job, and the open one of its lead. One that is opened at the same
    // time meets the unique index.
    let jobs = all(
        transaction,
        "SELECT * FROM lead_enrichments WHERE lead_enrichment_id IN (
             SELECT other.lead_enrichment_id FROM lead_enrichments AS job
             JOIN lead_enrichments AS other USING (igrp, organization_key, record_key)
             WHERE job.lead_enrichment_id = $1
                 AND (other.is_open OR other.lead_enrichment_id = $1))
         ORDER BY lead_enrichment_id FOR UPDATE",
        &[&id],
    )
    .await?;
    let (own, others): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .partition(|job| job.lead_enrichment_id == id);
    let Some(mut job) = own.into_iter().next() else {
        return Ok(None);
    };
    if let Some(open) = others.iter().find(|other| other.state.is_open()) {
        return Ok(Some(Err(open.lead_enrichment_id)));
    }
    let mut leads = known_leads::find(transaction, [&job]).await?;
    let mut lead = leads.of(&job);
    job.retry(&mut lead, now);
    leads.remember(&job, lead);
    leads.put(transaction).await?;
    put(transaction, std::slice::from_ref(&job)).await?;
    Ok(Some(Ok(job)))
}

/// Ends a job. `None` when there is none.
pub(in super::super) async fn cancel(
    transaction: &Transaction<'_>,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
    let Some(mut job) = lock(transaction, [id]).await?.remove(&id) else {
        return Ok(None);
    };
    if let Err(not_open) = job.cancel(now) {
        return Ok(Some(Err(not_open)));
    }
    put(transaction, std::slice::from_ref(&job)).await?;
    Ok(Some(Ok(job)))
}

/// Which installations have jobs that are due, and when the next one is.
pub(in super::super) async fn due(
    client: &Client,
    now: Timestamp,
) -> Result<DueEnrichments, StoreError> {
    // One step from each installation to the next, however many jobs it has.
    let select = "WITH RECURSIVE lanes (igrp) AS (
                      SELECT 0::int8
                      UNION ALL
                      SELECT (SELECT min(igrp) FROM lead_enrichments
                              WHERE due_time IS NOT NULL AND igrp > lanes.igrp)
                      FROM lanes WHERE igrp IS NOT NULL)
                  SELECT igrp,
                      (SELECT min(due_time) FROM lead_enrichments
                       WHERE igrp = lanes.igrp AND due_time <= $1) AS due_time,
                      (SELECT min(due_time) FROM lead_enrichments
                       WHERE igrp = lanes.igrp AND due_time > $1) AS next_time
                  FROM lanes WHERE igrp > 0";
    let statement = client.prepare_cached(select).await?;
    let rows = client.query(&statement, &[&now.micros()]).await?;
    let mut due = Vec::new();
    let mut next_time: Option<i64> = None;
    for row in &rows {
        let igrp = columns::igrp(row)?;
        let first: Option<i64> = Columns::get(row, "due_time")?;
        let next: Option<i64> = Columns::get(row, "next_time")?;
        due.extend(first.map(|first| (first, igrp)));
        next_time = next_time.into_iter().chain(next).min();
    }
    due.sort_unstable_by_key(|(first, igrp)| (*first, igrp.get()));
    Ok(DueEnrichments {
        installations: due.into_iter().map(|(_, igrp)| igrp).collect(),
        next_time: next_time.map(Timestamp::from_micros),
    })
}

/// How many jobs there are in each state.
pub(in super::super) async fn counts(
    client: &Client,
) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
    let select = "SELECT state, sum(count)::int8 AS count FROM lead_enrichment_counts
                  GROUP BY state";
    let statement = client.prepare_cached(select).await?;
    let rows = client.query(&statement, &[]).await?;
    let mut counts: BTreeMap<_, _> = LeadEnrichmentState::ALL.map(|state| (state, 0)).into();
    for row in &rows {
        let count: i64 = Columns::get(row, "count")?;
        counts.insert(read_state(row)?, u64::try_from(count).unwrap_or(0));
    }
    Ok(counts)
}

/// Locks jobs, in the order of their ids. Those that are not there are left
/// out.
async fn lock(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, LeadEnrichment>, StoreError> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let jobs = all(
        transaction,
        "SELECT * FROM lead_enrichments WHERE lead_enrichment_id = ANY($1)
         ORDER BY lead_enrichment_id FOR UPDATE",
        &[&ids],
    )
    .await?;
    let by_id = jobs.into_iter().map(|job| (job.lead_enrichment_id, job));
    Ok(by_id.collect())
}

/// Keeps those jobs that have changed; whether one of them is due then.
async fn put_changed(
    transaction: &Transaction<'_>,
    jobs: BTreeMap<Uuid, LeadEnrichment>,
    changed: &BTreeSet<Uuid>,
) -> Result<bool, StoreError> {
    let changed: Vec<_> = jobs
        .into_values()
        .filter(|job| changed.contains(&job.lead_enrichment_id))
        .collect();
    put(transaction, &changed).await?;
    Ok(any_due(&changed))
}

/// Whether one of these jobs may be due sooner than somebody knows.
pub(in super::super) fn any_due(jobs: &[LeadEnrichment]) -> bool {
    jobs.iter()
        .any(|job| job.progress.next_attempt_time().is_some())
}

/// Reads jobs.
pub(in super::super) async fn all(
    transaction: &impl GenericClient,
    select: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<LeadEnrichment>, StoreError> {
    let statement = transaction.prepare_cached(select).await?;
    let rows = transaction.query(&statement, values).await?;
    rows.iter().map(read).collect()
}

fn to_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
