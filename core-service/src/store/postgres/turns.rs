//! When a task begins the next group.
//!
//! A group costs the database and both sides of the connection about the same
//! whether it is small or large, so a second one is begun beside another only
//! when enough waits to be worth that. What is less waits for the commit that is
//! under way, and makes a larger group then.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// So many items are worth a group of their own while another one is under way.
const ENOUGH: usize = 200;

/// The turns of the tasks that write.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Items that wait.
    waiting: usize,
    /// Groups that are under way.
    under_way: usize,
    is_closed: bool,
}

impl State {
    fn may_begin(&self) -> bool {
        self.is_closed || self.waiting > 0 && (self.under_way == 0 || self.waiting >= ENOUGH)
    }
}

impl Turns {
    /// So many items have begun to wait.
    pub(super) fn came(&self, items: usize) {
        self.change(|state| state.waiting += items);
    }

    /// So many items wait no more.
    pub(super) fn went(&self, items: usize) {
        self.change(|state| state.waiting = state.waiting.saturating_sub(items));
    }

    /// Waits for a turn.
    pub(super) async fn begin(&self) -> Turn<'_> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if state.may_begin() {
                    state.under_way += 1;
                    return Turn(self);
                }
            }
            changed.await;
        }
    }

    /// From now on whoever asks has a turn.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_waiters();
        // For one that is about to wait.
        self.changed.notify_one();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let may_begin = {
            let mut state = self.lock();
            change(&mut state);
            state.may_begin()
        };
        if may_begin {
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, for as long as it lives.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0
            .change(|state| state.under_way = state.under_way.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// A turn, if there is one at once.
    fn turn(turns: &Turns) -> Option<Turn<'_>> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(turns.begin()).poll(&mut context) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_few_items_wait_for_the_group_that_is_under_way() {
        let turns = Turns::default();
        assert!(turn(&turns).is_none());
        turns.came(1);
        let first = turn(&turns);
        assert!(first.is_some());
        turns.went(1);
        turns.came(ENOUGH - 1);
        assert!(turn(&turns).is_none());
        drop(first);
        assert!(turn(&turns).is_some());
    }

    #[test]
    fn many_items_begin_a_group_beside_another() {
        let turns = Turns::default();
        turns.came(ENOUGH);
        let both = (turn(&turns), turn(&turns));
        assert!(both.0.is_some() && both.1.is_some());
        turns.went(1);
        assert!(turn(&turns).is_none());
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_the_end_of_a_group_and_of_the_end_of_all() {
        let turns = Arc::new(Turns::default());
        let waiting = || {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { drop(turns.begin().await) })
        };
        turns.came(2);
        let first = turns.begin().await;
        let next = waiting();
        tokio::task::yield_now().await;
        assert!(!next.is_finished());
        drop(first);
        next.await.unwrap();

        turns.went(2);
        let last = waiting();
        tokio::task::yield_now().await;
        assert!(!last.is_finished());
        turns.close();
        last.await.unwrap();
    }
}
