//! How far an import has got, kept next to its file until it is done.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::source::Identity;

/// The most rejected lines that are remembered to be shown.
pub(super) const SHOWN: usize = 10;

/// What an import must have in common with the one that it goes on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Purpose {
    /// Visits or calls.
    pub(super) kind: String,
    /// The file.
    pub(super) file: Identity,
    /// The core, as it was named.
    pub(super) core: String,
    /// The flags that say how lines are read.
    pub(super) options: String,
}

/// How far an import has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// The last line of the last record that is accepted.
    pub(super) lines: u64,
    /// The core's `accepted_through`: how many records it has taken.
    pub(super) accepted_through: i64,
    /// How many records were recorded.
    pub(super) recorded: u64,
    /// How many were duplicates.
    pub(super) duplicates: u64,
    /// How many were rejected, by reason.
    pub(super) rejected: BTreeMap<String, u64>,
    /// The first of them.
    pub(super) first_rejected: Vec<Shown>,
    /// Where all of them are, and how long that file is.
    pub(super) rejected_file: Option<(PathBuf, u64)>,
}

/// A rejected record, to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    /// Its line.
    pub(super) line: u64,
    /// The reason's name.
    pub(super) reason: String,
    /// The reason in a sentence.
    pub(super) description: String,
}

impl Done {
    /// How many records were rejected in all.
    pub(super) fn rejected_count(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// How many records were dealt with.
    pub(super) fn count(&self) -> u64 {
        self.recorded + self.duplicates + self.rejected_count()
    }

    /// Counts a rejected record.
    pub(super) fn reject(&mut self, line: u64, fault: Fault) {
        *self.rejected.entry(fault.reason.clone()).or_default() += 1;
        if self.first_rejected.len() < SHOWN {
            self.first_rejected.push(Shown {
                line,
                reason: fault.reason,
                description: fault.description,
            });
        }
    }
}

/// The file that keeps how far an import has got.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    purpose: Purpose,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    purpose: Purpose,
    done: Done,
}

/// What an earlier import has left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// It got so far.
    Until(Done),
    /// It was another: of another file, core, or other flags.
    Other,
}

impl StateFile {
    /// The file for an import of this data file.
    pub(super) fn new(data: &Path, purpose: Purpose) -> Self {
        Self {
            path: beside(data, ".sfbridge-import"),
            purpose,
        }
    }

    /// What is kept.
    pub(super) fn read(&self) -> Left {
        let Ok(bytes) = fs::read(&self.path) else {
            return Left::Nothing;
        };
        match serde_json::from_slice::<Kept>(&bytes) {
            Ok(kept) if kept.purpose == self.purpose => Left::Until(kept.done),
            _ => Left::Other,
        }
    }

    /// Keeps how far the import has got. What is there is whole at any moment.
    pub(super) fn write(&self, done: &Done) -> io::Result<()> {
        let kept = Kept {
            purpose: self.purpose.clone(),
            done: done.clone(),
        };
        let bytes = serde_json::to_vec(&kept)?;
        let new = beside(&self.path, ".new");
        fs::write(&new, bytes)?;
        fs::rename(&new, &self.path)
    }

    /// Forgets it, once the import is done.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A path with something behind its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    fn purpose(data: &Path, core: &str) -> Purpose {
        Purpose {
            kind: "visits".to_owned(),
            file: Source::open(data).unwrap().identity.unwrap(),
            core: core.to_owned(),
            options: String::new(),
        }
    }

    #[test]
    fn only_an_import_of_the_same_file_to_the_same_core_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("visits.csv");
        fs::write(&data, "href\na\n").unwrap();
        let state = StateFile::new(&data, purpose(&data, "a"));
        assert_eq!(state.read(), Left::Nothing);
        let mut done = Done {
            lines: 7,
            ..Done::default()
        };
        done.reject(3, Fault::not_utf8());
        state.write(&done).unwrap();
        assert_eq!(state.read(), Left::Until(done));

        let elsewhere = StateFile::new(&data, purpose(&data, "b"));
        assert_eq!(elsewhere.read(), Left::Other);
        fs::write(&data, "href\na\nb\n").unwrap();
        let changed = StateFile::new(&data, purpose(&data, "a"));
        assert_eq!(changed.read(), Left::Other);

        state.remove().unwrap();
        state.remove().unwrap();
        assert_eq!(state.read(), Left::Nothing);
    }
}
