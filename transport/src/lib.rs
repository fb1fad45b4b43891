//! What both services need below HTTP and gRPC: connections that are limited,
//! and TLS.
//!
//! Nothing here knows what is said over a connection. A service runs a
//! [`Listener`] and gets each [`Connection`] once it may speak; it tells the
//! connection's [`Activity`] when a request begins and ends, so that idle
//! connections can make room for new ones.

mod listener;
mod metrics;
pub mod tls;

pub use listener::{Active, Activity, Connection, Limits, Listener};
pub use metrics::{ConnectionMetrics, TlsMetrics};

/// A future whose code is compiled where it is made, once. That of a plain
/// `async fn` is compiled again in each program that awaits it, with all that it
/// awaits.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
