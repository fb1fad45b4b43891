//! Whether a core can do its work, and who is told.

use std::sync::Arc;

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::HealthReporter;

use super::REFRESH;
use crate::clock;
use crate::grpc;
use crate::store::{Store, StoreState};

/// The health service of a core that serves everything.
pub(super) async fn serving() -> (HealthReporter, HealthServer<impl Health>) {
    let (reporter, service) = tonic_health::server::health_reporter();
    for name in grpc::service_names() {
        reporter
            .set_service_status(name, ServingStatus::Serving)
            .await;
    }
    (reporter, service)
}

/// Reports what the store can do, and tries a full one again.
pub(super) async fn follow_store(
    store: Store,
    reporter: HealthReporter,
    names: Arc<[&'static str]>,
) {
    let mut state = store.state();
    loop {
        let now = state.borrow_and_update().clone();
        match now {
            StoreState::Ready => {
                set_all(&reporter, &names, ServingStatus::Serving).await;
                if state.changed().await.is_err() {
                    return;
                }
            }
            StoreState::Full | StoreState::Unreachable => {
                set_all(&reporter, &names, ServingStatus::NotServing).await;
                tokio::time::sleep(REFRESH).await;
                // A success changes the state, and so does a worse failure.
                let _ = store.probe(clock::now()).await;
            }
            StoreState::Failed(_) | StoreState::Closed => {
                set_all(&reporter, &names, ServingStatus::NotServing).await;
                return;
            }
        }
    }
}

pub(super) async fn set_all(reporter: &HealthReporter, names: &[&str], status: ServingStatus) {
    reporter.set_service_status("", status).await;
    for name in names {
        reporter.set_service_status(*name, status).await;
    }
}

/// Ends the streams of those who watch, once they have learnt the last state:
/// they would hold their connections until the deadline.
pub(super) async fn end_watches(mut reporter: HealthReporter, names: &[&str]) {
    reporter.clear_service_status("").await;
    for name in names {
        reporter.clear_service_status(name).await;
    }
}

/// Whether a core can do its work.
#[derive(Clone, Debug)]
pub struct CoreHealth {
    store: watch::Receiver<StoreState>,
    is_stopping: watch::Receiver<bool>,
}

impl CoreHealth {
    /// Of a core with this store.
    pub(super) fn new(
        store: watch::Receiver<StoreState>,
        is_stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { store, is_stopping }
    }

    /// Says why the core is not ready, in one sentence.
    ///
    /// # Errors
    ///
    /// The reason, for an operator.
    pub fn check(&self) -> Result<(), String> {
        if *self.is_stopping.borrow() {
            return Err("the core is shutting down".to_owned());
        }
        match &*self.store.borrow() {
            StoreState::Ready => Ok(()),
            StoreState::Full => Err(
                "the store's disk is full: make room, and the store goes on by itself".to_owned(),
            ),
            StoreState::Unreachable => Err(
                "the store's database can't be reached; the core goes on by itself once it can"
                    .to_owned(),
            ),
            StoreState::Failed(reason) => Err(format!(
                "the store failed ({reason}): check its disk, then restart the core"
            )),
            StoreState::Closed => Err("the store is closed".to_owned()),
        }
    }
}
