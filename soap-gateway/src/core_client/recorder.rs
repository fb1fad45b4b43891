//! Recording in a core that is part of this process.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use sfbridge_proto::v1 as pb;
use tonic::Status;
use tower::{Service, ServiceExt};

use crate::core_service::CoreService;

/// Records what it is given, as a core's gRPC services do, without gRPC: no
/// message is encoded for the other half of the same process.
#[derive(Clone)]
pub(crate) struct Recorder {
    events: Call<pb::RecordEventsRequest, pb::RecordEventsResponse>,
    ratings: Call<pb::RateCallsRequest, pb::RateCallsResponse>,
    leads: Call<pb::EnrichLeadsRequest, pb::EnrichLeadsResponse>,
}

type Call<M, A> = Arc<dyn Fn(M) -> Answer<A> + Send + Sync>;
type Answer<A> = Pin<Box<dyn Future<Output = Result<A, Status>> + Send>>;

impl CoreService {
    /// Has messages recorded by what takes the contract's requests as they are,
    /// instead of by the gRPC services. It answers as they do, and keeps the
    /// same limits; its statuses have no source, as those that are sent.
    #[must_use]
    pub fn recording_by<R>(self, recorder: R) -> Self
    where
        R: Service<
                pb::RecordEventsRequest,
                Response = pb::RecordEventsResponse,
                Error = Status,
                Future: Send,
            > + Service<
                pb::RateCallsRequest,
                Response = pb::RateCallsResponse,
                Error = Status,
                Future: Send,
            > + Service<
                pb::EnrichLeadsRequest,
                Response = pb::EnrichLeadsResponse,
                Error = Status,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.with_recorder(Recorder {
            events: call(recorder.clone()),
            ratings: call(recorder.clone()),
            leads: call(recorder),
        })
    }
}

fn call<R, M, A>(recorder: R) -> Call<M, A>
where
    R: Service<M, Response = A, Error = Status, Future: Send> + Clone + Send + Sync + 'static,
    M: Send + 'static,
{
    Arc::new(move |message| Box::pin(recorder.clone().oneshot(message)))
}

impl Recorder {
    pub(super) fn record_events(
        &self,
        request: pb::RecordEventsRequest,
    ) -> Answer<pb::RecordEventsResponse> {
        (self.events)(request)
    }

    pub(super) fn rate_calls(
        &self,
        request: pb::RateCallsRequest,
    ) -> Answer<pb::RateCallsResponse> {
        (self.ratings)(request)
    }

    pub(super) fn enrich_leads(
        &self,
        request: pb::EnrichLeadsRequest,
    ) -> Answer<pb::EnrichLeadsResponse> {
        (self.leads)(request)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
