//! How many messages an organisation may send.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sfbridge_values::OrganizationId;

use crate::fault::{Fault, Reason};

/// The rate at which each organisation may send.
#[derive(Debug)]
pub(crate) struct Rate {
    limiter: DefaultKeyedRateLimiter<OrganizationId>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl Rate {
    /// So many messages in each second. An organisation that was quiet may
    /// send as many at once.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(per_second)),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a message of an organisation.
    ///
    /// # Errors
    ///
    /// A refusal with 429, which says when there is room for the next one.
    pub(crate) fn check(&self, organization_id: &OrganizationId) -> Result<(), Fault> {
        self.forget_the_quiet();
        let now = self.clock.now();
        self.limiter.check_key(organization_id).map_err(|until| {
            Fault::new(
                Reason::RateLimited,
                "The organisation sends more messages in a second than it may; Salesforce will \
                 send the message again.",
            )
            .retry_after(Some(until.wait_time_from(now)))
        })
    }

    /// Keeps in memory only who has sent within the last second or since the
    /// last time, so that invented organisations do not fill it.
    fn forget_the_quiet(&self) {
        const EVERY: u32 = 4_096;

        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks % EVERY == EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization(number: u32) -> OrganizationId {
        OrganizationId::parse(&format!("00D{number:012}")).unwrap()
    }

    fn rate(per_second: u32) -> Rate {
        Rate::new(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn one_organisation_over_its_rate_leaves_the_others_alone() {
        let rate = rate(1);
        rate.check(&organization(1)).unwrap();
        let refusal = rate.check(&organization(1)).unwrap_err();
        assert_eq!(refusal.reason(), Reason::RateLimited);
        assert_eq!(refusal.retry_after_seconds(), Some(1));
        rate.check(&organization(2)).unwrap();
    }

    #[test]
    fn organisations_that_are_quiet_are_forgotten() {
        // At this rate a message counts for a microsecond.
        let rate = rate(1_000_000);
        for number in 0..20_000 {
            rate.check(&organization(number)).unwrap();
        }
        assert!(rate.limiter.len() < 10_000, "{}", rate.limiter.len());
    }
}
