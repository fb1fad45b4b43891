//! What all rounds came to.

use std::collections::BTreeMap;

use super::Measured;
#[cfg(test)]
use super::Round;
use super::load::Load;
use super::setup::Setup;
use crate::round::median;

/// The rounds of each load and setup.
#[derive(Debug, Default)]
pub(super) struct Results(BTreeMap<(Load, Setup), Vec<Measured>>);

impl Results {
    pub(super) fn add(&mut self, load: Load, setup: Setup, measured: Measured) {
        self.0.entry((load, setup)).or_default().push(measured);
    }

    /// The setups that were measured with a load.
    pub(super) fn setups(&self, load: Load) -> impl Iterator<Item = Setup> {
        let of = self.0.keys().filter(move |(measured, _)| *measured == load);
        of.map(|(_, setup)| *setup)
    }

    /// Acknowledged messages a second: the median round.
    pub(super) fn rate(&self, load: Load, setup: Setup) -> Option<f64> {
        self.median(load, setup, |measured| measured.round.rate())
    }

    /// The time that so many of a thousand acknowledgements did not exceed, in
    /// milliseconds: the median round.
    pub(super) fn quantile(&self, load: Load, setup: Setup, per_mille: usize) -> Option<f64> {
        self.median(load, setup, |measured| measured.round.quantile(per_mille))
    }

    /// The longest acknowledgement of all, in milliseconds.
    pub(super) fn longest(&self, load: Load, setup: Setup) -> Option<f64> {
        let longest = |measured: &Measured| measured.round.quantile(1_000);
        self.rounds(load, setup)?
            .iter()
            .map(longest)
            .max_by(f64::total_cmp)
    }

    /// Processor time of an acknowledged message, in microseconds: the median
    /// round.
    pub(super) fn processor(&self, load: Load, setup: Setup) -> Option<f64> {
        let rounds = self.rounds(load, setup)?;
        if rounds.iter().all(|measured| measured.processor.is_zero()) {
            return None;
        }
        let each = |measured: &Measured| {
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let count = measured.round.times.len() as f64;
            measured.processor.as_secs_f64() * 1e6 / count
        };
        median(rounds.iter().map(each))
    }

    /// The most memory of the processes of a name, by name, in bytes.
    pub(super) fn peaks(&self, load: Load, setup: Setup) -> BTreeMap<&'static str, u64> {
        let mut peaks: BTreeMap<&'static str, u64> = BTreeMap::new();
        for measured in self.rounds(load, setup).into_iter().flatten() {
            for (name, bytes) in &measured.peak {
                let peak = peaks.entry(name).or_default();
                *peak = (*bytes).max(*peak);
            }
        }
        peaks
    }

    /// How many messages were not acknowledged, and what one of them was
    /// answered.
    pub(super) fn refused(&self, load: Load, setup: Setup) -> (u64, Option<&str>) {
        let rounds = || self.rounds(load, setup).into_iter().flatten();
        let refused = rounds().map(|measured| measured.round.refused).sum();
        (
            refused,
            rounds().find_map(|measured| measured.round.refusal.as_deref()),
        )
    }

    /// The slowest and the fastest round, in messages a second.
    pub(super) fn spread(&self, load: Load, setup: Setup) -> Option<(f64, f64)> {
        let rates = || {
            let rounds = self.rounds(load, setup).into_iter().flatten();
            rounds.map(|measured| measured.round.rate())
        };
        rates()
            .min_by(f64::total_cmp)
            .zip(rates().max_by(f64::total_cmp))
    }

    fn rounds(&self, load: Load, setup: Setup) -> Option<&Vec<Measured>> {
        self.0.get(&(load, setup))
    }

    fn median(&self, load: Load, setup: Setup, of: impl Fn(&Measured) -> f64) -> Option<f64> {
        median(self.rounds(load, setup)?.iter().map(of))
    }
}

#[cfg(test)]
impl Results {
    /// Adds a round of so many messages in a second, each of this time, and of
    /// this much processor time for all of them.
    pub(super) fn with(
        mut self,
        load: Load,
        setup: Setup,
        count: u32,
        each: std::time::Duration,
        processor: std::time::Duration,
    ) -> Self {
        let mut round = Round::default();
        for number in 0..count {
            round.acknowledge(number.into(), each);
        }
        let measured = Measured {
            round: round.end(std::time::Duration::from_secs(1)),
            processor,
            peak: vec![("gateway", 30 << 20), ("core", 70 << 20)],
        };
        self.add(load, setup, measured);
        self
    }
}
