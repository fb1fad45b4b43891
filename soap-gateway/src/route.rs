//! From a request to its answer.

mod continued;
mod line;
mod refusal_log;
mod reply;
mod work;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::request::Parts;
use http::{HeaderMap, Method, Response, Version};
use sfbridge_values::OrganizationId;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;
use tower::{Service, ServiceExt};
use tracing::{Instrument, info_span};
use warp::Filter;

use crate::admission::{Admission, Entrant};
use crate::arrival::Arrival;
use crate::body::{Body, Budget};
use crate::config::GatewayConfig;
use crate::core_client::{CoreClient, Outcomes};
use crate::endpoint::Endpoint;
use crate::fault::{Fault, Limit, Reason};
use crate::media_type::MediaType;
use crate::metrics::Metrics;
use crate::parameters::{self, SeenQueries};
use crate::rate::Rate;
use crate::refusals::Refusals;
use crate::request_id::RequestId;
use crate::sender::Sender;
use crate::shares::Shares;
use crate::wsdl::{self, Address, UnusableHost};
use line::{Line, Summary};
use refusal_log::RefusalLog;
use work::{Checked, Job};

pub(crate) use work::Work;

/// Answers requests: checks each in the order in which faults count, and has
/// its message recorded.
#[derive(Debug)]
pub(crate) struct Router {
    config: GatewayConfig,
    admission: Admission,
    core: CoreClient,
    metrics: Metrics,
    refusals: Refusals,
    /// Messages that arrive, by where they come from.
    arrivals: Shares<IpAddr>,
    bodies: Budget,
    /// Messages that are worked on, by organisation.
    shares: Shares<OrganizationId>,
    rate: Option<Rate>,
    queries: SeenQueries,
    refusal_log: RefusalLog,
    processors: Arc<Semaphore>,
    work: Work,
}

/// A request, taken apart.
struct Incoming {
    head: Head,
    body: Body,
}

/// The head of a request as it came, shared because warp clones what it hands
/// over.
#[derive(Clone, Debug)]
struct Head(Arc<Parts>);

/// What a good request asks for, after the checks of its header, and with its
/// body where it has one.
enum Asked<M> {
    /// A message is to be recorded.
    Recording(M),
    /// The WSDL of an endpoint.
    Wsdl(Address),
}

/// What became of a good request.
enum Done {
    /// All of its message is durable.
    Recorded(Outcomes),
    /// It asked for this WSDL.
    Described(Bytes),
}

/// The HTTP service in front of a router. There is one filter that takes every
/// request, so that no answer is made anywhere else.
pub(crate) fn service<B>(
    router: Arc<Router>,
) -> impl Service<
    http::Request<B>,
    Response = warp::reply::Response,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static
where
    B: http_body::Body + Send + Sync + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let filter = warp::ext::get()
        .and(warp::body::stream())
        .then(move |head: Head, stream| {
            let request = Incoming::new(head, stream);
            // It is large, and hyper moves what it is given.
            Box::pin(Arc::clone(&router).answer(request))
        });
    warp::service(filter).map_request(with_head)
}

/// Hands over the head of a request in one piece. What is left is a request for
/// `/`, so that it has a path, without which, as that of CONNECT, warp panics.
fn with_head<B>(request: http::Request<B>) -> http::Request<B> {
    let (head, body) = request.into_parts();
    let mut request = http::Request::new(body);
    request.extensions_mut().insert(Head(Arc::new(head)));
    request
}

impl Head {
    fn method(&self) -> &Method {
        &self.0.method
    }

    /// The path as sent.
    fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// The query as sent, without its question mark.
    fn query(&self) -> &str {
        self.0.uri.query().unwrap_or_default()
    }

    fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    fn arrival(&self) -> Option<&Arrival> {
        self.0.extensions.get()
    }

    fn version(&self) -> Version {
        self.arrival()
            .map_or(Version::HTTP_11, |arrival| arrival.version)
    }
}

impl Incoming {
    fn new<S, B>(head: Head, stream: S) -> Self
    where
        S: tokio_stream::Stream<Item = Result<B, warp::Error>> + Send + 'static,
        B: Buf,
    {
        let body = Body::new(stream, head.headers(), head.version());
        Self { head, body }
    }

    /// The endpoint that it goes to, by a method that the endpoint takes.
    fn endpoint(&self) -> Result<Endpoint, Fault> {
        let endpoint = Endpoint::at(self.head.path()).ok_or_else(unknown_path)?;
        if self.head.method() == Method::POST || self.query_of_wsdl().is_some() {
            Ok(endpoint)
        } else {
            Err(method_not_allowed())
        }
    }

    /// The rest of the query of a request for the WSDL: what the endpoint's URL
    /// is to have. None when it is a request for anything else.
    fn query_of_wsdl(&self) -> Option<String> {
        if !matches!(*self.head.method(), Method::GET | Method::HEAD) {
            return None;
        }
        parameters::without(self.head.query(), wsdl::PARAMETER)
    }
}

impl Router {
    /// A router into a core.
    pub(crate) fn new(
        config: GatewayConfig,
        core: CoreClient,
        metrics: Metrics,
        refusals: Refusals,
        work: Work,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            admission: Admission::new(&config, &core),
            core,
            refusals,
            // Arriving takes little, and many may arrive from one address.
            arrivals: Shares::new(
                config.max_requests.saturating_mul(2),
                metrics.in_use(Limit::Arrivals),
            ),
            bodies: Budget::new(config.max_held_bytes),
            shares: Shares::new(config.max_requests, metrics.in_use(Limit::Work)),
            rate: config.organization_rate.map(Rate::new),
            queries: SeenQueries::default(),
            refusal_log: RefusalLog::new(),
            metrics,
            processors: Arc::new(Semaphore::new(processors)),
            work,
            config,
        }
    }

    async fn answer(self: Arc<Self>, request: Incoming) -> Response<Bytes> {
        let started = Instant::now();
        let id = RequestId::new();
        let endpoint = Endpoint::at(request.head.path());
        let sender = Sender::of(
            &self.config.senders,
            request.head.arrival(),
            request.head.headers(),
        );
        let span = info_span!("message", request_id = %id);
        let answer = async move {
            let _counted = self.metrics.request();
            let method = request.head.method().clone();
            let address = sender.address();
            let summary = Arc::new(OnceCell::new());
            let (result, closes) = self
                .take(request, sender, started, Arc::clone(&summary))
                .await;

            if let Err(fault) = &result {
                self.metrics.refused(fault.reason());
            }
            let answer = reply::reply(&result, id, &method, closes);
            let duration = started.elapsed();
            self.metrics.answered(endpoint, answer.status(), duration);
            if let (Some(endpoint), Err(fault)) = (endpoint, &result)
                && method == Method::POST
            {
                self.refusals.note(endpoint, fault, id);
            }
            self.log(
                &result,
                &Line {
                    endpoint,
                    address,
                    summary: summary.get(),
                    status: answer.status(),
                    duration,
                },
            );
            answer
        };
        answer.instrument(span).await
    }

    /// Does what there is to do with a request. Also says whether the
    /// connection is to be closed after the answer.
    async fn take(
        self: &Arc<Self>,
        mut request: Incoming,
        sender: Sender,
        started: Instant,
        summary: Arc<OnceCell<Summary>>,
    ) -> (Result<Done, Fault>, bool) {
        let read = self.read(&mut request, sender, started).await;

        let limit = self.config.max_body_bytes;
        let version = request.head.version();
        let is_slow = matches!(&read, Err(fault) if fault.reason() == Reason::SlowBody);
        let closes = version < Version::HTTP_2 && (is_slow || request.body.is_long(limit));
        request.body.discard(limit.saturating_mul(2), version);

        let result = match read {
            Ok(Asked::Recording(job)) => self.run(job, summary).await.map(Done::Recorded),
            Ok(Asked::Wsdl(address)) => Ok(Done::Described(wsdl::wsdl(&address).into())),
            Err(fault) => Err(fault),
        };
        // Who sends on a connection goes on with another, at a gateway that
        // stays. HTTP/2 says so by itself when the port is closed.
        let ends = version < Version::HTTP_2 && self.work.is_ending();
        (result, closes || ends)
    }

    async fn read(
        &self,
        request: &mut Incoming,
        sender: Sender,
        started: Instant,
    ) -> Result<Asked<Job>, Fault> {
        /// Longer times are as good as none, and could not be added to the clock.
        const MAX_TIME: Duration = Duration::from_hours(24);

        let until = started + self.config.request_time.min(MAX_TIME);

        // Here and in `check`, the order is the one in which faults count.
        let endpoint = request.endpoint()?;
        let place = sender.place();
        let token = parameters::token(request.head.query());
        let entrant = self.admission.enter(sender, &token, until).await?;
        let checked = match self.check(request, endpoint, entrant)? {
            Asked::Recording(checked) => checked,
            Asked::Wsdl(address) => return Ok(Asked::Wsdl(address)),
        };
        let arriving = self
            .arrivals
            .take(place)
            .ok_or_else(|| Fault::overloaded(Limit::Arrivals))?;

        let body_until = until.min(started + self.config.body_time.min(MAX_TIME));
        let limit = self.config.max_body_bytes;
        let budget = (&self.bodies, place);
        let body = request.body.read(limit, body_until, budget).await?;
        Ok(Asked::Recording(Job {
            checked,
            body,
            until,
            arriving,
        }))
    }

    /// Logs what became of a request, and counts refusals for overload. Of
    /// those that come in floods only some are logged.
    fn log(&self, result: &Result<Done, Fault>, line: &Line<'_>) {
        let fault = match result {
            Ok(done) => return line.done(done),
            Err(fault) => fault,
        };
        if let Some(limit) = fault.limit() {
            self.metrics.overloaded(limit);
        }
        if !matches!(fault.reason(), Reason::Overloaded | Reason::RateLimited) {
            line.refused(fault, 0);
        } else if let Some(left_out) = self.refusal_log.line(std::time::Instant::now()) {
            line.refused(fault, left_out);
        }
    }

    /// Checks what the header says besides where it goes and who sends it.
    fn check(
        &self,
        request: &Incoming,
        endpoint: Endpoint,
        entrant: Entrant,
    ) -> Result<Asked<Checked>, Fault> {
        let asks_for_wsdl = request.query_of_wsdl();
        let query = asks_for_wsdl.as_deref().unwrap_or(request.head.query());
        let parameters = self.queries.parse(endpoint, query).map_err(|invalid| {
            Fault::new(Reason::InvalidParameter, invalid.to_string())
                .of_parameter(invalid.parameter())
        })?;
        if asks_for_wsdl.is_some() {
            let address = Address::of(
                entrant.is_https(),
                request.head.arrival(),
                request.head.headers(),
                request.head.path(),
                query,
            );
            return address.map(Asked::Wsdl).map_err(unusable_host);
        }
        let media_type = MediaType::of(request.head.headers())?;
        request.body.check_declared(self.config.max_body_bytes)?;
        Ok(Asked::Recording(Checked {
            endpoint,
            parameters,
            media_type,
            entrant,
        }))
    }
}

fn unknown_path() -> Fault {
    let paths = Endpoint::ALL.map(Endpoint::path).join(", ");
    Fault::new(
        Reason::UnknownPath,
        format!("There is nothing at this address; outbound messages go to one of {paths}."),
    )
}

fn method_not_allowed() -> Fault {
    Fault::new(
        Reason::MethodNotAllowed,
        "This address works, but it is not a page: it takes Salesforce outbound messages by POST. \
         Enter it as the endpoint URL of an outbound message in Salesforce Setup; add `?wsdl` to \
         it (`&wsdl` after other parameters) to see its WSDL.",
    )
}

fn unusable_host(error: UnusableHost) -> Fault {
    Fault::new(Reason::InvalidHost, error.to_string())
}
