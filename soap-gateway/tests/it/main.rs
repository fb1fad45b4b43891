//! The gateway over real sockets, in front of a core that tests control.

#![expect(clippy::unwrap_used, reason = "what helpers can't do fails the test")]

mod answers;
mod bodies;
mod connections;
mod core;
mod cores;
mod edge_cases;
mod fake_core;
mod framing;
mod harness;
mod http_client;
mod log;
mod messages;
mod order;
mod organizations;
mod overload;
mod refusals;
mod senders;
mod tls;
mod tokens;
mod wire;
mod wsdl;
