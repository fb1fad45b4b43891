//! `sfbridge restore`: a backup becomes the store.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::moving::Progress;
use crate::client::block_on;
use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;
use crate::output::Output;

/// Brings a backup back.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    /// Replace the store that is there
    #[arg(long)]
    force: bool,
}

impl Restore {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        data_dir::make(config)?;
        let mut progress = Progress::new(output.is_json());
        let restored = block_on(async {
            let mut told = |news| progress.tell(&news);
            let (file, force) = (&self.file, self.force);
            let restored = core_service::offline::restore(file, &config.store, force, &mut told);
            let restored = restored.await.with_context(|| {
                let hint = if force {
                    ""
                } else {
                    "; a store that is there is replaced with --force alone"
                };
                format!("{} was not restored{hint}", file.display())
            });
            Ok(restored?)
        });
        progress.end();
        restored?;
        let file = self.file.display().to_string();
        if output.is_json() {
            let store = config.store.to_string();
            return Ok(output.json(&json!({ "file": file, "store": store }))?);
        }
        Ok(output.line(format_args!("Restored {file} to {}.", config.store))?)
    }
}
