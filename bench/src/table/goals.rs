//! What sfbridge should reach, as ratios within one run on one machine.

use super::load::Load;
use super::results::Results;
use super::setup::Setup;

/// Something to reach.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) target: Target,
    /// None when not all of it was measured in this run.
    pub(crate) measured: Option<f64>,
}

/// How much is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    /// Whether it is reached, where it was measured.
    pub(super) fn is_reached(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(match self.target {
            Target::AtLeast(least) => measured >= least,
            Target::AtMost(most) => measured <= most,
        })
    }
}

const ONE_ONE: Load = Load::busy(1, 1);
const ONE_64: Load = Load::busy(1, 64);
const FULL_16: Load = Load::busy(100, 16);
const FULL_64: Load = Load::busy(100, 64);

/// All goals that these tables can tell of.
pub(super) fn goals(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut add = |what: &str, target, measured| {
        goals.push(Goal {
            what: what.to_owned(),
            target,
            measured,
        });
    };
    let rates = |load, setup, other| ratio(results.rate(load, setup), results.rate(load, other));
    let both = [(Setup::One, "one process"), (Setup::Two, "two processes")];

    for ((setup, name), least) in both.into_iter().zip([0.60, 0.45]) {
        let what =
            format!("durable messages/s / bare warp, 1 notification, 64 connections, {name}");
        let measured = rates(ONE_64, setup, Setup::Warp);
        add(&what, Target::AtLeast(least), measured);
    }
    for ((setup, name), most) in both.into_iter().zip([2.0, 3.0]) {
        let what =
            format!("processor time of a durable message / bare warp, 64 connections, {name}");
        let of = |setup| results.processor(ONE_64, setup);
        add(
            &what,
            Target::AtMost(most),
            ratio(of(setup), of(Setup::Warp)),
        );
    }
    for ((setup, name), most) in both.into_iter().zip([1.4, 1.7]) {
        let what = format!("p50 at 1 connection / one appended 4 KiB fdatasync, {name}");
        let of = |setup| results.quantile(ONE_ONE, setup, 500);
        add(
            &what,
            Target::AtMost(most),
            ratio(of(setup), of(Setup::Disk)),
        );
    }
    for (setup, name) in both {
        let of = |per_mille| results.quantile(ONE_64, setup, per_mille);
        let what = format!("p99 / p50, 64 connections, {name}");
        add(&what, Target::AtMost(2.5), ratio(of(990), of(500)));
        let what = format!("the longest acknowledgement, 64 connections, in ms, {name}");
        add(&what, Target::AtMost(100.0), results.longest(ONE_64, setup));
    }
    for (setup, name) in both {
        let what = format!(
            "durable notifications/s / gSOAP that stores nothing, 100 a message, 16 connections, {name}"
        );
        add(
            &what,
            Target::AtLeast(1.25),
            rates(FULL_16, setup, Setup::Gsoap),
        );
    }
    for ((setup, name), least) in both.into_iter().zip([0.80, 0.65]) {
        let what = format!("the same / the SQLite store alone, {name}");
        add(
            &what,
            Target::AtLeast(least),
            rates(FULL_16, setup, Setup::Store),
        );
    }
    for (other, name, least) in [
        (Setup::NodeSqlite, "node-soap + SQLite", 25.0),
        (Setup::PythonSqlite, "FastAPI + lxml + SQLite", 20.0),
        (Setup::GsoapSqlite, "gSOAP + SQLite", 18.0),
    ] {
        let what = format!("messages/s / {name}, 1 notification, 64 connections, one process");
        add(
            &what,
            Target::AtLeast(least),
            rates(ONE_64, Setup::One, other),
        );
    }
    add(
        "messages/s / gSOAP + SQLite, 1 notification, 1 connection, two processes",
        Target::AtLeast(1.0),
        rates(ONE_ONE, Setup::Two, Setup::GsoapSqlite),
    );
    add(
        "reader + protobuf / quick-xml's bare tokens, 100 notifications",
        Target::AtLeast(0.60),
        rates(FULL_16, Setup::Reader, Setup::Tokens),
    );
    for (load, name, least) in [
        (ONE_64, "1 notification, 64 connections", 0.9),
        (FULL_16, "100 notifications, 16 connections", 0.75),
    ] {
        let what = format!("PostgreSQL / SQLite, two processes each, {name}");
        let measured = rates(load, Setup::Postgres, Setup::Two);
        add(&what, Target::AtLeast(least), measured);
        let what = format!("two cores over one PostgreSQL / one core, {name}");
        let measured = rates(load, Setup::PostgresCores, Setup::Postgres);
        add(&what, Target::AtLeast(1.0), measured);
    }
    for part in ["gateway", "core"] {
        let what = format!("peak memory of the {part}, 64 connections of 160 KB messages, in MiB");
        let peak = results.peaks(FULL_64, Setup::Two).get(part).copied();
        add(&what, Target::AtMost(64.0), peak.map(mebibytes));
    }
    goals
}

/// One by the other, where both were measured.
fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    let (one, other) = one.zip(other)?;
    Some(one / other).filter(|ratio| ratio.is_finite())
}

/// Bytes as mebibytes.
#[expect(clippy::cast_precision_loss, reason = "it is shown rounded")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn goal(results: &Results, what: &str) -> Goal {
        let mut found = goals(results).into_iter();
        found.find(|goal| goal.what.starts_with(what)).unwrap()
    }

    #[test]
    fn a_goal_is_a_ratio_of_what_was_measured() {
        let results = Results::default()
            .with(
                ONE_64,
                Setup::Warp,
                1_000,
                Duration::from_millis(1),
                Duration::from_millis(30),
            )
            .with(
                ONE_64,
                Setup::One,
                500,
                Duration::from_millis(2),
                Duration::from_millis(20),
            );
        let rate = goal(&results, "durable messages/s / bare warp");
        assert_eq!(rate.measured, Some(0.5));
        assert_eq!(rate.is_reached(), Some(false));
        // 40 microseconds against 30.
        let processor = goal(&results, "processor time");
        assert!((processor.measured.unwrap() - 4.0 / 3.0).abs() < 1e-9);
        assert_eq!(processor.is_reached(), Some(true));
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        for goal in goals(&Results::default()) {
            assert_eq!((goal.measured, goal.is_reached()), (None, None), "{goal:?}");
        }
    }

    #[test]
    fn memory_is_judged_by_process() {
        let results = Results::default().with(
            FULL_64,
            Setup::Two,
            1,
            Duration::from_millis(1),
            Duration::ZERO,
        );
        let gateway = goal(&results, "peak memory of the gateway");
        assert_eq!(
            (gateway.measured, gateway.is_reached()),
            (Some(30.0), Some(true))
        );
        let core = goal(&results, "peak memory of the core");
        assert_eq!(
            (core.measured, core.is_reached()),
            (Some(70.0), Some(false))
        );
    }
}
