//! Imports: streams of batches, each answered once it is durable.
//!
//! An import takes one message at a time, so that it holds little memory, and
//! HTTP/2 holds its sender back. In the store it has the place of one batch
//! among those of all senders.

use std::sync::Arc;
use std::time::Duration;

use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::batch::{self, InstallationRule, Purpose};
use super::caller::{Caller, KeyRing};
use super::routes::Services;
use super::status;
use crate::domain::Role;
use crate::error::Error;
use crate::metrics::CoreMetrics;
use crate::recording::{Batch, Item, ItemResult};
use crate::store::StoreError;

/// The most imports at once. With [`LONGEST_MESSAGE`] this limits the memory
/// that they take together.
const MOST: usize = 32;

/// The longest message of an import: what gRPC takes unless told otherwise.
const LONGEST_MESSAGE: u32 = 4 << 20;

/// How long an import may stand still: waiting for the next message, for its
/// answer to be read, or for room in the store.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an import waits before it asks an overloaded store again: first,
/// and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The longest message of the RPC at this path, if it is an import.
pub(super) fn longest_message(path: &str) -> Option<u32> {
    let is_import = path.ends_with("/ImportVisits") || path.ends_with("/ImportCalls");
    is_import.then_some(LONGEST_MESSAGE)
}

/// What all imports share.
#[derive(Clone, Debug)]
pub(super) struct Imports {
    places: Arc<Semaphore>,
    is_stopping: watch::Receiver<bool>,
}

impl Imports {
    /// Imports that end once the core stops.
    pub(super) fn new(is_stopping: watch::Receiver<bool>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(MOST)),
            is_stopping,
        }
    }
}

/// What one kind of record does with its imports.
pub(super) struct Kind<Request, M, T, R, Answer> {
    /// The kind's name in metrics.
    pub(super) name: &'static str,
    /// The field of the request that holds the items.
    pub(super) field: &'static str,
    /// Takes a message apart.
    pub(super) open: fn(Request) -> (Option<pb::ImportOptions>, Vec<M>),
    /// Where an item says its installation.
    pub(super) igrp: fn(&mut M) -> &mut i64,
    /// Reads an item.
    pub(super) read: fn(M) -> Item<T>,
    /// Records a batch.
    pub(super) record: R,
    /// Makes an answer.
    pub(super) answer: fn(Accepted) -> Answer,
}

/// How far an import has got.
#[derive(Clone, Debug, Default)]
pub(super) struct Accepted {
    /// The position of the first item that is not accepted yet.
    pub(super) through: i64,
    /// How many items were recorded.
    pub(super) recorded: i64,
    /// How many were duplicates.
    pub(super) duplicates: i64,
    /// How many were rejected.
    pub(super) rejected: i64,
    /// Those that were rejected since the last answer.
    pub(super) rejections: Vec<pb::ImportRejection>,
}

/// Begins an import; its answers come as its batches become durable.
pub(super) fn begin<Request, M, T, R, Recorded, Answer>(
    services: &Services,
    caller: Caller,
    messages: Streaming<Request>,
    kind: Kind<Request, M, T, R, Answer>,
) -> Result<ReceiverStream<Result<Answer, Status>>, Error>
where
    Request: Send + 'static,
    M: Send + 'static,
    T: Clone + Send + Sync + 'static,
    R: Fn(Batch<T>) -> Recorded + Send + Sync + 'static,
    Recorded: Future<Output = Result<Vec<ItemResult>, StoreError>> + Send,
    Answer: Send + 'static,
{
    caller.require(Role::Ingest)?;
    let place = services.imports.places.clone().try_acquire_owned();
    let place = place.map_err(|_| Error::TooManyImports)?;
    let import = Import {
        caller,
        kind,
        keys: services.keys.clone(),
        rule: services.rule,
        metrics: services.metrics.clone(),
        is_stopping: services.imports.is_stopping.clone(),
        default_igrp: 0,
        unknown_installations: 0,
        is_open: false,
        accepted: Accepted::default(),
    };
    // One answer may wait while the next batch is on its way.
    let (answers, received) = mpsc::channel(1);
    tokio::spawn(async move {
        import.run(messages, answers).await;
        drop(place);
    });
    Ok(ReceiverStream::new(received))
}

/// An import that runs.
struct Import<Request, M, T, R, Answer> {
    caller: Caller,
    kind: Kind<Request, M, T, R, Answer>,
    keys: KeyRing,
    rule: InstallationRule,
    metrics: CoreMetrics,
    is_stopping: watch::Receiver<bool>,
    default_igrp: i64,
    unknown_installations: i32,
    /// Whether the first message has been read.
    is_open: bool,
    accepted: Accepted,
}

impl<Request, M, T, R, Recorded, Answer> Import<Request, M, T, R, Answer>
where
    T: Clone,
    R: Fn(Batch<T>) -> Recorded,
    Recorded: Future<Output = Result<Vec<ItemResult>, StoreError>>,
{
    async fn run(
        mut self,
        mut messages: Streaming<Request>,
        answers: mpsc::Sender<Result<Answer, Status>>,
    ) {
        // Whoever does not read the answers any more needs no reason.
        let tell =
            async |answer| matches!(timeout(PATIENCE, answers.send(answer)).await, Ok(Ok(())));
        loop {
            let taken = match self.next(&mut messages).await {
                Ok(Some(request)) => self.take(request).await.map_err(Status::from),
                Ok(None) => return,
                Err(status) => Err(status),
            };
            let is_heard = match taken {
                Ok(()) => {
                    let answer = self.answer();
                    tell(Ok(answer)).await
                }
                Err(status) => {
                    // How far it has got is known also where no batch was taken.
                    if self.is_open {
                        let answer = self.answer();
                        tell(Ok(answer)).await;
                    }
                    tell(Err(status)).await;
                    return;
                }
            };
            if !is_heard {
                return;
            }
        }
    }

    /// Waits for the next message; there is none when the sender has ended.
    async fn next(&mut self, messages: &mut Streaming<Request>) -> Result<Option<Request>, Status> {
        tokio::select! {
            biased;
            () = stopping(&mut self.is_stopping) => Err(Error::Store(StoreError::Closed).into()),
            next = timeout(PATIENCE, messages.message()) => match next {
                Ok(Ok(message)) => Ok(message),
                Ok(Err(status)) => Err(status::explained(&status)),
                Err(_) => Err(Error::SilentImport.into()),
            },
        }
    }

    /// Takes a message, and returns once its items are accepted.
    async fn take(&mut self, request: Request) -> Result<(), Error> {
        self.keys.readmit(&self.caller)?;
        let (options, mut items) = (self.kind.open)(request);
        self.set(options)?;
        for item in &mut items {
            let igrp = (self.kind.igrp)(item);
            if *igrp == 0 {
                *igrp = self.default_igrp;
            }
        }
        let batch = batch::read(
            &self.caller,
            Purpose::Record,
            self.rule,
            (self.kind.field, items),
            Vec::new(),
            self.unknown_installations,
            |item, _| (self.kind.read)(item),
        )?;
        if !batch.items.is_empty() {
            let results = self.record(batch).await?;
            self.count(results);
        }
        Ok(())
    }

    fn set(&mut self, options: Option<pb::ImportOptions>) -> Result<(), Error> {
        let Some(options) = options else {
            self.is_open = true;
            return Ok(());
        };
        if self.is_open {
            return Err(Error::invalid(
                "options",
                "may come with the first message only",
            ));
        }
        let pb::ImportOptions {
            start_position,
            default_igrp,
            unknown_installations,
        } = options;
        if start_position < 0 {
            return Err(Error::invalid("options.start_position", "is negative"));
        }
        if default_igrp != 0 {
            Igrp::new(default_igrp)
                .map_err(|invalid| Error::invalid("options.default_igrp", invalid))?;
        }
        self.accepted.through = start_position;
        self.default_igrp = default_igrp;
        self.unknown_installations = unknown_installations;
        self.is_open = true;
        Ok(())
    }

    /// Records a batch. Where the store has too much to do, this waits: whoever
    /// imports has time, and the stream holds the sender back.
    async fn record(&mut self, batch: Batch<T>) -> Result<Vec<ItemResult>, Error> {
        let (mut pause, longest) = PAUSES;
        let end = Instant::now() + PATIENCE;
        loop {
            match (self.kind.record)(batch.clone()).await {
                Err(StoreError::Overloaded) if Instant::now() < end => {}
                recorded => return Ok(recorded?),
            }
            // Those that were refused together do not come back together.
            let spread = pause.mul_f64(rand::random_range(0.5..1.5));
            tokio::select! {
                () = sleep(spread) => {}
                () = stopping(&mut self.is_stopping) => return Err(StoreError::Closed.into()),
            }
            pause = (pause * 2).min(longest);
        }
    }

    fn count(&mut self, results: Vec<ItemResult>) {
        let accepted = &mut self.accepted;
        for answer in batch::answer(&self.metrics, self.kind.name, results) {
            match answer.rejection {
                Some(rejection) => {
                    accepted.rejected += 1;
                    accepted.rejections.push(pb::ImportRejection {
                        position: accepted.through,
                        rejection: Some(rejection),
                    });
                }
                None if answer.outcome == i32::from(pb::Outcome::Duplicate) => {
                    accepted.duplicates += 1;
                }
                None => accepted.recorded += 1,
            }
            accepted.through = accepted.through.saturating_add(1);
        }
    }

    /// What to answer now. Rejections are told once.
    fn answer(&mut self) -> Answer {
        let told = Accepted {
            rejections: std::mem::take(&mut self.accepted.rejections),
            ..self.accepted
        };
        (self.kind.answer)(told)
    }
}

/// Returns once the core stops, or is gone.
async fn stopping(is_stopping: &mut watch::Receiver<bool>) {
    let _ = is_stopping.wait_for(|is_stopping| *is_stopping).await;
}
