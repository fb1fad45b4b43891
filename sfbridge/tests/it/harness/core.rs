//! What the core holds, asked over gRPC.

use std::net::SocketAddr;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use sfbridge_proto::FILE_DESCRIPTOR_SET;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_rating_service_client::CallRatingServiceClient;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_proto::v1::quarantine_service_client::QuarantineServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

/// The largest page.
const PAGE: i32 = 1_000;

/// A caller of a core. Its lists are complete.
#[derive(Clone, Debug)]
pub(crate) struct CoreCaller {
    channel: Channel,
}

impl CoreCaller {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Self {
            channel: endpoint.connect_lazy(),
        }
    }

    fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn installations(&self) -> InstallationServiceClient<Channel> {
        InstallationServiceClient::new(self.channel())
    }

    pub(crate) async fn create_installation(&self, installation: pb::Installation) {
        let request = pb::CreateInstallationRequest {
            installation: Some(installation),
        };
        let created = self.installations().create_installation(request).await;
        created.unwrap();
    }

    /// Records events, if the core is there.
    pub(crate) async fn record(
        &self,
        events: Vec<pb::Event>,
    ) -> Result<Vec<pb::RecordEventResult>, Status> {
        let request = pb::RecordEventsRequest {
            events,
            ..Default::default()
        };
        let mut client = EventServiceClient::new(self.channel());
        Ok(client.record_events(request).await?.into_inner().results)
    }

    /// The stream of all events, from a cursor on; from the beginning where that
    /// is empty.
    pub(crate) async fn stream(
        &self,
        cursor: &str,
    ) -> Result<Streaming<pb::StreamEventsResponse>, Status> {
        let request = pb::StreamEventsRequest {
            cursor: cursor.to_owned(),
            start: pb::StreamStart::Beginning.into(),
            ..Default::default()
        };
        let mut client = EventServiceClient::new(self.channel());
        Ok(client.stream_events(request).await?.into_inner())
    }

    /// All events of an installation.
    pub(crate) async fn events(&self, igrp: i64) -> Vec<pb::Event> {
        let client = EventServiceClient::new(self.channel());
        all(async |page_token| {
            let request = pb::ListEventsRequest {
                igrp,
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            let page = client.clone().list_events(request).await?.into_inner();
            Ok((page.events, page.next_page_token))
        })
        .await
    }

    /// All ratings of an installation.
    pub(crate) async fn call_ratings(&self, igrp: i64) -> Vec<pb::CallRating> {
        let client = CallRatingServiceClient::new(self.channel());
        all(async |page_token| {
            let request = pb::ListCallRatingsRequest {
                igrp,
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            let page = client.clone().list_call_ratings(request).await?;
            let page = page.into_inner();
            Ok((page.call_ratings, page.next_page_token))
        })
        .await
    }

    /// All lead enrichments of an installation.
    pub(crate) async fn lead_enrichments(&self, igrp: i64) -> Vec<pb::LeadEnrichment> {
        let client = LeadEnrichmentServiceClient::new(self.channel());
        all(async |page_token| {
            let request = pb::ListLeadEnrichmentsRequest {
                igrp,
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            let page = client.clone().list_lead_enrichments(request).await?;
            let page = page.into_inner();
            Ok((page.lead_enrichments, page.next_page_token))
        })
        .await
    }

    /// All quarantine records of a notification, resolved ones too; of all
    /// notifications when its id is empty.
    pub(crate) async fn quarantined(
        &self,
        notification_id: &str,
    ) -> Vec<pb::QuarantinedNotification> {
        let client = QuarantineServiceClient::new(self.channel());
        let listed = all(async |page_token| {
            let request = pb::ListQuarantinedNotificationsRequest {
                notification_id: notification_id.to_owned(),
                show_resolved: true,
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            let mut client = client.clone();
            let page = client.list_quarantined_notifications(request).await?;
            let page = page.into_inner();
            Ok((page.quarantined_notifications, page.next_page_token))
        });
        let mut complete = Vec::new();
        for held in listed.await {
            // Lists leave the fields out.
            let request = pb::GetQuarantinedNotificationRequest {
                quarantined_notification_id: held.quarantined_notification_id,
            };
            let mut client = client.clone();
            let answer = client.get_quarantined_notification(request).await;
            complete.extend(answer.unwrap().into_inner().quarantined_notification);
        }
        complete
    }
}

async fn all<T>(mut page: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Status>) -> Vec<T> {
    let mut items = Vec::new();
    let mut token = String::new();
    loop {
        let (more, next) = page(token).await.unwrap();
        items.extend(more);
        if next.is_empty() {
            return items;
        }
        token = next;
    }
}

/// The contract's messages as proto JSON with proto field names.
#[derive(Debug)]
pub(crate) struct Contract(DescriptorPool);

impl Contract {
    pub(crate) fn new() -> Self {
        Self(DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap())
    }

    /// All fields of a message, 64-bit integers as numbers.
    pub(crate) fn json(&self, name: &str, message: &impl Message) -> Value {
        let bytes = message.encode_to_vec();
        let message = DynamicMessage::decode(self.descriptor(name), bytes.as_slice()).unwrap();
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .stringify_64_bit_integers(false)
            .skip_default_fields(false);
        message
            .serialize_with_options(serde_json::value::Serializer, &options)
            .unwrap()
    }

    /// The message that this JSON is.
    pub(crate) fn message<T: Message + Default>(&self, name: &str, json: &Value) -> T {
        let message = DynamicMessage::deserialize(self.descriptor(name), json).unwrap();
        message.transcode_to().unwrap()
    }

    fn descriptor(&self, name: &str) -> MessageDescriptor {
        let name = format!("infinity.core.v1.{name}");
        self.0.get_message_by_name(&name).unwrap()
    }
}
