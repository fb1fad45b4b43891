//! Tests of the core over real gRPC: its server on a port of its own, and the
//! clients that are generated from the contract. `harness.rs` says how.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails says so by panicking, also in its helpers"
)]

mod access;
mod credentials;
mod enriching;
mod errors;
mod faults;
mod harness;
mod health;
mod imports;
mod installations;
mod limits;
mod pages;
mod permissions;
mod preview;
mod recording;
mod reflection;
mod refused;
mod retention;
mod retries;
mod senders;
mod shutdown;
mod streams;
mod tls;
mod validation;
