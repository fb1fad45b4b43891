//! `CallRatingService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_rating_service_server::CallRatingService;
use tonic::{Request, Response, Status};

use super::batch::Purpose;
use super::caller::Caller;
use super::page;
use super::routes::Services;
use super::{batch, call_rating_message, time};
use crate::domain::Role;
use crate::error::Error;
use crate::store::CallRatingFilter;

#[tonic::async_trait]
impl CallRatingService for Services {
    async fn rate_calls(
        &self,
        request: Request<pb::RateCallsRequest>,
    ) -> Result<Response<pb::RateCallsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::RateCallsRequest {
            ratings,
            notifications,
            unknown_installations,
            validate_only,
        } = request.into_inner();
        let purpose = Purpose::of(validate_only);
        let batch = batch::read(
            &caller,
            purpose,
            self.rule,
            ("ratings", ratings),
            notifications,
            unknown_installations,
            call_rating_message::read,
        )?;
        let answers: Vec<_> = match purpose {
            Purpose::Record => {
                let results = self.store.rate_calls(batch).await.map_err(Error::from)?;
                batch::answer(&self.metrics, "call_rating", results).collect()
            }
            Purpose::Validate => {
                let verdicts = self.store.try_ratings(batch).await.map_err(Error::from)?;
                batch::foretell(verdicts).collect()
            }
        };
        let results = answers
            .into_iter()
            .map(|answer| pb::RateCallResult {
                outcome: answer.outcome,
                call_rating_id: answer.id,
                rejection: answer.rejection,
                quarantined_notification_id: answer.quarantined_notification_id,
                warnings: answer.prospect.warnings,
            })
            .collect();
        Ok(Response::new(pb::RateCallsResponse { results }))
    }

    async fn get_call_rating(
        &self,
        request: Request<pb::GetCallRatingRequest>,
    ) -> Result<Response<pb::GetCallRatingResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::GetCallRatingRequest { igrp, call_ref } = request.into_inner();
        let igrp = super::installation(&caller, Role::Read, igrp)?;
        let call_ref = super::required_call_ref(&call_ref)?;
        let rating = self
            .store
            .current_rating(igrp, call_ref.clone())
            .await
            .map_err(Error::from)?
            .ok_or(Error::NotFound {
                kind: "rating of call",
                id: call_ref,
            })?;
        let call_rating = Some(call_rating_message::write(rating));
        Ok(Response::new(pb::GetCallRatingResponse { call_rating }))
    }

    async fn list_call_ratings(
        &self,
        request: Request<pb::ListCallRatingsRequest>,
    ) -> Result<Response<pb::ListCallRatingsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let igrp = super::listed_installation(&caller, request.igrp)?;
        let (filters, page) = page::asked("call_ratings", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListCallRatingsRequest {
            igrp: _,
            page_size: _,
            page_token: _,
            call_ref,
            rating,
            record_id,
            start_time,
            end_time,
        } = request;
        let filter = CallRatingFilter {
            igrp,
            call_ref: super::call_filter(&call_ref)?,
            rating: super::given(rating.trim()),
            record_id: super::given(record_id.trim()),
            time: time::read_range(start_time, end_time)?,
        };
        let page = self
            .store
            .call_ratings(filter, page)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::ListCallRatingsResponse {
            call_ratings: page
                .rows
                .into_iter()
                .map(call_rating_message::write)
                .collect(),
            next_page_token: filters.token(page.next),
        }))
    }
}
