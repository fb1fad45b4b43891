//! A queue in which senders take turns.
//!
//! Turns are counted in items, not in requests: in its turn a sender earns one
//! item, and its next request is served once it has earned all items of that.
//! (Deficit round robin, Shreedhar and Varghese 1995, with a quantum of one.)
//! So a sender of single items waits for one item of each other sender, even
//! when those send by the thousand. A sender may be one who earns less: an item
//! in so many turns.
//!
//! The queue is bounded, and no sender may hold more of it than it leaves free.
//! (Dynamic thresholds, Choudhury and Hahne 1998.) So one sender gets half of
//! it, two get a third each, and there always is room for another one.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How much is held, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Requests.
    pub(super) requests: usize,
    /// The items of these requests.
    pub(super) items: usize,
}

/// Requests, each of so many items, by their sender.
#[derive(Debug)]
pub(super) struct FairQueue<K, T> {
    // Invariant: the senders of `lines`, all of which have requests, are those
    // of `turns`, each there once; `held` is the sum of the lines.
    lines: HashMap<K, Line<T>>,
    turns: VecDeque<K>,
    held: Load,
    bounds: Load,
    turns_per_item: fn(&K) -> usize,
}

/// What waits of one sender.
#[derive(Debug)]
struct Line<T> {
    requests: VecDeque<(usize, T)>,
    held: Load,
    /// Turns that were not spent yet.
    earned: usize,
}

impl<K: Clone + Eq + Hash, T> FairQueue<K, T> {
    /// An empty queue. `turns_per_item` says what an item costs a sender, at
    /// least one turn.
    pub(super) fn new(bounds: Load, turns_per_item: fn(&K) -> usize) -> Self {
        Self {
            lines: HashMap::new(),
            turns: VecDeque::new(),
            held: Load::default(),
            bounds,
            turns_per_item,
        }
    }

    /// Puts a request at the end of its sender's line, or gives it back when
    /// there is no room for it.
    pub(super) fn push(&mut self, sender: K, items: usize, request: T) -> Result<(), T> {
        // Even a request of nothing is work, and one too large must get its turn.
        let items = items.clamp(1, self.bounds.items);
        let own = self
            .lines
            .get(&sender)
            .map_or(Load::default(), |line| line.held);
        let fits = own.requests < self.bounds.requests - self.held.requests
            && own.items + items <= self.bounds.items - self.held.items;
        if !fits {
            return Err(request);
        }
        let line = self.lines.entry(sender).or_insert_with_key(|sender| {
            self.turns.push_back(sender.clone());
            Line {
                requests: VecDeque::new(),
                held: Load::default(),
                earned: 0,
            }
        });
        line.requests.push_back((items, request));
        line.held.add(items);
        self.held.add(items);
        Ok(())
    }

    /// Takes the request whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        loop {
            let sender = self.turns.pop_front()?;
            let cost = (self.turns_per_item)(&sender);
            let line = self.lines.get_mut(&sender)?;
            line.earned += 1;
            let earned = line.earned;
            let served = line
                .requests
                .pop_front_if(|(items, _)| *items * cost <= earned);
            if let Some((items, _)) = &served {
                // Whoever has nothing to send saves nothing up.
                line.earned = 0;
                line.held.subtract(*items);
                self.held.subtract(*items);
            }
            if line.requests.is_empty() {
                self.lines.remove(&sender);
            } else {
                self.turns.push_back(sender);
            }
            if let Some((_, request)) = served {
                return Some(request);
            }
        }
    }

    /// Takes everything, in no order.
    pub(super) fn take_all(&mut self) -> Vec<T> {
        self.turns.clear();
        self.held = Load::default();
        let lines = self.lines.drain().flat_map(|(_, line)| line.requests);
        lines.map(|(_, request)| request).collect()
    }
}

impl Load {
    fn add(&mut self, items: usize) {
        self.requests += 1;
        self.items += items;
    }

    fn subtract(&mut self, items: usize) {
        self.requests -= 1;
        self.items -= items;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Load = Load {
        requests: 16,
        items: 64,
    };

    fn queue() -> FairQueue<u8, usize> {
        FairQueue::new(BOUNDS, |_| 1)
    }

    /// Serves everything that was pushed as sender and items.
    #[track_caller]
    fn check(pushed: &[(u8, usize)], expected: &[usize]) {
        let mut queue = queue();
        for (number, (sender, items)) in pushed.iter().enumerate() {
            queue.push(*sender, *items, number).unwrap();
        }
        let served: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(served, expected);
    }

    #[test]
    fn senders_take_turns() {
        check(&[(1, 1), (1, 1), (1, 1), (2, 1), (3, 1)], &[0, 3, 4, 1, 2]);
    }

    #[test]
    fn a_request_of_many_items_waits_for_as_many_single_ones() {
        let batch_first = [(1, 3), (2, 1), (2, 1), (2, 1), (2, 1)];
        check(&batch_first, &[1, 2, 0, 3, 4]);
        // Who is alone waits for nobody.
        check(&[(1, 30), (1, 1)], &[0, 1]);
        // One that is larger than the whole queue has its turn too.
        check(&[(1, 1_000)], &[0]);
    }

    #[test]
    fn who_earns_less_is_served_in_every_so_many_turns() {
        let mut queue = FairQueue::new(BOUNDS, |sender| if *sender == 9 { 4 } else { 1 });
        for (number, sender) in [9, 9, 9, 1, 1, 1, 1, 1, 1].into_iter().enumerate() {
            queue.push(sender, 1, number).unwrap();
        }
        let served: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(served, [3, 4, 5, 0, 6, 7, 8, 1, 2]);
    }

    #[test]
    fn one_sender_gets_half_and_the_next_half_of_the_rest() {
        let mut queue = queue();
        let mut fill = |sender| {
            let numbers = 0..100;
            numbers
                .filter(|number| queue.push(sender, 1, *number).is_ok())
                .count()
        };
        assert_eq!([1, 2, 3, 4, 5, 6].map(&mut fill), [8, 4, 2, 1, 1, 0]);
    }

    #[test]
    fn items_are_bounded_as_requests_are() {
        let mut queue = queue();
        queue.push(1, 30, 0).unwrap();
        assert_eq!(queue.push(1, 5, 1), Err(1));
        queue.push(1, 2, 1).unwrap();
        queue.push(2, 16, 2).unwrap();
        assert_eq!(queue.push(2, 1, 3), Err(3));
    }

    /// A sender and the items of its request, or none to serve one.
    fn steps() -> impl Strategy<Value = Vec<Option<(u8, usize)>>> {
        let push = (0..5_u8, 0..20_usize).prop_map(Some);
        let step = prop_oneof![3 => push, 2 => Just(None)];
        proptest::collection::vec(step, 0..200)
    }

    /// What should wait: numbers and items, by sender.
    #[derive(Default)]
    struct Model(HashMap<u8, VecDeque<(usize, usize)>>);

    impl Model {
        fn push(&mut self, sender: u8, items: usize, number: usize) -> bool {
            let all = self.held(|_| true);
            let own = self.held(|other| other == sender);
            let fits = own.items + items <= BOUNDS.items - all.items
                && own.requests < BOUNDS.requests - all.requests;
            if fits {
                self.0.entry(sender).or_default().push_back((number, items));
            }
            fits
        }

        fn held(&self, of: impl Fn(u8) -> bool) -> Load {
            let mut held = Load::default();
            for (_, line) in self.0.iter().filter(|(sender, _)| of(**sender)) {
                for (_, items) in line {
                    held.add(*items);
                }
            }
            held
        }

        fn check(&mut self, served: Option<(u8, usize)>) -> Result<(), TestCaseError> {
            prop_assert_eq!(served.is_none(), self.is_empty());
            if let Some((sender, number)) = served {
                let oldest = self.0.get_mut(&sender).and_then(VecDeque::pop_front);
                prop_assert_eq!(oldest.map(|(number, _)| number), Some(number));
            }
            Ok(())
        }

        fn is_empty(&self) -> bool {
            self.0.values().all(VecDeque::is_empty)
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_doubled_and_each_sender_keeps_its_order(steps in steps()) {
            let mut queue = FairQueue::new(BOUNDS, |_| 1);
            let mut model = Model::default();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Some((sender, items)) => {
                        let is_taken = queue.push(sender, items, (sender, number)).is_ok();
                        prop_assert_eq!(is_taken, model.push(sender, items.max(1), number));
                    }
                    None => model.check(queue.pop())?,
                }
            }
            while !model.is_empty() {
                model.check(queue.pop())?;
            }
            model.check(queue.pop())?;
        }

        #[test]
        fn while_two_wait_neither_is_served_much_more_than_the_other(
            first in proptest::collection::vec(1..9_usize, 4),
            second in proptest::collection::vec(1..9_usize, 4),
        ) {
            let mut queue = FairQueue::new(Load { requests: 100, items: 1_000 }, |_| 1);
            let lines = [first, second];
            for (sender, line) in lines.iter().enumerate() {
                for items in line {
                    queue.push(sender, *items, (sender, *items)).unwrap();
                }
            }
            let mut served = [0; 2];
            let mut left = lines.map(|line| line.len());
            while left.iter().all(|left| *left > 0) {
                let (sender, items) = queue.pop().unwrap();
                served[sender] += items;
                left[sender] -= 1;
                prop_assert!(served[0].abs_diff(served[1]) <= 8, "{served:?}");
            }
        }
    }
}
