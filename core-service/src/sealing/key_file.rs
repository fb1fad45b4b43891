//! Files that hold keys.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::key::SecretKey;
use super::ring::{InvalidSecretKeys, SecretKeys};
use super::sealed::SealingFailed;

/// The largest file that is read for keys.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Where a core has its keys from.
#[derive(Clone, Debug)]
pub enum SecretKeySource {
    /// From the configuration.
    Given(SecretKeys),
    /// From a file that somebody made.
    File(PathBuf),
    /// From a file of the core's own, which it makes when it is not there.
    Own(PathBuf),
}

/// A file gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    /// It can't be read.
    #[error("the secret key's file {} can't be read; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Others may read it.
    #[error(
        "the secret key's file {} can be read by others (its mode is {mode:04o}), so it may not \
         be secret any more; `chmod 600 {}` if you are sure that nobody did, else make a new key \
         and set the Salesforce credentials anew",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error("the secret key's file {} {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        problem: InvalidSecretKeys,
    },
    /// It can't be made.
    #[error(
        "the secret key's file {} can't be made; give a key with SFBRIDGE_SECRET_KEY_FILE, or let \
         the core write there",
        path.display()
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// There are no random numbers to make one of.
    #[error(transparent)]
    Random(#[from] SealingFailed),
}

impl SecretKeySource {
    /// Reads the keys; makes a key when the core's own file is not there.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// [`SecretKeyError`] says which file and what to do about it.
    pub fn load(&self) -> Result<SecretKeys, SecretKeyError> {
        match self {
            Self::Given(keys) => Ok(keys.clone()),
            Self::File(path) => {
                let (keys, mode) = read(path).map_err(|error| error.at(path))?;
                // Orchestrators mount secrets as they see fit, so this is no
                // reason not to start.
                if is_open_to_others(mode) {
                    tracing::warn!(
                        secret_key_file = %path.display(),
                        mode = format_args!("{mode:04o}"),
                        "others on this machine may read the secret key"
                    );
                }
                Ok(keys)
            }
            Self::Own(path) => {
                match read(path) {
                    Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                        make(path)?;
                        tracing::info!(
                            secret_key_file = %path.display(),
                            "made a secret key, which seals Salesforce credentials; keep a copy \
                             of it apart from the backups"
                        );
                    }
                    _ => {}
                }
                let (keys, mode) = read(path).map_err(|error| error.at(path))?;
                if is_open_to_others(mode) {
                    let path = path.clone();
                    return Err(SecretKeyError::OpenToOthers { path, mode });
                }
                Ok(keys)
            }
        }
    }
}

enum ReadError {
    Io(io::Error),
    Invalid(InvalidSecretKeys),
}

impl ReadError {
    fn at(self, path: &Path) -> SecretKeyError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => SecretKeyError::Unreadable { path, source },
            Self::Invalid(problem) => SecretKeyError::Invalid { path, problem },
        }
    }
}

fn is_open_to_others(mode: u32) -> bool {
    mode & 0o077 != 0
}

/// The keys of a file, and its permissions.
fn read(path: &Path) -> Result<(SecretKeys, u32), ReadError> {
    let file = File::open(path).map_err(ReadError::Io)?;
    let mode = file.metadata().map_err(ReadError::Io)?.mode() & 0o7777;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(ReadError::Io)?;
    let keys = SecretKeys::parse(&SecretString::from(text.as_str()));
    Ok((keys.map_err(ReadError::Invalid)?, mode))
}

/// Makes a file with a new key, unless somebody makes it first. It has its name
/// only once all of it is on the disk.
fn make(path: &Path) -> Result<(), SecretKeyError> {
    let text = SecretKey::make()?;
    let unwritable = |source| SecretKeyError::Unwritable {
        path: path.to_owned(),
        source,
    };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(name);
    // One that a crash left behind.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
        _ => {}
    }
    let written = write(&unfinished, &text).and_then(|()| {
        // Unlike a renaming, a link never takes the place of another file.
        match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    let removed = fs::remove_file(&unfinished);
    written
        .and(removed)
        .and_then(|()| sync_folder(path))
        .map_err(unwritable)
}

fn write(path: &Path, text: &SecretString) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn own(folder: &tempfile::TempDir) -> (PathBuf, SecretKeySource) {
        let path = folder.path().join("secret.key");
        (path.clone(), SecretKeySource::Own(path))
    }

    #[test]
    fn a_missing_file_of_our_own_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, source) = own(&folder);
        let made = source.load().unwrap().first();
        let mode = fs::metadata(&path).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        assert_eq!(source.load().unwrap().first(), made);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // Whoever comes second finds what the first one made.
        make(&path).unwrap();
        assert_eq!(source.load().unwrap().first(), made);
    }

    #[test]
    fn a_file_of_our_own_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, source) = own(&folder);
        source.load().unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = source.load().unwrap_err();
            assert!(matches!(refused, SecretKeyError::OpenToOthers { .. }));
            let text = refused.to_string();
            assert!(text.contains("chmod 600") && text.contains(&format!("{mode:04o}")));
        }
        // One that somebody gave is theirs to guard.
        SecretKeySource::File(path).load().unwrap();
    }

    #[test]
    fn a_file_that_is_broken_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, source) = own(&folder);
        for content in ["", "\n", "hunter2\n"] {
            write_private(&path, content);
            let refused = source.load().unwrap_err();
            assert!(matches!(refused, SecretKeyError::Invalid { .. }));
            assert!(!refused.to_string().contains("hunter2"));
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        let missing = SecretKeySource::File(folder.path().join("nowhere"));
        let refused = missing.load().unwrap_err();
        assert!(matches!(refused, SecretKeyError::Unreadable { .. }));
        let unwritable = SecretKeySource::Own(folder.path().join("nowhere/secret.key"));
        let refused = unwritable.load().unwrap_err();
        assert!(matches!(refused, SecretKeyError::Unwritable { .. }));
    }

    fn write_private(path: &Path, content: &str) {
        let _ = fs::remove_file(path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }
}
