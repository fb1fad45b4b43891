//! What is remembered of Leads, whatever the job.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;

use super::super::StoreError;
use super::super::columns::{self, Columns};
use super::super::rows::known_lead;
use super::rows::Rows;
use crate::domain::{KnownLead, LeadEnrichment};
use crate::recording::LeadKey;

/// What is remembered of some Leads, to be changed and kept together.
#[derive(Debug, Default)]
pub(super) struct KnownLeads {
    found: BTreeMap<LeadKey, KnownLead>,
    changed: BTreeMap<LeadKey, KnownLead>,
}

/// What is remembered of the Leads of these jobs, which the transaction holds.
/// The rows are locked, in one order, and always after jobs.
pub(super) async fn find<'a>(
    transaction: &Transaction<'_>,
    jobs: impl IntoIterator<Item = &'a LeadEnrichment>,
) -> Result<KnownLeads, StoreError> {
    let leads: BTreeSet<LeadKey> = jobs.into_iter().map(LeadKey::of).collect();
    if leads.is_empty() {
        return Ok(KnownLeads::default());
    }
    let select = "SELECT known_leads.* FROM known_leads
                  JOIN unnest($1::int8[], $2::text[], $3::text[])
                      AS lead (igrp, organization_key, record_key)
                      USING (igrp, organization_key, record_key)
                  ORDER BY igrp, organization_key, record_key FOR UPDATE OF known_leads";
    let statement = transaction.prepare_cached(select).await?;
    let igrps: Vec<i64> = leads.iter().map(|lead| lead.igrp.get()).collect();
    let organizations: Vec<_> = leads.iter().map(|lead| &lead.organization_key).collect();
    let records: Vec<_> = leads.iter().map(|lead| &lead.record_key).collect();
    let rows = transaction
        .query(&statement, &[&igrps, &organizations, &records])
        .await?;
    let read = |row: &tokio_postgres::Row| {
        let lead = LeadKey {
            igrp: columns::igrp(row)?,
            organization_key: Columns::get(row, "organization_key")?,
            record_key: Columns::get(row, "record_key")?,
        };
        Ok((lead, known_lead::read(row)?))
    };
    Ok(KnownLeads {
        found: rows.iter().map(read).collect::<Result<_, StoreError>>()?,
        changed: BTreeMap::new(),
    })
}

impl KnownLeads {
    /// What is remembered of a job's Lead.
    pub(super) fn of(&self, job: &LeadEnrichment) -> KnownLead {
        let key = LeadKey::of(job);
        let known = self.changed.get(&key).or_else(|| self.found.get(&key));
        known.cloned().unwrap_or_default()
    }

    /// Takes what is to be remembered of a job's Lead.
    pub(super) fn remember(&mut self, job: &LeadEnrichment, lead: KnownLead) {
        if self.of(job) != lead {
            self.changed.insert(LeadKey::of(job), lead);
        }
    }

    /// Keeps what has changed. What somebody else began to remember at the same
    /// time is a conflict of transactions.
    pub(super) async fn put(self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        const TABLE: &str = "known_leads";

        let Self { found, changed } = self;
        let (old, new): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|(lead, _)| found.contains_key(lead));
        rows(&new)?.insert(transaction, TABLE, "").await?;
        rows(&old)?
            .update(
                transaction,
                TABLE,
                "written = new.written, run_times = new.run_times",
                "kept.igrp = new.igrp AND kept.organization_key = new.organization_key
                 AND kept.record_key = new.record_key",
            )
            .await?;
        Ok(())
    }
}

fn rows(leads: &[(LeadKey, KnownLead)]) -> Result<Rows<'_>, StoreError> {
    let keys = || leads.iter().map(|(key, _)| key);
    let text = |write: fn(&KnownLead) -> Result<String, StoreError>| {
        let texts = leads.iter().map(|(_, lead)| write(lead));
        texts.collect::<Result<Vec<_>, _>>()
    };
    Ok(Rows::default()
        .column("igrp", keys().map(|key| key.igrp.get()))
        .column(
            "organization_key",
            keys().map(|key| key.organization_key.clone()),
        )
        .column("record_key", keys().map(|key| key.record_key.clone()))
        .column("written", text(known_lead::written)?.into_iter())
        .column("run_times", text(known_lead::run_times)?.into_iter()))
}
