//! What every backend promises, as rules that run against each.
//!
//! `conformance/tests.rs` lists the rules and the backends; the files beside it
//! hold the rules, by noun.

mod tests;

pub(super) use tests::{given, metrics, refused};
