//! Counting the requests that wait.

use prometheus_client::metrics::gauge::Gauge;

use crate::metrics::ClassLabel;
use crate::recording::Sender;

/// One more on a gauge, for as long as it lives.
#[derive(Debug)]
pub(super) struct Queued(Gauge);

impl Queued {
    /// Counts one up.
    pub(super) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Which class of work an account is counted in.
pub(super) fn class(account: &Sender) -> ClassLabel {
    let class = match account {
        Sender::Organization(_) | Sender::Installation(_) | Sender::Unnamed => "records",
        Sender::Settings => "settings",
        Sender::Background => "background",
    };
    ClassLabel { class }
}
