//! `sfbridge migrate`: the store gets the version of this release, or is moved
//! into another.

use anyhow::Context as _;
use clap::Args;
use core_service::StoreConfig;
use core_service::store::MovedTable;
use serde_json::json;

use super::moving::Progress;
use crate::client::block_on;
use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Which store becomes what.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Move this store, `sqlite:///path/to/file.db`
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<StoreConfig>,
    /// Into this database, `postgres://...`
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<StoreConfig>,
}

impl Migrate {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        match (self.from, self.to) {
            (Some(from), Some(to)) => move_store(&from, &to, output),
            _ => upgrade(config, output),
        }
    }
}

/// Runs what is pending. A core that starts does the same.
fn upgrade(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
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

/// Moves a store, and says what to do next.
fn move_store(
    from: &StoreConfig,
    to: &StoreConfig,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut progress = Progress::new(output.is_json());
    let moved = block_on(async {
        let mut told = |news| progress.tell(&news);
        let moved = core_service::offline::move_store(from, to, &mut told).await;
        Ok(moved.with_context(|| format!("{from} was not moved to {to}"))?)
    });
    progress.end();
    let moved = moved?;
    if output.is_json() {
        let tables: Vec<_> = moved.iter().map(in_json).collect();
        let document = json!({
            "from": from.to_string(), "to": to.to_string(), "tables": tables,
        });
        return Ok(output.json(&document)?);
    }
    let mut table = Table::new(["TABLE", "ROWS", "CHECKSUM", "LAST COPIED"]);
    for moved in moved {
        table.row([
            moved.name.to_owned(),
            moved.rows.to_string(),
            moved.checksum,
            moved.copied.to_string(),
        ]);
    }
    output.table(&table, "There is nothing.")?;
    output.line(format_args!(
        "Everything is in {to}, and the same on both sides.\n\
         Now set SFBRIDGE_STORE (`store`) to the URL of that database and start the core; the \
         secret key stays the same. Never start a core on {from} again: what it took would be \
         there alone."
    ))?;
    Ok(())
}

fn in_json(table: &MovedTable) -> serde_json::Value {
    json!({
        "table": table.name,
        "rows": table.rows,
        "checksum": table.checksum,
        "last_copied": table.copied,
        "last_removed": table.removed,
    })
}
