//! The work on jobs: taking them up, and keeping what came of it.
//!
//! What becomes of a job is decided in the domain; here jobs are found and
//! kept.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params, params};
use sfbridge_values::{CallRef, Igrp, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::super::columns::{self, Columns, unreadable};
use super::super::super::rows::lead_enrichment::{read, read_state};
use super::super::super::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, StoreError};
use super::super::alarm::Alarm;
use super::super::row;
use super::super::{histories, known_leads};
use super::{find, find_open, put};
use crate::domain::{
    Awaited, Claim, LeadEnrichment, LeadEnrichmentState, NotOpen, PlannedPush, RunResult,
    Settlement,
};
use crate::recording::LeadKey;

/// How many jobs one transaction takes at most, so that nobody waits long for
/// work that nobody waits for.
pub(in super::super) const SLICE: usize = 50;

/// Jobs that were taken up, and how many were parked instead.
#[derive(Debug, Default)]
pub(in super::super) struct Claimed {
    pub(in super::super) enrichments: Vec<ClaimedEnrichment>,
    pub(in super::super) parked: usize,
}

/// Takes up jobs of an installation that are due, the earliest due first.
pub(in super::super) fn claim(
    connection: &Connection,
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
    let due = all(
        connection,
        "SELECT * FROM lead_enrichments
         WHERE igrp = ?1 AND due_time <= ?2 ORDER BY due_time, number LIMIT ?3",
        params![
            igrp.get(),
            now.micros(),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
    )?;
    let mut claimed = Claimed::default();
    for mut job in due {
        let mut lead = known_leads::find(connection, &job)?;
        let is_fresh = job.progress.is_fresh;
        let claim = job.claim(owner, lease_until, &mut lead, now);
        if is_fresh {
            known_leads::put(connection, &job, &lead)?;
        }
        put(connection, &job)?;
        match claim {
            Claim::Claimed(lease) => claimed.enrichments.push(ClaimedEnrichment {
                enrichment: job,
                lease,
                written: lead.written,
            }),
            Claim::Parked => {
                claimed.parked += 1;
                tracing::warn!(
                    igrp = igrp.get(),
                    lead_enrichment_id = %job.lead_enrichment_id,
                    "a lead enrichment is parked: its Lead is enriched over and over; \
                     `sfbridge enrichments show` says what to do"
                );
            }
        }
    }
    Ok(claimed)
}

/// Keeps what is about to be written; `false` for each whose lease is lost.
pub(in super::super) fn begin_push(
    connection: &Connection,
    pushes: Vec<PlannedPush>,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<Vec<bool>, StoreError> {
    let begin = |push: PlannedPush| {
        let Some(mut job) = find(connection, push.lease.lead_enrichment_id)? else {
            return Ok(false);
        };
        let mut lead = known_leads::find(connection, &job)?;
        let has_begun = job.begin_push(push, lease_until, &mut lead, now);
        if has_begun {
            known_leads::put(connection, &job, &lead)?;
            put(connection, &job)?;
        }
        Ok(has_begun)
    };
    pushes.into_iter().map(begin).collect()
}

/// Keeps what runs came to; nothing for each whose lease is lost.
pub(in super::super) fn settle(
    connection: &Connection,
    settlements: Vec<Settlement>,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
    let settle = |settlement: Settlement| {
        let Some(mut job) = find(connection, settlement.lease.lead_enrichment_id)? else {
            return Ok(None);
        };
        let known = match settlement.result {
            RunResult::NothingKnown(_) => Some(known(connection, &job)?),
            _ => None,
        };
        let before = known_leads::find(connection, &job)?;
        let mut lead = before.clone();
        let state = job.settle(settlement, &mut lead, known, now);
        if state.is_some() {
            if lead != before {
                known_leads::put(connection, &job, &lead)?;
            }
            keep(connection, &job, alarm)?;
        }
        Ok(state)
    };
    settlements.into_iter().map(settle).collect()
}

/// What is known by now of the visitor that a job looks up.
fn known(connection: &Connection, job: &LeadEnrichment) -> Result<Awaited, StoreError> {
    let call_ref = job.call_ref.as_deref().map(CallRef::parse).transpose();
    let call_ref = call_ref.map_err(|invalid| unreadable("call_ref", invalid))?;
    let history = histories::find(
        connection,
        job.igrp,
        job.visitor_id,
        call_ref.as_ref(),
        job.as_of_time,
    )?;
    Ok(Awaited::from(&history))
}

/// Wakes the jobs that wait for a visitor.
pub(in super::super) fn wake_by_visitor(
    connection: &Connection,
    igrp: Igrp,
    visitor_id: VisitorId,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<(), StoreError> {
    let waiting = all(
        connection,
        "SELECT * FROM lead_enrichments
         WHERE igrp = ?1 AND awaited_visitor_id = ?2 AND state = 3",
        params![igrp.get(), visitor_id.as_bytes()],
    )?;
    wake(connection, waiting, now, alarm)
}

/// Wakes the jobs that wait for a call.
pub(in super::super) fn wake_by_call(
    connection: &Connection,
    igrp: Igrp,
    call_ref: &CallRef,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<(), StoreError> {
    let waiting = all(
        connection,
        "SELECT * FROM lead_enrichments WHERE igrp = ?1 AND call_ref = ?2 AND state = 3",
        params![igrp.get(), call_ref.as_str()],
    )?;
    wake(connection, waiting, now, alarm)
}

fn wake(
    connection: &Connection,
    waiting: Vec<LeadEnrichment>,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<(), StoreError> {
    for mut job in waiting {
        if job.wake(now) {
            keep(connection, &job, alarm)?;
        }
    }
    Ok(())
}

/// Lets some jobs of an installation go on that waited for a connection, and
/// says how many.
pub(in super::super) fn release(
    connection: &Connection,
    igrp: Igrp,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<usize, StoreError> {
    let waiting = all(
        connection,
        "SELECT * FROM lead_enrichments WHERE igrp = ?1 AND state = 2
         ORDER BY receive_time, number LIMIT ?2",
        params![igrp.get(), i64::try_from(SLICE).unwrap_or(i64::MAX)],
    )?;
    let mut count = 0;
    for mut job in waiting {
        if job.release(now) {
            keep(connection, &job, alarm)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Whether anybody holds a lease, or held one when the store was closed.
pub(in super::super) fn has_leases(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM lead_enrichments
                        WHERE igrp > 0 AND lease_owner IS NOT NULL)",
        [],
        |row| row.get(0),
    )?)
}

/// Ends all leases: nobody holds one when the store has just been opened, for
/// one process opens it at a time. Says how many there were.
pub(in super::super) fn end_leases(
    connection: &Connection,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<usize, StoreError> {
    let ended = connection.execute(
        "UPDATE lead_enrichments SET due_time = ?1
         WHERE igrp > 0 AND lease_owner IS NOT NULL AND due_time > ?1",
        [now.micros()],
    )?;
    if ended > 0 {
        alarm.set();
    }
    Ok(ended)
}

/// Has a job tried now. `None` when there is none; the id of another that is
/// open for its lead, when there is one.
pub(in super::super) fn retry(
    connection: &Connection,
    id: Uuid,
    now: Timestamp,
    alarm: &Alarm,
) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
    let Some(mut job) = find(connection, id)? else {
        return Ok(None);
    };
    let open = find_open(connection, &LeadKey::of(&job))?;
    if let Some(open) = open.filter(|open| open.lead_enrichment_id != id) {
        return Ok(Some(Err(open.lead_enrichment_id)));
    }
    let mut lead = known_leads::find(connection, &job)?;
    job.retry(&mut lead, now);
    known_leads::put(connection, &job, &lead)?;
    keep(connection, &job, alarm)?;
    Ok(Some(Ok(job)))
}

/// Ends a job. `None` when there is none.
pub(in super::super) fn cancel(
    connection: &Connection,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
    let Some(mut job) = find(connection, id)? else {
        return Ok(None);
    };
    if let Err(not_open) = job.cancel(now) {
        return Ok(Some(Err(not_open)));
    }
    put(connection, &job)?;
    Ok(Some(Ok(job)))
}

/// Which installations have jobs that are due, and when the next one is.
pub(in super::super) fn due(
    connection: &Connection,
    now: Timestamp,
) -> Result<DueEnrichments, StoreError> {
    // One step from each installation to the next, however many jobs it has.
    let statement = connection.prepare_cached(
        "WITH RECURSIVE lanes (igrp) AS (
             SELECT 0
             UNION ALL
             SELECT (SELECT min(igrp) FROM lead_enrichments
                     WHERE due_time IS NOT NULL AND igrp > lanes.igrp)
             FROM lanes WHERE igrp IS NOT NULL)
         SELECT igrp,
             (SELECT min(due_time) FROM lead_enrichments
              WHERE igrp = lanes.igrp AND due_time <= ?1) AS due_time,
             (SELECT min(due_time) FROM lead_enrichments
              WHERE igrp = lanes.igrp AND due_time > ?1) AS next_time
         FROM lanes WHERE igrp > 0",
    )?;
    let lanes = row::all(statement, [now.micros()], |row| {
        let due: Option<i64> = Columns::get(row, "due_time")?;
        let next: Option<i64> = Columns::get(row, "next_time")?;
        Ok((columns::igrp(row)?, due, next))
    })?;
    let mut due = Vec::new();
    let mut next_time: Option<i64> = None;
    for (igrp, first, next) in lanes {
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
pub(in super::super) fn counts(
    connection: &Connection,
) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
    let statement = connection.prepare_cached("SELECT state, count FROM lead_enrichment_counts")?;
    let rows = row::all(statement, [], |row| {
        let count: i64 = Columns::get(row, "count")?;
        Ok((read_state(row)?, u64::try_from(count).unwrap_or(0)))
    })?;
    let mut counts: BTreeMap<_, _> = LeadEnrichmentState::ALL.map(|state| (state, 0)).into();
    for (state, count) in rows {
        counts.insert(state, count);
    }
    Ok(counts)
}

/// Keeps a job, which may be due sooner than somebody knows.
pub(in super::super) fn keep(
    connection: &Connection,
    job: &LeadEnrichment,
    alarm: &Alarm,
) -> Result<(), StoreError> {
    put(connection, job)?;
    if job.progress.next_attempt_time().is_some() {
        alarm.set();
    }
    Ok(())
}

fn all(
    connection: &Connection,
    select: &str,
    values: impl Params,
) -> Result<Vec<LeadEnrichment>, StoreError> {
    row::all(connection.prepare_cached(select)?, values, |row| read(row))
}
