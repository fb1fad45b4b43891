//! Connections as gRPC is served on them.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::{Frame, SizeHint};
use sfbridge_transport::{Active, Activity, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::server::Connected;
use tower::{Layer, Service};

/// A connection that tells its requests by what they are counted.
#[derive(Debug)]
pub(crate) struct CoreConnection(pub(crate) Connection);

impl Connected for CoreConnection {
    type ConnectInfo = Activity;

    fn connect_info(&self) -> Activity {
        self.0.activity().clone()
    }
}

impl AsyncRead for CoreConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for CoreConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

/// Counts requests by their connections, so that one with a request is not
/// closed to make room for others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActivityLayer;

impl<S> Layer<S> for ActivityLayer {
    type Service = CountActivity<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountActivity { inner }
    }
}

/// See [`ActivityLayer`].
#[derive(Clone, Debug)]
pub(crate) struct CountActivity<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for CountActivity<S>
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
        let active = request.extensions().get().map(Activity::begin);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let Ok(response) = answer.await;
            Ok(response.map(|body| {
                Body::new(Counted {
                    body,
                    _active: active,
                })
            }))
        })
    }
}

/// An answer's body: the request lasts as long as it does.
struct Counted {
    body: Body,
    _active: Option<Active>,
}

impl http_body::Body for Counted {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
