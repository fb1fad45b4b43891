//! What became of a replayed notification.

use anyhow::Context as _;
use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_rating_service_client::CallRatingServiceClient;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use soap_gateway::mapping::CoreRequest;

use crate::client::{Core, Refused};
use crate::commands::listing::{rejection_text, short};
use crate::failure::Failure;
use crate::output::{Output, OutputError, json_of, printable};

/// What became of one.
pub(super) struct Done {
    pub(super) outcome: pb::Outcome,
    record_id: String,
    rejection: Option<pb::Rejection>,
}

impl Done {
    /// Sends it to the core.
    pub(super) async fn of(core: Core, request: CoreRequest) -> Result<Self, Failure> {
        let done = match request {
            CoreRequest::Events(paired) => {
                let request = pb::RecordEventsRequest {
                    events: paired.items,
                    notifications: paired.notifications,
                    ..Default::default()
                };
                let mut client = EventServiceClient::new(core);
                let answer = client.record_events(request).await.map_err(Refused)?;
                let results = answer.into_inner().results;
                results
                    .into_iter()
                    .next()
                    .map(|one| (one.outcome(), one.event_id, one.rejection))
            }
            CoreRequest::Ratings(paired) => {
                let request = pb::RateCallsRequest {
                    ratings: paired.items,
                    notifications: paired.notifications,
                    ..Default::default()
                };
                let mut client = CallRatingServiceClient::new(core);
                let answer = client.rate_calls(request).await.map_err(Refused)?;
                let results = answer.into_inner().results;
                results
                    .into_iter()
                    .next()
                    .map(|one| (one.outcome(), one.call_rating_id, one.rejection))
            }
            CoreRequest::Leads(paired) => {
                let request = pb::EnrichLeadsRequest {
                    leads: paired.items,
                    notifications: paired.notifications,
                    ..Default::default()
                };
                let mut client = LeadEnrichmentServiceClient::new(core);
                let answer = client.enrich_leads(request).await.map_err(Refused)?;
                let results = answer.into_inner().results;
                results
                    .into_iter()
                    .next()
                    .map(|one| (one.outcome(), one.lead_enrichment_id, one.rejection))
            }
        };
        let (outcome, record_id, rejection) =
            done.context("the core gave no result; see its log")?;
        Ok(Self {
            outcome,
            record_id,
            rejection,
        })
    }

    pub(super) fn json(&self, id: &str) -> Result<Value, OutputError> {
        let rejection = self
            .rejection
            .as_ref()
            .map(|rejection| json_of("Rejection", rejection))
            .transpose()?;
        Ok(json!({
            "quarantined_notification_id": id,
            "outcome": self.outcome.as_str_name(),
            "record_id": self.record_id,
            "rejection": rejection,
        }))
    }

    pub(super) fn print(&self, id: &str, output: &mut Output<'_>) -> Result<(), OutputError> {
        let outcome = short(self.outcome.as_str_name(), "OUTCOME_");
        let id = printable(id);
        match &self.rejection {
            Some(rejection) => output.line(format_args!(
                "{id}: {outcome}, {}",
                rejection_text(rejection)
            )),
            None => output.line(format_args!(
                "{id}: {outcome} as {}",
                printable(&self.record_id)
            )),
        }
    }
}
