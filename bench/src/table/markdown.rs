//! The tables, in Markdown.

use std::fmt::Write as _;

use super::goals::{Goal, Target, goals, mebibytes};
use super::load::Load;
use super::results::Results;
use super::setup::Setup;
use crate::Table;

/// What stands above all runs.
pub(super) const TITLE: &str = "# What was measured\n\n\
    Made by `sfbridge-bench`; [README.md](README.md) says how to run and read it.\n";

/// One run.
pub(super) fn run(
    asked: &Table,
    results: &Results,
    checked: &[(Setup, u64)],
    machine: &[String],
) -> String {
    let mut page = "\n## A run\n\n".to_owned();
    for line in machine {
        let _ = writeln!(page, "- {line}");
    }
    let _ = writeln!(
        page,
        "- medians of {} rounds of {} s for each load and setup, all setups in turn in each round; \
         load generator, receivers and databases share the machine",
        asked.rounds, asked.seconds
    );
    page.push_str("\n### Goals\n");
    page.push_str(&goals_table(&goals(results)));
    for load in &asked.load {
        page.push_str(&load_table(*load, results));
    }
    page.push_str("\n### Afterwards\n\n");
    for (setup, count) in checked {
        let title = setup.title();
        let _ = writeln!(
            page,
            "- {title}: all {} acknowledged notifications are there, each once",
            thousands(*count)
        );
    }
    page
}

/// A row for each goal that was measured, and how many were not.
pub(crate) fn goals_table(goals: &[Goal]) -> String {
    let mut table = "\n| | goal | measured | reached |\n|---|---|---|---|\n".to_owned();
    let mut left_out = 0;
    for goal in goals {
        let target = match goal.target {
            Target::AtLeast(least) => format!("at least {least}"),
            Target::AtMost(most) => format!("at most {most}"),
        };
        let (Some(measured), Some(is_reached)) = (goal.measured, goal.is_reached()) else {
            left_out += 1;
            continue;
        };
        let reached = if is_reached { "yes" } else { "**no**" };
        let what = &goal.what;
        let _ = writeln!(table, "| {what} | {target} | {measured:.2} | {reached} |");
    }
    if left_out > 0 {
        let _ = writeln!(
            table,
            "\n{left_out} further goals were not measured in this run."
        );
    }
    table
}

fn load_table(load: Load, results: &Results) -> String {
    let mut table = format!(
        "\n### {load}\n\n| | messages/s | slowest, fastest round | / bare warp | notifications/s | p50 ms | p99 ms | \
         p99.9 ms | longest ms | processor µs a message | peak MiB |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    let ceiling = results.rate(load, Setup::Warp);
    let mut refused = String::new();
    for setup in results.setups(load) {
        let Some(rate) = results.rate(load, setup) else {
            continue;
        };
        let share = ceiling.map_or_else(String::new, |ceiling| format!("{:.3}", rate / ceiling));
        let spread = results
            .spread(load, setup)
            .map(|(slowest, fastest)| format!("{}, {}", number(slowest), number(fastest)));
        let quantile = |per_mille| shown(results.quantile(load, setup, per_mille), 2);
        let peaks = results.peaks(load, setup);
        let peaks: Vec<_> = peaks
            .iter()
            .map(|(name, bytes)| format!("{name} {:.0}", mebibytes(*bytes)))
            .collect();
        let _ = writeln!(
            table,
            "| {} | {} | {} | {share} | {} | {} | {} | {} | {} | {} | {} |",
            setup.title(),
            number(rate),
            spread.unwrap_or_default(),
            number(rate * f64::from(load.notifications)),
            quantile(500),
            quantile(990),
            quantile(999),
            shown(results.longest(load, setup), 1),
            shown(results.processor(load, setup), 0),
            peaks.join(", "),
        );
        if let (count @ 1.., refusal) = results.refused(load, setup) {
            let _ = writeln!(
                refused,
                "\n{}: {count} were not acknowledged ({}).",
                setup.title(),
                refusal.unwrap_or_default()
            );
        }
    }
    table + &refused
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}

/// A rate with a comma before each three digits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is a small number that is not negative"
)]
fn number(value: f64) -> String {
    thousands(value.round() as u64)
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (value, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(value), expected);
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_setup_and_says_what_was_refused() {
        let load = Load::busy(1, 64);
        let (each, processor) = (Duration::from_millis(2), Duration::from_millis(50));
        let mut results = Results::default()
            .with(load, Setup::Warp, 2_000, each, processor)
            .with(load, Setup::One, 1_000, each, processor);
        let mut round = crate::round::Round::default();
        round.refuse(|| "status 503".to_owned());
        results.add(
            load,
            Setup::One,
            super::super::Measured {
                round: round.end(Duration::from_secs(1)),
                processor,
                peak: Vec::new(),
            },
        );
        let table = load_table(load, &results);
        assert!(
            table.contains("| bare warp, stores nothing | 2,000 |"),
            "{table}"
        );
        assert!(table.contains("| 1.000 |"), "{table}");
        assert!(
            table.contains("1 were not acknowledged (status 503)"),
            "{table}"
        );
        assert!(table.contains("gateway 30"), "{table}");
    }

    #[test]
    fn goals_say_whether_they_are_reached() {
        let goal = |measured| Goal {
            what: "it".to_owned(),
            target: Target::AtLeast(0.6),
            measured,
        };
        let table = goals_table(&[goal(Some(0.7)), goal(Some(0.5)), goal(None)]);
        assert!(
            table.contains("| it | at least 0.6 | 0.70 | yes |"),
            "{table}"
        );
        assert!(table.contains("| 0.50 | **no** |"), "{table}");
        assert!(
            table.contains("1 further goals were not measured"),
            "{table}"
        );
    }
}
