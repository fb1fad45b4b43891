//! Letting go what was kept long enough.
//!
//! Nobody waits for it: it goes in small steps on the background's share of the
//! writer, and rests after each for longer than the step took. Any number of
//! processes may do it over one store, for a step may be done again.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use sfbridge_values::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock;
use crate::domain::{Perishable, Retention};
use crate::store::{Expired, Expiry, Store, StoreError};

/// When what is old goes.
#[derive(Clone, Copy, Debug)]
pub struct ExpiringConfig {
    /// How long everything is kept.
    pub retention: Retention,
    /// How long after a start the first round begins. A start has other work, and
    /// a machine that has just started may still set its clock.
    pub first_round: Duration,
    /// How long it is from the end of a round to the next one. What is old may
    /// stay so much longer.
    pub between_rounds: Duration,
}

/// The label of what expired.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecordLabel {
    /// What it was.
    record: &'static str,
}

/// What is counted of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpiringMetrics {
    expired: Family<RecordLabel, Counter>,
}

/// Lets go what is old.
#[derive(Debug)]
pub(crate) struct Expirer {
    store: Store,
    config: ExpiringConfig,
    metrics: ExpiringMetrics,
}

/// The clock that is set, and the one that only goes on.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    wall: Timestamp,
    steady: Instant,
}

/// How many times as long as a step it rests after it.
const REST: u32 = 4;

/// The shortest rest, for stores that answer at once.
const SHORTEST_REST: Duration = Duration::from_millis(5);

/// The rest when the store has more important things to do.
const LONG_REST: Duration = Duration::from_secs(5);

impl Default for ExpiringConfig {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            first_round: Duration::from_mins(10),
            between_rounds: Duration::from_hours(6),
        }
    }
}

impl ExpiringMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "expired",
            "Records that were deleted because they had been kept long enough, by kind",
            metrics.expired.clone(),
        );
        for what in Perishable::ALL {
            metrics.count(what, 0);
        }
        metrics
    }

    fn count(&self, what: Perishable, count: u64) {
        let record = RecordLabel {
            record: what.name(),
        };
        self.expired.get_or_create(&record).inc_by(count);
    }
}

impl Expirer {
    pub(crate) fn new(store: Store, config: ExpiringConfig, metrics: ExpiringMetrics) -> Self {
        Self {
            store,
            config,
            metrics,
        }
    }

    /// Works until `stop`; then comes to the end of a step, and returns.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut rest = self.config.first_round;
        let mut clocks = Clocks::read();
        while stop
            .run_until_cancelled(tokio::time::sleep(rest))
            .await
            .is_some()
        {
            let before = std::mem::replace(&mut clocks, Clocks::read());
            if clocks.agree_since(&before) {
                self.round(clocks.wall, &stop).await;
            } else {
                warn!(
                    "the clock was set, so nothing is deleted for its age before the next round; \
                     set it right if it is wrong"
                );
            }
            rest = self.config.between_rounds;
        }
    }

    /// Lets go everything that is old now.
    async fn round(&self, now: Timestamp, stop: &CancellationToken) {
        let start = Instant::now();
        if let Err(error) = self.store.make_room(now).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "no room can be made for what is to come; the next round tries again"
            );
        }
        let mut gone = BTreeMap::new();
        for what in Perishable::ALL {
            match self.expire(what, now, stop).await {
                Ok(0) => {}
                Ok(count) => {
                    gone.insert(what.name(), count);
                }
                Err(StoreError::Closed) => return,
                Err(error) => warn!(
                    error = &error as &dyn std::error::Error,
                    record = what.name(),
                    "what is old can't be deleted; the next round tries again"
                ),
            }
        }
        if !gone.is_empty() {
            info!(expired = ?gone, time = ?start.elapsed(), "deleted what was kept long enough");
        }
    }

    /// Lets go everything of one kind that is old now, and says how many.
    async fn expire(
        &self,
        what: Perishable,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Result<u64, StoreError> {
        let Some(before) = self.config.retention.of(what).limit(now) else {
            return Ok(0);
        };
        let mut step = Expiry::new(what, before);
        let mut gone = 0;
        while !stop.is_cancelled() {
            let start = Instant::now();
            let rest = match self.store.expire(step).await {
                Ok(Expired { count, next }) => {
                    gone += count;
                    self.metrics.count(what, count);
                    let Some(next) = next else {
                        break;
                    };
                    step.from = next;
                    SHORTEST_REST.max(start.elapsed() * REST)
                }
                Err(StoreError::Overloaded) => LONG_REST,
                Err(error) => return Err(error),
            };
            stop.run_until_cancelled(tokio::time::sleep(rest)).await;
        }
        Ok(gone)
    }
}

impl Clocks {
    fn read() -> Self {
        Self {
            wall: clock::now(),
            steady: Instant::now(),
        }
    }

    /// Whether both have gone on alike. A clock that was set ahead by mistake
    /// would make everything old.
    fn agree_since(&self, before: &Self) -> bool {
        const TOLERANCE: Duration = Duration::from_hours(1);

        let wall = self.wall.micros().saturating_sub(before.wall.micros());
        let Ok(wall) = u64::try_from(wall) else {
            return false;
        };
        let steady = self.steady.saturating_duration_since(before.steady);
        Duration::from_micros(wall).abs_diff(steady) <= TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wall_seconds: i64, steady_seconds: u64, expected: bool) {
        let before = Clocks::read();
        let later = Clocks {
            wall: Timestamp::from_micros(before.wall.micros() + wall_seconds * 1_000_000),
            steady: before.steady + Duration::from_secs(steady_seconds),
        };
        assert_eq!(later.agree_since(&before), expected);
    }

    #[test]
    fn a_clock_that_was_set_makes_nothing_old() {
        check(600, 600, true);
        // Corrections of a clock that runs too fast or too slow are small.
        check(1_000, 600, true);
        check(100 * 86_400, 600, false);
        check(-600, 600, false);
        // After a night of sleep it is looked at again in the next round.
        check(8 * 3_600, 60, false);
    }
}
