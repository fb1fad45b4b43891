//! Waiting for conditions.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Long enough for anything that is to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Asks again and again until there is an answer.
#[track_caller]
pub(crate) fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    const PAUSE: Duration = Duration::from_millis(5);
    let asker = std::panic::Location::caller();
    async move {
        let answer = async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                sleep(PAUSE).await;
            }
        };
        let answer = timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| panic!("what {asker} waits for does not happen"))
    }
}
