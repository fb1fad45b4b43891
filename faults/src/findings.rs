//! What is there, beside what was sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::Ledger;
use crate::message::{Kind, Notification, notification_id};

/// What a core holds: of each record the id of the notification that it is of.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Of events.
    pub events: Vec<String>,
    /// Of call ratings.
    pub ratings: Vec<String>,
    /// Of lead enrichments.
    pub jobs: Vec<String>,
    /// Of quarantine records, resolved ones too.
    pub quarantined: Vec<String>,
}

/// What a comparison has found. The lists are of notification ids, and empty
/// when everything is as promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Acknowledged notifications that are there.
    pub present: usize,
    /// Notifications that are there although nobody was told so.
    pub unacknowledged: usize,
    /// Acknowledged and not there.
    pub lost: Vec<String>,
    /// There more than once.
    pub doubled: Vec<String>,
    /// There, and never sent.
    pub unknown: Vec<String>,
    /// There as something else than what they are to become.
    pub misplaced: Vec<String>,
}

impl Findings {
    /// Compares what was sent with what is there.
    pub fn of(ledger: &Ledger, held: &Held) -> Self {
        let mut places: BTreeMap<&str, Vec<Option<Kind>>> = BTreeMap::new();
        let lists = [
            (Some(Kind::Event), &held.events),
            (Some(Kind::Rating), &held.ratings),
            (Some(Kind::Lead), &held.jobs),
            (None, &held.quarantined),
        ];
        for (place, ids) in lists {
            for id in ids {
                places.entry(id).or_default().push(place);
            }
        }
        let mut findings = Self::default();
        let mut acknowledged = BTreeSet::new();
        for number in ledger.acknowledged() {
            let id = notification_id(*number);
            if places.contains_key(id.as_str()) {
                findings.present += 1;
            } else {
                findings.lost.push(id.clone());
            }
            acknowledged.insert(id);
        }
        let sent: BTreeMap<String, Notification> = ledger
            .sent()
            .values()
            .map(|notification| (notification.id(), *notification))
            .collect();
        for (id, places) in places {
            if places.len() > 1 {
                findings.doubled.push(id.to_owned());
            }
            let Some(notification) = sent.get(id) else {
                findings.unknown.push(id.to_owned());
                continue;
            };
            let expected = notification.is_good.then_some(notification.kind);
            if places.iter().any(|place| *place != expected) {
                findings.misplaced.push(id.to_owned());
            }
            if !acknowledged.contains(id) {
                findings.unacknowledged += 1;
            }
        }
        findings
    }

    /// What is wrong, a sentence each.
    pub fn violations(&self) -> Vec<String> {
        let lists = [
            ("acknowledged and lost", &self.lost),
            ("there more than once", &self.doubled),
            ("there and never sent", &self.unknown),
            ("there as something else", &self.misplaced),
        ];
        lists
            .into_iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(what, ids)| format!("{} {what}: {}", ids.len(), ids.join(" ")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Posted;
    use crate::message::Message;

    /// Five events are sent, of which one is bad; the last is not acknowledged.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for number in 1..=5 {
            let message = Message::new(Kind::Event, [number]);
            ledger.begin(&message);
            ledger.note(&message, Posted::Unanswered);
            if number < 5 {
                ledger.note(&message, Posted::Acknowledged);
            }
        }
        ledger
    }

    fn ids(numbers: &[u32]) -> Vec<String> {
        numbers.iter().copied().map(notification_id).collect()
    }

    fn held(events: &[u32], quarantined: &[u32]) -> Held {
        Held {
            events: ids(events),
            quarantined: ids(quarantined),
            ..Held::default()
        }
    }

    #[test]
    fn what_was_acknowledged_is_there_once_and_the_rest_at_most_once() {
        for (quarantined, unacknowledged) in [(&[][..], 0), (&[5][..], 1)] {
            let findings = Findings::of(&ledger(), &held(&[1, 2, 3, 4], quarantined));
            let expected = Findings {
                present: 4,
                unacknowledged,
                ..Findings::default()
            };
            assert_eq!(findings, expected);
            assert!(findings.violations().is_empty());
        }
    }

    #[test]
    fn each_violation_is_found_and_named() {
        let check = |held: Held, expected: &str| {
            let violations = Findings::of(&ledger(), &held).violations();
            assert_eq!(violations, [expected]);
        };
        let id = notification_id;
        check(
            held(&[1, 2, 4], &[5]),
            &format!("1 acknowledged and lost: {}", id(3)),
        );
        check(
            held(&[1, 2, 2, 3, 4], &[]),
            &format!("1 there more than once: {}", id(2)),
        );
        check(
            held(&[1, 2, 3, 4, 77], &[]),
            &format!("1 there and never sent: {}", id(77)),
        );
        check(
            held(&[1, 2, 3], &[4]),
            &format!("1 there as something else: {}", id(4)),
        );
    }
}
