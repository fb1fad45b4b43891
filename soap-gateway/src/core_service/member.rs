//! One of the cores: what it is sent, how loaded it is, whether it is well.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::Notify;
use tonic::body::Body;
use tower::load::peak_ewma::Cost;
use tower::load::{CompleteOnResponse, Load, PeakEwma};
use tower::util::BoxService;
use tower::{Service, ServiceExt};

use super::BoxError;
use super::attempt::{Outcome, whole};
use super::metrics::MemberMetrics;

/// One of the cores.
#[derive(Debug)]
pub(super) struct Member {
    address: Box<str>,
    /// Sends a request and waits for the whole answer, and measures both how
    /// many are on their way and how long they take.
    sending: Mutex<PeakEwma<Sending>>,
    takes_requests: AtomicBool,
    has_answered: AtomicBool,
    /// A request had a bad end.
    doubted: Notify,
    /// A request was answered although none should have been sent.
    answered: Notify,
    metrics: MemberMetrics,
}

/// Sends requests over one connection.
type Sending = BoxService<Request<Body>, Response<Body>, BoxError>;

impl Member {
    /// The core at an address, behind this service. It takes requests until
    /// more is known.
    pub(super) fn new<S>(address: String, service: S, metrics: MemberMetrics) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        /// What a core takes that was never asked, as far as is known. More
        /// than they do, so that a new one is not sent everything at once.
        const FIRST_GUESS: Duration = Duration::from_millis(100);
        /// In this time two thirds of a bad moment are forgotten.
        const MEMORY_NANOS: f64 = 10e9;

        let sending = tower::service_fn(move |request| {
            let service = service.clone();
            async move { whole(service.oneshot(request).await.map_err(Into::into)?).await }
        });
        metrics.serving.set(1);
        Self {
            address: address.into(),
            sending: Mutex::new(PeakEwma::new(
                BoxService::new(sending),
                FIRST_GUESS,
                MEMORY_NANOS,
                CompleteOnResponse::default(),
            )),
            takes_requests: AtomicBool::new(true),
            has_answered: AtomicBool::new(false),
            doubted: Notify::new(),
            answered: Notify::new(),
            metrics,
        }
    }

    /// Where it is, for people.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Whether requests are to be sent to it. Others are only as a last resort.
    pub(super) fn takes_requests(&self) -> bool {
        self.takes_requests.load(Ordering::Acquire)
    }

    /// Says whether requests are to be sent to it.
    pub(super) fn set_taking(&self, is_taking: bool) {
        self.takes_requests.store(is_taking, Ordering::Release);
        self.metrics.serving.set(i64::from(is_taking));
    }

    /// How much a further request would have to wait for.
    pub(super) fn load(&self) -> Cost {
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        sending.load()
    }

    /// Sends a request. The outcome is to be given to [`Member::note`].
    pub(super) fn send(&self, request: Request<Body>) -> impl Future<Output = Outcome> + use<> {
        let mut sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = sending.call(request);
        async move { Outcome::of(answer.await) }
    }

    /// Takes note of what came of a request.
    pub(super) fn note(&self, outcome: &Outcome) {
        self.metrics.count(outcome);
        match outcome {
            Outcome::Answered(_) | Outcome::Overloaded(_) => {
                self.has_answered.store(true, Ordering::Relaxed);
                if !self.takes_requests() {
                    self.answered.notify_one();
                }
            }
            Outcome::Unavailable(_)
            | Outcome::Unreached(_)
            | Outcome::Broken(_)
            | Outcome::Late(_)
            | Outcome::Left => {
                self.set_taking(false);
                self.doubted.notify_one();
            }
        }
    }

    /// Waits until a request has a bad end. One that had it before counts too.
    pub(super) async fn doubted(&self) {
        self.doubted.notified().await;
    }

    /// Waits until a request is answered although none should have been sent.
    pub(super) async fn answered(&self) {
        self.answered.notified().await;
    }

    /// Whether a request was answered since this was asked last.
    pub(super) fn take_has_answered(&self) -> bool {
        self.has_answered.swap(false, Ordering::Relaxed)
    }
}
