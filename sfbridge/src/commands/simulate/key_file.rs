//! The private key to log in with by JWT.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use salesforce_sim::DemoKey;

use crate::failure::Failure;

/// A file with a private key.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
    key: DemoKey,
}

impl KeyFile {
    /// Reads the file; makes it, with a new key, if it is not there.
    pub(super) fn open(path: PathBuf) -> Result<Self, Failure> {
        let key = match fs::read_to_string(&path) {
            Ok(text) => DemoKey::parse(&text)
                .with_context(|| format!("--key-file {} can't be used", path.display()))
                .map_err(Failure::Usage)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = DemoKey::generate().context("a key can't be made")?;
                let mut options = OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(&path);
                file.and_then(|mut file| file.write_all(key.private_key().as_bytes()))
                    .with_context(|| format!("--key-file {} can't be written", path.display()))?;
                key
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                let context = format!("--key-file {} can't be read", path.display());
                return Err(Failure::Usage(error.context(context)));
            }
        };
        Ok(Self { path, key })
    }

    pub(super) fn public_key(&self) -> &str {
        self.key.public_key()
    }

    pub(super) fn into_path(self) -> PathBuf {
        self.path
    }
}
