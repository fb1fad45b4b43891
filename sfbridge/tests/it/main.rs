//! The product from end to end: its own binary, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what helpers can't do fails the test"
)]

mod command_line;
mod conformance;
mod demo;
mod durability;
mod harness;
mod invariants;
mod killed_enrichments;
mod large_messages;
mod mapping;
mod operator;
mod overload;
mod races;
mod reflection;
mod rolling;
mod secrets;
mod shutdown;
mod simulate;
mod streams;
mod tls;
