//! A connection that may speak.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use sfbridge_values::ClientCertificate;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::activity::{Activity, Place};

/// A connection, with or without TLS.
///
/// Reading from it fails once it was closed to make room, and when its first
/// words do not come in time.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: SocketAddr,
    certificate: Option<ClientCertificate>,
    first_words: Option<FirstWords>,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    place: Place,
}

#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    // The state of TLS is large.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A time limit for what a client says first.
#[derive(Debug)]
pub(super) struct FirstWords {
    missing: usize,
    deadline: Pin<Box<Sleep>>,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl FirstWords {
    /// As many as HTTP/2 begins with. No request of HTTP/1.1 is shorter.
    const BYTES: usize = 24;

    /// They have so much time, and none once the listener stops.
    pub(super) fn new(time: Duration, stopping: CancellationToken) -> Self {
        Self {
            missing: Self::BYTES,
            deadline: Box::pin(sleep(time)),
            stopping: Box::pin(stopping.cancelled_owned()),
        }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.deadline.as_mut().poll(context).is_ready()
            || self.stopping.as_mut().poll(context).is_ready()
    }
}

impl Connection {
    pub(super) fn new(
        stream: Stream,
        peer: SocketAddr,
        certificate: Option<ClientCertificate>,
        first_words: FirstWords,
        place: Place,
    ) -> Self {
        Self {
            stream,
            peer,
            certificate,
            first_words: Some(first_words),
            closed: Box::pin(place.closed().clone().cancelled_owned()),
            place,
        }
    }

    /// The other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether it is encrypted.
    pub fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// The certificate whose key the client has proved to hold. It was judged
    /// when the connection began.
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref()
    }

    /// Where requests are counted.
    pub fn activity(&self) -> &Activity {
        self.place.activity()
    }

    /// Cancelled when the connection is to end at once, for the sake of others
    /// or because all are cut. Who does not read from it all the time has to
    /// watch this.
    pub fn closed(&self) -> &CancellationToken {
        self.place.closed()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let read = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        if let Some(first_words) = &mut this.first_words {
            if read.is_pending() && first_words.is_over(context) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let length = buffer.filled().len() - before;
            first_words.missing = first_words.missing.saturating_sub(length);
            if first_words.missing == 0 {
                this.first_words = None;
            }
        }
        Poll::Ready(ready!(read))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
