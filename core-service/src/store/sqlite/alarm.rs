//! Tells whoever waits that there is something new: a job that is due sooner
//! than they know, or events to stream.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Set within a transaction, rung after its commit.
///
/// It may ring for nothing, as when the transaction is undone; it never stays
/// silent for something, because the writing thread rings it, whether or not
/// anybody still waits for the request's answer.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    is_set: AtomicBool,
    rung: watch::Sender<()>,
}

impl Alarm {
    /// There is something new.
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Relaxed);
    }

    /// Rings if it is set.
    pub(super) fn ring(&self) {
        if self.is_set.swap(false, Ordering::Relaxed) {
            self.rung.send_replace(());
        }
    }

    /// Hears each ring from now on.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.rung.subscribe()
    }
}
