//! Recording batches: reading what they need, writing what becomes of them.

use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::columns::warnings;
use super::alarm::Alarm;
use super::{events, installations, keys, lead_enrichments, quarantine, ratings};
use crate::domain::{LeadToEnrich, NewCallRating, NewEvent};
use crate::recording::{Batch, Changes, Draft, ItemResult, Needs, RecordKind};

/// Records events in the present transaction; one result each, in order.
pub(super) fn events(
    connection: &Connection,
    batch: Batch<NewEvent>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let mut needs = Needs::default();
    needs.add(&batch, RecordKind::Event);
    let mut draft = read(connection, &needs)?;
    let results = draft.record_events(batch);
    write(connection, &draft.into_changes(), alarm)?;
    Ok(results)
}

/// Records ratings in the present transaction; one result each, in order.
pub(super) fn ratings(
    connection: &Connection,
    batch: Batch<NewCallRating>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let mut needs = Needs::default();
    needs.add(&batch, RecordKind::CallRating);
    let mut draft = read(connection, &needs)?;
    let results = draft.rate_calls(batch);
    write(connection, &draft.into_changes(), alarm)?;
    Ok(results)
}

/// Takes leads to enrich in the present transaction; one result each, in
/// order.
pub(super) fn leads(
    connection: &Connection,
    batch: Batch<LeadToEnrich>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let mut needs = Needs::default();
    needs.add_leads(&batch);
    let mut draft = read(connection, &needs)?;
    let results = draft.enrich_leads(batch);
    write(connection, &draft.into_changes(), alarm)?;
    Ok(results)
}

/// Quarantines notifications that became no item in the present transaction;
/// one result each, in order.
pub(super) fn rejected(
    connection: &Connection,
    batch: Batch<std::convert::Infallible>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let mut needs = Needs::default();
    needs.add_rejected(&batch);
    let mut draft = read(connection, &needs)?;
    let results = draft.quarantine(batch);
    write(connection, &draft.into_changes(), alarm)?;
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
        for digest in needs.keys(kind) {
            if let Some(seen) = keys::find(connection, kind, digest)? {
                if kind == RecordKind::LeadEnrichment
                    && let Some(job) = lead_enrichments::find(connection, seen.record_id)?
                {
                    draft.know_job(job);
                }
                draft.know_key(*digest, seen);
            }
        }
    }
    for lead in &needs.leads {
        if let Some(job) = lead_enrichments::find_open(connection, lead)? {
            draft.know_job(job);
        }
    }
    for digest in &needs.held_keys {
        if let Some(held) = quarantine::held_by_key(connection, digest)? {
            draft.know_held(held);
        }
    }
    for id in &needs.replays {
        if let Some(held) = quarantine::held(connection, *id)? {
            draft.know_held(held);
        }
    }
    Ok(draft)
}

fn write(connection: &Connection, changes: &Changes, alarm: &Alarm) -> Result<(), StoreError> {
    for changed in changes.installations.values() {
        installations::put(connection, &changed.installation)?;
    }
    for event in &changes.events {
        events::insert(connection, event)?;
    }
    for placed in &changes.ratings {
        ratings::place(connection, placed)?;
    }
    for job in &changes.jobs {
        lead_enrichments::keep(connection, job, alarm)?;
    }
    for ((kind, id), all) in &changes.warnings {
        let (table, id_column) = keys::table(*kind);
        let update = format!("UPDATE {table} SET warnings = ?2 WHERE {id_column} = ?1");
        let mut update = connection.prepare_cached(&update)?;
        update.execute(params![id.as_bytes(), warnings(all)?])?;
    }
    for (digest, used) in &changes.keys {
        keys::put(connection, digest, used)?;
    }
    for hold in &changes.holds {
        quarantine::hold(connection, hold)?;
    }
    for (id, release) in &changes.releases {
        quarantine::release(connection, *id, release)?;
    }
    Ok(())
}
