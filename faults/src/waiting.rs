//! Waiting for conditions.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{sleep, timeout};

/// Asks again and again until there is an answer, for at most so long.
///
/// # Errors
///
/// Says what did not happen.
pub(crate) async fn until<T>(
    limit: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    const PAUSE: Duration = Duration::from_millis(20);
    let answer = async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            sleep(PAUSE).await;
        }
    };
    let answer = timeout(limit, answer).await;
    answer.unwrap_or_else(|_| Err(anyhow!("{what} did not happen within {limit:?}")))
}
