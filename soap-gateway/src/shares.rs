//! A limit that those who come under it share.
//!
//! Nobody may hold more of it than is left free. (Dynamic thresholds, Choudhury
//! and Hahne 1998.) So one who floods gets half of it, two get a third each,
//! and there always is room for somebody else.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;

/// A limit that is shared out by key.
pub(crate) struct Shares<K> {
    table: Arc<Table<K>>,
}

struct Table<K> {
    total: usize,
    state: Mutex<State<K>>,
    in_use: Gauge,
}

struct State<K> {
    free: usize,
    /// What each key holds; those that hold nothing are not here.
    held: HashMap<K, usize>,
}

/// What one holder has of the limit. It goes back when this is dropped.
pub(crate) struct Share<K: Eq + Hash> {
    table: Arc<Table<K>>,
    key: K,
    amount: usize,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// A limit of this much; the gauge shows how much is in use.
    pub(crate) fn new(total: usize, in_use: Gauge) -> Self {
        let state = State {
            free: total,
            held: HashMap::new(),
        };
        Self {
            table: Arc::new(Table {
                total,
                state: Mutex::new(state),
                in_use,
            }),
        }
    }

    /// One of it for this key, if it may have one more.
    pub(crate) fn take(&self, key: K) -> Option<Share<K>> {
        let mut share = self.nothing(key);
        share.grow(1).then_some(share)
    }

    /// A share of nothing, to grow.
    pub(crate) fn nothing(&self, key: K) -> Share<K> {
        Share {
            table: Arc::clone(&self.table),
            key,
            amount: 0,
        }
    }

    /// Whether any key could have one more now, whichever holds what is held.
    pub(crate) fn has_room_for_all(&self) -> bool {
        let free = self.table.lock().free;
        self.table.total - free < free
    }

    /// Whether this key could have one more now.
    pub(crate) fn has_room(&self, key: &K) -> bool {
        let state = self.table.lock();
        state.held.get(key).copied().unwrap_or(0) < state.free
    }
}

impl<K: Eq + Hash> Share<K> {
    /// Takes so much more, all or nothing. The only share of its key may have
    /// all that is free: what is shared with nobody else of its key can't be
    /// refused for ever.
    pub(crate) fn grow(&mut self, more: usize) -> bool
    where
        K: Clone,
    {
        let mut state = self.table.lock();
        let held = state.held.get(&self.key).copied().unwrap_or(0);
        let bound = if held == self.amount {
            state.free
        } else {
            state.free.saturating_sub(held)
        };
        if more > bound {
            return false;
        }
        state.free -= more;
        self.amount += more;
        if more > 0 {
            *state.held.entry(self.key.clone()).or_default() += more;
        }
        drop(state);
        self.table.in_use.inc_by(gauged(more));
        true
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut state = self.table.lock();
        state.free += self.amount;
        if let Some(held) = state.held.get_mut(&self.key) {
            *held -= self.amount;
            if *held == 0 {
                state.held.remove(&self.key);
            }
        }
        drop(state);
        self.table.in_use.dec_by(gauged(self.amount));
    }
}

impl<K> Table<K> {
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        // Nothing here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gauged(amount: usize) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
        }
    }
}

impl<K> fmt::Debug for Shares<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.table.lock().free;
        f.debug_struct("Shares")
            .field("free", &free)
            .finish_non_exhaustive()
    }
}

impl<K: Eq + Hash> fmt::Debug for Share<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(total: usize) -> Shares<u8> {
        Shares::new(total, Gauge::default())
    }

    /// Takes for one key after the other all that each can get.
    #[track_caller]
    fn check(total: usize, expected: &[usize]) {
        let shares = shares(total);
        let taken: Vec<Vec<_>> = (1..)
            .zip(expected)
            .map(|(key, _)| std::iter::from_fn(|| shares.take(key)).collect())
            .collect();
        let counts: Vec<_> = taken.iter().map(Vec::len).collect();
        assert_eq!(counts, expected);
    }

    #[test]
    fn one_gets_half_and_the_next_half_of_the_rest() {
        check(16, &[8, 4, 2, 1, 1, 0]);
        check(2, &[1, 1, 0]);
        check(1, &[1, 0]);
    }

    #[test]
    fn those_who_flood_come_to_have_the_same() {
        let shares = shares(12);
        let shares = &shares;
        let all = |key| std::iter::from_fn(move || shares.take(key));
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            // One request of each ends, and each begins as many as it can.
            first.pop();
            second.pop();
            second.extend(all(2));
            first.extend(all(1));
        }
        for held in [&first, &second] {
            assert!((3..=5).contains(&held.len()), "{first:?} {second:?}");
        }
        assert!(all(3).next().is_some());
    }

    #[test]
    fn the_only_share_of_its_key_may_have_all_that_is_free() {
        let shares = shares(10);
        let mut only = shares.nothing(1);
        assert!(only.grow(9));
        assert!(!shares.nothing(1).grow(1));
        assert!(only.grow(1));
        assert!(!only.grow(1));
        drop(only);
        let mut first = shares.nothing(1);
        assert!(first.grow(4));
        let mut second = shares.nothing(1);
        assert!(!second.grow(3));
        assert!(second.grow(2));
    }

    proptest! {
        #[test]
        fn everything_comes_back(
            steps in proptest::collection::vec((0..4_u8, 0..9_usize, any::<bool>()), 0..100)
        ) {
            let gauge = Gauge::default();
            let shares: Shares<u8> = Shares::new(20, gauge.clone());
            let mut held = Vec::new();
            for (key, amount, gives_back) in steps {
                let mut share = shares.nothing(key);
                if share.grow(amount) {
                    held.push(share);
                }
                prop_assert_eq!(shares.has_room(&key), shares.take(key).is_some());
                if shares.has_room_for_all() {
                    prop_assert!((0..5).all(|key| shares.has_room(&key)));
                }
                let sum: usize = held.iter().map(|share| share.amount).sum();
                prop_assert!(sum <= 20);
                prop_assert_eq!(gauge.get(), i64::try_from(sum).unwrap());
                if gives_back && !held.is_empty() {
                    held.remove(0);
                }
            }
            drop(held);
            prop_assert_eq!(gauge.get(), 0);
            prop_assert!(shares.nothing(9).grow(20));
            prop_assert!(shares.table.lock().held.is_empty());
        }
    }
}
