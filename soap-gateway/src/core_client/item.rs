//! What messages are made into, and how the core is asked to record it.

use prost::Message;
use sfbridge_proto::v1 as pb;
use tokio::time::Instant;
use tonic::Status;

use super::joint::Joint;
use super::{Batch, CoreClient, ItemResult, Joints, timed};

/// What a message is made into, and the call that records it.
pub(super) trait Item: Message + Sized + 'static {
    /// The calls that messages of this kind share.
    fn joint(joints: &Joints) -> &Joint<Self>;

    fn send(
        client: &CoreClient,
        batch: Batch<Self>,
        unknown: pb::UnknownInstallations,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<ItemResult>, Status>> + Send;
}

impl Item for pb::Event {
    fn joint(joints: &Joints) -> &Joint<Self> {
        &joints.events
    }

    async fn send(
        client: &CoreClient,
        batch: Batch<Self>,
        unknown: pb::UnknownInstallations,
        until: Instant,
    ) -> Result<Vec<ItemResult>, Status> {
        let request = pb::RecordEventsRequest {
            events: batch.items,
            notifications: batch.notifications,
            unknown_installations: unknown.into(),
            validate_only: false,
        };
        let answer = match &client.recorder {
            Some(recorder) => recorder.record_events(request).await?,
            None => {
                let mut client = client.events.clone();
                // A call is large, and not made within a process.
                let call = Box::pin(client.record_events(timed(request, until)));
                call.await?.into_inner()
            }
        };
        let result = |result: pb::RecordEventResult| ItemResult {
            outcome: result.outcome,
            rejection: result.rejection,
            quarantined_notification_id: result.quarantined_notification_id,
        };
        Ok(answer.results.into_iter().map(result).collect())
    }
}

impl Item for pb::CallRating {
    fn joint(joints: &Joints) -> &Joint<Self> {
        &joints.ratings
    }

    async fn send(
        client: &CoreClient,
        batch: Batch<Self>,
        unknown: pb::UnknownInstallations,
        until: Instant,
    ) -> Result<Vec<ItemResult>, Status> {
        let request = pb::RateCallsRequest {
            ratings: batch.items,
            notifications: batch.notifications,
            unknown_installations: unknown.into(),
            validate_only: false,
        };
        let answer = match &client.recorder {
            Some(recorder) => recorder.rate_calls(request).await?,
            None => {
                let mut client = client.ratings.clone();
                let call = Box::pin(client.rate_calls(timed(request, until)));
                call.await?.into_inner()
            }
        };
        let result = |result: pb::RateCallResult| ItemResult {
            outcome: result.outcome,
            rejection: result.rejection,
            quarantined_notification_id: result.quarantined_notification_id,
        };
        Ok(answer.results.into_iter().map(result).collect())
    }
}

impl Item for pb::LeadToEnrich {
    fn joint(joints: &Joints) -> &Joint<Self> {
        &joints.leads
    }

    async fn send(
        client: &CoreClient,
        batch: Batch<Self>,
        unknown: pb::UnknownInstallations,
        until: Instant,
    ) -> Result<Vec<ItemResult>, Status> {
        let request = pb::EnrichLeadsRequest {
            leads: batch.items,
            notifications: batch.notifications,
            unknown_installations: unknown.into(),
            validate_only: false,
        };
        let answer = match &client.recorder {
            Some(recorder) => recorder.enrich_leads(request).await?,
            None => {
                let mut client = client.leads.clone();
                let call = Box::pin(client.enrich_leads(timed(request, until)));
                call.await?.into_inner()
            }
        };
        let result = |result: pb::EnrichLeadResult| ItemResult {
            outcome: result.outcome,
            rejection: result.rejection,
            quarantined_notification_id: result.quarantined_notification_id,
        };
        Ok(answer.results.into_iter().map(result).collect())
    }
}
