//! What the lists have in common.

use std::num::NonZeroUsize;

use clap::Args;
use prost_types::Timestamp;
use sfbridge_proto::v1 as pb;

use crate::output::{Output, OutputError, printable};

/// How much of a list to show.
#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// Show at most this many, the newest first
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: NonZeroUsize,
}

impl Limit {
    pub(crate) fn get(&self) -> usize {
        self.limit.get()
    }
}

/// Which times to show.
#[derive(Clone, Debug, Args)]
pub(crate) struct Times {
    /// Only from this time on, for instance 2024-05-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) start_time: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) end_time: Option<Timestamp>,
}

/// A time for people, empty when there is none.
pub(crate) fn time(time: Option<Timestamp>) -> String {
    time.and_then(|time| sfbridge_values::Timestamp::from_parts(time.seconds, time.nanos).ok())
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// An amount with its currency.
pub(crate) fn money(amount: &str, currency: &str) -> String {
    format!("{amount} {currency}").trim().to_owned()
}

/// An enum value without its type's prefix: `RECORDED`.
pub(crate) fn short(name: &'static str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

/// A rejection in one line. Descriptions begin with the field where there is
/// one.
pub(crate) fn rejection_text(rejection: &pb::Rejection) -> String {
    let reason = short(rejection.reason().as_str_name(), "REJECTION_REASON_");
    printable(&format!("{reason}: {}", rejection.description)).into_owned()
}

/// Says that a list goes on.
pub(crate) fn more(output: &mut Output<'_>, next_page_token: &str) -> Result<(), OutputError> {
    if next_page_token.is_empty() {
        return Ok(());
    }
    output.line("There are more; show them with a larger --limit.")
}
