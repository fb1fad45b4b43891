//! What the core said once, remembered for a moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

/// An answer of the core. Requests that ask at the same time share one call; a
/// failure is nobody's answer, and the next one asks again.
#[derive(Debug)]
pub(super) struct Known<T> {
    asked_at: Instant,
    answer: Arc<OnceCell<Arc<T>>>,
}

impl<T> Known<T> {
    /// How long the core's word counts.
    const FRESH: Duration = Duration::from_secs(5);

    /// Nothing known yet, and now is when it is asked for.
    pub(super) fn new() -> Self {
        Self {
            asked_at: Instant::now(),
            answer: Arc::default(),
        }
    }

    /// Whether the answer still counts.
    pub(super) fn is_fresh(&self) -> bool {
        self.asked_at.elapsed() < Self::FRESH
    }

    /// The answer, where there is one already.
    pub(super) fn answer(&self) -> Option<Arc<T>> {
        self.answer.get().cloned()
    }

    /// The answer, asked for where there is none yet.
    pub(super) async fn get_or_ask<E, F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<Arc<T>, E>>,
    {
        self.answer.get_or_try_init(ask).await.cloned()
    }
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self {
            asked_at: self.asked_at,
            answer: Arc::clone(&self.answer),
        }
    }
}
