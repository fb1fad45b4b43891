//! A PostgreSQL server for tests.
//!
//! The first test of a process that asks for a [`Database`] starts a server of
//! its own, in a folder under the system's temporary folder, on a free port of
//! the loopback address. It ends with the process, however that ends: a shell
//! beside it waits for its standard input to be closed. `SFBRIDGE_TEST_POSTGRES`
//! names a server to use instead, as the URL of a superuser.
//!
//! Commits are not synchronised: tests of rules need no disk. What survives a
//! crash is for the fault suite, which has servers of its own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that has no server can only fail, and says why"
)]

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to start. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database of its own for one test, which goes with this value.
#[derive(Debug)]
pub struct Database {
    server: &'static Server,
    name: String,
}

#[derive(Debug)]
struct Server {
    /// As `psql` and its like take it, without a database.
    url: String,
    /// Where the server's programs are; empty: wherever the system finds them.
    programs: PathBuf,
    /// Holds the pipe that keeps the server alive.
    _process: Option<Child>,
}

impl Database {
    /// An empty database.
    ///
    /// # Panics
    ///
    /// When there is no server and none can be started.
    pub fn create() -> Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let server = SERVER.get_or_init(Server::start);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let created = server.run("createdb", &["--maintenance-db", &server.url, &name]);
        assert!(created, "the database {name} can't be created");
        Self { server, name }
    }

    /// Its URL, for the store.
    pub fn url(&self) -> String {
        let (server, query) = self
            .server
            .url
            .split_once('?')
            .unwrap_or((&self.server.url, ""));
        let server = match server.split_once("://") {
            Some((scheme, rest)) => {
                let host = rest.split('/').next().unwrap_or(rest);
                format!("{scheme}://{host}")
            }
            None => server.to_owned(),
        };
        format!("{server}/{}?{query}", self.name)
    }

    /// Has `psql` run SQL in a transaction that stays open as long as what comes
    /// of this.
    ///
    /// # Panics
    ///
    /// When there is no `psql`.
    pub fn hold(&self, sql: &str) -> Held {
        let mut psql = self.server.program("psql");
        psql.args(["--no-psqlrc", "--quiet", &self.url()]);
        let spawned = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut held = Held(spawned.expect("psql runs"));
        let input = held.0.stdin.as_mut().expect("it is piped");
        writeln!(input, "BEGIN; {sql};").expect("psql reads");
        held
    }

    /// Has `psql` run SQL in it, and returns what that prints.
    ///
    /// # Panics
    ///
    /// When the server refuses it.
    pub fn psql(&self, sql: &str) -> String {
        let mut psql = self.server.program("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"]);
        let done = psql
            .args(["--set", "ON_ERROR_STOP=1", "--command", sql, &self.url()])
            .output()
            .expect("psql runs");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{sql}: {errors}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

/// A transaction that is open. It is undone when this goes.
#[derive(Debug)]
pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of its own for one test, which speaks TLS, and refuses whoever does
/// not. It has a database `postgres` and a user `sfbridge`.
#[derive(Debug)]
pub struct TlsServer {
    port: u16,
    /// Holds the pipe that keeps the server alive.
    _process: Child,
}

impl TlsServer {
    /// Starts it with a certificate and its key, as PEM.
    ///
    /// # Panics
    ///
    /// When no server can be started.
    pub fn start(certificate: &str, key: &str) -> Self {
        let folder = folder();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("there is room for a file");
            // The server takes no key that others can read.
            let permissions = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&path, permissions).expect("it is ours");
            path.display().to_string()
        };
        let options = [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", write("server.pem", certificate)),
            format!("ssl_key_file={}", write("server.key", key)),
            format!(
                "hba_file={}",
                write("hba.conf", "hostssl all all 127.0.0.1/32 trust\n")
            ),
        ];
        let programs = programs();
        let port = free_port();
        let server = Self {
            port,
            _process: spawn(&programs, &folder, port, &options),
        };
        let url = server.url("127.0.0.1", "sslmode=require");
        await_start(|| run(&programs, "psql", &["--command", "SELECT 1", &url]));
        server
    }

    /// The URL of its database, with the server named like this.
    pub fn url(&self, host: &str, query: &str) -> String {
        format!("postgres://sfbridge@{host}:{}/postgres?{query}", self.port)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let url = &self.server.url;
        self.server
            .run("dropdb", &["--force", "--maintenance-db", url, &self.name]);
    }
}

impl Server {
    fn start() -> Self {
        if let Ok(url) = std::env::var("SFBRIDGE_TEST_POSTGRES") {
            return Self {
                url,
                programs: PathBuf::new(),
                _process: None,
            };
        }
        let programs = programs();
        let port = free_port();
        let server = Self {
            url: format!("postgres://sfbridge@127.0.0.1:{port}/postgres?sslmode=disable"),
            _process: Some(spawn(&programs, &folder(), port, &[])),
            programs,
        };
        await_start(|| server.run("psql", &["--command", "SELECT 1", &server.url]));
        server
    }

    fn program(&self, name: &str) -> Command {
        program(&self.programs, name)
    }

    fn run(&self, name: &str, arguments: &[&str]) -> bool {
        run(&self.programs, name, arguments)
    }
}

fn program(programs: &Path, name: &str) -> Command {
    let mut program = Command::new(programs.join(name));
    program.stdin(Stdio::null());
    program
}

fn run(programs: &Path, name: &str, arguments: &[&str]) -> bool {
    let done = program(programs, name).args(arguments).output();
    done.is_ok_and(|done| done.status.success())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    address.expect("there is a free port").port()
}

fn await_start(is_there: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_there() {
        assert!(Instant::now() < end, "the server does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder for a server. Its shell removes it, because this process may end in
/// any way.
fn folder() -> PathBuf {
    tempfile::Builder::new()
        .prefix("sfbridge-postgres-")
        .tempdir()
        .expect("there is room for a folder")
        .keep()
}

/// Starts a server in a shell that ends it, and removes its folder, once this
/// process is gone. Options are settings of the server, as `name=value`.
fn spawn(programs: &Path, folder: &Path, port: u16, options: &[String]) -> Child {
    const SCRIPT: &str = r#"
        programs=$1 folder=$2 port=$3
        shift 3
        "$programs/initdb" --pgdata "$folder/data" --username sfbridge --auth trust \
            --encoding UTF8 --locale C --no-sync >"$folder/log" 2>&1 \
            || { cat "$folder/log" >&2; exit 1; }
        "$programs/postgres" -D "$folder/data" -k "$folder" -p "$port" \
            -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300 \
            -c shared_buffers=64MB "$@" >>"$folder/log" 2>&1 &
        server=$!
        read -r _
        kill -QUIT "$server"
        wait "$server"
        rm -rf "$folder"
    "#;

    let mut shell = if is_root() {
        // PostgreSQL refuses to run as root.
        let mut chown = Command::new("chown");
        let owner = chown.args(["-R", "postgres"]).arg(folder).status();
        assert!(
            owner.is_ok_and(|status| status.success()),
            "there is no user `postgres` to run the server as; install PostgreSQL"
        );
        let mut shell = Command::new("setpriv");
        shell.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "sh",
        ]);
        shell
    } else {
        Command::new("sh")
    };
    shell
        .args(["-c", SCRIPT, "postgres"])
        .arg(programs)
        .arg(folder)
        .arg(port.to_string())
        .args(options.iter().flat_map(|option| ["-c", option]))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a shell runs")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// Where the server's programs are: Debian keeps them out of the path.
fn programs() -> PathBuf {
    let in_path = std::env::var_os("PATH").into_iter().flat_map(|path| {
        let folders = std::env::split_paths(&path);
        folders.collect::<Vec<_>>()
    });
    let mut of_debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    of_debian.sort();
    let mut folders = of_debian.into_iter().rev().chain(in_path);
    let is_there = |folder: &PathBuf| {
        let needed = ["initdb", "postgres", "createdb"];
        needed.iter().all(|name| folder.join(name).exists())
    };
    match folders.find(is_there) {
        Some(folder) => folder,
        None => panic!(
            "there is no PostgreSQL server; install it (Debian: postgresql), or set \
             SFBRIDGE_TEST_POSTGRES to the URL of a superuser of one"
        ),
    }
}
