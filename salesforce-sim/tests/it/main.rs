//! The org over HTTP, as its clients see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what helpers can't do fails the test"
)]

mod collections;
mod control;
mod failures;
mod harness;
mod login;
mod outbound;
mod queries;
mod records;
