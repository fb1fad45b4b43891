//! The way of requests to the tasks that write.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::fair_queue::{FairQueue, Load};
use crate::recording::Sender;

/// The most that may wait. One sender gets half of it.
const BOUNDS: Load = Load {
    requests: 1_024,
    items: 8_192,
};

/// A fair queue between many tasks.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Notify,
}

#[derive(Debug)]
struct State<T> {
    requests: FairQueue<Sender, T>,
    is_open: bool,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many wait already, in all or of this sender.
    Full,
    /// Nothing is taken any more.
    Closed,
}

impl<T> Queue<T> {
    /// An open, empty queue.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                requests: FairQueue::new(BOUNDS, Sender::turns_per_item),
                is_open: true,
            }),
            arrived: Notify::new(),
        }
    }

    /// Adds a request of so many items.
    pub(super) fn push(&self, sender: Sender, items: usize, request: T) -> Result<(), Refusal> {
        let mut state = self.lock();
        if !state.is_open {
            return Err(Refusal::Closed);
        }
        let pushed = state.requests.push(sender, items, request);
        drop(state);
        pushed.map_err(|_| Refusal::Full)?;
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes the request whose turn it is, if any waits.
    pub(super) fn pop(&self) -> Option<T> {
        self.lock().requests.pop()
    }

    /// Waits for a request. There is none any more once the queue is closed
    /// and empty.
    pub(super) async fn wait(&self) -> Option<T> {
        loop {
            let arrived = self.arrived.notified();
            let (request, is_open) = {
                let mut state = self.lock();
                (state.requests.pop(), state.is_open)
            };
            if request.is_some() || !is_open {
                return request;
            }
            arrived.await;
        }
    }

    /// Takes no more requests. Those that wait stay.
    pub(super) fn close(&self) {
        self.lock().is_open = false;
        self.arrived.notify_waiters();
        // For one that is about to wait.
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
