//! Refused messages on their way to the core, which lists them.
//!
//! Salesforce drops a message that was refused for 24 hours, so somebody must
//! be able to find out. Noting a refusal takes no time of its answer: it goes
//! into a bounded buffer, and one task reports what is there every second.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use sfbridge_proto::v1 as pb;
use sfbridge_values::OrganizationId;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::core_client::{CoreClient, CoreFailure};
use crate::endpoint::Endpoint;
use crate::fault::{Fault, Reason};
use crate::metrics::Metrics;
use crate::request_id::RequestId;

/// The refusals that the core does not know yet.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    held: Arc<Mutex<Held>>,
    core: CoreClient,
    metrics: Metrics,
}

/// By kind, so that a flood of one kind takes no room of another.
type Held = HashMap<Kind, HashMap<Place, Repeats>>;

/// What was refused, and why. There are few kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Kind {
    endpoint: Endpoint,
    reason: Reason,
}

/// What tells refusals of one kind apart. A stranger can think up any number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    organization_id: Option<OrganizationId>,
    parameter: String,
    position: Option<(u64, u64)>,
}

/// Refusals that are alike. An id tells the time of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Repeats {
    first: RequestId,
    last: RequestId,
    count: u32,
}

/// Refusals that are alike, as they are reported.
type Report = (Kind, Place, Repeats);

impl Refusals {
    /// The most places of a kind that are held.
    const MOST_OF_KIND: usize = 256;
    /// The most that the core takes at once.
    const MOST_AT_ONCE: usize = 256;
    const INTERVAL: Duration = Duration::from_secs(1);
    /// How long the core may take for a report.
    const CALL_TIME: Duration = Duration::from_secs(2);

    /// Without any, for this core.
    pub(crate) fn new(core: CoreClient, metrics: Metrics) -> Self {
        Self {
            held: Arc::default(),
            core,
            metrics,
        }
    }

    /// Takes note of a refusal that Salesforce gives up on after a day.
    pub(crate) fn note(&self, endpoint: Endpoint, fault: &Fault, id: RequestId) {
        let reason = fault.reason();
        let is_listed = matches!(
            reason.status(),
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE
        );
        if !is_listed {
            return;
        }
        let place = Place {
            organization_id: fault.organization_id().cloned(),
            parameter: fault.parameter().map(name).unwrap_or_default(),
            position: fault.position(),
        };
        let once = Repeats {
            first: id,
            last: id,
            count: 1,
        };
        let mut held = self.held();
        self.add(&mut held, (Kind { endpoint, reason }, place, once));
    }

    /// Reports to the core what was noted, every second, until `ended` is
    /// cancelled; then what is left.
    pub(crate) async fn report(self, ended: CancellationToken) {
        let mut is_told = false;
        loop {
            let is_last = ended
                .run_until_cancelled(sleep(Self::INTERVAL))
                .await
                .is_none();
            match self.report_held().await {
                Ok(()) => is_told = false,
                // Once for all tries that fail in a row.
                Err(_) if is_told => {}
                Err(failure) => {
                    is_told = true;
                    warn!(
                        cause = %failure,
                        "refused messages can't be added to the core's list of them"
                    );
                }
            }
            if is_last {
                return;
            }
        }
    }

    async fn report_held(&self) -> Result<(), CoreFailure> {
        let mut reports = self.take();
        while !reports.is_empty() {
            let rest = reports.split_off(reports.len().min(Self::MOST_AT_ONCE));
            let messages = reports.iter().map(message).collect();
            let until = Instant::now() + Self::CALL_TIME;
            if let Err(failure) = self.core.record_refused(messages, until).await {
                self.keep(rest);
                if may_be_mended(&failure) {
                    self.keep(reports);
                } else {
                    let counts = reports.iter().map(|(_, _, repeats)| repeats.count);
                    counts.for_each(|count| self.metrics.refused_dropped(count));
                }
                return Err(failure);
            }
            reports = rest;
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Report> {
        let held = std::mem::take(&mut *self.held());
        let of_kind = |(kind, places): (Kind, HashMap<Place, Repeats>)| {
            let places = places.into_iter();
            places.map(move |(place, repeats)| (kind, place, repeats))
        };
        held.into_iter().flat_map(of_kind).collect()
    }

    /// Puts back what could not be reported.
    fn keep(&self, reports: Vec<Report>) {
        let mut held = self.held();
        for report in reports {
            self.add(&mut held, report);
        }
    }

    fn add(&self, held: &mut Held, (kind, place, repeats): Report) {
        let places = held.entry(kind).or_default();
        let is_full = places.len() >= Self::MOST_OF_KIND;
        match places.entry(place) {
            Entry::Occupied(mut known) => known.get_mut().add(repeats),
            Entry::Vacant(_) if is_full => self.metrics.refused_dropped(repeats.count),
            Entry::Vacant(new) => {
                new.insert(repeats);
            }
        }
    }
}

impl Repeats {
    fn add(&mut self, more: Self) {
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.count = self.count.saturating_add(more.count);
    }
}

/// A parameter's name as it is listed.
fn name(parameter: &str) -> String {
    const LONGEST: usize = 64;
    parameter.chars().take(LONGEST).collect()
}

/// Whether the same report may be taken later. A core that says that it can't
/// be will say so again.
fn may_be_mended(failure: &CoreFailure) -> bool {
    match failure {
        CoreFailure::Unavailable { .. }
        | CoreFailure::Overloaded { .. }
        | CoreFailure::Late
        | CoreFailure::KeyRefused(_) => true,
        CoreFailure::Refused(_)
        | CoreFailure::Unpaired { .. }
        | CoreFailure::Lost(_)
        | CoreFailure::UnknownOutcome(_) => false,
    }
}

fn message((kind, place, repeats): &Report) -> pb::RefusedMessage {
    let number = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
    let (line, column) = place.position.unwrap_or_default();
    pb::RefusedMessage {
        // The core makes it.
        refused_message_id: String::new(),
        first_receive_time: repeats.first.time(),
        last_receive_time: repeats.last.time(),
        count: i64::from(repeats.count),
        endpoint: kind.endpoint.name().to_owned(),
        organization_id: place
            .organization_id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        status: i32::from(kind.reason.status().as_u16()),
        reason: kind.reason.name().to_owned(),
        parameter: place.parameter.clone(),
        line: number(line),
        column: number(column),
        request_id: repeats.last.to_string(),
    }
}

#[cfg(test)]
mod tests;
