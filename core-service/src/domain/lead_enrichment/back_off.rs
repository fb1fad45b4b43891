//! When a refused job is tried again.

use std::time::Duration;

/// The most that the first wait is; each later one may be twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// The most that any wait is, unless Salesforce asks for more.
const LONGEST: Duration = Duration::from_mins(15);

/// How long to wait before a job is tried again that was refused so many times
/// before.
///
/// The wait is anything up to a limit that doubles (full jitter), so that jobs
/// which were refused together do not come back together. `chance`, a random
/// number, decides. What Salesforce asks to wait is the least, and is spread
/// in the same way.
pub fn retry_delay(refusals: u32, retry_after: Option<Duration>, chance: u64) -> Duration {
    let limit = 2_u32
        .checked_pow(refusals)
        .and_then(|times| FIRST.checked_mul(times))
        .map_or(LONGEST, |limit| limit.min(LONGEST));
    // Both fit: the limit is at most 15 minutes.
    let micros = limit.as_micros() * u128::from(chance) / u128::from(u64::MAX);
    let jitter = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
    match retry_after {
        None => jitter,
        Some(least) => least.max(least.saturating_add(jitter).min(LONGEST)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_limit_doubles_from_one_second_to_fifteen_minutes() {
        let limits: Vec<_> = [0, 1, 2, 9, 10, 31, 32, u32::MAX]
            .map(|refusals| retry_delay(refusals, None, u64::MAX).as_secs())
            .into();
        assert_eq!(limits, [1, 2, 4, 512, 900, 900, 900, 900]);
    }

    proptest! {
        #[test]
        fn a_wait_is_at_most_its_limit(refusals: u32, chance: u64) {
            let delay = retry_delay(refusals, None, chance);
            prop_assert!(delay <= LONGEST);
            prop_assert!(delay <= retry_delay(refusals, None, u64::MAX));
            if refusals == 0 {
                prop_assert!(delay <= FIRST);
            }
        }

        #[test]
        fn more_chance_waits_longer(refusals in 0..40_u32, first: u64, second: u64) {
            let delay = |chance| retry_delay(refusals, None, chance);
            prop_assert!(delay(first.min(second)) <= delay(first.max(second)));
        }

        #[test]
        fn what_salesforce_asks_for_is_the_least(
            refusals: u32, seconds in 0..100_000_u64, chance: u64,
        ) {
            let least = Duration::from_secs(seconds);
            let delay = retry_delay(refusals, Some(least), chance);
            prop_assert!(delay >= least);
            prop_assert!(delay <= least.max(LONGEST));
        }
    }
}
