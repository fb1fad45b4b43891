//! The file of rejected records, to be mended and imported.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::columns::{REJECTED_BECAUSE, REJECTED_LINE};
use super::fault::Fault;
use super::state::beside;

/// How rejected records are written.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Below this header, after two columns of our own.
    Csv {
        /// The header of the data file.
        header: Vec<u8>,
        /// What is between values.
        delimiter: u8,
    },
    /// As JSON objects with two keys of our own, as far as they are objects.
    Json,
}

/// The file of rejected records. It is made with the first of them.
#[derive(Debug)]
pub(super) struct Rejected {
    path: PathBuf,
    form: Form,
    file: Option<File>,
    length: u64,
}

impl Rejected {
    /// A new file in this place.
    pub(super) fn new(path: PathBuf, form: Form) -> Self {
        Self {
            path,
            form,
            file: None,
            length: 0,
        }
    }

    /// The file that an earlier import has left, cut to what it had counted.
    pub(super) fn go_on(path: PathBuf, length: u64, form: Form) -> anyhow::Result<Self> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok::<_, io::Error>(file)
        };
        let file = open().with_context(|| {
            format!(
                "{}, which holds the lines rejected so far, can't be written; begin again with \
                 --from-start",
                path.display()
            )
        })?;
        Ok(Self {
            path,
            form,
            file: Some(file),
            length,
        })
    }

    /// Where it is and how long, once it is there.
    pub(super) fn place(&self) -> Option<(PathBuf, u64)> {
        self.file.as_ref().map(|_| (self.path.clone(), self.length))
    }

    /// Adds records with their lines.
    pub(super) fn add(&mut self, rejected: &[(u64, Vec<u8>, Fault)]) -> anyhow::Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        if self.file.is_none()
            && let Form::Csv { header, delimiter } = &self.form
        {
            let ours = row(&[REJECTED_LINE, REJECTED_BECAUSE], *delimiter)?;
            bytes.extend([ours.as_slice(), &[*delimiter], header, b"\n"].concat());
        }
        for (line, raw, fault) in rejected {
            let (line, because) = (*line, fault.to_string());
            let raw = raw.trim_ascii_end();
            match &self.form {
                Form::Csv { delimiter, .. } => {
                    let ours = row(&[&line.to_string(), &because], *delimiter)?;
                    bytes.extend([ours.as_slice(), &[*delimiter], raw, b"\n"].concat());
                }
                Form::Json => match serde_json::from_slice::<Map<String, Value>>(raw) {
                    Ok(mut object) => {
                        object.insert(REJECTED_LINE.to_owned(), line.into());
                        object.insert(REJECTED_BECAUSE.to_owned(), because.into());
                        bytes.extend(serde_json::to_vec(&object)?);
                        bytes.push(b'\n');
                    }
                    Err(_) => bytes.extend([raw, b"\n"].concat()),
                },
            }
        }
        let unwritable = || {
            format!(
                "the rejected lines can't be written into {}; name another file with --rejected",
                self.path.display()
            )
        };
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::create_new(&self.path).with_context(unwritable)?;
                self.file.insert(file)
            }
        };
        file.write_all(&bytes).with_context(unwritable)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// Values as CSV, without an end of line.
fn row(values: &[&str], delimiter: u8) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    writer.write_record(values)?;
    let mut row = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    row.truncate(row.trim_ascii_end().len());
    Ok(row)
}

/// A place beside the data file where there is nothing yet.
pub(super) fn free_place(data: &Path, extension: &str) -> PathBuf {
    let first = beside(data, &format!(".rejected.{extension}"));
    let further = (2..).map(|number| beside(data, &format!(".rejected-{number}.{extension}")));
    let mut places = std::iter::once(first.clone()).chain(further);
    places.find(|place| !place.exists()).unwrap_or(first)
}
