//! A disk that fails, a disk that is full, and a clock that jumps: a library
//! that stands between a process and the system's (`shim/faults.c`).

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

const SOURCE: &str = include_str!("../shim/faults.c");

/// The library, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    folder: Arc<TempDir>,
}

/// What a disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    Sound,
    /// Syncing fails with EIO.
    SyncFails,
    /// Writing fails with ENOSPC.
    IsFull,
    /// Writing beyond the end of a file does.
    CantGrow,
}

/// The library in one process.
#[derive(Debug)]
pub(crate) struct Shim {
    library: PathBuf,
    control: PathBuf,
    under: PathBuf,
    seconds_ahead: i64,
    disk: Disk,
}

impl Library {
    /// Compiles the library.
    ///
    /// # Errors
    ///
    /// Says why it can't be had here.
    pub(crate) fn build() -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("they are injected on Linux only".to_owned());
        }
        let folder = tempfile::Builder::new()
            .prefix("sfbridge-faults-")
            .tempdir();
        let folder = folder.map_err(|error| error.to_string())?;
        // Whoever a database runs as is to read it.
        readable(folder.path()).map_err(|error| error.to_string())?;
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O2", "-x", "c", "-", "-ldl", "-o"])
            .arg(folder.path().join("faults.so"))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        let compiled = compiler.spawn().and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(SOURCE.as_bytes())?;
            }
            child.wait_with_output()
        });
        match compiled {
            Ok(output) if output.status.success() => Ok(Self {
                folder: Arc::new(folder),
            }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("there is no C compiler (cc): {error}")),
        }
    }

    /// The library for a process whose store is under a folder.
    pub(crate) fn shim(&self, control: PathBuf, under: &Path) -> anyhow::Result<Shim> {
        let shim = Shim {
            library: self.folder.path().join("faults.so"),
            control,
            // The system names files by their real paths.
            under: under.canonicalize()?,
            seconds_ahead: 0,
            disk: Disk::Sound,
        };
        fs::write(&shim.control, shim.bytes())?;
        Ok(shim)
    }
}

/// Lets everybody on this machine look into a folder.
pub(crate) fn readable(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

impl Shim {
    /// The environment of the process.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAULTS_CONTROL", self.control.clone()),
            ("FAULTS_UNDER", self.under.clone()),
        ]
    }

    /// Sets the process's clock off by so many seconds.
    pub(crate) fn set_clock(&mut self, seconds_ahead: i64) -> anyhow::Result<()> {
        self.seconds_ahead = seconds_ahead;
        self.write()
    }

    pub(crate) fn set_disk(&mut self, disk: Disk) -> anyhow::Result<()> {
        self.disk = disk;
        self.write()
    }

    /// Writes in place: the process has the file mapped.
    fn write(&self) -> anyhow::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).open(&self.control)?;
        file.write_all(&self.bytes())?;
        Ok(())
    }

    fn bytes(&self) -> [u8; 16] {
        let disk: i64 = match self.disk {
            Disk::Sound => 0,
            Disk::SyncFails => 1,
            Disk::IsFull => 2,
            Disk::CantGrow => 3,
        };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.seconds_ahead.to_ne_bytes());
        bytes[8..].copy_from_slice(&disk.to_ne_bytes());
        bytes
    }
}
