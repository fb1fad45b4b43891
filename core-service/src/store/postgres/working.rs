//! The work on lead enrichments.

use std::collections::BTreeMap;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, StoreError};
use super::PostgresStore;
use crate::domain::{LeadEnrichment, LeadEnrichmentState, NotOpen, PlannedPush, Settlement};

impl PostgresStore {
    pub(in super::super) async fn due_enrichments(
        &self,
        now: Timestamp,
    ) -> Result<DueEnrichments, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) fn enrichment_alarm(&self) -> tokio::sync::watch::Receiver<()> {
        tokio::sync::watch::channel(()).1 // PLACEHOLDER
    }

    pub(in super::super) async fn claim_enrichments(
        &self,
        claim: EnrichmentClaim,
    ) -> Result<Vec<ClaimedEnrichment>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn begin_push(
        &self,
        pushes: Vec<PlannedPush>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn settle_enrichments(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn release_connection_waits(
        &self,
        igrp: Igrp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn end_lost_leases(
        &self,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn retry_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn cancel_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn enrichment_counts(
        &self,
    ) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }
}
