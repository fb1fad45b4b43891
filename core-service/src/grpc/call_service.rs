//! `CallService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_service_server::CallService;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::caller::Caller;
use super::import::{Accepted, Kind};
use super::page;
use super::routes::Services;
use super::{batch, call_message, import, time};
use crate::domain::Role;
use crate::error::Error;
use crate::store::CallFilter;

#[tonic::async_trait]
impl CallService for Services {
    type ImportCallsStream = ReceiverStream<Result<pb::ImportCallsResponse, Status>>;

    async fn record_calls(
        &self,
        request: Request<pb::RecordCallsRequest>,
    ) -> Result<Response<pb::RecordCallsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::RecordCallsRequest {
            calls,
            unknown_installations,
        } = request.into_inner();
        let batch = batch::read(
            &caller,
            batch::Purpose::Record,
            self.rule,
            ("calls", calls),
            Vec::new(),
            unknown_installations,
            |call, _| call_message::read(call),
        )?;
        let results = self.store.record_calls(batch).await.map_err(Error::from)?;
        let results = batch::answer(&self.metrics, "call", results)
            .map(|answer| pb::RecordCallResult {
                outcome: answer.outcome,
                call_id: answer.id,
                rejection: answer.rejection,
            })
            .collect();
        Ok(Response::new(pb::RecordCallsResponse { results }))
    }

    async fn import_calls(
        &self,
        request: Request<Streaming<pb::ImportCallsRequest>>,
    ) -> Result<Response<Self::ImportCallsStream>, Status> {
        let caller = Caller::of(&request)?;
        let store = self.store.clone();
        let kind = Kind {
            name: "call",
            field: "calls",
            open: |request: pb::ImportCallsRequest| (request.options, request.calls),
            igrp: |call: &mut pb::Call| &mut call.igrp,
            read: call_message::read,
            record: move |batch| {
                let store = store.clone();
                async move { store.record_calls(batch).await }
            },
            answer: |accepted: Accepted| pb::ImportCallsResponse {
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

    async fn get_call(
        &self,
        request: Request<pb::GetCallRequest>,
    ) -> Result<Response<pb::GetCallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::GetCallRequest { igrp, call_ref } = request.into_inner();
        let igrp = super::installation(&caller, Role::Read, igrp)?;
        let call_ref = super::required_call_ref(&call_ref)?;
        let call = self
            .store
            .call(igrp, call_ref.clone())
            .await
            .map_err(Error::from)?
            .ok_or(Error::NotFound {
                kind: "call",
                id: call_ref,
            })?;
        Ok(Response::new(pb::GetCallResponse {
            call: Some(call_message::write(call)),
        }))
    }

    async fn list_calls(
        &self,
        request: Request<pb::ListCallsRequest>,
    ) -> Result<Response<pb::ListCallsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let igrp = super::listed_installation(&caller, request.igrp)?;
        let (filters, page) = page::asked("calls", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListCallsRequest {
            igrp: _,
            page_size: _,
            page_token: _,
            visitor_id,
            start_time,
            end_time,
        } = request;
        let filter = CallFilter {
            igrp,
            visitor_id: super::visitor_filter(&visitor_id)?,
            time: time::read_range(start_time, end_time)?,
        };
        let page = self.store.calls(filter, page).await.map_err(Error::from)?;
        Ok(Response::new(pb::ListCallsResponse {
            calls: page.rows.into_iter().map(call_message::write).collect(),
            next_page_token: filters.token(page.next),
        }))
    }
}
