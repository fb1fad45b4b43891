//! The work on a message that was read whole.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use sfbridge_values::OrganizationId;
use tokio::sync::{OnceCell, OwnedSemaphorePermit};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

use super::Router;
use super::continued::{Continued, Panicked};
use super::line::Summary;
use crate::admission::Entrant;
use crate::body::{Held, ReadBody, gunzip};
use crate::core_client::Outcomes;
use crate::endpoint::Endpoint;
use crate::fault::{Fault, Limit};
use crate::mapping;
use crate::media_type::MediaType;
use crate::message_reader;
use crate::parameters::Parameters;
use crate::shares::Share;
use crate::soap::{self, OutboundMessage};

/// Up to this many bytes, a message costs less to record than to call the core
/// for.
const SMALL_BODY: usize = 16 * 1024;

/// All work that is going on. It does not end with its connection: a client
/// that went away will send the message again, and then finds it done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    tasks: TaskTracker,
    end: CancellationToken,
    cut: CancellationToken,
}

impl Work {
    /// Waits for all of it, when nothing is added any more.
    pub(crate) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Says that the end is near.
    pub(crate) fn announce_end(&self) {
        self.end.cancel();
    }

    /// Whether the end is near.
    pub(super) fn is_ending(&self) -> bool {
        self.end.is_cancelled()
    }

    /// Ends all of it at once.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }
}

/// The right to a processor, which small messages do not need.
type Processor = Option<OwnedSemaphorePermit>;

/// What the header of a good request says.
pub(super) struct Checked {
    pub(super) endpoint: Endpoint,
    pub(super) parameters: Arc<Parameters>,
    pub(super) media_type: MediaType,
    pub(super) entrant: Entrant,
}

/// A good request, read whole, and its shares of the limits.
pub(super) struct Job {
    pub(super) checked: Checked,
    pub(super) body: ReadBody,
    pub(super) until: Instant,
    /// Until it is known whose it is.
    pub(super) arriving: Share<IpAddr>,
}

impl Router {
    /// Has a message recorded, whether or not its connection stays. What it is
    /// will be in the summary once it has been read.
    pub(super) async fn run(
        self: &Arc<Self>,
        job: Job,
        summary: Arc<OnceCell<Summary>>,
    ) -> Result<Outcomes, Fault> {
        let router = Arc::clone(self);
        let cut = self.work.cut.clone();
        let until = job.until;
        let work = async move {
            let recording = timeout_at(until, router.record(job, summary));
            let result = cut.run_until_cancelled(recording).await;
            result
                .and_then(Result::ok)
                .unwrap_or_else(|| Err(Fault::late()))
        };
        let work = self.work.tasks.track_future(work);
        Continued::new(work)
            .await
            .unwrap_or_else(|panicked| Err(Fault::internal().because(&panicked)))
    }

    async fn record(
        self: Arc<Self>,
        job: Job,
        summary: Arc<OnceCell<Summary>>,
    ) -> Result<Outcomes, Fault> {
        let Job {
            checked,
            body,
            until,
            arriving,
        } = job;
        let Checked {
            endpoint,
            parameters,
            media_type,
            entrant,
        } = checked;
        let is_large = media_type.is_gzip || body.bytes.len() >= self.config.large_body_bytes;
        let is_small = !is_large && body.bytes.len() <= SMALL_BODY;

        let processor = self.processor(is_large).await;
        let router = Arc::clone(&self);
        let reading = move || router.read_message(body, &media_type);
        let (read, processor) = compute(processor, reading).await?;
        let (message, _held) = read?;
        // Nobody else sets it.
        let _ = summary.set(Summary::of(&message));

        let organization_id = message.organization_id.clone();
        let mut processor = self
            .admit(&organization_id, &entrant, until, processor)
            .await?;
        let _share = self
            .shares
            .take(organization_id.clone())
            .ok_or_else(|| Fault::overloaded(Limit::Work))?;
        drop(arriving);
        if let Some(rate) = &self.rate {
            rate.check(&message.organization_id)?;
        }

        if processor.is_none() {
            processor = self.processor(is_large).await;
        }
        let router = Arc::clone(&self);
        let mapping = move || mapping::map(message, &parameters, &router.config.default_fields);
        let (request, processor) = compute(processor, mapping).await?;
        drop(processor);

        let unknown = entrant.policy.unknown_installations();
        let recorded = self
            .core
            .record(request, organization_id, is_small, unknown, until)
            .await?;
        self.metrics.acknowledged(endpoint, recorded);
        Ok(recorded)
    }

    /// Lets the organisation of a message in. Nobody waits for the processor of a
    /// message that waits for the core: then it is given back.
    async fn admit(
        &self,
        organization_id: &OrganizationId,
        entrant: &Entrant,
        until: Instant,
        processor: Processor,
    ) -> Result<Processor, Fault> {
        let mut admitting = pin!(self.admission.admit(organization_id, entrant, until));
        let (admitted, processor) = match once(admitting.as_mut()).await {
            Poll::Ready(admitted) => (admitted, processor),
            Poll::Pending => {
                drop(processor);
                (admitting.await, None)
            }
        };
        admitted
            .map(|()| processor)
            .map_err(|fault| fault.of_organization(Some(organization_id)))
    }

    /// A processor for a large message; small ones need none of their own. It is
    /// kept for as long as the message is neither its body nor its request, but
    /// in between, where it takes a multiple of their memory.
    async fn processor(&self, is_large: bool) -> Processor {
        if !is_large {
            return None;
        }
        // They are never closed.
        Arc::clone(&self.processors).acquire_owned().await.ok()
    }

    /// From bytes to a message. The body's share of the memory stays held for
    /// what is made of it.
    fn read_message(
        &self,
        body: ReadBody,
        media_type: &MediaType,
    ) -> Result<(OutboundMessage, Held), Fault> {
        let ReadBody {
            mut bytes,
            mut held,
        } = body;
        let limits = &self.config.xml;
        let limit = self.config.max_body_bytes;
        if media_type.is_gzip {
            bytes = gunzip(&bytes, limit, &mut held)?;
        }
        let text = message_reader::text(&bytes, media_type.charset.as_deref(), limit)?;
        // What will be refused for its organisation should cost no more than
        // that. While there is room for everybody, nobody needs to be known.
        if !self.shares.has_room_for_all()
            && let Some(organization) = soap::glance::organization(&text, limits)
            && !self.shares.has_room(&organization)
        {
            return Err(Fault::overloaded(Limit::Work).of_organization(Some(&organization)));
        }
        let message = message_reader::message(&text, limits)?;
        Ok((message, held))
    }
}

/// Runs work: here when there is little of it, else on its processor, where it
/// keeps no connection waiting. The processor is busy until the work has ended,
/// even if nobody waits for it any more.
async fn compute<T, F>(processor: Processor, work: F) -> Result<(T, Processor), Fault>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if processor.is_none() {
        return Ok((work(), processor));
    }
    let span = Span::current();
    let task = tokio::task::spawn_blocking(move || (span.in_scope(work), processor));
    task.await.map_err(|_| Fault::internal().because(&Panicked))
}

/// What comes of asking a future once.
async fn once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}
