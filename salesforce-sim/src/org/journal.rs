//! The calls that came.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// A call as it came, without what logs in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) time: DateTime<Utc>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// None when the connection was closed without an answer.
    pub(crate) status: Option<u16>,
}

/// The latest calls, and how many there were of each kind.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    calls: VecDeque<Call>,
    counters: BTreeMap<String, u64>,
    last: u64,
}

impl Journal {
    /// Calls that are remembered.
    const MOST: usize = 1_000;

    /// Counts a call; its number.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn add(&mut self, call: Call) {
        let outcome = match call.status {
            Some(status) => status.to_string(),
            None => "dropped".to_owned(),
        };
        for counter in [
            call.method.clone(),
            format!("status {outcome}"),
            "calls".to_owned(),
        ] {
            *self.counters.entry(counter).or_default() += 1;
        }
        if self.calls.len() == Self::MOST {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// The calls, the oldest first.
    pub(crate) fn calls(&self) -> &VecDeque<Call> {
        &self.calls
    }

    pub(crate) fn counters(&self) -> &BTreeMap<String, u64> {
        &self.counters
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.counters.clear();
    }
}
