//! Several cores that stand in for each other.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::TimeoutExpired;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::{Service, ServiceExt};

use super::BoxError;

/// Calls cores in turn. When one can't be reached, its requests go to the next,
/// and it rests for a while.
///
/// A balancer that picks the least loaded would prefer a core that fails at
/// once to one that works.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    // Invariant: not empty.
    cores: Arc<[Core]>,
    turn: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Core {
    channel: Channel,
    rests_until: Mutex<Option<Instant>>,
}

impl Core {
    const REST: Duration = Duration::from_secs(5);

    fn is_resting(&self) -> bool {
        let rests_until = self.rests_until.lock();
        let rests_until = rests_until.unwrap_or_else(PoisonError::into_inner);
        rests_until.is_some_and(|time| Instant::now() < time)
    }

    fn rest(&self, time: Option<Duration>) {
        let until = time.map(|time| Instant::now() + time);
        *self
            .rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = until;
    }

    async fn call(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let answer = self.channel.clone().oneshot(request).await;
        let answer = answer.map_err(BoxError::from);
        let is_unreachable = answer.as_ref().is_err_and(|error| !is_late(error));
        self.rest(is_unreachable.then_some(Self::REST));
        answer
    }
}

impl Failover {
    /// The cores at these channels. None when there are none.
    pub(super) fn new(channels: Vec<Channel>) -> Option<Self> {
        let core = |channel| Core {
            channel,
            rests_until: Mutex::new(None),
        };
        (!channels.is_empty()).then(|| Self {
            cores: channels.into_iter().map(core).collect(),
            turn: Arc::default(),
        })
    }

    /// The cores in the order in which a request tries them: those that rest
    /// come last. A lone core is tried twice, since a connection that broke
    /// while nobody used it is only noticed by its next user.
    fn order(&self) -> VecDeque<usize> {
        let count = self.cores.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut order: VecDeque<_> = (0..count).map(|n| turn.wrapping_add(n) % count).collect();
        order
            .make_contiguous()
            .sort_by_key(|&n| self.cores[n].is_resting());
        if count == 1 {
            order.push_back(0);
        }
        order
    }

    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        // Requests are unary and in memory already.
        let body = body.collect().await?.to_bytes();
        let mut order = self.order();
        loop {
            let Some(core) = order.pop_front().and_then(|n| self.cores.get(n)) else {
                return Err("no core is known".into());
            };
            let copy = Request::from_parts(head.clone(), again(&body));
            match core.call(copy).await {
                Err(error) if !order.is_empty() && !is_late(&error) => {}
                result => return result,
            }
        }
    }
}

/// Whether the request's time is over, so that no other core can help.
fn is_late(error: &BoxError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error.as_ref());
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn again(body: &Bytes) -> Body {
    Body::new(Full::new(body.clone()).map_err(|never: Infallible| match never {}))
}

impl Service<Request<Body>> for Failover {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}
