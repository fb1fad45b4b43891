//! Secrets that are handed to a command.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;
use std::str::FromStr;

use anyhow::Context as _;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::note;

/// Where a secret is read from. A flag never holds one: everybody on the
/// machine can read the flags of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SecretInput {
    /// Standard input, to its end.
    StandardInput,
    /// A file.
    File(std::path::PathBuf),
}

/// The most that is read.
const MAX_BYTES: u64 = 64 * 1024;

impl FromStr for SecretInput {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "-" => Self::StandardInput,
            path => Self::File(path.into()),
        })
    }
}

impl SecretInput {
    /// Reads the secret that a flag names.
    ///
    /// # Errors
    ///
    /// Says what can't be read, and nothing of what was.
    pub(super) fn read(&self, flag: &str) -> Result<SecretString, Failure> {
        let read = match self {
            Self::StandardInput => {
                let stdin = io::stdin();
                if stdin.is_terminal() {
                    note("Reading the secret from standard input; end it with Ctrl-D.");
                }
                read(stdin.lock()).context("standard input can't be read")
            }
            Self::File(path) => {
                open(path).with_context(|| format!("{flag} {} can't be read", path.display()))
            }
        };
        let secret = read.map_err(Failure::Usage)?;
        if secret.trim().is_empty() {
            return Err(Failure::usage(format!("what {flag} names is empty")));
        }
        Ok(SecretString::from(secret.as_str()))
    }
}

fn open(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    read(File::open(path)?)
}

fn read(from: impl Read) -> anyhow::Result<Zeroizing<String>> {
    // With all the room that it may need, nothing of it is left elsewhere.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024 + 1));
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        anyhow::bail!("it has more than {MAX_BYTES} bytes, so it is no secret of ours");
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn input(text: &str) -> SecretInput {
        text.parse().unwrap()
    }

    #[test]
    fn a_hyphen_is_standard_input_and_all_else_a_file() {
        assert_eq!(input("-"), SecretInput::StandardInput);
        assert_eq!(input("./-"), SecretInput::File("./-".into()));
    }

    #[test]
    fn a_file_is_read_as_it_is_and_a_failure_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let given = input(&path.display().to_string());
        let told = || {
            let Err(Failure::Usage(error)) = given.read("--client-secret-file") else {
                panic!("it was read");
            };
            format!("{error:#}")
        };
        assert!(told().contains("--client-secret-file"));
        std::fs::write(&path, "hunter2\n").unwrap();
        assert_eq!(given.read("--f").unwrap().expose_secret(), "hunter2\n");
        std::fs::write(&path, " \n").unwrap();
        assert!(told().contains("is empty"));
        std::fs::write(&path, b"hunter2\xff").unwrap();
        assert!(told().contains("not text") && !told().contains("hunter2"));
        std::fs::write(&path, "hunter2".repeat(20_000)).unwrap();
        assert!(told().contains("more than") && !told().contains("hunter2"));
    }
}
