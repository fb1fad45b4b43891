//! Waiting for what becomes of a Lead.

use std::time::Duration;

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::LeadEnrichmentState as State;
use sfbridge_proto::v1::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use sfbridge_values::SalesforceId;
use tokio::time::Instant;
use tonic::transport::Channel;

use super::cast;
use crate::client::Refused;
use crate::failure::Failure;

/// The jobs of one Lead.
pub(super) struct Jobs {
    core: LeadEnrichmentServiceClient<Channel>,
    record_id: String,
}

impl Jobs {
    pub(super) fn of(core: Channel, lead: &SalesforceId) -> Self {
        Self {
            core: LeadEnrichmentServiceClient::new(core),
            record_id: lead.as_str().to_owned(),
        }
    }

    /// The first job, once it has ended.
    pub(super) async fn first_ended(&self) -> Result<pb::LeadEnrichment, Failure> {
        let all = self.until(|jobs| jobs.last().is_some_and(has_ended));
        self.last_of(all.await?)
    }

    /// The latest job, once so many requests have come and all has ended.
    /// Whether a request opens a job or joins one is a matter of moments.
    pub(super) async fn latest_of(&self, requests: i32) -> Result<pb::LeadEnrichment, Failure> {
        let all = self.until(|jobs| {
            let came: i32 = jobs.iter().map(|job| job.request_count).sum();
            came >= requests && jobs.iter().all(has_ended)
        });
        let mut all = all.await?;
        all.truncate(1);
        self.last_of(all)
    }

    /// The job, once it waits for data.
    pub(super) async fn waits_for_data(&self) -> Result<pb::LeadEnrichment, Failure> {
        let all = self.until(|jobs| {
            let state = jobs.last().map(pb::LeadEnrichment::state);
            state == Some(State::WaitingForData)
        });
        self.last_of(all.await?)
    }

    fn last_of(&self, mut jobs: Vec<pb::LeadEnrichment>) -> Result<pb::LeadEnrichment, Failure> {
        jobs.pop().ok_or_else(|| self.too_long("it has no job"))
    }

    async fn until(
        &self,
        is_reached: impl Fn(&[pb::LeadEnrichment]) -> bool,
    ) -> Result<Vec<pb::LeadEnrichment>, Failure> {
        const PATIENCE: Duration = Duration::from_secs(30);
        const PAUSE: Duration = Duration::from_millis(50);

        let end = Instant::now() + PATIENCE;
        loop {
            let jobs = self.listed().await?;
            if is_reached(&jobs) {
                return Ok(jobs);
            }
            if Instant::now() > end {
                let found = jobs.first().map(|job| job.state().as_str_name());
                return Err(self.too_long(found.unwrap_or("it has no job")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn too_long(&self, found: &str) -> Failure {
        Failure::failed(format!(
            "the enrichment of Lead {} takes too long ({found}); see the log with --log info",
            self.record_id
        ))
    }

    /// The newest first.
    async fn listed(&self) -> Result<Vec<pb::LeadEnrichment>, Failure> {
        let request = pb::ListLeadEnrichmentsRequest {
            igrp: cast::IGRP,
            record_id: self.record_id.clone(),
            ..Default::default()
        };
        let answer = self.core.clone().list_lead_enrichments(request).await;
        Ok(answer.map_err(Refused)?.into_inner().lead_enrichments)
    }
}

fn has_ended(job: &pb::LeadEnrichment) -> bool {
    matches!(
        job.state(),
        State::Succeeded | State::Unchanged | State::NoData | State::Failed | State::Cancelled
    )
}
