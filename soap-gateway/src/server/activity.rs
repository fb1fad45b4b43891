//! Whether anything goes on on a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Counts the requests that a connection is at.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    requests: Arc<watch::Sender<usize>>,
}

/// One request more, for as long as it lives.
#[derive(Debug)]
pub(super) struct Active {
    requests: Arc<watch::Sender<usize>>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            requests: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Activity {
    /// Counts a request.
    pub(super) fn begin(&self) -> Active {
        self.requests.send_modify(|requests| *requests += 1);
        Active {
            requests: Arc::clone(&self.requests),
        }
    }

    /// Waits until there has been no request for so long.
    pub(super) async fn idle(&self, time: Duration) {
        let mut requests = self.requests.subscribe();
        loop {
            // The sender lives in `self`, so that waiting can't fail.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            if timeout(time, requests.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.requests.send_modify(|requests| *requests -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle_after_the_time() {
        let activity = Activity::default();
        let started = tokio::time::Instant::now();
        activity.idle(TIME).await;
        assert_eq!(started.elapsed(), TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_starts_anew_after_each_request() {
        let activity = Activity::default();
        let started = tokio::time::Instant::now();
        let requests = async {
            let first = activity.begin();
            tokio::time::sleep(2 * TIME).await;
            let second = activity.begin();
            drop(first);
            tokio::time::sleep(TIME).await;
            drop(second);
            tokio::time::sleep(TIME / 2).await;
            drop(activity.begin());
        };
        tokio::join!(activity.idle(TIME), requests);
        assert_eq!(started.elapsed(), 3 * TIME + TIME / 2 + TIME);
    }
}
