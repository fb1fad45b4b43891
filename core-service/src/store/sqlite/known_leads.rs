//! What is remembered of Leads, whatever the job.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sfbridge_values::Timestamp;

use super::super::StoreError;
use super::columns::{self, unreadable};
use crate::domain::{KnownLead, LeadEnrichment, WrittenMarks, identity};

/// What is remembered of a job's Lead.
pub(super) fn find(connection: &Connection, job: &LeadEnrichment) -> Result<KnownLead, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT written, run_times FROM known_leads
             WHERE igrp = ?1 AND organization_key = ?2 AND record_key = ?3",
        )?
        .query_row(
            params![
                job.igrp.get(),
                identity(&job.organization_id),
                identity(&job.record_id)
            ],
            read,
        )
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Remembers a job's Lead.
pub(super) fn put(
    connection: &Connection,
    job: &LeadEnrichment,
    lead: &KnownLead,
) -> Result<(), StoreError> {
    let KnownLead { written, run_times } = lead;
    let marks = |marks: &Vec<[u8; 16]>| -> Vec<String> {
        let encode = |mark: &[u8; 16]| STANDARD_NO_PAD.encode(mark);
        marks.iter().map(encode).collect()
    };
    let fields = written.fields().iter();
    let written: BTreeMap<_, _> = fields.map(|(field, of)| (field, marks(of))).collect();
    let run_times: Vec<_> = run_times.iter().map(|time| time.micros()).collect();
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
            columns::to_json(&written)?,
            columns::to_json(&run_times)?,
        ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<KnownLead> {
    let texts: BTreeMap<String, Vec<String>> = columns::json(row, "written")?;
    let mark = |text: &String| -> rusqlite::Result<[u8; 16]> {
        let bytes = STANDARD_NO_PAD
            .decode(text)
            .map_err(|error| unreadable("written", error))?;
        bytes
            .try_into()
            .map_err(|_| unreadable("written", "a mark is not of 16 bytes"))
    };
    let marks = texts
        .into_iter()
        .map(|(field, of)| Ok((field, of.iter().map(mark).collect::<Result<_, _>>()?)))
        .collect::<rusqlite::Result<_>>()?;
    let run_times: Vec<i64> = columns::json(row, "run_times")?;
    Ok(KnownLead {
        written: WrittenMarks::new(marks),
        run_times: run_times.into_iter().map(Timestamp::from_micros).collect(),
    })
}
