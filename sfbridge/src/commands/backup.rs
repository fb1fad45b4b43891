//! `sfbridge backup`: a copy of the store.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::moving::Progress;
use crate::client::block_on;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;

/// Copies the store into a file.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; it must not be there yet
    file: PathBuf,
}

impl Backup {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut progress = Progress::new(output.is_json());
        let bytes = block_on(async {
            let mut told = |news| progress.tell(&news);
            let bytes = core_service::offline::backup(&config.store, &self.file, &mut told).await;
            Ok(bytes.with_context(|| format!("the store {} was not backed up", config.store))?)
        });
        progress.end();
        let bytes = bytes?;
        if output.is_json() {
            let file = self.file.display().to_string();
            return Ok(output.json(&json!({ "file": file, "bytes": bytes }))?);
        }
        Ok(output.line(format_args!(
            "Backed up {} to {} ({} bytes, checked).",
            config.store,
            self.file.display(),
            bytes
        ))?)
    }
}
