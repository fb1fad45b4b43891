//! How long things are kept.

use sfbridge_values::Timestamp;

/// What is kept for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Perishable {
    /// What was seen before. Counts from its last use that wrote something.
    IdempotencyKey,
    /// Events, from when they were recorded.
    Event,
    /// The ratings of a call, all of them, from when the last was recorded.
    CallRating,
    /// Lead enrichments that have ended, with their attempts, from their end.
    LeadEnrichment,
    /// Notifications that are open in the quarantine, from their last receipt.
    OpenNotification,
    /// Quarantined notifications that were replayed, discarded or recorded,
    /// from then.
    ResolvedNotification,
    /// Visits, by when they were.
    Visit,
    /// Calls, by when they began.
    Call,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeping {
    /// So many days.
    Days(u32),
    /// Until somebody deletes it.
    Forever,
}

/// How long everything is kept. What keys guard is kept as long as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention(Periods);

/// How long everything is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Idempotency keys.
    pub idempotency_keys: Keeping,
    /// Events.
    pub events: Keeping,
    /// Call ratings.
    pub call_ratings: Keeping,
    /// Lead enrichments that have ended.
    pub lead_enrichments: Keeping,
    /// Notifications that are open in the quarantine.
    pub open_notifications: Keeping,
    /// Quarantined notifications that are resolved.
    pub resolved_notifications: Keeping,
    /// Visits.
    pub visits: Keeping,
    /// Calls.
    pub calls: Keeping,
}

/// Things can't be kept for these times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRetention {
    /// Keys would go while messages are still sent again.
    #[error(
        "is too short: write {least}d or more. Salesforce sends a message again for 24 hours, and \
         its admins can have failed ones sent again for a week",
        least = Retention::LEAST_DAYS_OF_KEYS
    )]
    KeysTooShort,
    /// Records would go before their keys.
    #[error(
        "is shorter than idempotency keys are kept ({keys}): without its record a key counts as \
         unused, so what is sent again would be recorded anew. Keep these as long, or keys shorter"
    )]
    BeforeKeys {
        /// What would go.
        what: Perishable,
        /// How long keys are to be kept.
        keys: Keeping,
    },
}

impl Perishable {
    /// Everything that is kept for a time.
    pub const ALL: [Self; 8] = [
        Self::IdempotencyKey,
        Self::Event,
        Self::CallRating,
        Self::LeadEnrichment,
        Self::OpenNotification,
        Self::ResolvedNotification,
        Self::Visit,
        Self::Call,
    ];

    /// What it is called in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::IdempotencyKey => "idempotency_key",
            Self::Event => "event",
            Self::CallRating => "call_rating",
            Self::LeadEnrichment => "lead_enrichment",
            Self::OpenNotification => "quarantined_notification",
            Self::ResolvedNotification => "resolved_notification",
            Self::Visit => "visit",
            Self::Call => "call",
        }
    }

    /// Whether a key may guard it, so that it may not go before that.
    fn is_guarded(self) -> bool {
        match self {
            Self::Event
            | Self::CallRating
            | Self::LeadEnrichment
            | Self::OpenNotification
            | Self::ResolvedNotification => true,
            Self::IdempotencyKey | Self::Visit | Self::Call => false,
        }
    }
}

impl Keeping {
    /// The time before which everything goes, if anything does.
    pub fn limit(self, now: Timestamp) -> Option<Timestamp> {
        const MICROS_PER_DAY: i64 = 86_400_000_000;

        match self {
            Self::Days(days) => {
                let micros = i64::from(days).saturating_mul(MICROS_PER_DAY);
                Some(Timestamp::from_micros(now.micros().saturating_sub(micros)))
            }
            Self::Forever => None,
        }
    }
}

impl std::fmt::Display for Keeping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days}d"),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl Default for Periods {
    /// What attribution and reports are made from is kept for ever: nobody can
    /// send it again.
    fn default() -> Self {
        Self {
            idempotency_keys: Keeping::Days(30),
            events: Keeping::Forever,
            call_ratings: Keeping::Forever,
            lead_enrichments: Keeping::Days(90),
            open_notifications: Keeping::Days(90),
            resolved_notifications: Keeping::Days(30),
            visits: Keeping::Forever,
            calls: Keeping::Forever,
        }
    }
}

impl Retention {
    /// Salesforce keeps failed messages for a week, and sends for a day.
    pub const LEAST_DAYS_OF_KEYS: u32 = 8;

    /// Takes periods that go together.
    ///
    /// # Errors
    ///
    /// [`InvalidRetention`] says which does not, and why.
    pub fn new(periods: Periods) -> Result<Self, InvalidRetention> {
        let retention = Self(periods);
        let keys = periods.idempotency_keys;
        if keys < Keeping::Days(Self::LEAST_DAYS_OF_KEYS) {
            return Err(InvalidRetention::KeysTooShort);
        }
        let goes_early = |what: &Perishable| what.is_guarded() && retention.of(*what) < keys;
        match Perishable::ALL.into_iter().find(goes_early) {
            Some(what) => Err(InvalidRetention::BeforeKeys { what, keys }),
            None => Ok(retention),
        }
    }

    /// How long this is kept.
    pub fn of(&self, what: Perishable) -> Keeping {
        let periods = &self.0;
        match what {
            Perishable::IdempotencyKey => periods.idempotency_keys,
            Perishable::Event => periods.events,
            Perishable::CallRating => periods.call_ratings,
            Perishable::LeadEnrichment => periods.lead_enrichments,
            Perishable::OpenNotification => periods.open_notifications,
            Perishable::ResolvedNotification => periods.resolved_notifications,
            Perishable::Visit => periods.visits,
            Perishable::Call => periods.calls,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_defaults_go_together() {
        assert_eq!(Retention::new(Periods::default()), Ok(Retention::default()));
    }

    #[test]
    fn nothing_goes_that_is_kept_for_ever_or_younger_than_its_days() {
        let day = 86_400_000_000;
        let now = Timestamp::from_micros(100 * day);
        assert_eq!(Keeping::Forever.limit(now), None);
        let limit = Keeping::Days(90).limit(now).unwrap();
        assert_eq!(limit, Timestamp::from_micros(10 * day));
        // Longer than there is time.
        let limit = Keeping::Days(u32::MAX).limit(Timestamp::from_micros(i64::MIN));
        assert_eq!(limit, Some(Timestamp::from_micros(i64::MIN)));
    }

    fn keeping() -> impl Strategy<Value = Keeping> {
        prop_oneof![(1..60_u32).prop_map(Keeping::Days), Just(Keeping::Forever)]
    }

    proptest! {
        #[test]
        fn what_is_accepted_keeps_keys_long_enough_and_nothing_guarded_shorter(
            of in proptest::array::uniform8(keeping()),
        ) {
            let [keys, events, call_ratings, lead_enrichments, open, resolved, visits, calls] = of;
            let made = Retention::new(Periods {
                idempotency_keys: keys,
                events,
                call_ratings,
                lead_enrichments,
                open_notifications: open,
                resolved_notifications: resolved,
                visits,
                calls,
            });
            let guarded = [events, call_ratings, lead_enrichments, open, resolved];
            let is_sound = keys >= Keeping::Days(8) && guarded.iter().all(|of| *of >= keys);
            prop_assert_eq!(made.is_ok(), is_sound);
        }
    }
}
