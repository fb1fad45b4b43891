//! One organisation floods while another sends a few messages.

use std::time::Duration;

use sfbridge_bench::message::Kind;

use crate::Overload;
use crate::generator::Load;
use crate::report::line;

const FLOODS: &str = "00D5g0000000FLD";
const QUIET: &str = "00D5g0000000QUI";

/// How long the quiet one is measured alone.
const ALONE: Duration = Duration::from_secs(5);

/// Measures the quiet one before the flood, both during it, and the quiet one
/// after it.
pub(crate) async fn measure(asked: &Overload) -> anyhow::Result<()> {
    let flood = Load {
        gateways: asked.gateway.clone(),
        kind: Kind::Small,
        igrp: asked.igrp,
        organization: FLOODS.to_owned(),
        notifications: asked.notifications,
        first: 0,
        rate: asked.flood,
        time: Duration::from_secs(asked.seconds.into()),
        connections: asked.connections,
    };
    let quiet = |phase: u64, time| Load {
        // An installation belongs to one organisation.
        igrp: asked.igrp + 1,
        organization: QUIET.to_owned(),
        notifications: 1,
        first: phase * 1_000_000,
        rate: asked.quiet,
        time,
        connections: asked.quiet.min(50),
        ..flood.clone()
    };

    line(&format!("before: quiet sends {}/s", asked.quiet));
    let answers = quiet(0, ALONE).send().await?;
    answers.print("quiet", ALONE);

    line(&format!(
        "during: flood sends {}/s of {} notifications, quiet sends {}/s",
        asked.flood, asked.notifications, asked.quiet
    ));
    let time = flood.time;
    let quiet_too = tokio::spawn(quiet(1, time).send());
    let answers = flood.clone().send().await?;
    answers.print("flood", time);
    quiet_too.await??.print("quiet", time);

    line(&format!("after: quiet sends {}/s", asked.quiet));
    let answers = quiet(2, ALONE).send().await?;
    answers.print("quiet", ALONE);
    Ok(())
}
