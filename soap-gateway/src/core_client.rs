//! What the gateway asks of the core.
//!
//! The only place where gRPC statuses are known: above it there are results and
//! [`CoreFailure`]s.

mod access;
mod batch;
mod item;
mod joint;
mod recorder;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use sfbridge_proto::v1 as pb;
use sfbridge_values::OrganizationId;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::core_service::{self, CoreService, Transport, Until};
use crate::mapping::{CoreRequest, Paired};
pub(crate) use access::OrganizationAccess;
pub(crate) use batch::Batch;
use item::Item;
use joint::{Joint, Key};
use pb::access_service_client::AccessServiceClient;
use pb::call_rating_service_client::CallRatingServiceClient;
use pb::event_service_client::EventServiceClient;
use pb::lead_enrichment_service_client::LeadEnrichmentServiceClient;
use pb::quarantine_service_client::QuarantineServiceClient;
pub(crate) use recorder::Recorder;

/// Asks the core to record things, and who may send.
#[derive(Clone, Debug)]
pub(crate) struct CoreClient {
    access: AccessServiceClient<Transport>,
    events: EventServiceClient<Transport>,
    ratings: CallRatingServiceClient<Transport>,
    leads: LeadEnrichmentServiceClient<Transport>,
    quarantine: QuarantineServiceClient<Transport>,
    /// What records in this process, where the core is part of it.
    recorder: Option<Recorder>,
    /// What messages share, where the core is somewhere else.
    joint: Option<Arc<Joints>>,
}

/// The calls that messages share, by what they record.
#[derive(Debug)]
struct Joints {
    events: Joint<pb::Event>,
    ratings: Joint<pb::CallRating>,
    leads: Joint<pb::LeadToEnrich>,
}

impl Joints {
    /// Calls to so many cores.
    fn to(cores: usize) -> Self {
        Self {
            events: Joint::to(cores),
            ratings: Joint::to(cores),
            leads: Joint::to(cores),
        }
    }
}

/// What became of a message whose every item is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// Items that are recorded now.
    pub(crate) recorded: u64,
    /// Items that were recorded before.
    pub(crate) duplicate: u64,
    /// Items that are in the quarantine.
    pub(crate) quarantined: u64,
}

/// Why the core did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CoreFailure {
    /// It can't be reached, or can't work now.
    #[error("the core is not available: {what}")]
    Unavailable {
        /// What happened, for the operator.
        what: String,
        /// When it says to come back.
        retry_after: Option<Duration>,
    },
    /// It has too much to do.
    #[error("the core is overloaded")]
    Overloaded {
        /// When it says to come back.
        retry_after: Option<Duration>,
    },
    /// It did not answer in time.
    #[error("the core did not answer in time")]
    Late,
    /// It does not accept this gateway's API key.
    #[error(
        "the core refused the gateway's API key ({0}); give the gateway a key with the role \
         `ingest`, for instance one made by `sfbridge keys create --role ingest`"
    )]
    KeyRefused(&'static str),
    /// It says that the request is wrong, or that it has a fault.
    #[error("the core answered {0}, which is a fault in the gateway or in the core")]
    Refused(&'static str),
    /// Its results do not fit what was asked.
    #[error("the core answered {results} results for {items} items")]
    Unpaired {
        /// How many items were sent.
        items: usize,
        /// How many results came back.
        results: usize,
    },
    /// It neither recorded an item nor put it into the quarantine.
    #[error("the core rejected an item for {0} without a quarantine record of it")]
    Lost(&'static str),
    /// It answered with an outcome that this gateway does not know.
    #[error("the core answered with the unknown outcome {0}")]
    UnknownOutcome(i32),
}

/// What the core answered for one item.
struct ItemResult {
    outcome: i32,
    rejection: Option<pb::Rejection>,
    quarantined_notification_id: String,
}

impl CoreClient {
    /// A client of this core.
    pub(crate) fn new(core: CoreService) -> Self {
        const MAX_ANSWER: usize = 16 * 1024 * 1024;

        let recorder = core.recorder();
        let cores = core.remote_cores();
        let joint = (cores > 0).then(|| Arc::new(Joints::to(cores)));
        let core = core.into_inner();
        Self {
            recorder,
            joint,
            access: AccessServiceClient::new(core.clone()),
            events: EventServiceClient::new(core.clone()).max_decoding_message_size(MAX_ANSWER),
            ratings: CallRatingServiceClient::new(core.clone())
                .max_decoding_message_size(MAX_ANSWER),
            leads: LeadEnrichmentServiceClient::new(core.clone())
                .max_decoding_message_size(MAX_ANSWER),
            quarantine: QuarantineServiceClient::new(core),
        }
    }

    /// Has refused messages noted.
    pub(crate) async fn record_refused(
        &self,
        refused_messages: Vec<pb::RefusedMessage>,
        until: Instant,
    ) -> Result<(), CoreFailure> {
        let request = pb::RecordRefusedMessagesRequest { refused_messages };
        let mut client = self.quarantine.clone();
        let answer = client.record_refused_messages(timed(request, until)).await;
        answer.map(drop).map_err(|status| failure(&status))
    }

    /// Has all items of a message recorded or quarantined, in order. Only then
    /// there is a result; after any failure the whole message can be sent again.
    /// A small message may go to the core together with others of its
    /// organisation.
    pub(crate) async fn record(
        &self,
        request: CoreRequest,
        organization_id: OrganizationId,
        is_small: bool,
        unknown: pb::UnknownInstallations,
        until: Instant,
    ) -> Result<Outcomes, CoreFailure> {
        let key = Key {
            organization_id,
            unknown,
        };
        match request {
            CoreRequest::Events(events) => self.record_all(events, key, is_small, until).await,
            CoreRequest::Ratings(ratings) => self.record_all(ratings, key, is_small, until).await,
            CoreRequest::Leads(leads) => self.record_all(leads, key, is_small, until).await,
        }
    }

    async fn record_all<T: Item>(
        &self,
        items: Paired<T>,
        key: Key,
        is_small: bool,
        until: Instant,
    ) -> Result<Outcomes, CoreFailure> {
        let mut recorded = Outcomes::default();
        let joint = self.joint.as_deref().filter(|_| is_small).map(T::joint);
        let max_bytes = match self.recorder {
            Some(_) => usize::MAX,
            None => Batch::<T>::MAX_SENT_BYTES,
        };
        for batch in Batch::split(items, max_bytes)? {
            let items = batch.items.len();
            let results = match joint {
                Some(joint) => joint.record(self, key.clone(), batch, until).await?,
                None => T::send(self, batch, key.unknown, until)
                    .await
                    .map_err(|status| failure(&status))?,
            };
            if results.len() != items {
                let results = results.len();
                return Err(CoreFailure::Unpaired { items, results });
            }
            for result in results {
                recorded.count(&result)?;
            }
        }
        Ok(recorded)
    }
}

impl Outcomes {
    fn count(&mut self, result: &ItemResult) -> Result<(), CoreFailure> {
        match pb::Outcome::try_from(result.outcome) {
            Ok(pb::Outcome::Recorded) => self.recorded += 1,
            Ok(pb::Outcome::Duplicate) => self.duplicate += 1,
            Ok(pb::Outcome::Rejected) if !result.quarantined_notification_id.is_empty() => {
                self.quarantined += 1;
            }
            Ok(pb::Outcome::Rejected) => {
                let reason = result.rejection.as_ref().map_or_else(
                    || pb::RejectionReason::Unspecified.as_str_name(),
                    |rejection| rejection.reason().as_str_name(),
                );
                return Err(CoreFailure::Lost(reason));
            }
            Ok(pb::Outcome::Unspecified) | Err(_) => {
                return Err(CoreFailure::UnknownOutcome(result.outcome));
            }
        }
        Ok(())
    }
}

/// A request that tells the core how long its answer is waited for.
fn timed<T>(message: T, until: Instant) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(until.saturating_duration_since(Instant::now()));
    request.extensions_mut().insert(Until(until));
    request
}

/// What a status means for the message.
fn failure(status: &Status) -> CoreFailure {
    let retry_after = || {
        status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay)
    };
    let unavailable = || CoreFailure::Unavailable {
        what: cause(status),
        retry_after: retry_after(),
    };
    match status.code() {
        // A status with a source was made on this side, of a broken connection.
        Code::Unknown | Code::Internal if status.source().is_some() => unavailable(),
        Code::Cancelled if is_timeout(status) => CoreFailure::Late,
        Code::Unavailable | Code::Cancelled => unavailable(),
        Code::DeadlineExceeded => CoreFailure::Late,
        Code::ResourceExhausted => CoreFailure::Overloaded {
            retry_after: retry_after(),
        },
        Code::Unauthenticated => CoreFailure::KeyRefused("UNAUTHENTICATED"),
        Code::PermissionDenied => CoreFailure::KeyRefused("PERMISSION_DENIED"),
        Code::Ok => CoreFailure::Refused("OK without an answer"),
        Code::Unknown => CoreFailure::Refused("UNKNOWN"),
        Code::InvalidArgument => CoreFailure::Refused("INVALID_ARGUMENT"),
        Code::NotFound => CoreFailure::Refused("NOT_FOUND"),
        Code::AlreadyExists => CoreFailure::Refused("ALREADY_EXISTS"),
        Code::FailedPrecondition => CoreFailure::Refused("FAILED_PRECONDITION"),
        Code::Aborted => CoreFailure::Refused("ABORTED"),
        Code::OutOfRange => CoreFailure::Refused("OUT_OF_RANGE"),
        Code::Unimplemented => CoreFailure::Refused("UNIMPLEMENTED"),
        Code::Internal => CoreFailure::Refused("INTERNAL"),
        Code::DataLoss => CoreFailure::Refused("DATA_LOSS"),
    }
}

/// What broke, for the operator. A status that the core sent is named by its
/// code alone: its message may repeat what it was sent.
fn cause(status: &Status) -> String {
    match status.source() {
        Some(source) => core_service::cause(source),
        None => format!("it answered {:?}", status.code()),
    }
}

fn is_timeout(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    fn result(outcome: i32, quarantined_notification_id: &str) -> ItemResult {
        ItemResult {
            outcome,
            rejection: None,
            quarantined_notification_id: quarantined_notification_id.to_owned(),
        }
    }

    #[test]
    fn only_what_is_durable_is_counted() {
        let mut recorded = Outcomes::default();
        recorded.count(&result(1, "")).unwrap();
        recorded.count(&result(2, "")).unwrap();
        recorded.count(&result(3, "q1")).unwrap();
        let expected = Outcomes {
            recorded: 1,
            duplicate: 1,
            quarantined: 1,
        };
        assert_eq!(recorded, expected);

        let lost = CoreFailure::Lost("REJECTION_REASON_UNSPECIFIED");
        assert_eq!(recorded.count(&result(3, "")), Err(lost));
        for outcome in [0, 4, -1] {
            let unknown = CoreFailure::UnknownOutcome(outcome);
            assert_eq!(recorded.count(&result(outcome, "q1")), Err(unknown));
        }
    }

    #[test]
    fn a_core_that_says_when_to_come_back_is_heard() {
        let delay = Duration::from_secs(7);
        let details = ErrorDetails::with_retry_info(Some(delay));
        let status = Status::with_error_details(Code::ResourceExhausted, "full", details);
        let retry_after = Some(delay);
        assert_eq!(failure(&status), CoreFailure::Overloaded { retry_after });
    }

    #[test]
    fn a_status_is_a_lack_of_time_of_the_core_of_the_key_or_a_fault() {
        let check = |code: Code, is_expected: fn(&CoreFailure) -> bool| {
            let failure = failure(&Status::new(code, "Jane Doe"));
            assert!(is_expected(&failure), "{code:?}: {failure:?}");
            assert!(!failure.to_string().contains("Jane"), "{failure}");
        };
        for code in [Code::Unavailable, Code::Cancelled] {
            check(code, |f| matches!(f, CoreFailure::Unavailable { .. }));
        }
        check(Code::DeadlineExceeded, |f| *f == CoreFailure::Late);
        for code in [Code::Unauthenticated, Code::PermissionDenied] {
            check(code, |f| matches!(f, CoreFailure::KeyRefused(_)));
        }
        for code in [
            Code::Internal,
            Code::Unknown,
            Code::InvalidArgument,
            Code::Aborted,
        ] {
            check(code, |f| matches!(f, CoreFailure::Refused(_)));
        }
    }

    #[test]
    fn a_broken_connection_is_a_lack_of_the_core() {
        let broken = std::io::Error::other("connection reset");
        let status = Status::from_error(Box::new(broken));
        let what = "connection reset".to_owned();
        let retry_after = None;
        assert_eq!(
            failure(&status),
            CoreFailure::Unavailable { what, retry_after }
        );
    }
}
