//! What is read.

use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};
use uuid::Uuid;

use super::{
    CallFilter, CallRatingFilter, EventFilter, InstallationFilter, LeadEnrichmentFilter, Page,
    PageRequest, QuarantineFilter, RefusedMessageFilter, Store, StoreError, StreamFilter,
    StreamLimits, StreamPage, StreamStart, VisitFilter, on_backend,
};
use crate::domain::{
    ApiKey, Call, CallRating, Coverage, Event, Installation, LeadEnrichment, OrganizationAccess,
    QuarantinedNotification, RefusedMessage, SalesforceConnection, UrlToken, Visit, VisitorHistory,
};

impl Store {
    /// The connection of an installation.
    pub async fn salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        on_backend!(self, store => store.salesforce_connection(igrp).await)
    }

    /// The connections of these installations, by their ids.
    pub async fn salesforce_connections(
        &self,
        coverage: Coverage,
    ) -> Result<Vec<SalesforceConnection>, StoreError> {
        on_backend!(self, store => store.salesforce_connections(coverage).await)
    }

    /// A page of API keys, the newest first.
    pub async fn api_keys(&self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        on_backend!(self, store => store.api_keys(page).await)
    }

    /// A page of URL tokens, the newest first: all, or those of an
    /// organisation.
    pub async fn url_tokens(
        &self,
        organization: Option<OrganizationId>,
        page: PageRequest,
    ) -> Result<Page<UrlToken>, StoreError> {
        on_backend!(self, store => store.url_tokens(organization, page).await)
    }

    /// One installation.
    pub async fn installation(&self, igrp: Igrp) -> Result<Option<Installation>, StoreError> {
        on_backend!(self, store => store.installation(igrp).await)
    }

    /// Whether an organisation may send, and from where, as far as these
    /// installations say.
    pub async fn organization_access(
        &self,
        organization: OrganizationId,
        coverage: Coverage,
    ) -> Result<OrganizationAccess, StoreError> {
        on_backend!(self, store => store.organization_access(organization, coverage).await)
    }

    /// What is known of a visitor, or of the one that a call names, up to the
    /// as-of time.
    pub async fn history(
        &self,
        igrp: Igrp,
        visitor_id: Option<VisitorId>,
        call_ref: Option<CallRef>,
        as_of: Timestamp,
    ) -> Result<VisitorHistory, StoreError> {
        on_backend!(self, store => store.history(igrp, visitor_id, call_ref, as_of).await)
    }

    /// One event.
    pub async fn event(&self, event_id: Uuid) -> Result<Option<Event>, StoreError> {
        on_backend!(self, store => store.event(event_id).await)
    }

    /// The current rating of a call.
    pub async fn current_rating(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<CallRating>, StoreError> {
        on_backend!(self, store => store.current_rating(igrp, call_ref).await)
    }

    /// One lead enrichment.
    pub async fn lead_enrichment(&self, id: Uuid) -> Result<Option<LeadEnrichment>, StoreError> {
        on_backend!(self, store => store.lead_enrichment(id).await)
    }

    /// One call.
    pub async fn call(&self, igrp: Igrp, call_ref: String) -> Result<Option<Call>, StoreError> {
        on_backend!(self, store => store.call(igrp, call_ref).await)
    }

    /// One quarantined notification.
    pub async fn quarantined(
        &self,
        id: Uuid,
    ) -> Result<Option<QuarantinedNotification>, StoreError> {
        on_backend!(self, store => store.quarantined(id).await)
    }

    /// A page of installations, the newest first.
    pub async fn installations(
        &self,
        filter: InstallationFilter,
        page: PageRequest,
    ) -> Result<Page<Installation>, StoreError> {
        on_backend!(self, store => store.installations(filter, page).await)
    }

    /// A page of events, the newest event time first.
    pub async fn events(
        &self,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        on_backend!(self, store => store.events(filter, page).await)
    }

    /// A page of ratings, the newest rating time first.
    pub async fn call_ratings(
        &self,
        filter: CallRatingFilter,
        page: PageRequest,
    ) -> Result<Page<CallRating>, StoreError> {
        on_backend!(self, store => store.call_ratings(filter, page).await)
    }

    /// A page of lead enrichments, the newest receipt first.
    pub async fn lead_enrichments(
        &self,
        filter: LeadEnrichmentFilter,
        page: PageRequest,
    ) -> Result<Page<LeadEnrichment>, StoreError> {
        on_backend!(self, store => store.lead_enrichments(filter, page).await)
    }

    /// A page of visits, the newest first.
    pub async fn visits(
        &self,
        filter: VisitFilter,
        page: PageRequest,
    ) -> Result<Page<Visit>, StoreError> {
        on_backend!(self, store => store.visits(filter, page).await)
    }

    /// A page of calls, the newest start first.
    pub async fn calls(
        &self,
        filter: CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        on_backend!(self, store => store.calls(filter, page).await)
    }

    /// A page of quarantined notifications without their fields, the newest
    /// receipt first.
    pub async fn quarantined_notifications(
        &self,
        filter: QuarantineFilter,
        page: PageRequest,
    ) -> Result<Page<QuarantinedNotification>, StoreError> {
        on_backend!(self, store => store.quarantined_notifications(filter, page).await)
    }

    /// A page of refused messages, the last refusal first.
    pub async fn refused_messages(
        &self,
        filter: RefusedMessageFilter,
        page: PageRequest,
    ) -> Result<Page<RefusedMessage>, StoreError> {
        on_backend!(self, store => store.refused_messages(filter, page).await)
    }

    /// The next events of the stream. `None` when the place to go on from is
    /// not one of this store: it was given out for events that are gone since a
    /// backup was restored.
    pub async fn stream_events(
        &self,
        start: StreamStart,
        filter: StreamFilter,
        limits: StreamLimits,
    ) -> Result<Option<StreamPage>, StoreError> {
        on_backend!(self, store => store.stream_events(start, filter, limits).await)
    }

    /// Hears whenever [`Store::stream_events`] may find more than before. Where
    /// others write to the store too, that may come late: look again now and
    /// then.
    pub fn event_alarm(&self) -> tokio::sync::watch::Receiver<()> {
        on_backend!(self, store => store.event_alarm())
    }
}
