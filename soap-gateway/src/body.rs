//! Reading a request's body.

mod budget;
mod gzip;

use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::{Stream, StreamExt};

pub(crate) use budget::{Budget, Held};
pub(crate) use gzip::{decompressed, gunzip};

use crate::fault::{Fault, Reason};

/// A body that has not been read yet.
///
/// Nothing is asked of the client before the first read: one that waits for
/// `100 Continue` gets it then, and not before.
pub(crate) struct Body {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>,
    /// The length that the header declares.
    declared: Option<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is none, or all has been read.
    Done,
    /// The client waits for leave to send.
    Waiting,
    /// The client sends.
    Sending,
}

/// A body in memory, and its share of the budget.
#[derive(Debug)]
pub(crate) struct ReadBody {
    /// The bytes as sent.
    pub(crate) bytes: Vec<u8>,
    /// Kept for as long as anything made of the bytes is.
    pub(crate) held: Held,
}

impl Body {
    /// Takes a request's body.
    pub(crate) fn new<S, B>(stream: S, headers: &HeaderMap, version: Version) -> Self
    where
        S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
        B: Buf,
    {
        let declared = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        let is_empty = version < Version::HTTP_2
            && declared.unwrap_or_default() == 0
            && !headers.contains_key(TRANSFER_ENCODING);
        let state = if is_empty {
            State::Done
        } else if headers.contains_key(EXPECT) {
            State::Waiting
        } else {
            State::Sending
        };
        let bytes =
            |chunk: Result<B, _>| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining()));
        Self {
            stream: Box::pin(stream.map(bytes)),
            declared,
            state,
        }
    }

    /// Whether the header alone says that the body is too large.
    ///
    /// # Errors
    ///
    /// A refusal with 413.
    pub(crate) fn check_declared(&self, limit: usize) -> Result<(), Fault> {
        match self.declared {
            Some(declared) if usize::try_from(declared).is_ok_and(|length| length <= limit) => {
                Ok(())
            }
            Some(_) => Err(too_large(limit)),
            None => Ok(()),
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// A refusal: 413 above the limit, 408 after the time, 400 when it breaks
    /// off, 503 when too much is held already.
    pub(crate) async fn read(
        &mut self,
        limit: usize,
        until: Instant,
        (budget, place): (&Budget, IpAddr),
    ) -> Result<ReadBody, Fault> {
        let reading = self.read_all(limit, budget.nothing(place));
        timeout_at(until, reading).await.unwrap_or_else(|_| {
            Err(Fault::new(
                Reason::SlowBody,
                "The body did not arrive in time; Salesforce will send the message again.",
            ))
        })
    }

    async fn read_all(&mut self, limit: usize, held: Held) -> Result<ReadBody, Fault> {
        /// What is believed of a length before it is there.
        const BELIEVED: u64 = 256 * 1024;

        let mut read = ReadBody {
            bytes: Vec::new(),
            held,
        };
        while let Some(chunk) = self.next().await? {
            if chunk.len() > limit - read.bytes.len() {
                return Err(too_large(limit));
            }
            read.held.grow(chunk.len())?;
            if read.bytes.is_empty() {
                let declared = self.declared.unwrap_or_default().min(BELIEVED);
                read.bytes
                    .reserve_exact(usize::try_from(declared).unwrap_or_default());
            }
            read.bytes.extend_from_slice(&chunk);
        }
        Ok(read)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.state == State::Done {
            return Ok(None);
        }
        self.state = State::Sending;
        let chunk = self.stream.next().await.transpose();
        if !matches!(chunk, Ok(Some(_))) {
            self.state = State::Done;
        }
        chunk.map_err(|_| {
            Fault::new(
                Reason::BrokenBody,
                "The body broke off before its end, or its framing is wrong.",
            )
        })
    }

    /// Whether there is more to come than a refusal should wait for, so that
    /// the connection is best closed.
    pub(crate) fn is_long(&self, limit: usize) -> bool {
        self.state != State::Done
            && (self.declared.is_none() || self.check_declared(limit).is_err())
    }

    /// Lets the client finish sending what nobody will read.
    ///
    /// A client that is still sending when its connection closes would lose the
    /// answer. So the rest is taken and thrown away while the answer is on its
    /// way, up to a limit in bytes and time. Clients that wait for leave to
    /// send, and those of HTTP/2, read the answer anyway.
    pub(crate) fn discard(mut self, limit: usize, version: Version) {
        const TIME: Duration = Duration::from_secs(5);

        if self.state != State::Sending || version >= Version::HTTP_2 {
            return;
        }
        tokio::spawn(timeout(TIME, async move {
            let mut left = limit;
            while let Ok(Some(chunk)) = self.next().await {
                left = left.saturating_sub(chunk.len());
                if left == 0 {
                    break;
                }
            }
        }));
    }
}

/// The refusal of a body above the limit.
pub(crate) fn too_large(limit: usize) -> Fault {
    const MIB: usize = 1024 * 1024;

    let limit = if limit.is_multiple_of(MIB) {
        format!("{} MiB", limit / MIB)
    } else {
        format!("{limit} bytes")
    };
    Fault::new(
        Reason::BodyTooLarge,
        format!(
            "The body is larger than the limit of {limit}; select fewer fields in the outbound \
             message, or have the limit raised."
        ),
    )
}
