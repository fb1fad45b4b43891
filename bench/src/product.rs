//! What else sfbridge should reach: lead enrichments a second, an import, and
//! what it needs while nothing happens.

mod idle;
mod import;
mod leads;

use std::fmt::Write as _;
use std::fs;

use crate::Product;
use crate::report::line;
use crate::table::{Goal, Places, Target, append, goals_table};

/// Measures it, prints the goals and adds them to a file.
pub(crate) async fn measure(asked: &Product) -> anyhow::Result<()> {
    let places = Places::new(asked.sfbridge.as_deref(), &asked.folder)?;
    let mut goals = Vec::new();
    let idle = idle::measure(&places, asked.idle_seconds).await?;
    goals.push(Goal {
        what: format!("idle for {} s: % of one core", asked.idle_seconds),
        target: Target::AtMost(0.5),
        measured: Some(idle.percent),
    });
    goals.push(Goal {
        what: "idle: memory, in MiB".to_owned(),
        target: Target::AtMost(30.0),
        measured: Some(idle.mebibytes),
    });
    goals.push(Goal {
        what: format!("{} visits imported, in seconds", asked.visits),
        target: Target::AtMost(5.0 * f64::from(asked.visits) / 100_000.0),
        measured: Some(import::measure(&places, asked.visits).await?.as_secs_f64()),
    });
    goals.push(Goal {
        what: format!(
            "{} leads through look-up, attribution and write-back, leads/s",
            asked.leads
        ),
        target: Target::AtLeast(1_000.0),
        measured: Some(leads::measure(&places, asked.leads).await?),
    });
    fs::remove_dir_all(&places.data)?;
    let mut text =
        "\n## Beside the acknowledgement\n\nMade by `sfbridge-bench product`.\n".to_owned();
    let _ = write!(text, "{}", goals_table(&goals));
    line(&text);
    if let Some(file) = &asked.append {
        append(file, &text)?;
    }
    Ok(())
}
