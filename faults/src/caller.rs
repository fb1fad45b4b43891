//! What a core holds, asked over gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_rating_service_client::CallRatingServiceClient;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::findings::Held;
use crate::leads::{CHANNEL, campaign};
use crate::message::{IGRP, ORGANIZATION, visitor_id};

/// The largest page.
const PAGE: i32 = 1_000;

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(20);

/// A caller of a core. Its lists are complete.
#[derive(Clone, Debug)]
pub struct CoreCaller {
    channel: Channel,
}

impl CoreCaller {
    /// Calls the core at this address. Connections are made when needed.
    ///
    /// # Errors
    ///
    /// None that an address can cause.
    pub fn of(address: SocketAddr) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        Ok(Self {
            channel: endpoint.timeout(CALL_TIME).connect_lazy(),
        })
    }

    /// Sets up the installation, how it logs in to the pretend org at
    /// `login_url`, and a visit of each of so many visitors.
    ///
    /// # Errors
    ///
    /// What the core refuses.
    pub async fn set_up(&self, login_url: &str, visitors: u32) -> anyhow::Result<()> {
        let mut client = InstallationServiceClient::new(self.channel.clone());
        let installation = pb::Installation {
            igrp: IGRP,
            organization_id: ORGANIZATION.to_owned(),
            ..pb::Installation::default()
        };
        let request = pb::CreateInstallationRequest {
            installation: Some(installation),
        };
        client
            .create_installation(request)
            .await
            .context("no installation could be created")?;
        let credentials = pb::ClientCredentials {
            client_id: "3MVG9pretended.sfbridge.simulator".to_owned(),
            client_secret: "pretended-secret".to_owned(),
        };
        let request = pb::SetSalesforceCredentialsRequest {
            igrp: IGRP,
            login_url: login_url.to_owned(),
            credentials: Some(Credentials::ClientCredentials(credentials)),
        };
        client
            .set_salesforce_credentials(request)
            .await
            .context("the pretend org could not be connected")?;
        let visit = |visitor| pb::Visit {
            igrp: IGRP,
            visitor_id: visitor_id(visitor),
            visit_time: Some(prost_types::Timestamp {
                seconds: 1_714_557_600,
                nanos: 0,
            }),
            channel_name: CHANNEL.to_owned(),
            channel_type: "ppc".to_owned(),
            campaign: campaign(visitor),
            ..pb::Visit::default()
        };
        let request = pb::RecordVisitsRequest {
            visits: (0..visitors).map(visit).collect(),
            ..pb::RecordVisitsRequest::default()
        };
        let mut client = VisitServiceClient::new(self.channel.clone());
        client
            .record_visits(request)
            .await
            .context("no visits could be recorded")?;
        Ok(())
    }

    /// All lead enrichments.
    ///
    /// # Errors
    ///
    /// When the core does not answer a page.
    pub async fn jobs(&self) -> Result<Vec<pb::LeadEnrichment>, Status> {
        let client = LeadEnrichmentServiceClient::new(self.channel.clone());
        all(async |page_token| {
            let request = pb::ListLeadEnrichmentsRequest {
                igrp: IGRP,
                page_size: PAGE,
                page_token,
                ..pb::ListLeadEnrichmentsRequest::default()
            };
            let page = client.clone().list_lead_enrichments(request).await?;
            let page = page.into_inner();
            Ok((page.lead_enrichments, page.next_page_token))
        })
        .await
    }

    /// What the core holds of notifications; its lead enrichments are given.
    ///
    /// # Errors
    ///
    /// When the core does not answer a page.
    pub async fn held(&self, jobs: &[pb::LeadEnrichment]) -> Result<Held, Status> {
        let events = self.events().await?;
        let ratings = self.ratings().await?;
        let quarantined = self.quarantined().await?;
        let of = |origin: Option<&pb::SalesforceOrigin>| {
            origin.map_or_else(String::new, |origin| origin.notification_id.clone())
        };
        Ok(Held {
            events: events
                .iter()
                .map(|one| of(one.salesforce.as_ref()))
                .collect(),
            ratings: ratings
                .iter()
                .map(|one| of(one.salesforce.as_ref()))
                .collect(),
            jobs: jobs.iter().map(|one| of(one.salesforce.as_ref())).collect(),
            quarantined: quarantined
                .into_iter()
                .map(|one| one.notification_id)
                .collect(),
        })
    }

    async fn events(&self) -> Result<Vec<pb::Event>, Status> {
        let client = EventServiceClient::new(self.channel.clone());
        all(async |page_token| {
            let request = pb::ListEventsRequest {
                igrp: IGRP,
                page_size: PAGE,
                page_token,
                ..pb::ListEventsRequest::default()
            };
            let page = client.clone().list_events(request).await?.into_inner();
            Ok((page.events, page.next_page_token))
        })
        .await
    }

    async fn ratings(&self) -> Result<Vec<pb::CallRating>, Status> {
        let client = CallRatingServiceClient::new(self.channel.clone());
        all(async |page_token| {
            let request = pb::ListCallRatingsRequest {
                igrp: IGRP,
                page_size: PAGE,
                page_token,
                ..pb::ListCallRatingsRequest::default()
            };
            let page = client.clone().list_call_ratings(request).await?;
            let page = page.into_inner();
            Ok((page.call_ratings, page.next_page_token))
        })
        .await
    }

    async fn quarantined(&self) -> Result<Vec<pb::QuarantinedNotification>, Status> {
        let client = QuarantineServiceClient::new(self.channel.clone());
        all(async |page_token| {
            let request = pb::ListQuarantinedNotificationsRequest {
                show_resolved: true,
                page_size: PAGE,
                page_token,
                ..pb::ListQuarantinedNotificationsRequest::default()
            };
            let mut client = client.clone();
            let page = client.list_quarantined_notifications(request).await?;
            let page = page.into_inner();
            Ok((page.quarantined_notifications, page.next_page_token))
        })
        .await
    }
}

async fn all<T>(
    mut page: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Status>,
) -> Result<Vec<T>, Status> {
    let mut items = Vec::new();
    let mut token = String::new();
    loop {
        let (more, next) = page(token).await?;
        items.extend(more);
        if next.is_empty() {
            return Ok(items);
        }
        token = next;
    }
}
