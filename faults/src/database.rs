//! A PostgreSQL server that can be killed.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::process::{Child, Command};

use crate::process::signal;
use crate::shim::{Library, Shim};
use crate::waiting::until;

/// Where the programs of an installed server are, and who may run them.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    programs: PathBuf,
    /// PostgreSQL refuses to run as root; then this user and group.
    user: Option<(u32, u32)>,
}

/// A database of its own, in a folder.
#[derive(Debug)]
pub(crate) struct Database {
    server: Server,
    folder: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
    pub(crate) shim: Option<Shim>,
}

/// How long a server may take to start; after a kill it recovers first.
const PATIENCE: Duration = Duration::from_mins(1);

impl Server {
    /// Finds an installed server, the newest.
    pub(crate) fn find() -> Option<Self> {
        let output = |program: &str, arguments: &[&str]| {
            let output = std::process::Command::new(program).args(arguments).output();
            let output = output.ok().filter(|output| output.status.success())?;
            Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
        };
        let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .collect();
        folders.sort();
        folders.extend(output("pg_config", &["--bindir"]).map(PathBuf::from));
        let is_server = |folder: &PathBuf| {
            ["initdb", "postgres", "pg_isready"]
                .iter()
                .all(|program| folder.join(program).exists())
        };
        let programs = folders.into_iter().rev().find(is_server)?;
        let user = if output("id", &["-u"])? == "0" {
            let id = |which| output("id", &[which, "postgres"])?.parse().ok();
            Some((id("-u")?, id("-g")?))
        } else {
            None
        };
        Some(Self { programs, user })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command.current_dir("/").stdin(Stdio::null());
        command
    }
}

impl Database {
    /// Makes a database under a folder and starts it.
    pub(crate) async fn start(
        server: &Server,
        folder: &Path,
        address: SocketAddr,
        library: Option<&Library>,
    ) -> anyhow::Result<Self> {
        let folder = folder.join("database");
        fs::create_dir(&folder)?;
        if let Some((user, group)) = server.user {
            chown(&folder, Some(user), Some(group))?;
        }
        let data = folder.join("data");
        let made = server
            .command("initdb")
            .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .await?;
        ensure!(
            made.status.success(),
            "no database can be made: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let control = folder.with_file_name("database.faults");
        let shim = library.map(|library| library.shim(control, &data));
        let mut database = Self {
            server: server.clone(),
            folder,
            address,
            child: None,
            shim: shim.transpose()?,
        };
        database.revive().await?;
        Ok(database)
    }

    /// The URL of the store, through a proxy at this address.
    pub(crate) fn url(proxy: SocketAddr) -> String {
        format!("postgres://postgres@{proxy}/postgres?sslmode=disable")
    }

    /// Starts it if it does not run, and waits until it takes connections.
    pub(crate) async fn revive(&mut self) -> anyhow::Result<()> {
        until(PATIENCE, "the start of PostgreSQL", async || {
            let has_ended = match &mut self.child {
                None => true,
                Some(child) => child.try_wait()?.is_some(),
            };
            if has_ended {
                // What is left of the one before may still hold its memory;
                // then this one ends, and the next one is tried.
                self.child = Some(self.spawn()?);
            }
            Ok(self.is_ready().await?.then_some(()))
        })
        .await
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let log = self.folder.with_file_name("database.log");
        let log = fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = self.server.command("postgres");
        command.arg("-D").arg(self.folder.join("data"));
        for setting in [
            format!("port={}", self.address.port()),
            format!("unix_socket_directories={}", self.folder.display()),
            "listen_addresses=127.0.0.1".to_owned(),
            "fsync=on".to_owned(),
            "synchronous_commit=on".to_owned(),
            "restart_after_crash=on".to_owned(),
            "max_connections=100".to_owned(),
            "shared_buffers=32MB".to_owned(),
        ] {
            command.arg("-c").arg(setting);
        }
        if let Some(shim) = &self.shim {
            command.envs(shim.variables());
        }
        let log_too = log.try_clone()?;
        command.stdout(log).stderr(log_too).kill_on_drop(true);
        command.spawn().context("PostgreSQL can't be started")
    }

    async fn is_ready(&self) -> anyhow::Result<bool> {
        let mut command = self.server.command("pg_isready");
        command
            .args(["-q", "-h", "127.0.0.1", "-p"])
            .arg(self.address.port().to_string());
        Ok(command.status().await?.success())
    }

    /// Kills all of its processes, the first one first: as if the machine had
    /// stopped, but for what its system holds of the files.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let parts = self.parts(|_| true).await?;
        if let Some(mut child) = self.child.take() {
            child.start_kill()?;
            child.wait().await?;
        }
        for id in parts {
            signal(id, "KILL").await?;
        }
        Ok(())
    }

    /// Kills one of the processes that serve connections; whether there was
    /// one.
    pub(crate) async fn kill_backend(&mut self, chance: usize) -> anyhow::Result<bool> {
        let backends = self.parts(|title| title.contains("127.0.0.1(")).await?;
        let Some(id) = backends.get(chance % backends.len().max(1)) else {
            return Ok(false);
        };
        signal(*id, "KILL").await?;
        Ok(true)
    }

    /// The processes that the server has started and that have such titles.
    async fn parts(&self, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<u32>> {
        let Some(parent) = self.child.as_ref().and_then(Child::id) else {
            return Ok(Vec::new());
        };
        let mut ps = Command::new("ps");
        ps.args(["-A", "-o", "ppid=", "-o", "pid=", "-o", "args="]);
        let listed = ps.output().await.context("processes can't be listed")?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let part = |line: &str| {
            let (of, rest) = line.trim_start().split_once(' ')?;
            let (id, title) = rest.trim_start().split_once(' ')?;
            let is_ours = of.parse() == Ok(parent) && is_wanted(title);
            is_ours.then(|| id.parse().ok())?
        };
        Ok(listed.lines().filter_map(part).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Ports;
    use crate::shim::readable;

    /// A client that stays connected for as long as the database lets it.
    fn client(database: &Database) -> Child {
        let mut command = database.server.command("psql");
        command
            .args(["-U", "postgres", "-h", "127.0.0.1", "-p"])
            .arg(database.address.port().to_string())
            .args(["-c", "SELECT pg_sleep(600)"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command.spawn().unwrap()
    }

    #[tokio::test]
    async fn a_database_that_was_killed_comes_back() {
        let Some(server) = Server::find() else {
            println!("SKIPPED: no PostgreSQL server is installed");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        readable(folder.path()).unwrap();
        let address = Ports::new().take().unwrap();
        let started = Database::start(&server, folder.path(), address, None);
        let mut database = started.await.unwrap();

        let mut connected = client(&database);
        until(PATIENCE, "a backend", async || {
            Ok(database.kill_backend(0).await?.then_some(()))
        })
        .await
        .unwrap();
        assert!(!connected.wait().await.unwrap().success());
        database.revive().await.unwrap();

        let mut connected = client(&database);
        until(PATIENCE, "a backend", async || {
            let backends = database.parts(|title| title.contains("127.0.0.1("));
            Ok((!backends.await?.is_empty()).then_some(()))
        })
        .await
        .unwrap();
        database.kill().await.unwrap();
        assert!(!connected.wait().await.unwrap().success());
        database.revive().await.unwrap();
        database.kill().await.unwrap();
    }
}
