//! `LeadEnrichmentService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::lead_enrichment_service_server::LeadEnrichmentService;
use tonic::{Request, Response, Status};

use super::batch::Purpose;
use super::caller::Caller;
use super::page;
use super::routes::Services;
use super::{batch, lead_enrichment_message, preview_message, time};
use crate::clock;
use crate::domain::{LeadEnrichment, Role};
use crate::error::Error;
use crate::store::LeadEnrichmentFilter;

#[tonic::async_trait]
impl LeadEnrichmentService for Services {
    async fn enrich_leads(
        &self,
        request: Request<pb::EnrichLeadsRequest>,
    ) -> Result<Response<pb::EnrichLeadsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::EnrichLeadsRequest {
            leads,
            notifications,
            unknown_installations,
            validate_only,
        } = request.into_inner();
        let purpose = Purpose::of(validate_only);
        let batch = batch::read(
            &caller,
            purpose,
            self.rule,
            ("leads", leads),
            notifications,
            unknown_installations,
            lead_enrichment_message::read,
        )?;
        let answers: Vec<_> = match purpose {
            Purpose::Record => {
                let results = self.store.enrich_leads(batch).await.map_err(Error::from)?;
                batch::answer(&self.metrics, "lead_enrichment", results).collect()
            }
            Purpose::Validate => {
                let verdicts = self.store.try_leads(batch).await.map_err(Error::from)?;
                batch::foretell(verdicts).collect()
            }
        };
        let results = answers
            .into_iter()
            .map(|answer| pb::EnrichLeadResult {
                outcome: answer.outcome,
                lead_enrichment_id: answer.id,
                rejection: answer.rejection,
                quarantined_notification_id: answer.quarantined_notification_id,
                warnings: answer.prospect.warnings,
            })
            .collect();
        Ok(Response::new(pb::EnrichLeadsResponse { results }))
    }

    async fn get_lead_enrichment(
        &self,
        request: Request<pb::GetLeadEnrichmentRequest>,
    ) -> Result<Response<pb::GetLeadEnrichmentResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let pb::GetLeadEnrichmentRequest { lead_enrichment_id } = request.into_inner();
        let enrichment = self.covered(&caller, &lead_enrichment_id).await?;
        let lead_enrichment = Some(lead_enrichment_message::write(enrichment));
        Ok(Response::new(pb::GetLeadEnrichmentResponse {
            lead_enrichment,
        }))
    }

    async fn list_lead_enrichments(
        &self,
        request: Request<pb::ListLeadEnrichmentsRequest>,
    ) -> Result<Response<pb::ListLeadEnrichmentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let igrp = super::listed_installation(&caller, request.igrp)?;
        let (filters, page) = page::asked("lead_enrichments", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListLeadEnrichmentsRequest {
            igrp: _,
            page_size: _,
            page_token: _,
            state,
            visitor_id,
            call_ref,
            record_id,
            start_time,
            end_time,
        } = request;
        let filter = LeadEnrichmentFilter {
            igrp,
            state: lead_enrichment_message::read_state(state)?,
            visitor_id: super::visitor_filter(&visitor_id)?,
            call_ref: super::call_filter(&call_ref)?,
            record_id: super::given(record_id.trim()),
            time: time::read_range(start_time, end_time)?,
        };
        let page = self
            .store
            .lead_enrichments(filter, page)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::ListLeadEnrichmentsResponse {
            lead_enrichments: page
                .rows
                .into_iter()
                .map(lead_enrichment_message::write)
                .collect(),
            next_page_token: filters.token(page.next),
        }))
    }

    async fn retry_lead_enrichment(
        &self,
        request: Request<pb::RetryLeadEnrichmentRequest>,
    ) -> Result<Response<pb::RetryLeadEnrichmentResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Admin)?;
        let pb::RetryLeadEnrichmentRequest { lead_enrichment_id } = request.into_inner();
        let covered = self.covered(&caller, &lead_enrichment_id).await?;
        let id = covered.lead_enrichment_id;
        let retried = self
            .store
            .retry_enrichment(id, clock::now())
            .await
            .map_err(Error::from)?
            .ok_or_else(|| not_found(&lead_enrichment_id))?
            .map_err(Error::OtherEnrichmentOpen)?;
        let lead_enrichment = Some(lead_enrichment_message::write(retried));
        Ok(Response::new(pb::RetryLeadEnrichmentResponse {
            lead_enrichment,
        }))
    }

    async fn cancel_lead_enrichment(
        &self,
        request: Request<pb::CancelLeadEnrichmentRequest>,
    ) -> Result<Response<pb::CancelLeadEnrichmentResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Admin)?;
        let pb::CancelLeadEnrichmentRequest { lead_enrichment_id } = request.into_inner();
        let covered = self.covered(&caller, &lead_enrichment_id).await?;
        let id = covered.lead_enrichment_id;
        let cancelled = self
            .store
            .cancel_enrichment(id, clock::now())
            .await
            .map_err(Error::from)?
            .ok_or_else(|| not_found(&lead_enrichment_id))?
            .map_err(Error::EnrichmentEnded)?;
        let lead_enrichment = Some(lead_enrichment_message::write(cancelled));
        Ok(Response::new(pb::CancelLeadEnrichmentResponse {
            lead_enrichment,
        }))
    }

    async fn preview_lead_enrichment(
        &self,
        request: Request<pb::PreviewLeadEnrichmentRequest>,
    ) -> Result<Response<pb::PreviewLeadEnrichmentResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let pb::PreviewLeadEnrichmentRequest { lead } = request.into_inner();
        let lead = lead.ok_or_else(|| Error::invalid("lead", "is missing"))?;
        let igrp = super::installation(&caller, Role::Read, lead.igrp)?;
        let asked = preview_message::read(lead, clock::now())?;
        let installation = self.store.installation(igrp).await.map_err(Error::from)?;
        let installation = installation.ok_or_else(|| Error::NotFound {
            kind: "installation",
            id: igrp.to_string(),
        })?;
        let history = self
            .store
            .history(igrp, asked.visitor_id, asked.call_ref.clone(), asked.as_of)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(preview_message::write(
            &asked,
            &installation,
            &history,
        )?))
    }
}

impl Services {
    /// The lead enrichment of this id, if the caller may know of it.
    async fn covered(&self, caller: &Caller, text: &str) -> Result<LeadEnrichment, Error> {
        let id = super::record_id("lead_enrichment_id", text)?;
        let found = self.store.lead_enrichment(id).await?;
        found
            .filter(|enrichment| caller.coverage().covers(enrichment.igrp))
            .ok_or_else(|| not_found(text))
    }
}

fn not_found(id: &str) -> Error {
    Error::NotFound {
        kind: "lead enrichment",
        id: id.trim().to_owned(),
    }
}
