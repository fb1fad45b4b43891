//! The same load for a long time: memory and times must stay as they are.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::ensure;

use crate::Soak;
use crate::report::line;
use crate::table::{Load, Places, Running, Setup, mebibytes};

/// How often it is looked at what is used.
const SPAN: Duration = Duration::from_secs(10);

/// Loads sfbridge, and compares the memory of the last quarter with that of the
/// second: by then all caches have filled.
pub(crate) async fn measure(asked: &Soak) -> anyhow::Result<()> {
    let places = Places::new(asked.sfbridge.as_deref(), &asked.folder)?;
    let load = Load {
        notifications: asked.notifications,
        connections: asked.connections,
        rate: Some(asked.rate),
    };
    let first = rand::random_range(1..8_000_000_000_u64);
    let each = u64::from(load.notifications);
    let next = Arc::new(AtomicU64::new((first + 1).div_ceil(each)));
    let mut running = Running::start(Setup::One, &places, None).await?;
    running.ready(first).await?;
    let spans = asked.minutes * 6;
    let mut peaks = Vec::new();
    for number in 1..=spans {
        let measured = running.measure(load, SPAN, &next).await?;
        let round = &measured.round;
        let peak: u64 = measured.peak.iter().map(|(_, bytes)| bytes).sum();
        peaks.push(peak);
        if number % 6 == 0 || number == spans {
            line(&format!(
                "{:>4} min: {:.0} messages/s, p50 {:.2} ms, p99 {:.2} ms, refused {}, {:.1} MiB",
                number / 6,
                round.rate(),
                round.quantile(500),
                round.quantile(990),
                round.refused,
                mebibytes(peak)
            ));
        }
    }
    if let Some(count) = running.check(first).await? {
        line(&format!(
            "all {count} acknowledged notifications are there, each once"
        ));
    }
    drop(running);
    std::fs::remove_dir_all(&places.data)?;

    let quarter = peaks.len() / 4;
    let most = |part: &[u64]| mebibytes(part.iter().copied().max().unwrap_or_default());
    let second = most(&peaks[quarter..2 * quarter]);
    let last = most(&peaks[3 * quarter..]);
    line(&format!(
        "memory: {second:.1} MiB in the second quarter, {last:.1} MiB in the last"
    ));
    ensure!(
        last <= second * 1.1,
        "memory grew by more than a tenth after all caches had filled"
    );
    Ok(())
}
