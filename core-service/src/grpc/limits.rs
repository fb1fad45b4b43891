//! Limits that are taken before a request is read: how many bytes of requests
//! are in flight, how many items one holds, how long it may take.
//!
//! The framework limits the length of a message, but two bytes of it can name
//! an empty item, which takes hundreds once it is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyStream, StreamBody};
use tokio::sync::Semaphore;
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::frames::Frames;
use super::import;

/// The longest that any request may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// How many bytes of requests may be in flight at once.
const BYTES_IN_FLIGHT: usize = 256 << 20;

/// What a request takes beside its body. So their number is limited too.
const BYTES_OF_REQUEST: usize = 64 << 10;

/// Takes the limits for each request.
#[derive(Clone, Debug)]
pub(crate) struct LimitsLayer {
    budget: Arc<Semaphore>,
    timeout: Duration,
}

impl LimitsLayer {
    pub(crate) fn new() -> Self {
        Self {
            budget: Arc::new(Semaphore::new(BYTES_IN_FLIGHT)),
            timeout: TIMEOUT,
        }
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limits<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limits {
            inner,
            limits: self.clone(),
        }
    }
}

/// See [`LimitsLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Limits<S> {
    inner: S,
    limits: LimitsLayer,
}

impl<S> Service<Request<Body>> for Limits<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let share = Arc::new(Share::of(&self.limits.budget));
        if let Err(refusal) = share.take(BYTES_OF_REQUEST) {
            return Box::pin(async move { Ok(refusal.into_http()) });
        }
        let body_share = share.clone();
        let frames = Frames::up_to(import::longest_message(request.uri().path()));
        let request = request.map(|body| limited(body, frames, body_share));
        let answer = tokio::time::timeout(self.limits.timeout, self.inner.call(request));
        Box::pin(async move {
            let response = answer.await.unwrap_or_else(|_| {
                let message = "the request took too long; send it again, or a smaller one";
                Ok(Status::deadline_exceeded(message).into_http())
            });
            share.give_back();
            response
        })
    }
}

/// A body that fails once it passes a limit.
fn limited(body: Body, mut counted: Frames, share: Arc<Share>) -> Body {
    let frames = BodyStream::new(body).map(move |frame| {
        let frame = frame?;
        if let Some(data) = frame.data_ref() {
            share.take(data.len())?;
            counted
                .read(data)
                .map_err(|invalid| Status::invalid_argument(invalid.to_string()))?;
        }
        Ok::<_, Status>(frame)
    });
    Body::new(StreamBody::new(frames))
}

/// What one request has of the budget, until it is answered or gone.
#[derive(Debug)]
struct Share {
    budget: Arc<Semaphore>,
    // `None` once it was given back.
    taken: Mutex<Option<usize>>,
}

impl Share {
    fn of(budget: &Arc<Semaphore>) -> Self {
        Self {
            budget: budget.clone(),
            taken: Mutex::new(Some(0)),
        }
    }

    /// Takes more, until the request is answered: what a stream sends after
    /// that is read message by message.
    fn take(&self, bytes: usize) -> Result<(), Status> {
        let Ok(mut taken) = self.taken.lock() else {
            return Ok(());
        };
        let Some(sum) = taken.as_mut() else {
            return Ok(());
        };
        // A body's frame is far smaller than that.
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let permits = self.budget.try_acquire_many(permits).map_err(|_| {
            Status::resource_exhausted(
                "the core has as many requests in flight as it can hold; send it again in a moment",
            )
        })?;
        permits.forget();
        *sum += bytes;
        Ok(())
    }

    fn give_back(&self) {
        if let Ok(mut taken) = self.taken.lock() {
            self.budget.add_permits(taken.take().unwrap_or(0));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn layer(budget: usize, timeout: Duration) -> LimitsLayer {
        LimitsLayer {
            budget: Arc::new(Semaphore::new(budget)),
            timeout,
        }
    }

    /// Calls a service that answers once its request's body is read, or never.
    async fn call(layer: &LimitsLayer, body: &'static [u8], answers: bool) -> Option<Code> {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            if !answers {
                std::future::pending::<()>().await;
            }
            let mut frames = BodyStream::new(request.into_body());
            while let Some(frame) = frames.next().await {
                if let Err(status) = frame {
                    return Ok(status.into_http());
                }
            }
            Ok(Response::new(Body::empty()))
        });
        let body = Body::new(http_body_util::Full::from(body));
        let answer = layer.layer(service).call(Request::new(body)).await;
        let Ok(response) = answer;
        Status::from_header_map(response.headers()).map(|status| status.code())
    }

    #[tokio::test]
    async fn requests_share_a_budget_and_give_it_back() {
        let layer = layer(BYTES_OF_REQUEST + 10, TIMEOUT);
        for _ in 0..3 {
            assert_eq!(call(&layer, &[0; 10], true).await, None);
        }
        let too_long = call(&layer, &[0; 11], true).await;
        assert_eq!(too_long, Some(Code::ResourceExhausted));
        assert_eq!(layer.budget.available_permits(), BYTES_OF_REQUEST + 10);

        let full = self::layer(BYTES_OF_REQUEST - 1, TIMEOUT);
        assert_eq!(call(&full, &[], true).await, Some(Code::ResourceExhausted));
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_given_up() {
        let layer = layer(BYTES_IN_FLIGHT, Duration::from_millis(1));
        assert_eq!(call(&layer, &[], false).await, Some(Code::DeadlineExceeded));
        assert_eq!(layer.budget.available_permits(), BYTES_IN_FLIGHT);
    }
}
