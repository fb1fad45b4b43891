//! The file that holds an outbound message.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;

/// Reads a file, or standard input for `-`.
///
/// # Errors
///
/// When it can't be read, or is larger than any message may be.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        return read_all(io::stdin().lock()).context("standard input can't be read");
    }
    let unreadable = || format!("{} can't be read", path.display());
    let file = File::open(path).with_context(unreadable)?;
    read_all(file).with_context(unreadable)
}

fn read_all(source: impl Read) -> io::Result<Vec<u8>> {
    // Salesforce's largest messages are some tens of MB.
    const LARGEST: u64 = 256 * 1024 * 1024;

    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 256 MiB, which no outbound message is",
        ));
    }
    Ok(bytes)
}
