//! What one round of one setup came to.

use std::time::Duration;

use crate::report::quantile;

/// What became of the messages of one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    /// How long each acknowledgement took, the shortest first once the round
    /// has [ended](Self::end).
    pub(crate) times: Vec<Duration>,
    /// The numbers of the messages that were acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    /// How many messages were not acknowledged.
    pub(crate) refused: u64,
    /// What one of those was answered.
    pub(crate) refusal: Option<String>,
    /// How long all of it took.
    pub(crate) length: Duration,
}

impl Round {
    /// Takes note of an acknowledgement.
    pub(crate) fn acknowledge(&mut self, number: u64, time: Duration) {
        self.times.push(time);
        self.acknowledged.push(number);
    }

    /// Takes note of a message that was not acknowledged.
    pub(crate) fn refuse(&mut self, why: impl FnOnce() -> String) {
        self.refused += 1;
        self.refusal.get_or_insert_with(why);
    }

    /// Adds what became of other messages of the same round.
    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.acknowledged.extend(other.acknowledged);
        self.refused += other.refused;
        if self.refusal.is_none() {
            self.refusal = other.refusal;
        }
    }

    /// Ends the round, which took so long.
    pub(crate) fn end(mut self, length: Duration) -> Self {
        self.length = length;
        self.times.sort_unstable();
        self
    }

    /// Acknowledged messages a second.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let count = self.times.len() as f64;
        count / self.length.as_secs_f64()
    }

    /// The time that so many of a thousand acknowledgements did not exceed, in
    /// milliseconds.
    pub(crate) fn quantile(&self, per_mille: usize) -> f64 {
        quantile(&self.times, per_mille).as_secs_f64() * 1_000.0
    }
}

/// The middle one of the values; none of no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_adds_up() {
        let mut round = Round::default();
        round.acknowledge(1, Duration::from_millis(4));
        let mut other = Round::default();
        other.acknowledge(2, Duration::from_millis(2));
        other.refuse(|| "503".to_owned());
        round.add(other);
        let round = round.end(Duration::from_secs(2));
        assert_eq!((round.rate(), round.refused), (1.0, 1));
        assert_eq!((round.quantile(500), round.quantile(999)), (2.0, 4.0));
        assert_eq!(round.refusal.as_deref(), Some("503"));
        assert_eq!(round.acknowledged, [1, 2]);
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([]), None);
    }
}
