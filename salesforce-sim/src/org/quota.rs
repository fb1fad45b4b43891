//! How many calls the org may have in a day.

/// The calls of a day. The day never ends by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    limit: u32,
    used: u32,
}

impl Quota {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, used: 0 }
    }

    /// Counts a call; whether there was one left.
    pub(crate) fn take(&mut self) -> bool {
        if self.used >= self.limit {
            return false;
        }
        self.used += 1;
        true
    }

    pub(crate) fn set(&mut self, limit: Option<u32>, used: Option<u32>) {
        self.limit = limit.unwrap_or(self.limit);
        self.used = used.unwrap_or(self.used);
    }

    pub(crate) fn limit(self) -> u32 {
        self.limit
    }

    pub(crate) fn used(self) -> u32 {
        self.used
    }

    pub(crate) fn left(self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// The `Sforce-Limit-Info` header.
    pub(crate) fn header(self) -> String {
        format!("api-usage={}/{}", self.used, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_left_once_all_are_used() {
        let mut quota = Quota::new(2);
        assert!(quota.take() && quota.take());
        assert!(!quota.take());
        assert_eq!(quota.header(), "api-usage=2/2");
        quota.set(Some(3), None);
        assert_eq!(quota.left(), 1);
        assert!(quota.take());
    }
}
