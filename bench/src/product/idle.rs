//! What is needed while nothing happens.

use std::time::Duration;

use tokio::time::sleep;

use crate::instance::Instance;
use crate::table::{Places, mebibytes};
use crate::usage;

/// What was needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    /// Of one core.
    pub(super) percent: f64,
    pub(super) mebibytes: f64,
}

/// Leaves a new sfbridge alone for so many seconds.
pub(super) async fn measure(places: &Places, seconds: u32) -> anyhow::Result<Idle> {
    /// What a start has still to do after its core can be called.
    const SETTLING: Duration = Duration::from_secs(2);

    let instance = Instance::start(&places.sfbridge, &places.data.join("idle"), &[])?;
    drop(instance.channel().await?);
    sleep(SETTLING).await;
    let id = instance.process.id();
    let before = usage::processor_time(id)?;
    sleep(Duration::from_secs(seconds.into())).await;
    let used = usage::processor_time(id)?.saturating_sub(before);
    Ok(Idle {
        percent: used.as_secs_f64() / f64::from(seconds) * 100.0,
        mebibytes: mebibytes(usage::memory_now(id)?),
    })
}
