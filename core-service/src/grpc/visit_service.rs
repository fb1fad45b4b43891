//! `VisitService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::visit_service_server::VisitService;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::caller::Caller;
use super::import::{Accepted, Kind};
use super::page;
use super::routes::Services;
use super::{batch, import, time, visit_message};
use crate::error::Error;
use crate::store::VisitFilter;

#[tonic::async_trait]
impl VisitService for Services {
    type ImportVisitsStream = ReceiverStream<Result<pb::ImportVisitsResponse, Status>>;

    async fn record_visits(
        &self,
        request: Request<pb::RecordVisitsRequest>,
    ) -> Result<Response<pb::RecordVisitsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::RecordVisitsRequest {
            visits,
            unknown_installations,
        } = request.into_inner();
        let batch = batch::read(
            &caller,
            batch::Purpose::Record,
            self.rule,
            ("visits", visits),
            Vec::new(),
            unknown_installations,
            |visit, _| visit_message::read(visit),
        )?;
        let results = self.store.record_visits(batch).await.map_err(Error::from)?;
        let results = batch::answer(&self.metrics, "visit", results)
            .map(|answer| pb::RecordVisitResult {
                outcome: answer.outcome,
                visit_id: answer.id,
                rejection: answer.rejection,
            })
            .collect();
        Ok(Response::new(pb::RecordVisitsResponse { results }))
    }

    async fn import_visits(
        &self,
        request: Request<Streaming<pb::ImportVisitsRequest>>,
    ) -> Result<Response<Self::ImportVisitsStream>, Status> {
        let caller = Caller::of(&request)?;
        let store = self.store.clone();
        let kind = Kind {
            name: "visit",
            field: "visits",
            open: |request: pb::ImportVisitsRequest| (request.options, request.visits),
            igrp: |visit: &mut pb::Visit| &mut visit.igrp,
            read: visit_message::read,
            record: move |batch| {
                let store = store.clone();
                async move { store.record_visits(batch).await }
            },
            answer: |accepted: Accepted| pb::ImportVisitsResponse {
                accepted_through: accepted.through,
                recorded_count: accepted.recorded,
                duplicate_count: accepted.duplicates,
                rejected_count: accepted.rejected,
                rejections: accepted.rejections,
            },
        };
        let answers = import::begin(self, caller, request.into_inner(), kind)?;
        Ok(Response::new(answers))
    }

    async fn list_visits(
        &self,
        request: Request<pb::ListVisitsRequest>,
    ) -> Result<Response<pb::ListVisitsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let igrp = super::listed_installation(&caller, request.igrp)?;
        let (filters, page) = page::asked("visits", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListVisitsRequest {
            igrp: _,
            page_size: _,
            page_token: _,
            visitor_id,
            start_time,
            end_time,
        } = request;
        let filter = VisitFilter {
            igrp,
            visitor_id: super::visitor_filter(&visitor_id)?,
            time: time::read_range(start_time, end_time)?,
        };
        let page = self.store.visits(filter, page).await.map_err(Error::from)?;
        Ok(Response::new(pb::ListVisitsResponse {
            visits: page.rows.into_iter().map(visit_message::write).collect(),
            next_page_token: filters.token(page.next),
        }))
    }
}
