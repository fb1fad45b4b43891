//! The API calls that an organisation may make in 24 hours.

use std::sync::atomic::{AtomicU64, Ordering};

/// The API calls of the last 24 hours, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls that were made, by anybody in the organisation.
    pub used: u32,
    /// Calls that may be made.
    pub limit: u32,
}

/// What the last answer said of the quota.
#[derive(Debug, Default)]
pub(crate) struct LastQuota(AtomicU64);

impl Quota {
    /// Reads the header `Sforce-Limit-Info`, such as
    /// `api-usage=18/5000; per-app-api-usage=17/250(appName=sfbridge)`.
    pub(crate) fn read(header: &str) -> Option<Self> {
        let info = header.split([';', ',']).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("api-usage")
                .then_some(value)
        })?;
        let (used, limit) = info.trim().split_once('/')?;
        let limit: u32 = limit.parse().ok()?;
        let used = used.parse().ok()?;
        (limit > 0).then_some(Self { used, limit })
    }

    /// Whether at least so many of a hundred calls are used.
    pub fn is_used_to(self, percent: u32) -> bool {
        u64::from(self.used) * 100 >= u64::from(self.limit) * u64::from(percent)
    }
}

impl LastQuota {
    pub(crate) fn set(&self, quota: Quota) {
        let both = (u64::from(quota.used) << 32) | u64::from(quota.limit);
        self.0.store(both, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<Quota> {
        let both = self.0.load(Ordering::Relaxed);
        let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).ok();
        let (used, limit) = (half(both >> 32)?, half(both)?);
        // No organisation may make no call: nothing was said yet.
        (limit > 0).then_some(Quota { used, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<(u32, u32)>) {
        let expected = expected.map(|(used, limit)| Quota { used, limit });
        assert_eq!(Quota::read(header), expected, "{header}");
        let last = LastQuota::default();
        if let Some(quota) = expected {
            last.set(quota);
        }
        assert_eq!(last.get(), expected);
    }

    #[test]
    fn the_organisations_usage_is_read() {
        check("api-usage=18/5000", Some((18, 5_000)));
        let both = "per-app-api-usage=17/250(appName=a); Api-Usage = 4294967295/4294967295";
        check(both, Some((u32::MAX, u32::MAX)));
        for header in [
            "",
            "api-usage",
            "api-usage=1",
            "api-usage=a/b",
            "api-usage=1/0",
        ] {
            check(header, None);
        }
    }

    #[test]
    fn a_quota_is_used_to_a_percentage() {
        let quota = |used| Quota { used, limit: 1_000 };
        assert!(quota(950).is_used_to(95) && quota(2_000).is_used_to(95));
        assert!(!quota(949).is_used_to(95));
    }
}
