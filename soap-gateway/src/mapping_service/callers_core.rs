//! The core, asked as whoever calls.

use http::header::AUTHORIZATION;
use prost::Message;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_client::AccessServiceClient;
use sfbridge_proto::v1::call_rating_service_client::CallRatingServiceClient;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Request, Status};

use super::refusal;
use crate::core_client::{Batch, CoreFailure};
use crate::core_service::{CoreService, Transport};
use crate::mapping::{CoreRequest, Paired};

/// The core's services, asked with the API key of one caller.
#[derive(Debug)]
pub(super) struct CallersCore {
    transport: Transport,
    authorization: Option<MetadataValue<Ascii>>,
}

/// What became of one item, or would.
#[derive(Debug)]
pub(super) struct ItemResult {
    pub(super) outcome: i32,
    pub(super) record_id: String,
    pub(super) rejection: Option<pb::Rejection>,
    pub(super) warnings: Vec<String>,
    pub(super) tie: Option<pb::Match>,
}

impl CallersCore {
    /// The core for the caller that sent this metadata.
    pub(super) fn new(core: CoreService, metadata: &MetadataMap) -> Self {
        Self {
            transport: core.into_inner(),
            authorization: metadata.get(AUTHORIZATION.as_str()).cloned(),
        }
    }

    /// Has all items recorded, or only tried; one result each, in order.
    pub(super) async fn record(
        &self,
        request: CoreRequest,
        validate_only: bool,
    ) -> Result<Vec<ItemResult>, Status> {
        let (items, results) = match request {
            CoreRequest::Events(events) => (
                events.items.len(),
                self.record_events(events, validate_only).await?,
            ),
            CoreRequest::Ratings(ratings) => (
                ratings.items.len(),
                self.rate_calls(ratings, validate_only).await?,
            ),
            CoreRequest::Leads(leads) => (
                leads.items.len(),
                self.enrich_leads(leads, validate_only).await?,
            ),
        };
        if results.len() != items {
            let results = results.len();
            return Err(refusal::of_defect(&CoreFailure::Unpaired {
                items,
                results,
            }));
        }
        Ok(results)
    }

    async fn record_events(
        &self,
        events: Paired<pb::Event>,
        validate_only: bool,
    ) -> Result<Vec<ItemResult>, Status> {
        let mut client =
            EventServiceClient::new(self.transport.clone()).max_decoding_message_size(usize::MAX);
        let mut results = Vec::new();
        for batch in split(events)? {
            let request = pb::RecordEventsRequest {
                events: batch.items,
                notifications: batch.notifications,
                unknown_installations: pb::UnknownInstallations::Unspecified.into(),
                validate_only,
            };
            let answer = client.record_events(self.asking(request)).await?;
            let answered = answer.into_inner().results.into_iter();
            results.extend(answered.map(|result| ItemResult {
                outcome: result.outcome,
                record_id: result.event_id,
                rejection: result.rejection,
                warnings: result.warnings,
                tie: result.r#match,
            }));
        }
        Ok(results)
    }

    async fn rate_calls(
        &self,
        ratings: Paired<pb::CallRating>,
        validate_only: bool,
    ) -> Result<Vec<ItemResult>, Status> {
        let mut client = CallRatingServiceClient::new(self.transport.clone())
            .max_decoding_message_size(usize::MAX);
        let mut results = Vec::new();
        for batch in split(ratings)? {
            let request = pb::RateCallsRequest {
                ratings: batch.items,
                notifications: batch.notifications,
                unknown_installations: pb::UnknownInstallations::Unspecified.into(),
                validate_only,
            };
            let answer = client.rate_calls(self.asking(request)).await?;
            let answered = answer.into_inner().results.into_iter();
            results.extend(answered.map(|result| ItemResult {
                outcome: result.outcome,
                record_id: result.call_rating_id,
                rejection: result.rejection,
                warnings: result.warnings,
                tie: None,
            }));
        }
        Ok(results)
    }

    async fn enrich_leads(
        &self,
        leads: Paired<pb::LeadToEnrich>,
        validate_only: bool,
    ) -> Result<Vec<ItemResult>, Status> {
        let mut client = LeadEnrichmentServiceClient::new(self.transport.clone())
            .max_decoding_message_size(usize::MAX);
        let mut results = Vec::new();
        for batch in split(leads)? {
            let request = pb::EnrichLeadsRequest {
                leads: batch.items,
                notifications: batch.notifications,
                unknown_installations: pb::UnknownInstallations::Unspecified.into(),
                validate_only,
            };
            let answer = client.enrich_leads(self.asking(request)).await?;
            let answered = answer.into_inner().results.into_iter();
            results.extend(answered.map(|result| ItemResult {
                outcome: result.outcome,
                record_id: result.lead_enrichment_id,
                rejection: result.rejection,
                warnings: result.warnings,
                tie: None,
            }));
        }
        Ok(results)
    }

    /// Whether an installation that the caller may see is linked to an
    /// organisation.
    pub(super) async fn is_linked(&self, organization_id: &str) -> Result<bool, Status> {
        let mut client = InstallationServiceClient::new(self.transport.clone());
        let request = pb::ListInstallationsRequest {
            organization_id: organization_id.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        match client.list_installations(self.asking(request)).await {
            Ok(answer) => Ok(!answer.into_inner().installations.is_empty()),
            // Who may only record is told as a gateway is.
            Err(status) if status.code() == Code::PermissionDenied => {
                self.may_send(organization_id).await
            }
            Err(status) => Err(status),
        }
    }

    async fn may_send(&self, organization_id: &str) -> Result<bool, Status> {
        let mut client = AccessServiceClient::new(self.transport.clone());
        let request = pb::GetOrganizationAccessRequest {
            organization_id: organization_id.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        let answer = client.get_organization_access(self.asking(request)).await?;
        Ok(answer.into_inner().is_linked)
    }

    /// One quarantined notification with its fields.
    pub(super) async fn quarantined(
        &self,
        id: &str,
    ) -> Result<pb::QuarantinedNotification, Status> {
        let mut client = self.quarantine();
        let request = pb::GetQuarantinedNotificationRequest {
            quarantined_notification_id: id.to_owned(),
        };
        let answer = client.get_quarantined_notification(self.asking(request));
        let found = answer.await?.into_inner().quarantined_notification;
        Ok(found.unwrap_or_default())
    }

    /// A page of quarantined notifications, without their fields.
    pub(super) async fn list_quarantined(
        &self,
        request: pb::ListQuarantinedNotificationsRequest,
    ) -> Result<pb::ListQuarantinedNotificationsResponse, Status> {
        let mut client = self.quarantine();
        let answer = client.list_quarantined_notifications(self.asking(request));
        Ok(answer.await?.into_inner())
    }

    fn quarantine(&self) -> QuarantineServiceClient<Transport> {
        QuarantineServiceClient::new(self.transport.clone()).max_decoding_message_size(usize::MAX)
    }

    fn asking<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            let metadata = request.metadata_mut();
            metadata.insert(AUTHORIZATION.as_str(), authorization.clone());
        }
        request
    }
}

fn split<T: Message>(paired: Paired<T>) -> Result<Vec<Batch<T>>, Status> {
    Batch::split(paired, Batch::<T>::MAX_SENT_BYTES)
        .map_err(|unpaired| refusal::of_defect(&unpaired))
}
