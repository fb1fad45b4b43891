//! How often refusals for overload are logged.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets some lines through in each second. A flood of refusals would else fill
/// the disk with their log, and take time that the good messages need.
#[derive(Debug)]
pub(super) struct RefusalLog {
    second: Mutex<Second>,
}

#[derive(Debug)]
struct Second {
    began: Instant,
    lines: u32,
    left_out: u64,
}

impl RefusalLog {
    const LINES: u32 = 10;

    /// A log that has nothing in it yet.
    pub(super) fn new() -> Self {
        Self {
            second: Mutex::new(Second {
                began: Instant::now(),
                lines: 0,
                left_out: 0,
            }),
        }
    }

    /// Whether one more refusal is logged at this time, and then how many were
    /// left out before it.
    pub(super) fn line(&self, now: Instant) -> Option<u64> {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(second.began) >= Duration::from_secs(1) {
            second.began = now;
            second.lines = 0;
        }
        if second.lines == Self::LINES {
            second.left_out += 1;
            return None;
        }
        second.lines += 1;
        Some(std::mem::take(&mut second.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_some_lines_and_says_how_many_it_left_out() {
        let log = RefusalLog::new();
        let start = Instant::now();
        for _ in 0..RefusalLog::LINES {
            assert_eq!(log.line(start), Some(0));
        }
        assert_eq!(log.line(start), None);
        assert_eq!(log.line(start), None);
        let next = start + Duration::from_secs(2);
        assert_eq!(log.line(next), Some(2));
        assert_eq!(log.line(next), Some(0));
    }
}
