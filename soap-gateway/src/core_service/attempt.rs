//! One try of a request at one core, and what comes of it.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::{Duration, Instant};
use tonic::body::Body;
use tonic::{Code, ConnectError, TimeoutExpired};

use super::{BoxError, cause};

/// Until when an answer is waited for. Goes along with a request in this
/// process, so that a later try tells the core only what time is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until(pub(crate) Instant);

/// A request that can be sent more than once.
#[derive(Debug)]
pub(super) struct Repeatable {
    head: Parts,
    body: Bytes,
    until: Option<Instant>,
}

/// What came of a try.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The core's word, whatever it says of the request.
    Answered(Response<Body>),
    /// The core has too much to do.
    Overloaded(Response<Body>),
    /// The core can't work now.
    Unavailable(Response<Body>),
    /// The core was not reached, so it has done nothing.
    Unreached(BoxError),
    /// The connection broke. Nobody knows what the core has done.
    Broken(BoxError),
    /// The request's time is over.
    Late(BoxError),
    /// The core takes long, and was left for another.
    Left,
}

/// The answer broke off. It hides what it was made of, which would be taken
/// for the core's own word.
#[derive(Debug, thiserror::Error)]
#[error("the core's answer broke off: {0}")]
struct BrokenOff(String);

impl Repeatable {
    /// Reads a request. Those of the gateway are unary, and in memory already.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, BoxError> {
        let (head, body) = request.into_parts();
        let until = head.extensions.get().map(|&Until(until)| until);
        let body = body.collect().await?.to_bytes();
        Ok(Self { head, body, until })
    }

    /// Until when an answer is waited for, if that has an end.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// What time is left, if it has an end.
    pub(super) fn left(&self) -> Option<Duration> {
        let until = self.until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// The request as it is sent now.
    pub(super) fn copy(&self) -> Request<Body> {
        const TIMEOUT: &str = "grpc-timeout";

        let body = Full::new(self.body.clone()).map_err(|never: Infallible| match never {});
        let mut request = Request::from_parts(self.head.clone(), Body::new(body));
        if let Some(timeout) = self.left().and_then(timeout) {
            request.headers_mut().insert(TIMEOUT, timeout);
        }
        request
    }
}

/// A time as gRPC writes it: at most eight digits and a unit.
fn timeout(time: Duration) -> Option<HeaderValue> {
    const MOST: u128 = 99_999_999;

    let text = match (time.as_micros(), time.as_millis()) {
        (micros, _) if micros <= MOST => format!("{micros}u"),
        (_, millis) => format!("{}m", millis.min(MOST)),
    };
    HeaderValue::from_str(&text).ok()
}

impl Outcome {
    /// What came of a request, once its answer is there to the last byte.
    pub(super) fn of(result: Result<Response<Body>, BoxError>) -> Self {
        match result {
            Ok(response) => match code(&response) {
                Some(Code::ResourceExhausted) => Self::Overloaded(response),
                Some(Code::Unavailable) => Self::Unavailable(response),
                _ => Self::Answered(response),
            },
            Err(error) if is_caused_by::<TimeoutExpired>(&error) => Self::Late(error),
            Err(error) if is_caused_by::<ConnectError>(&error) => Self::Unreached(error),
            Err(error) => Self::Broken(error),
        }
    }

    /// The time was over before there was an answer.
    pub(super) fn late() -> Self {
        Self::Late(Box::new(TimeoutExpired(())))
    }

    /// The name in metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Overloaded(_) => "overloaded",
            Self::Unavailable(_) => "unavailable",
            Self::Unreached(_) => "unreached",
            Self::Broken(_) => "broken",
            Self::Late(_) | Self::Left => "late",
        }
    }

    /// The names of all outcomes.
    pub(super) const NAMES: [&'static str; 6] = [
        "answered",
        "overloaded",
        "unavailable",
        "unreached",
        "broken",
        "late",
    ];

    /// What the caller gets. `told` is what another core said of the request:
    /// it is worth more than that a further one could not be asked.
    pub(super) fn into_result(
        self,
        told: Option<Response<Body>>,
    ) -> Result<Response<Body>, BoxError> {
        match self {
            Self::Answered(response) | Self::Overloaded(response) => Ok(response),
            Self::Unavailable(response) => Ok(told.unwrap_or(response)),
            Self::Unreached(error) | Self::Broken(error) => told.ok_or(error),
            Self::Late(error) => Err(error),
            Self::Left => told.ok_or_else(|| Box::new(TimeoutExpired(())).into()),
        }
    }
}

/// Waits for the whole of an answer, so that one that breaks off can be asked
/// for again.
pub(super) async fn whole(response: Response<Body>) -> Result<Response<Body>, BoxError> {
    /// More than clients of this crate take, so that they say what is wrong.
    const LONGEST: usize = 64 * 1024 * 1024;

    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST).collect().await;
    let body = body.map_err(|error| BrokenOff(cause(error.as_ref())))?;
    let trailers = body.trailers().cloned();
    let body = Full::new(body.to_bytes())
        .with_trailers(std::future::ready(trailers.clone().map(Ok)))
        .map_err(|never: Infallible| match never {});
    let mut response = Response::from_parts(head, Body::new(body));
    if let Some(trailers) = trailers {
        response.extensions_mut().insert(Trailers(trailers));
    }
    Ok(response)
}

/// What stands below an answer. It says whether the call went well.
#[derive(Clone, Debug)]
struct Trailers(HeaderMap);

/// The gRPC code of a whole answer.
fn code(response: &Response<Body>) -> Option<Code> {
    const CODE: &str = "grpc-status";

    let trailers = response.extensions().get::<Trailers>();
    let code = response
        .headers()
        .get(CODE)
        .or_else(|| trailers?.0.get(CODE));
    match (code, response.status()) {
        (Some(code), _) => Some(Code::from_bytes(code.as_bytes())),
        // A proxy in between speaks for a core that it can't reach.
        (
            None,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT,
        ) => Some(Code::Unavailable),
        (None, _) => None,
    }
}

fn is_caused_by<E: Error + 'static>(error: &BoxError) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error.as_ref());
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: Duration, expected: &str) {
        assert_eq!(timeout(time).unwrap(), expected);
    }

    #[test]
    fn a_time_has_at_most_eight_digits() {
        check(Duration::ZERO, "0u");
        check(Duration::from_millis(1_500), "1500000u");
        check(Duration::from_micros(99_999_999), "99999999u");
        check(Duration::from_secs(100), "100000m");
        check(Duration::from_hours(48), "99999999m");
    }

    fn answer(status: u16, code: Option<&str>) -> Outcome {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(code) = code {
            let code = HeaderValue::from_str(code).unwrap();
            response.headers_mut().insert("grpc-status", code);
        }
        Outcome::of(Ok(response))
    }

    #[test]
    fn only_a_core_that_can_not_work_is_told_from_one_that_answers() {
        for (status, code, expected) in [
            (200, None, "answered"),
            (200, Some("0"), "answered"),
            (200, Some("13"), "answered"),
            (200, Some("16"), "answered"),
            (200, Some("8"), "overloaded"),
            (200, Some("14"), "unavailable"),
            (503, None, "unavailable"),
            (404, None, "answered"),
        ] {
            assert_eq!(answer(status, code).name(), expected, "{status} {code:?}");
        }
    }

    #[tokio::test]
    async fn the_code_below_an_answer_counts_like_the_one_above() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("14"));
        let body = Full::new(Bytes::from_static(b"abc"))
            .with_trailers(std::future::ready(Some(Ok(trailers))))
            .map_err(|never: Infallible| match never {});
        let response = whole(Response::new(Body::new(body))).await.unwrap();
        let Outcome::Unavailable(response) = Outcome::of(Ok(response)) else {
            panic!("its code is not seen");
        };
        let body = response.into_body().collect().await.unwrap();
        assert!(body.trailers().unwrap().contains_key("grpc-status"));
        assert_eq!(body.to_bytes(), "abc");
    }

    #[test]
    fn what_a_core_said_is_worth_more_than_that_another_is_away() {
        let told = || Some(Response::new(Body::empty()));
        let away = || Outcome::Unreached("connection refused".into());
        assert!(away().into_result(told()).is_ok());
        assert!(away().into_result(None).is_err());
        assert!(Outcome::Left.into_result(told()).is_ok());
        let late = Outcome::late().into_result(told()).unwrap_err();
        assert!(is_caused_by::<TimeoutExpired>(&late));
    }
}
