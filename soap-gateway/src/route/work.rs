//! The work on a message that was read whole.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, record_all};

use super::Router;
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

/// What the header of a good request says.
pub(super) struct Head {
    pub(super) endpoint: Endpoint,
    pub(super) parameters: Parameters,
    pub(super) media_type: MediaType,
    pub(super) entrant: Entrant,
}

/// A good request, read whole, and its shares of the limits.
pub(super) struct Job {
    pub(super) head: Head,
    pub(super) body: ReadBody,
    pub(super) until: Instant,
    /// Until it is known whose it is.
    pub(super) arriving: Share<IpAddr>,
}

impl Router {
    /// Has a message recorded, in a task of its own.
    pub(super) async fn run(self: &Arc<Self>, job: Job) -> Result<Outcomes, Fault> {
        let router = Arc::clone(self);
        let cut = self.work.cut.clone();
        let until = job.until;
        let task = async move {
            let recording = timeout_at(until, router.record(job));
            let result = cut.run_until_cancelled(recording).await;
            result
                .and_then(Result::ok)
                .unwrap_or_else(|| Err(Fault::late()))
        };
        let task = self.work.tasks.spawn(task.in_current_span());
        task.await
            .unwrap_or_else(|panic| Err(Fault::internal().because(&panic)))
    }

    async fn record(self: Arc<Self>, job: Job) -> Result<Outcomes, Fault> {
        let Job {
            head,
            body,
            until,
            arriving,
        } = job;
        let Head {
            endpoint,
            parameters,
            media_type,
            entrant,
        } = head;
        let is_large = media_type.is_gzip || body.bytes.len() >= self.config.large_body_bytes;

        let router = Arc::clone(&self);
        let reading = move || router.read_message(body, &media_type);
        let read = self.compute(is_large, reading).await?;
        let (message, _held) = read.inspect_err(note_claim)?;
        note(&message);

        let organization_id = &message.organization_id;
        self.admission
            .admit(organization_id, &entrant, until)
            .await
            .map_err(|fault| fault.of_organization(Some(organization_id)))?;

        let _share = self
            .shares
            .take(message.organization_id.clone())
            .ok_or_else(|| Fault::overloaded(Limit::Work))?;
        drop(arriving);
        if let Some(rate) = &self.rate {
            rate.check(&message.organization_id)?;
        }

        let router = Arc::clone(&self);
        let mapping = move || mapping::map(message, &parameters, &router.config.default_fields);
        let request = self.compute(is_large, mapping).await?;

        let unknown = entrant.policy.unknown_installations();
        let recorded = self.core.record(request, unknown, until).await?;
        self.metrics.acknowledged(endpoint, recorded);
        Ok(recorded)
    }

    /// Runs work for the processor: here when there is little of it, else where
    /// it keeps no connection waiting, and no more of it at once than there are
    /// processors.
    async fn compute<T, F>(&self, is_large: bool, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if !is_large {
            return Ok(work());
        }
        let processor = Arc::clone(&self.processors).acquire_owned().await;
        let span = Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(work);
            drop(processor);
            result
        });
        task.await
            .map_err(|panic| Fault::internal().because(&panic))
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
            Span::current().record("organization", organization.key());
            return Err(Fault::overloaded(Limit::Work));
        }
        let message = message_reader::message(&text, limits)?;
        Ok((message, held))
    }
}

/// Notes in the log whom a message that can't be read claims to be from.
fn note_claim(fault: &Fault) {
    if let Some(id) = fault.organization_id() {
        Span::current().record("organization", id.key());
    }
}

/// Notes in the log what the message is, but nothing that it says of people.
fn note(message: &OutboundMessage) {
    let span = Span::current();
    record_all!(
        span,
        organization = message.organization_id.key(),
        notifications = message.notifications.len(),
    );
    if !message.warnings.is_empty() {
        span.record("warnings", message.warnings.join(" "));
    }
}
