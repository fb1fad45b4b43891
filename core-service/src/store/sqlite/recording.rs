//! Recording batches: reading what they need, writing what becomes of them.

use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::columns::warnings;
use super::signals::Signals;
use super::{events, installations, keys, lead_enrichments, quarantine, ratings};
use crate::recording::{Batch, Changes, Draft, ItemResult, Needs, RecordKind, Request};

/// Records batches in the present transaction; the results of each, in order.
pub(super) fn record(
    connection: &Connection,
    requests: Vec<Request>,
    signals: &Signals,
) -> Result<Vec<Vec<ItemResult>>, StoreError> {
    let mut needs = Needs::default();
    for request in &requests {
        request.add_needs(&mut needs);
    }
    let mut draft = read(connection, &needs)?;
    let requests = requests.into_iter();
    let results = requests.map(|request| draft.decide(request)).collect();
    write(connection, &draft.into_changes(), signals)?;
    Ok(results)
}

/// Records a batch of things that are known by what they are rather than by a
/// key; one result each, in order.
pub(super) fn upsert<T>(
    connection: &Connection,
    batch: Batch<T>,
    put: impl Fn(sfbridge_values::Igrp, T) -> Result<ItemResult, StoreError>,
) -> Result<Vec<ItemResult>, StoreError> {
    let mut needs = Needs::default();
    needs.add_installations(&batch);
    let mut draft = read(connection, &needs)?;
    let judged = draft.upsert(batch);
    for changed in draft.into_changes().installations.values() {
        installations::put(connection, &changed.installation)?;
    }
    let put = |admitted| match admitted {
        Ok((igrp, content)) => put(igrp, content),
        Err(rejection) => Ok(ItemResult::Rejected {
            rejection,
            quarantined: None,
        }),
    };
    judged.into_iter().map(put).collect()
}

fn read(connection: &Connection, needs: &Needs) -> Result<Draft, StoreError> {
    let mut draft = Draft::default();
    for igrp in &needs.igrps {
        if let Some(installation) = installations::find(connection, *igrp)? {
            draft.know_installation(installation);
        }
    }
    for kind in RecordKind::ALL {
        for (digest, seen) in keys::find(connection, kind, needs.keys(kind))? {
            if kind == RecordKind::LeadEnrichment
                && let Some(job) = lead_enrichments::find(connection, seen.record_id)?
            {
                draft.know_job(job);
            }
            draft.know_key(digest, seen);
        }
    }
    for lead in &needs.leads {
        if let Some(job) = lead_enrichments::find_open(connection, lead)? {
            draft.know_job(job);
        }
    }
    for held in quarantine::held_by_keys(connection, &needs.held_keys)? {
        draft.know_held(held);
    }
    for id in &needs.replays {
        if let Some(held) = quarantine::held(connection, *id)? {
            draft.know_held(held);
        }
    }
    Ok(draft)
}

fn write(connection: &Connection, changes: &Changes, signals: &Signals) -> Result<(), StoreError> {
    for changed in changes.installations.values() {
        installations::put(connection, &changed.installation)?;
    }
    events::insert(connection, &changes.events, &signals.references)?;
    if !changes.events.is_empty() {
        signals.events.set();
    }
    for placed in &changes.ratings {
        ratings::place(connection, placed)?;
    }
    for job in &changes.jobs {
        lead_enrichments::keep(connection, job, &signals.jobs)?;
    }
    for ((kind, id), all) in &changes.warnings {
        let (table, id_column) = keys::table(*kind);
        let update = format!("UPDATE {table} SET warnings = ?2 WHERE {id_column} = ?1");
        let mut update = connection.prepare_cached(&update)?;
        update.execute(params![id.as_bytes(), warnings(all)?])?;
    }
    keys::put(connection, &changes.keys)?;
    for hold in &changes.holds {
        quarantine::hold(connection, hold)?;
    }
    for (id, release) in &changes.releases {
        quarantine::release(connection, *id, release)?;
    }
    Ok(())
}
