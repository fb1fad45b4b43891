//! How long a core that failed is left alone.

use std::time::Duration;

use rand::Rng as _;

/// Times that grow, and are spread so that gateways do not come back together.
#[derive(Debug)]
pub(super) struct BackOff {
    next: Duration,
}

impl BackOff {
    const SHORTEST: Duration = Duration::from_millis(100);
    /// A core that is back is used again within this time and half of it.
    pub(super) const LONGEST: Duration = Duration::from_secs(3);

    pub(super) fn new() -> Self {
        Self {
            next: Self::SHORTEST,
        }
    }

    /// The time to wait now.
    pub(super) fn take(&mut self) -> Duration {
        let time = self.next;
        self.next = (time * 2).min(Self::LONGEST);
        time.mul_f64(rand::rng().random_range(0.5..1.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_grow_up_to_a_bound() {
        let mut back_off = BackOff::new();
        let times: Vec<_> = (0..20).map(|_| back_off.take()).collect();
        assert!(times[0] >= BackOff::SHORTEST / 2 && times[0] <= BackOff::SHORTEST * 3 / 2);
        let last = &times[10..];
        let bounds = BackOff::LONGEST / 2..=BackOff::LONGEST * 3 / 2;
        assert!(last.iter().all(|time| bounds.contains(time)), "{times:?}");
        assert!(last.iter().any(|time| *time != last[0]), "{times:?}");
    }
}
