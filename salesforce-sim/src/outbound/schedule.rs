//! When Salesforce sends again.

use std::time::Duration;

/// The attempts at one message. Salesforce doubles its intervals up to 2 hours
/// and gives up after 24; the first comes after a few seconds.
#[derive(Clone, Debug)]
pub struct RetrySchedule {
    attempts: u32,
    interval: Duration,
    left: Duration,
}

impl RetrySchedule {
    /// How long Salesforce tries.
    pub const PATIENCE: Duration = Duration::from_hours(24);

    const FIRST: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_hours(2);

    /// A schedule that tries again for this long, or once when there is none.
    pub fn new(retry_for: Option<Duration>) -> Self {
        Self {
            attempts: 1,
            interval: Self::FIRST,
            left: retry_for.unwrap_or_default(),
        }
    }

    /// The attempts up to now.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long to wait for the next attempt; none when time is up. The last
    /// one is made at the very end.
    pub fn next_wait(&mut self) -> Option<Duration> {
        let wait = self.interval.min(self.left);
        if wait.is_zero() {
            return None;
        }
        self.left -= wait;
        self.interval = (self.interval * 2).min(Self::LONGEST);
        self.attempts += 1;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(retry_for: Option<u64>, expected: &[u64]) {
        let mut schedule = RetrySchedule::new(retry_for.map(Duration::from_secs));
        let waits: Vec<u64> = std::iter::from_fn(|| schedule.next_wait())
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, expected);
    }

    #[test]
    fn intervals_double_up_to_two_hours_until_time_is_up() {
        check(None, &[]);
        check(Some(0), &[]);
        check(Some(1), &[1]);
        check(Some(10), &[2, 4, 4]);
        let mut schedule = RetrySchedule::new(Some(RetrySchedule::PATIENCE));
        let waits: Vec<Duration> = std::iter::from_fn(|| schedule.next_wait()).collect();
        assert_eq!(waits.iter().sum::<Duration>(), RetrySchedule::PATIENCE);
        assert_eq!(waits.iter().max(), Some(&RetrySchedule::LONGEST));
    }
}
