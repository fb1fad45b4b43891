//! Recording for the gateway of this process.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_rating_service_server::CallRatingService;
use sfbridge_proto::v1::event_service_server::EventService;
use sfbridge_proto::v1::lead_enrichment_service_server::LeadEnrichmentService;
use tonic::{Request, Response, Status};
use tower::Service;

use super::caller::Caller;
use super::routes::Services;

/// The RPCs that record, for a gateway in this process: called as they are
/// implemented, without encoding a request and its answer.
#[derive(Clone, Debug)]
pub struct Recorder {
    services: Arc<Services>,
}

type Answer<A> = Pin<Box<dyn Future<Output = Result<A, Status>> + Send>>;

impl Recorder {
    pub(crate) fn new(services: Services) -> Self {
        Self {
            services: Arc::new(services),
        }
    }
}

/// A request of the gateway, which needs no API key.
fn of_gateway<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller::InProcess);
    request
}

/// An answer as it would come over the network: what a status was made of stays
/// here.
fn as_sent<A>(answer: Result<Response<A>, Status>) -> Result<A, Status> {
    answer.map(Response::into_inner).map_err(|status| {
        let details = status.details().to_vec().into();
        let metadata = status.metadata().clone();
        Status::with_details_and_metadata(status.code(), status.message(), details, metadata)
    })
}

/// Calls one RPC with its message.
macro_rules! record {
    ($service:ident::$rpc:ident, $request:ident, $response:ident) => {
        impl Service<pb::$request> for Recorder {
            type Response = pb::$response;
            type Error = Status;
            type Future = Answer<pb::$response>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, message: pb::$request) -> Self::Future {
                let services = Arc::clone(&self.services);
                Box::pin(async move {
                    let answer = $service::$rpc(&*services, of_gateway(message)).await;
                    as_sent(answer)
                })
            }
        }
    };
}

record!(
    EventService::record_events,
    RecordEventsRequest,
    RecordEventsResponse
);
record!(
    CallRatingService::rate_calls,
    RateCallsRequest,
    RateCallsResponse
);
record!(
    LeadEnrichmentService::enrich_leads,
    EnrichLeadsRequest,
    EnrichLeadsResponse
);
