//! The work on lead enrichments.

use std::collections::BTreeMap;
use std::time::Duration;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim, Store, StoreError, on_backend};
use crate::domain::{LeadEnrichment, LeadEnrichmentState, NotOpen, PlannedPush, Settlement};

impl Store {
    /// Which installations have lead enrichments that are due, and when the
    /// next one is. Cheap: what waits is not counted through.
    pub async fn due_enrichments(&self, now: Timestamp) -> Result<DueEnrichments, StoreError> {
        on_backend!(self, store => store.due_enrichments(now).await)
    }

    /// Hears whenever a write may have made a lead enrichment due sooner than
    /// [`Store::due_enrichments`] said before: at once of this process, and soon
    /// of others, but nobody promises that; see [`Store::longest_silence`].
    pub fn enrichment_alarm(&self) -> tokio::sync::watch::Receiver<()> {
        on_backend!(self, store => store.enrichment_alarm())
    }

    /// After how long whoever has heard no alarm should look, because another
    /// process may have written, and its notice may be lost.
    pub fn longest_silence(&self) -> Duration {
        match self {
            // Nobody else writes. Clocks are set, though.
            Self::Sqlite(_) => Duration::from_mins(1),
            Self::Postgres(store) => store.longest_silence(),
        }
    }

    /// Takes up lead enrichments of one installation that are due and that
    /// nobody works on, the one that is due longest first. Those whose Lead is
    /// enriched over and over are parked instead, so that fewer than the limit
    /// does not mean that there are no more.
    pub async fn claim_enrichments(
        &self,
        claim: EnrichmentClaim,
    ) -> Result<Vec<ClaimedEnrichment>, StoreError> {
        on_backend!(self, store => store.claim_enrichments(claim).await)
    }

    /// Keeps what is about to be written into Leads, which must be durable
    /// before it is sent: so a crash in between is told from somebody else's
    /// change. One answer each, in order: `false` when the lease is lost or the
    /// job was cancelled, and nothing may be sent. The lease is extended.
    pub async fn begin_push(
        &self,
        pushes: Vec<PlannedPush>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        on_backend!(self, store => store.begin_push(pushes, lease_until, now).await)
    }

    /// Keeps what runs of lead enrichments came to. One answer each, in order:
    /// the state that the job is in now, or `None` when the lease was lost and
    /// nothing has changed.
    ///
    /// Done in several transactions when they are many. After an error those
    /// that were settled are; settling all of them again is safe.
    pub async fn settle_enrichments(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
        on_backend!(self, store => store.settle_enrichments(settlements, now).await)
    }

    /// Lets the lead enrichments of an installation go on that waited for a
    /// connection, and says how many. To be called when credentials were set,
    /// and when a connection was found to work, also after a start: a crash may
    /// have come in between.
    pub async fn release_connection_waits(
        &self,
        igrp: Igrp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        on_backend!(self, store => store.release_connection_waits(igrp, now).await)
    }

    /// Ends the leases of processes that are surely gone, and says how many. To
    /// be called before this process takes anything up: the embedded store is
    /// open in one process at a time, so nobody else holds any. A store that
    /// many cores share ends none, for who is gone is not known there; leases
    /// end by themselves.
    pub async fn end_lost_leases(&self, now: Timestamp) -> Result<usize, StoreError> {
        on_backend!(self, store => store.end_lost_leases(now).await)
    }

    /// Has a lead enrichment tried now, whatever came of it before. `None` when
    /// there is none; the id of another when that is open for its lead.
    pub async fn retry_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
        on_backend!(self, store => store.retry_enrichment(id, now).await)
    }

    /// Ends a lead enrichment that is open. `None` when there is none.
    pub async fn cancel_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
        on_backend!(self, store => store.cancel_enrichment(id, now).await)
    }

    /// How many lead enrichments there are in each state, all states included.
    pub async fn enrichment_counts(
        &self,
    ) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
        on_backend!(self, store => store.enrichment_counts().await)
    }
}
