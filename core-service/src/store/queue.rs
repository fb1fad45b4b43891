//! The way of requests to those who write: a thread, or tasks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::fair_queue::{FairQueue, Load};
use crate::recording::Sender;

/// The most that may wait. One sender gets half of it: 64 connections of one
/// organisation may each send the most that a message holds.
const BOUNDS: Load = Load {
    requests: 1_024,
    items: 16_384,
};

/// A fair queue between many tasks and those who write, who wait for it either as
/// a thread or as tasks.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Wakes a thread.
    arrived: Condvar,
    /// Wakes a task.
    told: Notify,
}

#[derive(Debug)]
struct State<T> {
    requests: FairQueue<Sender, T>,
    is_open: bool,
    /// How many threads wait: telling them is a system call even if none does.
    waiting: usize,
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
                waiting: 0,
            }),
            arrived: Condvar::new(),
            told: Notify::new(),
        }
    }

    /// Adds a request of so many items.
    pub(super) fn push(&self, sender: Sender, items: usize, request: T) -> Result<(), Refusal> {
        let mut state = self.lock();
        if !state.is_open {
            return Err(Refusal::Closed);
        }
        let pushed = state.requests.push(sender, items, request);
        let is_waited_for = state.waiting > 0;
        drop(state);
        pushed.map_err(|_| Refusal::Full)?;
        if is_waited_for {
            self.arrived.notify_one();
        }
        self.told.notify_one();
        Ok(())
    }

    /// Takes the request whose turn it is, if any waits.
    pub(super) fn pop(&self) -> Option<T> {
        self.lock().requests.pop()
    }

    /// Waits for a request. There is none any more once the queue is closed
    /// and empty.
    pub(super) fn wait(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            let request = state.requests.pop();
            if request.is_some() || !state.is_open {
                return request;
            }
            state.waiting += 1;
            let waited = self.arrived.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// Like [`Queue::wait`], for a task.
    pub(super) async fn arrival(&self) -> Option<T> {
        loop {
            let told = self.told.notified();
            let (request, is_open) = {
                let mut state = self.lock();
                (state.requests.pop(), state.is_open)
            };
            if request.is_some() || !is_open {
                return request;
            }
            told.await;
        }
    }

    /// Takes no more requests. Those that wait stay.
    pub(super) fn close(&self) {
        self.lock().is_open = false;
        self.arrived.notify_one();
        self.told.notify_waiters();
        // For one that is about to wait.
        self.told.notify_one();
    }

    /// Takes no more requests, and drops those that wait.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.is_open = false;
        let left = state.requests.take_all();
        // Whoever waits for them is told, which is not done under the lock.
        drop(state);
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_closed_queue_gives_what_waits_and_then_ends() {
        let queue = Queue::new();
        queue.push(Sender::Settings, 1, "a").unwrap();
        queue.close();
        assert_eq!(queue.push(Sender::Settings, 1, "b"), Err(Refusal::Closed));
        assert_eq!(queue.wait(), Some("a"));
        assert_eq!(queue.wait(), None);
    }

    #[test]
    fn of_one_sender_the_largest_messages_of_64_connections_fit() {
        let queue = Queue::new();
        for message in 0..64 {
            queue.push(Sender::Unnamed, 100, message).unwrap();
        }
    }

    #[test]
    fn closing_wakes_who_waits() {
        let queue = Arc::new(Queue::<()>::new());
        let waiting = Arc::clone(&queue);
        let waiting = std::thread::spawn(move || waiting.wait());
        queue.close();
        assert_eq!(waiting.join().unwrap(), None);
    }

    #[tokio::test]
    async fn closing_wakes_every_task_that_waits() {
        let queue = Arc::new(Queue::<()>::new());
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let queue = Arc::clone(&queue);
            waiting.spawn(async move { queue.arrival().await });
        }
        tokio::task::yield_now().await;
        while !waiting.is_empty() {
            queue.close();
            assert_eq!(waiting.join_next().await.unwrap().unwrap(), None);
        }
    }

    #[test]
    fn an_abandoned_queue_drops_what_waits() {
        let queue = Queue::new();
        let request = Arc::new(());
        queue
            .push(Sender::Settings, 1, Arc::clone(&request))
            .unwrap();
        queue.abandon();
        assert_eq!(Arc::strong_count(&request), 1);
        assert_eq!(queue.wait(), None);
    }
}
