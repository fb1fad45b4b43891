//! Several cores that stand in for each other.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;
use tower::retry::budget::{Budget as _, TpsBudget};

use super::attempt::{Outcome, Repeatable};
use super::member::Member;
use super::metrics::CoresMetrics;
use super::turn::Turn;
use super::{BoxError, health};

/// Calls the core that has least to do, and goes around one that is away, slow
/// or about to end: what it did not answer is asked of another one.
///
/// Every request of the gateway may be repeated. What records has its keys,
/// what asks changes nothing, and a report of refused messages that arrives
/// twice counts twice, which the contract says.
///
/// A balancer that only compares loads would prefer a core that fails at once
/// to one that works.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    cores: Arc<Cores>,
}

#[derive(Debug)]
struct Cores {
    // Invariant: not empty.
    members: Vec<Arc<Member>>,
    /// How long one core may take before another is asked.
    core_time: Duration,
    budget: TpsBudget,
    metrics: CoresMetrics,
    /// They follow how the cores are, and end with them.
    _followers: JoinSet<()>,
}

impl Failover {
    /// The cores at these addresses. None when there are none.
    pub(super) fn new(channels: Vec<(String, Channel)>, core_time: Duration) -> Option<Self> {
        if channels.is_empty() {
            return None;
        }
        let metrics = CoresMetrics::default();
        let mut followers = JoinSet::new();
        let members = channels.into_iter().map(|(address, channel)| {
            let metrics = metrics.of(&address);
            let member = Arc::new(Member::new(address, channel.clone(), metrics));
            followers.spawn(health::follow(Arc::clone(&member), channel));
            member
        });
        let members = members.collect();
        Some(Self {
            cores: Arc::new(Cores {
                members,
                core_time,
                budget: budget(),
                metrics,
                _followers: followers,
            }),
        })
    }

    /// How many cores there are.
    pub(super) fn count(&self) -> usize {
        self.cores.members.len()
    }

    /// Adds the metrics of the cores to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        self.cores.metrics.register(registry);
    }
}

/// How many requests may be tried once more: a fifth of them, and 50 a second
/// in any case, both over ten seconds. So an overload is not multiplied.
fn budget() -> TpsBudget {
    const TIME: Duration = Duration::from_secs(10);
    const PER_SECOND: u32 = 50;
    const SHARE: f32 = 0.2;

    TpsBudget::new(TIME, PER_SECOND, SHARE)
}

impl Cores {
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let request = Repeatable::read(request).await?;
        self.budget.deposit();
        let mut turn = Turn::new(&self.members);
        let mut tries = Tries::default();
        loop {
            let Some(member) = turn.next() else {
                return Err("no core is known".into());
            };
            let outcome = self.attempt(member, &request, &turn).await;
            let repeats = match tries.repeat(&outcome, &turn) {
                Repeat::Never => false,
                Repeat::Freely => true,
                Repeat::IfFew => self.may_repeat(),
            };
            if !repeats {
                return outcome.into_result(tries.told);
            }
            self.metrics.repeats.inc();
            if let Outcome::Overloaded(response) | Outcome::Unavailable(response) = outcome {
                tries.told.get_or_insert(response);
            }
        }
    }

    /// Tries a request at a core, for as long as it may take where there is
    /// another one. A try that can't be afforded elsewhere goes on.
    async fn attempt(&self, member: &Member, request: &Repeatable, turn: &Turn<'_>) -> Outcome {
        let mut sending = pin!(member.send(request.copy()));
        if turn.has_another_that_takes() {
            let patience = match request.left() {
                Some(left) => self.core_time.min(left / 2),
                None => self.core_time,
            };
            if let Ok(outcome) = timeout(patience, &mut sending).await {
                member.note(&outcome);
                return outcome;
            }
            if self.may_repeat() {
                member.note(&Outcome::Left);
                return Outcome::Left;
            }
        }
        let outcome = match request.until() {
            Some(until) => timeout_at(until, sending).await,
            None => Ok(sending.await),
        };
        let outcome = outcome.unwrap_or_else(|_| Outcome::late());
        member.note(&outcome);
        outcome
    }

    fn may_repeat(&self) -> bool {
        let may_repeat = self.budget.withdraw();
        if !may_repeat {
            self.metrics.repeats_refused.inc();
        }
        may_repeat
    }
}

/// What came of the tries of a request so far.
#[derive(Debug, Default)]
struct Tries {
    has_broken: bool,
    was_too_much: bool,
    /// What a core said first that can't take it.
    told: Option<Response<Body>>,
}

/// Whether a request is tried once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Never,
    /// It costs the cores nothing.
    Freely,
    /// If few others are.
    IfFew,
}

impl Tries {
    fn repeat(&mut self, outcome: &Outcome, turn: &Turn<'_>) -> Repeat {
        match outcome {
            Outcome::Answered(_) | Outcome::Late(_) => Repeat::Never,
            // It was paid for when the core was left.
            Outcome::Left => Repeat::Freely,
            // One other core may have room. Asking all of them in turn would
            // have a request that none takes cost as much as many.
            Outcome::Overloaded(_) => {
                let was_too_much = std::mem::replace(&mut self.was_too_much, true);
                if was_too_much || !turn.has_another_that_takes() {
                    Repeat::Never
                } else {
                    Repeat::IfFew
                }
            }
            _ if turn.is_over() => Repeat::Never,
            Outcome::Unavailable(_) if !turn.has_another() => Repeat::Never,
            // The work that a core leaves undone is no more work in all. But a
            // request that breaks one connection after the other may be why.
            Outcome::Broken(_) if !self.has_broken => {
                self.has_broken = true;
                Repeat::Freely
            }
            Outcome::Unreached(_) if turn.has_another() => Repeat::Freely,
            Outcome::Unreached(_) | Outcome::Broken(_) | Outcome::Unavailable(_) => Repeat::IfFew,
        }
    }
}

impl Service<Request<Body>> for Failover {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let cores = Arc::clone(&self.cores);
        Box::pin(async move { cores.answer(request).await })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::HeaderValue;

    use super::*;

    /// Cores that all answer with a code, and how often they were asked.
    fn cores(count: usize, code: &'static str) -> (Cores, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let metrics = CoresMetrics::default();
        let member = |n: usize| {
            let asked = Arc::clone(&asked);
            let answer = move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                let mut response = Response::new(Body::empty());
                let code = HeaderValue::from_static(code);
                response.headers_mut().insert("grpc-status", code);
                std::future::ready(Ok::<_, BoxError>(response))
            };
            let address = n.to_string();
            let of_core = metrics.of(&address);
            Arc::new(Member::new(address, tower::service_fn(answer), of_core))
        };
        let cores = Cores {
            members: (0..count).map(member).collect(),
            core_time: Duration::from_secs(1),
            budget: budget(),
            metrics: metrics.clone(),
            _followers: JoinSet::new(),
        };
        (cores, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn an_overload_is_not_multiplied_by_tries() {
        const REQUESTS: usize = 10_000;

        let (cores, asked) = cores(5, "8");
        for _ in 0..REQUESTS {
            let answer = cores.answer(Request::new(Body::empty())).await.unwrap();
            assert_eq!(answer.headers()["grpc-status"], "8");
        }
        // All of them at one moment: 500 in any case, and a fifth.
        let expected = REQUESTS + 500 + REQUESTS / 5;
        let asked = asked.load(Ordering::Relaxed);
        assert!((expected - 10..=expected).contains(&asked), "{asked}");
        let refused = cores.metrics.repeats_refused.get();
        assert_eq!(cores.metrics.repeats.get() + refused, REQUESTS as u64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_core_that_answers_is_asked_once() {
        for code in ["0", "3", "7", "13", "16"] {
            let (cores, asked) = cores(5, code);
            cores.answer(Request::new(Body::empty())).await.unwrap();
            assert_eq!(asked.load(Ordering::Relaxed), 1, "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_no_core_can_work_each_was_asked_once() {
        let (cores, asked) = cores(5, "14");
        let answer = cores.answer(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "14");
        assert_eq!(asked.load(Ordering::Relaxed), 5);
    }
}
