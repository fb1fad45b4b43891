//! Which connections are open, and which of them makes room.

use std::collections::{BTreeMap, HashMap};

use super::origin::Origin;

/// The connections that are open, each with what closes it.
///
/// A connection that finds a limit reached takes the place of the one that has
/// been idle longest: of its own origin when that has its share, else of any.
#[derive(Debug)]
pub(super) struct Slots<T> {
    connections: usize,
    connections_per_address: usize,
    next: u64,
    open: HashMap<Id, Slot<T>>,
    origins: HashMap<Origin, Share>,
    idle: Idle,
}

/// The name of an open connection; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u64);

#[derive(Debug)]
struct Slot<T> {
    origin: Origin,
    closer: T,
    /// Its place among those that are idle, if it is.
    rank: Option<u64>,
}

/// What one origin has.
#[derive(Debug, Default)]
struct Share {
    open: usize,
    idle: Idle,
}

/// Idle connections, the one that has been so for longest first.
type Idle = BTreeMap<u64, Id>;

/// What became of a new connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<T> {
    /// It is in, and idle until it says something.
    In {
        id: Id,
        /// What closes the connection whose place it took.
        displaced: Option<T>,
    },
    /// There is no room.
    Refused,
}

impl<T> Slots<T> {
    pub(super) fn new(connections: usize, connections_per_address: usize) -> Self {
        Self {
            connections,
            connections_per_address,
            next: 0,
            open: HashMap::new(),
            origins: HashMap::new(),
            idle: Idle::new(),
        }
    }

    /// Lets a connection in, if there is or can be room.
    pub(super) fn admit(&mut self, origin: Origin, closer: T) -> Admission<T> {
        let share = self.origins.get(&origin);
        let has_its_share = share.is_some_and(|share| share.open >= self.connections_per_address);
        let displaced = if has_its_share {
            // Who has a share has connections, but perhaps none that is idle.
            let oldest = share.and_then(|share| share.idle.values().next().copied());
            oldest.map(Some)
        } else if self.open.len() >= self.connections {
            self.idle.values().next().copied().map(Some)
        } else {
            Some(None)
        };
        let Some(displaced) = displaced else {
            return Admission::Refused;
        };
        let displaced = displaced.and_then(|id| self.remove(id));

        let id = Id(self.number());
        let slot = Slot {
            origin,
            closer,
            rank: None,
        };
        self.open.insert(id, slot);
        self.origins.entry(origin).or_default().open += 1;
        self.set_idle(id);
        Admission::In { id, displaced }
    }

    /// The connection that has been idle longest makes room.
    pub(super) fn displace(&mut self) -> Option<T> {
        let id = self.idle.values().next().copied()?;
        self.remove(id)
    }

    /// A connection has something to do.
    pub(super) fn set_busy(&mut self, id: Id) {
        let Some(slot) = self.open.get_mut(&id) else {
            return;
        };
        let Some(rank) = slot.rank.take() else {
            return;
        };
        self.idle.remove(&rank);
        if let Some(share) = self.origins.get_mut(&slot.origin) {
            share.idle.remove(&rank);
        }
    }

    /// A connection has nothing to do from now on.
    pub(super) fn set_idle(&mut self, id: Id) {
        let rank = self.number();
        let Some(slot) = self.open.get_mut(&id) else {
            return;
        };
        if slot.rank.is_some() {
            return;
        }
        slot.rank = Some(rank);
        self.idle.insert(rank, id);
        if let Some(share) = self.origins.get_mut(&slot.origin) {
            share.idle.insert(rank, id);
        }
    }

    /// A connection is closed. One that was displaced is forgotten already.
    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        self.set_busy(id);
        let slot = self.open.remove(&id)?;
        if let Some(share) = self.origins.get_mut(&slot.origin) {
            share.open -= 1;
            if share.open == 0 {
                self.origins.remove(&slot.origin);
            }
        }
        Some(slot.closer)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn origin(number: u8) -> Origin {
        Origin::V4(Ipv4Addr::new(192, 0, 2, number))
    }

    /// Lets a connection in that must find room, and says who made it.
    #[track_caller]
    fn admit(slots: &mut Slots<char>, from: u8, closer: char) -> (Id, Option<char>) {
        match slots.admit(origin(from), closer) {
            Admission::In { id, displaced } => (id, displaced),
            Admission::Refused => panic!("{closer} is refused"),
        }
    }

    #[test]
    fn the_one_that_is_idle_longest_makes_room() {
        let mut slots = Slots::new(3, 3);
        let (a, _) = admit(&mut slots, 1, 'a');
        let (b, _) = admit(&mut slots, 2, 'b');
        admit(&mut slots, 3, 'c');
        slots.set_busy(a);
        slots.set_busy(b);
        slots.set_idle(a);
        assert_eq!(admit(&mut slots, 4, 'd').1, Some('c'));
        assert_eq!(admit(&mut slots, 4, 'e').1, Some('a'));
    }

    #[test]
    fn who_has_its_share_makes_room_itself() {
        let mut slots = Slots::new(10, 2);
        let (other, _) = admit(&mut slots, 1, 'o');
        let (a, _) = admit(&mut slots, 2, 'a');
        let (b, _) = admit(&mut slots, 2, 'b');
        slots.set_busy(a);
        assert_eq!(admit(&mut slots, 2, 'c').1, Some('b'));
        // A late word of a connection that is gone changes nothing.
        slots.set_idle(b);
        assert_eq!(slots.remove(b), None);
        assert_eq!(slots.remove(other), Some('o'));
    }

    #[test]
    fn where_all_are_busy_the_new_one_is_refused() {
        let mut slots = Slots::new(2, 1);
        let (a, _) = admit(&mut slots, 1, 'a');
        slots.set_busy(a);
        assert_eq!(slots.admit(origin(1), 'b'), Admission::Refused);
        let (c, _) = admit(&mut slots, 2, 'c');
        slots.set_busy(c);
        assert_eq!(slots.admit(origin(3), 'd'), Admission::Refused);
        assert_eq!(slots.displace(), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Admit(u8),
        Busy(usize),
        Idle(usize),
        Remove(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u8..4).prop_map(Step::Admit),
            2 => (0_usize..40).prop_map(Step::Busy),
            2 => (0_usize..40).prop_map(Step::Idle),
            1 => (0_usize..40).prop_map(Step::Remove),
        ]
    }

    /// A connection as the test knows it.
    #[derive(Clone, Copy)]
    struct Known {
        id: Id,
        from: u8,
        is_open: bool,
        /// The step since which it has been idle.
        idle_since: Option<usize>,
    }

    proptest! {
        #[test]
        fn limits_hold_and_only_the_longest_idle_one_ever_goes(
            steps in prop::collection::vec(step(), 1..120),
        ) {
            const ALL: usize = 6;
            const EACH: usize = 3;

            let mut slots = Slots::new(ALL, EACH);
            let mut known: Vec<Known> = Vec::new();
            for (now, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Admit(from) => {
                        let open = |known: &&Known| known.is_open;
                        let own = |known: &&Known| known.from == from;
                        let has_share = known.iter().filter(open).filter(own).count() >= EACH;
                        let is_full = known.iter().filter(open).count() >= ALL;
                        let oldest = (0..known.len())
                            .filter(|&n| known[n].is_open && known[n].idle_since.is_some())
                            .filter(|&n| !has_share || known[n].from == from)
                            .min_by_key(|&n| known[n].idle_since);
                        let expected = if has_share || is_full { oldest } else { None };
                        match slots.admit(origin(from), known.len()) {
                            Admission::In { id, displaced } => {
                                prop_assert_eq!(displaced, expected);
                                if let Some(gone) = displaced {
                                    known[gone].is_open = false;
                                }
                                let idle_since = Some(now);
                                known.push(Known { id, from, is_open: true, idle_since });
                            }
                            Admission::Refused => {
                                prop_assert!((has_share || is_full) && oldest.is_none());
                            }
                        }
                    }
                    Step::Busy(n) => if let Some(known) = known.get_mut(n) {
                        slots.set_busy(known.id);
                        known.idle_since = None;
                    },
                    Step::Idle(n) => if let Some(known) = known.get_mut(n) {
                        slots.set_idle(known.id);
                        known.idle_since = known.idle_since.or(Some(now));
                    },
                    Step::Remove(n) => if let Some(known) = known.get_mut(n) {
                        prop_assert_eq!(slots.remove(known.id).is_some(), known.is_open);
                        known.is_open = false;
                    },
                }
                prop_assert!(slots.open.len() <= ALL);
                prop_assert_eq!(
                    slots.open.len(),
                    known.iter().filter(|known| known.is_open).count()
                );
                for (origin, share) in &slots.origins {
                    let open = slots.open.values().filter(|slot| slot.origin == *origin);
                    prop_assert_eq!(share.open, open.count());
                    prop_assert!((1..=EACH).contains(&share.open));
                }
            }
        }
    }
}
