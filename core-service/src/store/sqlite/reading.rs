//! What is read.

use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::{
    CallFilter, CallRatingFilter, EventFilter, InstallationFilter, LeadEnrichmentFilter, Page,
    PageRequest, QuarantineFilter, RefusedMessageFilter, StoreError, StreamFilter, StreamLimits,
    StreamPage, StreamStart, VisitFilter,
};
use super::{
    SqliteStore, api_keys, calls, event_stream, events, histories, installations, lead_enrichments,
    quarantine, ratings, refused_messages, salesforce_connections, url_tokens, visits,
};
use crate::domain::{
    ApiKey, Call, CallRating, Coverage, Event, Installation, LeadEnrichment, OrganizationAccess,
    QuarantinedNotification, RefusedMessage, SalesforceConnection, UrlToken, Visit, VisitorHistory,
};

impl SqliteStore {
    pub(in super::super) async fn salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        self.readers
            .read(move |connection| salesforce_connections::find(connection, igrp))
            .await
    }

    pub(in super::super) async fn salesforce_connections(
        &self,
        coverage: Coverage,
    ) -> Result<Vec<SalesforceConnection>, StoreError> {
        self.readers
            .read(move |connection| salesforce_connections::list(connection, &coverage))
            .await
    }

    pub(in super::super) async fn api_keys(
        &self,
        page: PageRequest,
    ) -> Result<Page<ApiKey>, StoreError> {
        self.readers
            .read(move |connection| api_keys::list(connection, page))
            .await
    }

    pub(in super::super) async fn url_tokens(
        &self,
        organization: Option<OrganizationId>,
        page: PageRequest,
    ) -> Result<Page<UrlToken>, StoreError> {
        self.readers
            .read(move |connection| url_tokens::list(connection, organization.as_ref(), page))
            .await
    }

    pub(in super::super) async fn installation(
        &self,
        igrp: Igrp,
    ) -> Result<Option<Installation>, StoreError> {
        self.readers
            .read(move |connection| installations::find(connection, igrp))
            .await
    }

    pub(in super::super) async fn organization_access(
        &self,
        organization: OrganizationId,
        coverage: Coverage,
    ) -> Result<OrganizationAccess, StoreError> {
        self.readers
            .read(move |connection| {
                installations::organization_access(connection, &organization, &coverage)
            })
            .await
    }

    pub(in super::super) async fn history(
        &self,
        igrp: Igrp,
        visitor_id: Option<VisitorId>,
        call_ref: Option<CallRef>,
        as_of: Timestamp,
    ) -> Result<VisitorHistory, StoreError> {
        self.readers
            .read(move |connection| {
                histories::find(connection, igrp, visitor_id, call_ref.as_ref(), as_of)
            })
            .await
    }

    pub(in super::super) async fn event(
        &self,
        event_id: Uuid,
    ) -> Result<Option<Event>, StoreError> {
        self.readers
            .read(move |connection| events::find(connection, event_id))
            .await
    }

    pub(in super::super) async fn current_rating(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<CallRating>, StoreError> {
        self.readers
            .read(move |connection| ratings::current(connection, igrp, &call_ref))
            .await
    }

    pub(in super::super) async fn lead_enrichment(
        &self,
        id: Uuid,
    ) -> Result<Option<LeadEnrichment>, StoreError> {
        self.readers
            .read(move |connection| lead_enrichments::find(connection, id))
            .await
    }

    pub(in super::super) async fn call(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<Call>, StoreError> {
        self.readers
            .read(move |connection| calls::find(connection, igrp, &call_ref))
            .await
    }

    pub(in super::super) async fn quarantined(
        &self,
        id: Uuid,
    ) -> Result<Option<QuarantinedNotification>, StoreError> {
        self.readers
            .read(move |connection| quarantine::find(connection, id))
            .await
    }

    pub(in super::super) async fn installations(
        &self,
        filter: InstallationFilter,
        page: PageRequest,
    ) -> Result<Page<Installation>, StoreError> {
        self.readers
            .read(move |connection| installations::list(connection, &filter, page))
            .await
    }

    pub(in super::super) async fn events(
        &self,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let signals = self.writer.signals();
        self.readers
            .read(move |connection| events::list(connection, &signals.references, filter, page))
            .await
    }

    pub(in super::super) async fn stream_events(
        &self,
        start: StreamStart,
        filter: StreamFilter,
        limits: StreamLimits,
    ) -> Result<Option<StreamPage>, StoreError> {
        self.readers
            .read(move |connection| event_stream::after(connection, start, &filter, limits))
            .await
    }

    pub(in super::super) async fn call_ratings(
        &self,
        filter: CallRatingFilter,
        page: PageRequest,
    ) -> Result<Page<CallRating>, StoreError> {
        self.readers
            .read(move |connection| ratings::list(connection, filter, page))
            .await
    }

    pub(in super::super) async fn lead_enrichments(
        &self,
        filter: LeadEnrichmentFilter,
        page: PageRequest,
    ) -> Result<Page<LeadEnrichment>, StoreError> {
        self.readers
            .read(move |connection| lead_enrichments::list(connection, filter, page))
            .await
    }

    pub(in super::super) async fn visits(
        &self,
        filter: VisitFilter,
        page: PageRequest,
    ) -> Result<Page<Visit>, StoreError> {
        self.readers
            .read(move |connection| visits::list(connection, &filter, page))
            .await
    }

    pub(in super::super) async fn calls(
        &self,
        filter: CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        self.readers
            .read(move |connection| calls::list(connection, &filter, page))
            .await
    }

    pub(in super::super) async fn quarantined_notifications(
        &self,
        filter: QuarantineFilter,
        page: PageRequest,
    ) -> Result<Page<QuarantinedNotification>, StoreError> {
        self.readers
            .read(move |connection| quarantine::list(connection, filter, page))
            .await
    }

    pub(in super::super) async fn refused_messages(
        &self,
        filter: RefusedMessageFilter,
        page: PageRequest,
    ) -> Result<Page<RefusedMessage>, StoreError> {
        self.readers
            .read(move |connection| refused_messages::list(connection, filter, page))
            .await
    }
}
