//! What was answered, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::connection::Answer;

/// What became of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// The message.
    pub(crate) number: u64,
    /// None when there was no answer.
    pub(crate) answer: Option<Answer>,
    /// From when the message was to be sent.
    pub(crate) time: Duration,
}

/// What became of all messages of one organisation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Vec<Outcome>);

impl Answers {
    pub(crate) fn push(&mut self, outcome: Outcome) {
        self.0.push(outcome);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// What became of each message.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Outcome> {
        self.0.iter()
    }

    /// A line for each status, with how often it came and how soon.
    pub(crate) fn print(&self, who: &str, time: Duration) {
        let mut by_status: BTreeMap<Option<u16>, Vec<Duration>> = BTreeMap::new();
        for outcome in &self.0 {
            by_status
                .entry(outcome.answer.map(|answer| answer.status))
                .or_default()
                .push(outcome.time);
        }
        for (status, mut times) in by_status {
            times.sort_unstable();
            let status = match status {
                Some(200) => "acknowledged".to_owned(),
                Some(status) => format!("refused {status}"),
                None => "no answer".to_owned(),
            };
            #[expect(clippy::cast_precision_loss, reason = "a rate is shown rounded")]
            let rate = times.len() as f64 / time.as_secs_f64();
            line(&format!(
                "  {who:<7}{status:<14}{:>8}  {rate:>9.1}/s   p50 {:>8}  p99 {:>8}  max {:>8}",
                times.len(),
                millis(quantile(&times, 500)),
                millis(quantile(&times, 990)),
                millis(quantile(&times, 1_000)),
            ));
        }
    }
}

/// What the same thing cost in several stores.
#[derive(Clone, Debug)]
pub(crate) struct Costs(Vec<Vec<Duration>>);

impl Costs {
    /// For so many stores.
    pub(crate) fn of(stores: usize) -> Self {
        Self(vec![Vec::new(); stores])
    }

    /// Takes note of a time of a store.
    pub(crate) fn push(&mut self, store: usize, time: Duration) {
        if let Some(times) = self.0.get_mut(store) {
            times.push(time);
        }
    }

    /// A line for each store: how long it took, and how much longer than in the
    /// first one.
    pub(crate) fn print(mut self) {
        let mut first = None;
        for (number, times) in self.0.iter_mut().enumerate() {
            times.sort_unstable();
            let of = [mean(times), quantile(times, 500), quantile(times, 990)];
            let [mean, median, p99] = of.map(|time| time.as_secs_f64() * 1_000.0);
            let (first_mean, first_median) = *first.get_or_insert((mean, median));
            line(&format!(
                "  store {}: median {median:>8.3} ms ({:+.0} %)   mean {mean:>8.3} ms ({:+.0} %)   \
                 p99 {p99:>8.3} ms",
                number + 1,
                (median / first_median - 1.0) * 100.0,
                (mean / first_mean - 1.0) * 100.0,
            ));
        }
    }
}

/// The mean time. Of no times it is zero.
fn mean(times: &[Duration]) -> Duration {
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX).max(1);
    times.iter().sum::<Duration>() / count
}

/// Prints a line of the result.
#[expect(clippy::print_stdout, reason = "the result goes to standard output")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// The time that so many of a thousand did not exceed. Of no times it is zero.
pub(crate) fn quantile(sorted: &[Duration], per_mille: usize) -> Duration {
    let rank = (sorted.len() * per_mille).div_ceil(1_000);
    let index = rank.saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: u64, per_mille: usize, expected: u64) {
        let times: Vec<_> = (1..=count).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, per_mille), Duration::from_millis(expected));
    }

    #[test]
    fn a_quantile_is_a_time_that_was_measured() {
        check(100, 500, 50);
        check(100, 990, 99);
        check(100, 999, 100);
        check(100, 1_000, 100);
        check(3, 990, 3);
        check(1, 500, 1);
        check(0, 500, 0);
    }
}
