//! Rules that hold for whatever a stranger sends.
//!
//! Each takes bytes that mean nothing to anybody, and panics when its rule is
//! broken. Fuzzers look for such bytes (see `fuzz/`); the tests here replay
//! what they found worth keeping.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how each of these says that its rule is broken"
)]

mod answers;
mod bodies;
mod headers;
mod message;
mod query;
mod reading;

#[cfg(test)]
mod tests;

pub use bodies::{encoding, gzip};
pub use headers::{host, media_type};
pub use message::message;
pub use query::query;
pub use reading::reading;

pub use crate::soap::fuzzing::tokens;

use crate::Endpoint;

/// The endpoint that a text begins with, and the text after it and a `?`.
fn endpoint(text: &str) -> Option<(Endpoint, &str)> {
    let (name, rest) = text.split_once('?')?;
    Some((Endpoint::named(name)?, rest))
}
