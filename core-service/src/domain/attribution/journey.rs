//! A visitor's visits in order.

use chrono::TimeDelta;
use sfbridge_values::Timestamp;

use crate::domain::Visit;

/// All visits of one visitor, the earliest first.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    visits: Vec<Visit>,
}

/// The part of a journey that counts at some time. Not empty unless the
/// journey is.
#[derive(Clone, Copy, Debug)]
pub struct Considered<'a> {
    visits: &'a [Visit],
    is_late: bool,
}

/// How much later than the as-of time a visit may be. Clocks differ, and a form
/// may be sent before its page is tracked.
const GRACE_MICROS: i64 = 5 * 60 * 1_000_000;

impl Journey {
    /// Puts visits in order, whatever order they come in. Visits of one instant
    /// are ordered by what they say, never by when they were recorded.
    pub fn new(mut visits: Vec<Visit>) -> Self {
        visits.sort_by(|a, b| key(a).cmp(&key(b)));
        Self { visits }
    }

    /// All visits, the earliest first.
    pub fn visits(&self) -> &[Visit] {
        &self.visits
    }

    /// The visits up to 5 minutes after a time. If there are none, the earliest
    /// later one: an imported lead may be tracked late.
    pub fn as_of(&self, time: Timestamp) -> Considered<'_> {
        let until = Considered::until(time);
        let count = self
            .visits
            .partition_point(|visit| visit.visit_time <= until);
        match count {
            0 => Considered {
                visits: self.visits.get(..1).unwrap_or_default(),
                is_late: !self.visits.is_empty(),
            },
            count => Considered {
                visits: &self.visits[..count],
                is_late: false,
            },
        }
    }
}

impl<'a> Considered<'a> {
    /// The latest time that still counts as of a time.
    pub fn until(as_of: Timestamp) -> Timestamp {
        Timestamp::from_micros(as_of.micros().saturating_add(GRACE_MICROS))
    }

    /// The visits, the earliest first.
    pub fn visits(&self) -> &'a [Visit] {
        self.visits
    }

    /// Whether the only visit is later than the as-of time.
    pub fn is_late(&self) -> bool {
        self.is_late
    }

    /// The visits of the last so many days before a time.
    pub(super) fn since(&self, time: Timestamp, lookback: TimeDelta) -> &'a [Visit] {
        let lookback = lookback.num_microseconds().unwrap_or(i64::MAX);
        let start = time.micros().saturating_sub(lookback);
        let skipped = self
            .visits
            .partition_point(|visit| visit.visit_time.micros() < start);
        &self.visits[skipped..]
    }
}

fn key(visit: &Visit) -> impl Ord + '_ {
    (
        visit.visit_time,
        [
            &visit.landing_page,
            &visit.channel_name,
            &visit.channel_type,
            &visit.source,
            &visit.campaign,
            &visit.ad_group,
            &visit.term,
            &visit.referrer,
            &visit.page_title,
        ],
    )
}
