//! The file that is imported: opened, unpacked, and told from others.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::{Context as _, bail};
use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A file to read records from.
pub(super) struct Source {
    /// Its bytes, unpacked.
    pub(super) reader: Box<dyn BufRead + Send>,
    /// How many bytes of the file were read.
    pub(super) read: Arc<AtomicU64>,
    /// What tells it from another; none of standard input.
    pub(super) identity: Option<Identity>,
}

/// What tells a file from another, and from itself after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Its length in bytes.
    pub(super) size: u64,
    /// When it was changed last, in nanoseconds since 1970.
    modified: u64,
    /// The SHA-256 of its beginning.
    head: String,
}

/// Whether a path stands for standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Source {
    /// Opens a file, or standard input for `-`. What is packed with gzip is
    /// unpacked, whatever its name.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if is_standard_input(path) {
            return Self::of(io::stdin(), None).context("standard input can't be read");
        }
        let unreadable = || format!("{} can't be read", path.display());
        let mut file = File::open(path).with_context(unreadable)?;
        let identity = Identity::of(&mut file).with_context(unreadable)?;
        Self::of(file, identity).with_context(unreadable)
    }

    fn of(source: impl Read + Send + 'static, identity: Option<Identity>) -> anyhow::Result<Self> {
        const BUFFER: usize = 256 << 10;

        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            source,
            read: read.clone(),
        };
        let mut packed = BufReader::with_capacity(BUFFER, counted);
        let head = packed.fill_buf()?;
        if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
            bail!("it is UTF-16; save it as UTF-8");
        }
        let reader: Box<dyn BufRead + Send> = if head.starts_with(&[0x1F, 0x8B]) {
            let unpacked = MultiGzDecoder::new(packed);
            Box::new(BufReader::with_capacity(BUFFER, unpacked))
        } else {
            Box::new(packed)
        };
        Ok(Self {
            reader,
            read,
            identity,
        })
    }
}

impl Identity {
    /// Reads the beginning of a file, and goes back there. A pipe has none.
    fn of(file: &mut File) -> io::Result<Option<Self>> {
        const HEAD: u64 = 64 << 10;

        let about = file.metadata()?;
        if !about.is_file() {
            return Ok(None);
        }
        let mut head = Vec::new();
        file.take(HEAD).read_to_end(&mut head)?;
        file.rewind()?;
        let modified = about.modified()?.duration_since(UNIX_EPOCH);
        let modified = modified.unwrap_or_default().as_nanos();
        Ok(Some(Self {
            size: about.len(),
            modified: u64::try_from(modified).unwrap_or(u64::MAX),
            head: format!("{:x}", Sha256::digest(&head)),
        }))
    }
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
