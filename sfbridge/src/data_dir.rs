//! The data directory.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;

use anyhow::Context as _;

use crate::config::Config;
use crate::failure::Failure;

/// Makes the data directory, unless it is there, so that others on the machine
/// can't look into it: the store holds personal data. One that is there keeps
/// its permissions.
///
/// # Errors
///
/// When it can't be made; the text says how to choose another.
pub(crate) fn make(config: &Config) -> Result<(), Failure> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir);
    Ok(made.with_context(|| {
        format!(
            "the data directory {} can't be made; choose another with --data-dir",
            config.data_dir.display()
        )
    })?)
}
