//! The work on lead enrichments.

use std::collections::BTreeMap;
use std::time::Duration;

use sfbridge_values::{Igrp, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

use super::super::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, StoreError};
use super::PostgresStore;
use super::database::transact;
use super::lead_enrichments::{self, SLICE};
use super::notices::Topic;
use crate::domain::{LeadEnrichment, LeadEnrichmentState, NotOpen, PlannedPush, Settlement};
use crate::metrics::StateLabel;

impl PostgresStore {
    pub(in super::super) async fn due_enrichments(
        &self,
        now: Timestamp,
    ) -> Result<DueEnrichments, StoreError> {
        let client = self.database.client().await?;
        lead_enrichments::due(&client, now).await
    }

    pub(in super::super) fn enrichment_alarm(&self) -> watch::Receiver<()> {
        self.notices.hear(Topic::Enrichments)
    }

    pub(in super::super) fn longest_silence(&self) -> Duration {
        self.notices.longest_silence()
    }

    pub(in super::super) async fn claim_enrichments(
        &self,
        claim: EnrichmentClaim,
    ) -> Result<Vec<ClaimedEnrichment>, StoreError> {
        let mut enrichments = Vec::new();
        while enrichments.len() < claim.limit {
            let limit = claim.limit - enrichments.len();
            let claimed = transact!(self.database, |transaction| {
                lead_enrichments::claim(&transaction, &claim, limit).await
            });
            let claimed = match claimed {
                // What was taken up before is not to wait for its lease to end.
                Err(_) if !enrichments.is_empty() => break,
                claimed => claimed?,
            };
            for parked in &claimed.parked {
                self.count(LeadEnrichmentState::Parked);
                tracing::warn!(
                    igrp = parked.igrp.get(),
                    lead_enrichment_id = %parked.lead_enrichment_id,
                    "a lead enrichment is parked: its Lead is enriched over and over; \
                     `sfbridge enrichments show` says what to do"
                );
            }
            let count = claimed.parked.len() + claimed.enrichments.len();
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
        transact!(self.database, |transaction| {
            lead_enrichments::begin_push(&transaction, &pushes, lease_until, now).await
        })
    }

    pub(in super::super) async fn settle_enrichments(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
        let settled = transact!(self.database, |transaction| {
            lead_enrichments::settle(&transaction, &settlements, now).await
        })?;
        for state in settled.done.iter().flatten() {
            if !state.is_open() {
                self.count(*state);
            }
        }
        self.ring_if(settled.is_due);
        Ok(settled.done)
    }

    pub(in super::super) async fn release_connection_waits(
        &self,
        igrp: Igrp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let released = transact!(self.database, |transaction| {
                lead_enrichments::release(&transaction, igrp, now).await
            })?;
            self.ring_if(released.is_due);
            count += released.done;
            if released.done < SLICE {
                return Ok(count);
            }
        }
    }

    /// Ends nothing: other cores may be at work, and the leases of one that is
    /// gone end by themselves.
    #[expect(clippy::unused_async, reason = "as the other backend")]
    pub(in super::super) async fn end_lost_leases(
        &self,
        _now: Timestamp,
    ) -> Result<usize, StoreError> {
        Ok(0)
    }

    pub(in super::super) async fn retry_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
        let retried = transact!(self.database, |transaction| {
            lead_enrichments::retry(&transaction, id, now).await
        })?;
        self.ring_if(matches!(&retried, Some(Ok(_))));
        Ok(retried)
    }

    pub(in super::super) async fn cancel_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
        let cancelled = transact!(self.database, |transaction| {
            lead_enrichments::cancel(&transaction, id, now).await
        })?;
        if let Some(Ok(_)) = &cancelled {
            self.count(LeadEnrichmentState::Cancelled);
        }
        Ok(cancelled)
    }

    pub(in super::super) async fn enrichment_counts(
        &self,
    ) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
        let client = self.database.client().await?;
        lead_enrichments::counts(&client).await
    }

    /// Has those who work on jobs look, on every core, if a job has become due.
    /// To be called after the commit.
    pub(super) fn ring_if(&self, is_due: bool) {
        if is_due {
            self.notices.ring(Topic::Enrichments);
        }
    }

    fn count(&self, state: LeadEnrichmentState) {
        let state = StateLabel {
            state: state.name(),
        };
        let results = &self.metrics.enrichment_results;
        results.get_or_create(&state).inc();
    }
}
