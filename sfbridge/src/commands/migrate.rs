//! `sfbridge migrate`: the store gets the version of this release.

use anyhow::Context as _;
use serde_json::json;

use crate::client::block_on;
use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;
use crate::output::Output;

/// Runs what is pending. A core that starts does the same.
pub(crate) fn run(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    data_dir::make(config)?;
    let done = block_on(async {
        let done = core_service::offline::migrate(&config.store).await;
        Ok(done.with_context(|| format!("the store {} was not migrated", config.store))?)
    })?;
    if output.is_json() {
        return Ok(output.json(&json!({ "from": done.from, "to": done.to }))?);
    }
    if done.from == done.to {
        return Ok(output.line(format_args!("The store is at version {} already.", done.to))?);
    }
    Ok(output.line(format_args!(
        "The store went from version {} to version {}.",
        done.from, done.to
    ))?)
}
