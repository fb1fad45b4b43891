//! The work on lead enrichments.

use std::collections::BTreeMap;

use sfbridge_values::{Igrp, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

use super::super::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, StoreError};
use super::SqliteStore;
use super::lead_enrichments::{self, SLICE};
use crate::domain::{LeadEnrichment, LeadEnrichmentState, NotOpen, PlannedPush, Settlement};

impl SqliteStore {
    pub(in super::super) async fn due_enrichments(
        &self,
        now: Timestamp,
    ) -> Result<DueEnrichments, StoreError> {
        self.readers
            .read(move |connection| lead_enrichments::due(connection, now))
            .await
    }

    pub(in super::super) fn enrichment_alarm(&self) -> watch::Receiver<()> {
        self.writer.signals().jobs.listen()
    }

    pub(in super::super) async fn claim_enrichments(
        &self,
        claim: EnrichmentClaim,
    ) -> Result<Vec<ClaimedEnrichment>, StoreError> {
        let mut enrichments = Vec::new();
        while enrichments.len() < claim.limit {
            let limit = SLICE.min(claim.limit - enrichments.len());
            let claimed = self
                .writer
                .work(limit, move |connection| {
                    lead_enrichments::claim(connection, &claim, limit)
                })
                .await;
            let claimed = match claimed {
                // What was taken up before is not to wait for its lease to end.
                Err(_) if !enrichments.is_empty() => break,
                claimed => claimed?,
            };
            let parked = u64::try_from(claimed.parked).unwrap_or(0);
            self.writer
                .count_enrichments(LeadEnrichmentState::Parked, parked);
            let count = claimed.parked + claimed.enrichments.len();
            enrichments.extend(claimed.enrichments);
            if count < limit {
                break;
            }
        }
        Ok(enrichments)
    }

    pub(in super::super) async fn begin_push(
        &self,
        pushes: Vec<PlannedPush>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut answers = Vec::with_capacity(pushes.len());
        for slice in slices(pushes) {
            let begun = self.writer.work(slice.len(), move |connection| {
                lead_enrichments::begin_push(connection, slice, lease_until, now)
            });
            answers.extend(begun.await?);
        }
        Ok(answers)
    }

    pub(in super::super) async fn settle_enrichments(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
        let mut answers = Vec::with_capacity(settlements.len());
        for slice in slices(settlements) {
            let signals = self.writer.signals();
            let settled = self.writer.work(slice.len(), move |connection| {
                lead_enrichments::settle(connection, slice, now, &signals.jobs)
            });
            let settled = settled.await?;
            let ended = settled.iter().flatten().filter(|state| !state.is_open());
            for state in ended {
                self.writer.count_enrichments(*state, 1);
            }
            answers.extend(settled);
        }
        Ok(answers)
    }

    pub(in super::super) async fn release_connection_waits(
        &self,
        igrp: Igrp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let signals = self.writer.signals();
            let released = self.writer.work(SLICE, move |connection| {
                lead_enrichments::release(connection, igrp, now, &signals.jobs)
            });
            let released = released.await?;
            count += released;
            if released < SLICE {
                return Ok(count);
            }
        }
    }

    pub(in super::super) async fn end_lost_leases(
        &self,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        // Most starts find none, and write nothing.
        if !self.readers.read(lead_enrichments::has_leases).await? {
            return Ok(0);
        }
        let signals = self.writer.signals();
        let work =
            move |connection: &_| lead_enrichments::end_leases(connection, now, &signals.jobs);
        self.writer.work(SLICE, work).await
    }

    pub(in super::super) async fn retry_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
        let signals = self.writer.signals();
        self.writer
            .write(move |connection| lead_enrichments::retry(connection, id, now, &signals.jobs))
            .await
    }

    pub(in super::super) async fn cancel_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
        let cancelled = self
            .writer
            .write(move |connection| lead_enrichments::cancel(connection, id, now))
            .await?;
        if let Some(Ok(_)) = &cancelled {
            self.writer
                .count_enrichments(LeadEnrichmentState::Cancelled, 1);
        }
        Ok(cancelled)
    }

    pub(in super::super) async fn enrichment_counts(
        &self,
    ) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
        self.readers.read(lead_enrichments::counts).await
    }
}

/// Takes work apart into what one transaction may take.
fn slices<T>(work: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut work = work.into_iter();
    std::iter::from_fn(move || {
        let slice: Vec<T> = work.by_ref().take(SLICE).collect();
        (!slice.is_empty()).then_some(slice)
    })
}
