//! A PostgreSQL server to measure stores on, as durable as it is by default.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use crate::process::{End, Process, free_addresses};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with data of its own. It ends with this value.
#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    /// Without a database.
    url: String,
    pub(crate) process: Process,
}

impl Postgres {
    /// Starts a server with its data in `folder`, which is made.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or does not start.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        // All that is not said here is as PostgreSQL has it, synchronous commits
        // above all.
        const SCRIPT: &str = r#"
            "$1/initdb" --pgdata "$2/data" --username sfbridge --auth trust --encoding UTF8 \
                --locale C || exit 1
            exec "$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses=127.0.0.1 \
                -c max_connections=200 -c shared_buffers=512MB
        "#;

        let programs = programs()?;
        std::fs::create_dir_all(folder)?;
        let [address] = free_addresses()?;
        let mut arguments: Vec<&OsStr> = Vec::new();
        if is_root() {
            // PostgreSQL refuses to run as root.
            let owner = Command::new("chown").arg("postgres").arg(folder).status()?;
            ensure!(owner.success(), "there is no user `postgres`");
            let user = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
            ];
            arguments.extend(user.map(OsStr::new));
        }
        let port = address.port().to_string();
        arguments.extend(["sh", "-c", SCRIPT, "postgres"].map(OsStr::new));
        arguments.extend([programs.as_os_str(), folder.as_os_str(), port.as_ref()]);
        let log = folder.with_extension("log");
        let root = Path::new("/");
        let process = Process::start("env", arguments, &[], root, &log, End::Quickly)?;
        let server = Self {
            programs,
            url: format!("postgres://sfbridge@127.0.0.1:{port}"),
            process,
        };
        let deadline = Instant::now() + PATIENCE;
        let url = format!("{}/postgres", server.url);
        while !server.run("pg_isready", &["--dbname", &url]) {
            ensure!(
                Instant::now() < deadline,
                "PostgreSQL does not start; see {}",
                log.display()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(server)
    }

    /// An empty database, as the URL of a store.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub(crate) fn database(&self, name: &str) -> anyhow::Result<String> {
        let server = format!("{}/postgres", self.url);
        let made = self.run("createdb", &["--maintenance-db", &server, name]);
        ensure!(made, "the database {name} can't be made");
        Ok(format!("{}/{name}?sslmode=disable", self.url))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).stdin(Stdio::null());
        command.output().is_ok_and(|done| done.status.success())
    }
}

/// Where the server's programs are: Debian's newest, or those in the path.
fn programs() -> anyhow::Result<PathBuf> {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&in_path).collect::<Vec<_>>();
    let mut of_debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    of_debian.sort();
    let is_there = |folder: &PathBuf| {
        ["initdb", "postgres", "createdb", "pg_isready"]
            .iter()
            .all(|name| folder.join(name).exists())
    };
    let mut folders = of_debian.into_iter().rev().chain(in_path);
    folders
        .find(is_there)
        .context("PostgreSQL is not installed (Debian: postgresql); choose others with --setup")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}
