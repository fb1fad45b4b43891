//! Processes that are measured.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

/// A process that ends with this value, and with this program however that
/// ends: a shell beside it waits for its standard input to be closed.
#[derive(Debug)]
pub(crate) struct Process {
    shell: Child,
}

/// How a process is asked to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// By `SIGTERM`.
    Gently,
    /// By `SIGQUIT`, which PostgreSQL takes for: at once.
    Quickly,
}

impl Process {
    /// Starts a program, with what it says going to `log`.
    ///
    /// # Errors
    ///
    /// When no shell or no log can be had. That the program itself can't be
    /// started is in the log.
    pub(crate) fn start(
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        variables: &[(&str, &OsStr)],
        folder: &Path,
        log: &Path,
        end: End,
    ) -> anyhow::Result<Self> {
        const SCRIPT: &str = r#"
            signal=$1
            shift
            "$@" &
            child=$!
            read -r _
            kill -"$signal" "$child"
            wait "$child"
        "#;

        let signal = match end {
            End::Gently => "TERM",
            End::Quickly => "QUIT",
        };
        let output = File::create(log).with_context(|| format!("no log {}", log.display()))?;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", signal])
            .arg(program)
            .args(arguments.into_iter().map(Into::into))
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("no shell can be started")?;
        Ok(Self { shell })
    }

    /// The id under which all of it is found: that of the shell.
    pub(crate) fn id(&self) -> u32 {
        self.shell.id()
    }

    /// Asks it to end, without waiting for that.
    pub(crate) fn end(&mut self) {
        self.shell.stdin.take();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        let _ = self.shell.wait();
    }
}

/// Addresses of the loopback interface that nobody listens on.
///
/// # Errors
///
/// When there are no ports left.
pub(crate) fn free_addresses<const COUNT: usize>() -> io::Result<[SocketAddr; COUNT]> {
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); COUNT];
    // All are held until all are known, else they would be one and the same.
    let mut held = Vec::new();
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::usage::tree;

    #[test]
    fn a_process_ends_with_its_value() {
        let folder = std::env::temp_dir();
        let log = folder.join(format!("sfbridge-bench-{}.log", std::process::id()));
        let process = Process::start("sleep", ["600"], &[], &folder, &log, End::Gently).unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        let id = process.id();
        while tree(id).unwrap().len() < 2 {
            assert!(Instant::now() < deadline, "it does not start");
        }
        drop(process);
        assert!(tree(id).unwrap().is_empty());
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn free_addresses_differ() {
        let [one, other] = free_addresses().unwrap();
        assert_ne!(one, other);
    }
}
