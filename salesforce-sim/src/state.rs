//! What the parts of a running org share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::org::Org;

/// The org, one call at a time.
#[derive(Debug)]
pub(crate) struct Shared {
    org: Mutex<Org>,
    /// Something may have to be sent.
    pub(crate) changed: Notify,
}

impl Shared {
    pub(crate) fn new(org: Org) -> Self {
        Self {
            org: Mutex::new(org),
            changed: Notify::new(),
        }
    }

    /// The org. Never held over an `await`.
    pub(crate) fn org(&self) -> MutexGuard<'_, Org> {
        self.org.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
