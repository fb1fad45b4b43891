//! Which messages share a call, and what each of them learns.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::*;
use crate::core_service::CoreService;

/// A core that notes the titles of each call, and answers once it may: an item's
/// result has its title as its id.
#[derive(Clone)]
struct Core {
    calls: Arc<Mutex<Vec<Vec<String>>>>,
    answers: watch::Sender<Option<Code>>,
}

impl Core {
    fn new() -> Self {
        Self {
            calls: Arc::default(),
            answers: watch::Sender::new(None),
        }
    }

    /// Has all calls answered, with this code.
    fn answer(&self, code: Code) {
        self.answers.send_replace(Some(code));
    }

    fn client(&self) -> CoreClient {
        let service = CoreService::in_process(tower::service_fn(|_: Request<Body>| async {
            Err::<Response<Body>, _>("not called")
        }));
        CoreClient::new(service.recording_by(self.clone()))
    }

    /// The titles of the calls, once there were so many.
    async fn calls(&self, count: usize) -> Vec<Vec<String>> {
        while lock(&self.calls).len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        lock(&self.calls).clone()
    }
}

type Answered<A> = Pin<Box<dyn Future<Output = Result<A, Status>> + Send>>;

impl Service<pb::RecordEventsRequest> for Core {
    type Response = pb::RecordEventsResponse;
    type Error = Status;
    type Future = Answered<pb::RecordEventsResponse>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: pb::RecordEventsRequest) -> Self::Future {
        let core = self.clone();
        Box::pin(async move {
            let titles = request.events.into_iter().map(|event| event.title);
            let titles: Vec<_> = titles.collect();
            lock(&core.calls).push(titles.clone());
            let mut answers = core.answers.subscribe();
            let code = *answers.wait_for(Option::is_some).await.unwrap();
            match code {
                Some(Code::Ok) => {}
                code => return Err(Status::new(code.unwrap(), "")),
            }
            let result = |title| pb::RecordEventResult {
                outcome: pb::Outcome::Rejected.into(),
                quarantined_notification_id: title,
                ..Default::default()
            };
            let results = titles.into_iter().map(result).collect();
            Ok(pb::RecordEventsResponse { results })
        })
    }
}

macro_rules! not_called {
    ($request:ident, $response:ident) => {
        impl Service<pb::$request> for Core {
            type Response = pb::$response;
            type Error = Status;
            type Future = Answered<pb::$response>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: pb::$request) -> Self::Future {
                Box::pin(async { Err(Status::unimplemented("")) })
            }
        }
    };
}

not_called!(RateCallsRequest, RateCallsResponse);
not_called!(EnrichLeadsRequest, EnrichLeadsResponse);

/// Messages on their way, each with the titles that it was answered with.
struct Messages {
    core: Core,
    joint: Arc<Joint<pb::Event>>,
    sent: JoinSet<(usize, Result<Vec<String>, CoreFailure>)>,
}

impl Messages {
    fn new() -> Self {
        Self {
            core: Core::new(),
            joint: Arc::new(Joint::to(1)),
            sent: JoinSet::new(),
        }
    }

    /// Sends a message of an organisation, with a notification for each title.
    async fn send(&mut self, organization: u8, titles: &[&str]) {
        let event = |title: &&str| pb::Event {
            title: (*title).to_owned(),
            ..pb::Event::default()
        };
        let batch = Batch {
            items: titles.iter().map(event).collect(),
            notifications: vec![pb::Notification::default(); titles.len()],
        };
        let key = Key {
            organization_id: OrganizationId::parse(&format!("00D{organization:012}")).unwrap(),
            unknown: pb::UnknownInstallations::Unspecified,
        };
        let (joint, client) = (Arc::clone(&self.joint), self.core.client());
        let until = Instant::now() + Duration::from_secs(10);
        let n = self.sent.len();
        self.sent.spawn(async move {
            let results = joint.record(&client, key, batch, until).await;
            let title = |result: ItemResult| result.quarantined_notification_id;
            (n, results.map(|all| all.into_iter().map(title).collect()))
        });
        tokio::task::yield_now().await;
    }

    /// Sends as many as go alone.
    async fn occupy(&mut self, organization: u8) {
        for _ in 0..CALLS {
            self.send(organization, &["alone"]).await;
        }
    }

    /// The answers in the order of sending.
    async fn answers(self) -> Vec<Result<Vec<String>, CoreFailure>> {
        let mut answers = self.sent.join_all().await;
        answers.sort_by_key(|(n, _)| *n);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_while_calls_are_under_way_share_one_and_have_their_own_results() {
    let mut messages = Messages::new();
    messages.occupy(1).await;
    messages.send(1, &["a"]).await;
    messages.send(1, &["b", "c"]).await;
    messages.send(1, &["d"]).await;
    let calls = messages.core.calls(CALLS + 1).await;
    assert_eq!(calls[CALLS], ["a", "b", "c", "d"]);
    messages.core.answer(Code::Ok);
    let answers = messages.answers().await;
    let titles = answers[CALLS..]
        .iter()
        .map(|answer| answer.as_ref().unwrap());
    let titles: Vec<_> = titles.map(|titles| titles.join(" ")).collect();
    assert_eq!(titles, ["a", "b c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_for_no_other_where_little_comes() {
    let mut messages = Messages::new();
    messages.occupy(1).await;
    // Another organisation is not held up.
    messages.send(2, &["a"]).await;
    assert_eq!(lock(&messages.core.calls).len(), CALLS + 1);
    messages.core.answer(Code::Ok);
    assert!(messages.answers().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_core_that_can_not_work_is_told_to_all_who_shared_a_call() {
    let mut messages = Messages::new();
    messages.occupy(1).await;
    messages.send(1, &["a"]).await;
    messages.send(1, &["b"]).await;
    messages.core.calls(CALLS + 1).await;
    messages.core.answer(Code::ResourceExhausted);
    let overloaded = CoreFailure::Overloaded { retry_after: None };
    for answer in messages.answers().await {
        assert_eq!(answer, Err(overloaded.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_may_be_of_one_message_has_all_come_again_and_go_alone() {
    let mut messages = Messages::new();
    messages.occupy(1).await;
    messages.send(1, &["a"]).await;
    messages.send(1, &["b"]).await;
    messages.core.calls(CALLS + 1).await;
    messages.core.answer(Code::Internal);
    let joint = Arc::clone(&messages.joint);
    for answer in &messages.answers().await[CALLS..] {
        assert!(
            matches!(answer, Err(CoreFailure::Unavailable { .. })),
            "{answer:?}"
        );
    }

    let mut again = Messages {
        joint,
        ..Messages::new()
    };
    again.occupy(1).await;
    again.send(1, &["a"]).await;
    again.send(1, &["b"]).await;
    assert_eq!(lock(&again.core.calls).len(), CALLS + 2);
    again.core.answer(Code::Internal);
    for answer in again.answers().await {
        assert_eq!(answer, Err(CoreFailure::Refused("INTERNAL")));
    }
}

#[tokio::test(start_paused = true)]
async fn many_messages_share_several_calls() {
    let mut messages = Messages::new();
    messages.occupy(1).await;
    for _ in 0..=TOGETHER {
        messages.send(1, &["a"]).await;
    }
    let calls = messages.core.calls(CALLS + 2).await;
    let mut counts: Vec<_> = calls[CALLS..].iter().map(Vec::len).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, TOGETHER]);
    messages.core.answer(Code::Ok);
    assert!(messages.answers().await.iter().all(Result::is_ok));
}
