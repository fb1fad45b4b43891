//! What is read.

use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::{
    CallFilter, CallRatingFilter, EventFilter, InstallationFilter, LeadEnrichmentFilter, Page,
    PageRequest, QuarantineFilter, RefusedMessageFilter, StoreError, VisitFilter,
};
use super::{
    PostgresStore, api_keys, calls, events, histories, installations, lead_enrichments, quarantine,
    ratings, refused_messages, salesforce_connections, url_tokens, visits,
};
use crate::domain::{
    ApiKey, Call, CallRating, Coverage, Event, Installation, LeadEnrichment, OrganizationAccess,
    QuarantinedNotification, RefusedMessage, SalesforceConnection, UrlToken, Visit, VisitorHistory,
};

impl PostgresStore {
    pub(in super::super) async fn salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        let client = self.database.client().await?;
        salesforce_connections::find(&client, igrp).await
    }

    pub(in super::super) async fn salesforce_connections(
        &self,
        coverage: Coverage,
    ) -> Result<Vec<SalesforceConnection>, StoreError> {
        let client = self.database.client().await?;
        salesforce_connections::list(&client, &coverage).await
    }

    pub(in super::super) async fn api_keys(
        &self,
        page: PageRequest,
    ) -> Result<Page<ApiKey>, StoreError> {
        let client = self.database.client().await?;
        api_keys::list(&client, page).await
    }

    pub(in super::super) async fn url_tokens(
        &self,
        organization: Option<OrganizationId>,
        page: PageRequest,
    ) -> Result<Page<UrlToken>, StoreError> {
        let client = self.database.client().await?;
        url_tokens::list(&client, organization.as_ref(), page).await
    }

    pub(in super::super) async fn installation(
        &self,
        igrp: Igrp,
    ) -> Result<Option<Installation>, StoreError> {
        let client = self.database.client().await?;
        installations::find(&client, igrp).await
    }

    pub(in super::super) async fn organization_access(
        &self,
        organization: OrganizationId,
        coverage: Coverage,
    ) -> Result<OrganizationAccess, StoreError> {
        let client = self.database.client().await?;
        installations::organization_access(&client, &organization, &coverage).await
    }

    pub(in super::super) async fn history(
        &self,
        igrp: Igrp,
        visitor_id: Option<VisitorId>,
        call_ref: Option<CallRef>,
        as_of: Timestamp,
    ) -> Result<VisitorHistory, StoreError> {
        let client = self.database.client().await?;
        histories::find(&client, igrp, visitor_id, call_ref.as_ref(), as_of).await
    }

    pub(in super::super) async fn event(
        &self,
        event_id: Uuid,
    ) -> Result<Option<Event>, StoreError> {
        let client = self.database.client().await?;
        events::find(&client, event_id).await
    }

    pub(in super::super) async fn current_rating(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<CallRating>, StoreError> {
        let client = self.database.client().await?;
        ratings::current(&client, igrp, &call_ref).await
    }

    pub(in super::super) async fn lead_enrichment(
        &self,
        id: Uuid,
    ) -> Result<Option<LeadEnrichment>, StoreError> {
        let client = self.database.client().await?;
        lead_enrichments::find(&client, id).await
    }

    pub(in super::super) async fn call(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<Call>, StoreError> {
        let client = self.database.client().await?;
        calls::find(&client, igrp, &call_ref).await
    }

    pub(in super::super) async fn quarantined(
        &self,
        id: Uuid,
    ) -> Result<Option<QuarantinedNotification>, StoreError> {
        let client = self.database.client().await?;
        quarantine::find(&client, id).await
    }

    pub(in super::super) async fn installations(
        &self,
        filter: InstallationFilter,
        page: PageRequest,
    ) -> Result<Page<Installation>, StoreError> {
        let client = self.database.client().await?;
        installations::list(&client, &filter, page).await
    }

    pub(in super::super) async fn events(
        &self,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let client = self.database.client().await?;
        events::list(&client, filter, page).await
    }

    pub(in super::super) async fn call_ratings(
        &self,
        filter: CallRatingFilter,
        page: PageRequest,
    ) -> Result<Page<CallRating>, StoreError> {
        let client = self.database.client().await?;
        ratings::list(&client, filter, page).await
    }

    pub(in super::super) async fn lead_enrichments(
        &self,
        filter: LeadEnrichmentFilter,
        page: PageRequest,
    ) -> Result<Page<LeadEnrichment>, StoreError> {
        let client = self.database.client().await?;
        lead_enrichments::list(&client, filter, page).await
    }

    pub(in super::super) async fn visits(
        &self,
        filter: VisitFilter,
        page: PageRequest,
    ) -> Result<Page<Visit>, StoreError> {
        let client = self.database.client().await?;
        visits::list(&client, filter, page).await
    }

    pub(in super::super) async fn calls(
        &self,
        filter: CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        let client = self.database.client().await?;
        calls::list(&client, filter, page).await
    }

    pub(in super::super) async fn quarantined_notifications(
        &self,
        filter: QuarantineFilter,
        page: PageRequest,
    ) -> Result<Page<QuarantinedNotification>, StoreError> {
        let client = self.database.client().await?;
        quarantine::list(&client, filter, page).await
    }

    pub(in super::super) async fn refused_messages(
        &self,
        filter: RefusedMessageFilter,
        page: PageRequest,
    ) -> Result<Page<RefusedMessage>, StoreError> {
        let client = self.database.client().await?;
        refused_messages::list(&client, filter, page).await
    }
}
