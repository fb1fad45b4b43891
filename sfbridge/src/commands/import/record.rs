//! The two kinds of record that are imported, and their streams.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_service_client::CallServiceClient;
use sfbridge_proto::v1::visit_service_client::VisitServiceClient;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::columns::{CALLS, Column, VISITS};
use crate::client::Core;

/// A kind of record that is imported.
pub(super) trait Record: Clone + Default + Send + 'static {
    /// The message of its stream.
    type Request: Send + 'static;
    /// The answer.
    type Response;
    /// What several are called.
    const KIND: &'static str;
    /// The columns of its files.
    const COLUMNS: &'static [Column<Self>];

    /// A message.
    fn request(options: Option<pb::ImportOptions>, items: Vec<Self>) -> Self::Request;

    /// Opens a stream.
    fn begin(
        core: Core,
        requests: ReceiverStream<Self::Request>,
    ) -> impl Future<Output = Result<Streaming<Self::Response>, Status>>;

    /// What an answer says.
    fn told(response: Self::Response) -> Told;
}

/// What an answer of an import says.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The position of the first record that is not accepted.
    pub(super) accepted_through: i64,
    /// How many were recorded in this stream.
    pub(super) recorded: i64,
    /// How many were duplicates in this stream.
    pub(super) duplicates: i64,
    /// Those that were rejected since the last answer.
    pub(super) rejections: Vec<pb::ImportRejection>,
}

impl Record for pb::Visit {
    type Request = pb::ImportVisitsRequest;
    type Response = pb::ImportVisitsResponse;
    const KIND: &'static str = "visits";
    const COLUMNS: &'static [Column<Self>] = VISITS;

    fn request(options: Option<pb::ImportOptions>, visits: Vec<Self>) -> Self::Request {
        pb::ImportVisitsRequest { visits, options }
    }

    async fn begin(
        core: Core,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status> {
        let mut client = VisitServiceClient::new(core);
        Ok(client.import_visits(requests).await?.into_inner())
    }

    fn told(response: Self::Response) -> Told {
        Told {
            accepted_through: response.accepted_through,
            recorded: response.recorded_count,
            duplicates: response.duplicate_count,
            rejections: response.rejections,
        }
    }
}

impl Record for pb::Call {
    type Request = pb::ImportCallsRequest;
    type Response = pb::ImportCallsResponse;
    const KIND: &'static str = "calls";
    const COLUMNS: &'static [Column<Self>] = CALLS;

    fn request(options: Option<pb::ImportOptions>, calls: Vec<Self>) -> Self::Request {
        pb::ImportCallsRequest { calls, options }
    }

    async fn begin(
        core: Core,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status> {
        let mut client = CallServiceClient::new(core);
        Ok(client.import_calls(requests).await?.into_inner())
    }

    fn told(response: Self::Response) -> Told {
        Told {
            accepted_through: response.accepted_through,
            recorded: response.recorded_count,
            duplicates: response.duplicate_count,
            rejections: response.rejections,
        }
    }
}
