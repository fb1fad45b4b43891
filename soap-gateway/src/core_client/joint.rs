//! Small messages of one organisation that share calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sfbridge_proto::v1 as pb;
use sfbridge_values::OrganizationId;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use super::{Batch, CoreClient, CoreFailure, Item, ItemResult, failure};

/// Calls that small messages of one organisation share.
///
/// A call costs both sides more than recording what is in it. So only a few go
/// out at once, each with one message; what comes meanwhile waits for one of
/// them to end, and goes together. Where little comes, nothing waits.
///
/// Organisations share no call: the core has a line for each of them, and takes
/// them in turn.
pub(super) struct Joint<T> {
    /// How many calls of one key go out before messages share them.
    calls: usize,
    lines: Mutex<HashMap<Key, Arc<Line<T>>>>,
}

/// What messages have in common that may share a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Who sends them.
    pub(super) organization_id: OrganizationId,
    /// What is to be done about installations that nobody has created.
    pub(super) unknown: pb::UnknownInstallations,
}

/// The messages of one key.
struct Line<T> {
    unknown: pb::UnknownInstallations,
    /// The calls that may go out at once.
    calls: Semaphore,
    waiting: Mutex<Vec<Part<T>>>,
    /// How many of the next messages go alone.
    careful: AtomicUsize,
}

/// A message that waits to share a call.
struct Part<T> {
    batch: Batch<T>,
    until: Instant,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Vec<ItemResult>, CoreFailure>;

/// How many calls of one key go out to each core before messages share them.
const CALLS: usize = 4;

/// The most messages that share a call.
const TOGETHER: usize = 32;

/// How long a message waits for a call to end. A core that hangs must not keep
/// messages from another one.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many messages go alone after a shared call has failed for what may be the
/// fault of one of them: as many as the core then records one by one.
const CAREFUL: usize = 1_024;

/// How many keys are remembered before those that are not in use are forgotten.
const KEYS: usize = 1_024;

impl<T: Item> Joint<T> {
    /// Calls to so many cores.
    pub(super) fn to(cores: usize) -> Self {
        Self {
            calls: cores * CALLS,
            lines: Mutex::default(),
        }
    }

    /// Has a message recorded, alone or together with others.
    pub(super) async fn record(
        &self,
        client: &CoreClient,
        key: Key,
        batch: Batch<T>,
        until: Instant,
    ) -> Answer {
        let line = self.line(key);
        if line.is_careful() {
            return alone(client, batch, line.unknown, until).await;
        }
        if let Ok(_call) = line.calls.try_acquire() {
            return alone(client, batch, line.unknown, until).await;
        }
        let (answer, answered) = oneshot::channel();
        let part = Part {
            batch,
            until,
            answer,
        };
        if line.wait(part) {
            line.send_later(client.clone());
        }
        // The sender is dropped unused only by a panic.
        answered
            .await
            .unwrap_or(Err(CoreFailure::Refused("nothing")))
    }

    fn line(&self, key: Key) -> Arc<Line<T>> {
        let mut lines = lock(&self.lines);
        if let Some(line) = lines.get(&key) {
            return Arc::clone(line);
        }
        if lines.len() >= KEYS {
            lines.retain(|_, line| Arc::strong_count(line) > 1);
        }
        let line = Arc::new(Line {
            unknown: key.unknown,
            calls: Semaphore::new(self.calls),
            waiting: Mutex::default(),
            careful: AtomicUsize::new(0),
        });
        lines.insert(key, Arc::clone(&line));
        line
    }
}

async fn alone<T: Item>(
    client: &CoreClient,
    batch: Batch<T>,
    unknown: pb::UnknownInstallations,
    until: Instant,
) -> Answer {
    let answer = T::send(client, batch, unknown, until).await;
    answer.map_err(|status| failure(&status))
}

impl<T: Item> Line<T> {
    /// Adds a message to those that wait. Says whether it is the first of them,
    /// whose call is to be seen to.
    fn wait(&self, part: Part<T>) -> bool {
        let mut waiting = lock(&self.waiting);
        waiting.push(part);
        waiting.len() == 1
    }

    /// Sends what waits once a call has ended, or nobody should wait longer. In
    /// a task, because it is nobody's message alone.
    fn send_later(self: &Arc<Self>, client: CoreClient) {
        let line = Arc::clone(self);
        tokio::spawn(async move {
            let _call = timeout(PATIENCE, line.calls.acquire()).await;
            let mut parts = std::mem::take(&mut *lock(&line.waiting));
            // What is not waited for any more is not sent.
            parts.retain(|part| !part.answer.is_closed());
            while parts.len() > TOGETHER {
                let rest = parts.split_off(TOGETHER);
                let (line, client) = (Arc::clone(&line), client.clone());
                let group = std::mem::replace(&mut parts, rest);
                tokio::spawn(async move { line.send(&client, group).await });
            }
            line.send(&client, parts).await;
        });
    }

    /// Sends messages in one call, and gives each its answer.
    async fn send(&self, client: &CoreClient, parts: Vec<Part<T>>) {
        let Some(until) = parts.iter().map(|part| part.until).max() else {
            return;
        };
        let mut together = Batch::empty();
        let mut answers = Vec::with_capacity(parts.len());
        for part in parts {
            answers.push((part.batch.items.len(), part.answer));
            together.append(part.batch);
        }
        let items = together.items.len();
        let answer = alone(client, together, self.unknown, until).await;
        let answer = answer.and_then(|results| match results.len() {
            all if all == items => Ok(results),
            results => Err(CoreFailure::Unpaired { items, results }),
        });
        match answer {
            Ok(results) => {
                let mut results = results.into_iter();
                for (items, answer) in answers {
                    // Who does not wait any more will find it done.
                    let _ = answer.send(Ok(results.by_ref().take(items).collect()));
                }
            }
            Err(failure) => {
                let failure = self.of_each(failure, answers.len());
                for (_, answer) in answers {
                    let _ = answer.send(Err(failure.clone()));
                }
            }
        }
    }

    /// What the failure of a call is to each of its messages. Where it may be
    /// one's fault it is not known whose: all are to come again, and alone.
    fn of_each(&self, failure: CoreFailure, messages: usize) -> CoreFailure {
        let is_of_one = matches!(
            failure,
            CoreFailure::Refused(_) | CoreFailure::Unpaired { .. }
        );
        if messages < 2 || !is_of_one {
            return failure;
        }
        self.careful.store(CAREFUL, Ordering::Relaxed);
        CoreFailure::Unavailable {
            what: format!("{failure}; {messages} messages shared the call, and will go alone"),
            retry_after: None,
        }
    }

    /// Whether a message is to go alone, because others have failed.
    fn is_careful(&self) -> bool {
        let count_down = |left: usize| left.checked_sub(1);
        self.careful
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count_down)
            .is_ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> fmt::Debug for Joint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = lock(&self.lines).len();
        f.debug_struct("Joint")
            .field("keys", &keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
