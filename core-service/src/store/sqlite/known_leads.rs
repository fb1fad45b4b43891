//! What is remembered of Leads, whatever the job.

use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::rows::known_lead;
use super::row::one;
use crate::domain::{KnownLead, LeadEnrichment, identity};

/// What is remembered of a job's Lead.
pub(super) fn find(connection: &Connection, job: &LeadEnrichment) -> Result<KnownLead, StoreError> {
    let statement = connection.prepare_cached(
        "SELECT written, run_times FROM known_leads
         WHERE igrp = ?1 AND organization_key = ?2 AND record_key = ?3",
    )?;
    let lead = params![
        job.igrp.get(),
        identity(&job.organization_id),
        identity(&job.record_id)
    ];
    let found = one(statement, lead, |row| known_lead::read(row))?;
    Ok(found.unwrap_or_default())
}

/// Remembers a job's Lead.
pub(super) fn put(
    connection: &Connection,
    job: &LeadEnrichment,
    lead: &KnownLead,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO known_leads (igrp, organization_key, record_key, written, run_times)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (igrp, organization_key, record_key) DO UPDATE SET
                 written = excluded.written, run_times = excluded.run_times",
        )?
        .execute(params![
            job.igrp.get(),
            identity(&job.organization_id),
            identity(&job.record_id),
            known_lead::written(lead)?,
            known_lead::run_times(lead)?,
        ])?;
    Ok(())
}
