//! `EventService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::event_service_server::EventService;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::batch::Purpose;
use super::caller::Caller;
use super::page;
use super::routes::Services;
use super::{batch, event_message, event_stream, time};
use crate::domain::Role;
use crate::error::Error;
use crate::store::EventFilter;

#[tonic::async_trait]
impl EventService for Services {
    type StreamEventsStream = ReceiverStream<Result<pb::StreamEventsResponse, Status>>;

    async fn record_events(
        &self,
        request: Request<pb::RecordEventsRequest>,
    ) -> Result<Response<pb::RecordEventsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::RecordEventsRequest {
            events,
            notifications,
            unknown_installations,
            validate_only,
        } = request.into_inner();
        let purpose = Purpose::of(validate_only);
        let batch = batch::read(
            &caller,
            purpose,
            self.rule,
            ("events", events),
            notifications,
            unknown_installations,
            event_message::read,
        )?;
        let answers: Vec<_> = match purpose {
            Purpose::Record => {
                let results = self.store.record_events(batch).await.map_err(Error::from)?;
                batch::answer(&self.metrics, "event", results).collect()
            }
            Purpose::Validate => {
                let verdicts = self.store.try_events(batch).await.map_err(Error::from)?;
                batch::foretell(verdicts).collect()
            }
        };
        // What is known of calls and visitors is for those who may read it.
        let may_read = caller.require(Role::Read).is_ok();
        let results = answers
            .into_iter()
            .map(|answer| pb::RecordEventResult {
                outcome: answer.outcome,
                event_id: answer.id,
                rejection: answer.rejection,
                quarantined_notification_id: answer.quarantined_notification_id,
                warnings: answer.prospect.warnings,
                r#match: answer
                    .prospect
                    .tie
                    .filter(|_| may_read)
                    .map(event_message::write_match),
            })
            .collect();
        Ok(Response::new(pb::RecordEventsResponse { results }))
    }

    async fn get_event(
        &self,
        request: Request<pb::GetEventRequest>,
    ) -> Result<Response<pb::GetEventResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let pb::GetEventRequest { event_id } = request.into_inner();
        let not_found = || Error::NotFound {
            kind: "event",
            id: event_id.trim().to_owned(),
        };
        let id = super::record_id("event_id", &event_id)?;
        let event = self
            .store
            .event(id)
            .await
            .map_err(Error::from)?
            .ok_or_else(not_found)?;
        // To a key that does not cover it, the event is not there.
        if !caller.coverage().covers(event.igrp) {
            return Err(not_found().into());
        }
        let event = Some(event_message::write(event));
        Ok(Response::new(pb::GetEventResponse { event }))
    }

    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let igrp = super::listed_installation(&caller, request.igrp)?;
        let (filters, page) = page::asked("events", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListEventsRequest {
            igrp: _,
            page_size: _,
            page_token: _,
            action,
            visitor_id,
            call_ref,
            record_id,
            start_time,
            end_time,
        } = request;
        let filter = EventFilter {
            igrp,
            action: super::given(action.trim()),
            visitor_id: super::visitor_filter(&visitor_id)?,
            call_ref: super::call_filter(&call_ref)?,
            record_id: super::given(record_id.trim()),
            time: time::read_range(start_time, end_time)?,
        };
        let page = self.store.events(filter, page).await.map_err(Error::from)?;
        Ok(Response::new(pb::ListEventsResponse {
            events: page.rows.into_iter().map(event_message::write).collect(),
            next_page_token: filters.token(page.next),
        }))
    }

    async fn stream_events(
        &self,
        request: Request<pb::StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let caller = Caller::of(&request)?;
        let deadline = event_stream::deadline(request.metadata());
        let answers = event_stream::begin(self, caller, deadline, request.into_inner())?;
        Ok(Response::new(answers))
    }
}
