//! What arrives and is recorded.

use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, on_backend};
use crate::domain::{
    LeadToEnrich, NewCall, NewCallRating, NewEvent, NewVisit, QuarantineState, Refusal,
};
use crate::recording::{Batch, ItemResult, Verdict};

impl Store {
    /// Records events; one result each, in order.
    pub async fn record_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.record_events(batch).await)
    }

    /// Records ratings; one result each, in order.
    pub async fn rate_calls(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.rate_calls(batch).await)
    }

    /// Accepts leads to enrich; one result each, in order.
    pub async fn enrich_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.enrich_leads(batch).await)
    }

    /// Says what would become of events, and keeps nothing.
    pub async fn try_events(&self, batch: Batch<NewEvent>) -> Result<Vec<Verdict>, StoreError> {
        on_backend!(self, store => store.try_events(batch).await)
    }

    /// Says what would become of ratings, and keeps nothing.
    pub async fn try_ratings(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<Verdict>, StoreError> {
        on_backend!(self, store => store.try_ratings(batch).await)
    }

    /// Says what would become of leads to enrich, and keeps nothing.
    pub async fn try_leads(&self, batch: Batch<LeadToEnrich>) -> Result<Vec<Verdict>, StoreError> {
        on_backend!(self, store => store.try_leads(batch).await)
    }

    /// Records visits; one result each, in order.
    pub async fn record_visits(
        &self,
        batch: Batch<NewVisit>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.record_visits(batch).await)
    }

    /// Records calls; one result each, in order.
    pub async fn record_calls(&self, batch: Batch<NewCall>) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.record_calls(batch).await)
    }

    /// Quarantines notifications that became no item. Every item's content is
    /// a rejection; the results are `Recorded` or `Duplicate` with the
    /// quarantine record's id.
    pub async fn quarantine(
        &self,
        batch: Batch<std::convert::Infallible>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.quarantine(batch).await)
    }

    /// Marks quarantined notifications as replayed or discarded, all or none:
    /// how many were open, or the first id that is not there.
    pub async fn resolve_quarantined(
        &self,
        ids: Vec<Uuid>,
        state: QuarantineState,
        now: Timestamp,
    ) -> Result<Result<u32, Uuid>, StoreError> {
        on_backend!(self, store => store.resolve_quarantined(ids, state, now).await)
    }

    /// Takes note of refused messages, and lets those go that are too many.
    pub async fn record_refused_messages(
        &self,
        refusals: Vec<Refusal>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        on_backend!(self, store => store.record_refused_messages(refusals, now).await)
    }
}
