//! Streams of events: what is kept from a cursor on, then what is recorded.
//!
//! A stream reads a page once its reader has taken the one before, so a slow
//! reader holds one page and HTTP/2's window, and nobody else up. While there is
//! nothing to tell, it waits for the store's alarm and costs nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use sfbridge_proto::v1 as pb;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::caller::{Caller, KeyRing};
use super::routes::Services;
use super::{cursor, event_message};
use crate::domain::{Event, Role};
use crate::error::Error;
use crate::metrics::CoreMetrics;
use crate::store::{
    Store, StoreError, StreamFilter, StreamLimits, StreamPage, StreamPlace, StreamStart,
};

/// The most streams at once. With a page each, this limits the memory that they
/// take together.
const MOST: usize = 100;

/// What is read at once.
const PAGE: StreamLimits = StreamLimits {
    events: 200,
    bytes: 1 << 20,
    looked_at: 1_000,
};

/// After how much silence a stream tells how far it is.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a stream that has caught up rests between two readings: what is
/// recorded meanwhile is read together.
const REST: Duration = Duration::from_millis(20);

/// How long it rests at most while others write, whose events may have to come
/// first.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// What all streams share.
#[derive(Clone, Debug)]
pub(super) struct EventStreams {
    places: Arc<Semaphore>,
    is_stopping: watch::Receiver<bool>,
}

impl EventStreams {
    /// Streams that end once the core stops.
    pub(super) fn new(is_stopping: watch::Receiver<bool>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(MOST)),
            is_stopping,
        }
    }
}

/// Begins a stream.
pub(super) fn begin(
    services: &Services,
    caller: Caller,
    deadline: Option<Instant>,
    request: pb::StreamEventsRequest,
) -> Result<ReceiverStream<Result<pb::StreamEventsResponse, Status>>, Error> {
    let (start, filter) = read(&caller, request)?;
    let place = services.event_streams.places.clone().try_acquire_owned();
    let place = place.map_err(|_| Error::TooManyStreams)?;
    let stream = EventStream {
        store: services.store.clone(),
        alarm: services.store.event_alarm(),
        filter,
        metrics: services.metrics.clone(),
    };
    let end = End {
        caller,
        keys: services.keys.clone(),
        is_stopping: services.event_streams.is_stopping.clone(),
        deadline,
    };
    let open = Open::one(&services.metrics.event_streams);
    // One answer waits to be taken, and the rest of its page behind it.
    let (answers, received) = mpsc::channel(1);
    tokio::spawn(async move {
        // Both last as long as the stream.
        let _held = (place, open);
        run(stream, start, end, answers).await;
    });
    Ok(ReceiverStream::new(received))
}

fn read(
    caller: &Caller,
    request: pb::StreamEventsRequest,
) -> Result<(StreamStart, StreamFilter), Error> {
    let pb::StreamEventsRequest {
        igrp,
        action,
        cursor,
        start,
    } = request;
    caller.require(Role::Read)?;
    let igrp = match igrp {
        0 => None,
        igrp => Some(super::listed_installation(caller, igrp)?),
    };
    let filter = StreamFilter {
        coverage: caller.coverage(),
        igrp,
        action: super::given(action.trim()),
    };
    let start = pb::StreamStart::try_from(start).map_err(|_| {
        Error::invalid(
            "start",
            "has an unknown value; use STREAM_START_NOW or STREAM_START_BEGINNING",
        )
    })?;
    let start = match start {
        _ if !cursor.trim().is_empty() => StreamStart::After(cursor::read(&cursor)?),
        pb::StreamStart::Unspecified | pb::StreamStart::Now => StreamStart::Now,
        pb::StreamStart::Beginning => StreamStart::Beginning,
    };
    Ok((start, filter))
}

/// When the caller wants the stream to end, by the header that gRPC has for it.
/// The framework sees to it only until the stream begins.
pub(super) fn deadline(metadata: &MetadataMap) -> Option<Instant> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    Instant::now().checked_add(timeout(text)?)
}

/// Reads a time as gRPC writes it: digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (amount, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = amount.parse().ok()?;
    match unit {
        "H" => amount.checked_mul(3_600).map(Duration::from_secs),
        "M" => amount.checked_mul(60).map(Duration::from_secs),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// One more on a gauge, for as long as it lives.
struct Open(Gauge);

impl Open {
    fn one(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

type Answers = mpsc::Sender<Result<pb::StreamEventsResponse, Status>>;

/// Runs a stream until its reader goes, or has to.
async fn run(stream: EventStream, start: StreamStart, end: End, answers: Answers) {
    let error = tokio::select! {
        biased;
        () = answers.closed() => return,
        error = end.reason() => error,
        error = stream.follow(start, &answers) => match error {
            Ok(never) => match never {},
            Err(error) => error,
        },
    };
    // Whoever does not read any more needs no reason.
    let _ = answers.send(Err(error.into())).await;
}

/// What ends a stream from outside.
struct End {
    caller: Caller,
    keys: KeyRing,
    is_stopping: watch::Receiver<bool>,
    deadline: Option<Instant>,
}

impl End {
    /// Returns once the stream has to end, with the reason.
    async fn reason(mut self) -> Error {
        let stopping = async {
            // The core may be gone already.
            let _ = self.is_stopping.wait_for(|is_stopping| *is_stopping).await;
            Error::Store(StoreError::Closed)
        };
        let late = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
            Error::StreamDeadline
        };
        tokio::select! {
            error = stopping => error,
            error = late => error,
            error = self.keys.expelled(&self.caller) => error,
        }
    }
}

/// A stream that runs.
struct EventStream {
    store: Store,
    alarm: watch::Receiver<()>,
    filter: StreamFilter,
    metrics: CoreMetrics,
}

impl EventStream {
    /// Sends what is there, then what comes. Ends only with an error, or when
    /// it is dropped.
    async fn follow(
        mut self,
        mut start: StreamStart,
        answers: &Answers,
    ) -> Result<Infallible, Error> {
        // When the reader was told something last, and whether it knows by that
        // that it has caught up.
        let mut told: Option<(Instant, bool)> = None;
        let mut rest = REST;
        loop {
            let read_at = Instant::now();
            // What is recorded from here on rings again.
            self.alarm.mark_unchanged();
            let page = self
                .store
                .stream_events(start, self.filter.clone(), PAGE)
                .await?
                .ok_or(Error::LostCursor)?;
            let StreamPage {
                events,
                next,
                is_caught_up,
                has_unsettled,
            } = page;
            start = StreamStart::After(next);
            let is_news = match told {
                None => true,
                Some((at, knew)) => is_caught_up != knew || at.elapsed() >= SILENCE,
            };
            let is_empty = events.is_empty();
            self.send(events, is_caught_up, answers).await;
            if is_empty && is_news {
                tell(answers, None, next, is_caught_up).await;
            }
            if !is_empty || is_news {
                told = Some((Instant::now(), is_caught_up));
            }
            if is_caught_up {
                let (told_at, _) = told.unwrap_or((read_at, true));
                rest = if is_empty {
                    (rest * 2).min(LONGEST_REST)
                } else {
                    REST
                };
                let tell_at = told_at + SILENCE;
                let until = if has_unsettled {
                    tell_at.min(read_at + rest)
                } else {
                    tell_at
                };
                self.wait(read_at, until).await?;
            }
        }
    }

    /// Sends a page's events as its reader takes them.
    async fn send(&self, events: Vec<(StreamPlace, Event)>, is_caught_up: bool, answers: &Answers) {
        let count = events.len();
        for (n, (place, event)) in events.into_iter().enumerate() {
            let is_last = n + 1 == count;
            tell(answers, Some(event), place, is_caught_up && is_last).await;
            self.metrics.streamed_events.inc();
        }
    }

    /// Waits until there may be more to read, at most until then.
    async fn wait(&mut self, read_at: Instant, until: Instant) -> Result<(), Error> {
        match timeout_at(until, self.alarm.changed()).await {
            Ok(Ok(())) => sleep_until(read_at + REST).await,
            Ok(Err(_)) => return Err(StoreError::Closed.into()),
            Err(_) => {}
        }
        Ok(())
    }
}

/// Tells an event, or how far the stream is. When the reader is gone, the stream
/// is dropped.
async fn tell(answers: &Answers, event: Option<Event>, place: StreamPlace, is_caught_up: bool) {
    let answer = pb::StreamEventsResponse {
        event: event.map(event_message::write),
        cursor: cursor::write(place),
        is_caught_up,
    };
    let _ = answers.send(Ok(answer)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_grpc_writes_it() {
        assert_eq!(timeout("2H"), Some(Duration::from_hours(2)));
        assert_eq!(timeout("3M"), Some(Duration::from_mins(3)));
        assert_eq!(timeout("4S"), Some(Duration::from_secs(4)));
        assert_eq!(timeout("5m"), Some(Duration::from_millis(5)));
        assert_eq!(timeout("6u"), Some(Duration::from_micros(6)));
        assert_eq!(timeout("7n"), Some(Duration::from_nanos(7)));
        for other in ["", "S", "1", "1X", "-1S", "99999999999999999999S", "1é"] {
            assert_eq!(timeout(other), None, "{other}");
        }
    }
}
