//! A process of the product that runs for one test.

use std::fmt::Display;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::until::{PATIENCE, until};

/// What a process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Gateway, core and store in one.
    Up,
    /// The core alone.
    Core,
    /// The gateway alone.
    Gateway,
}

/// How to start a process. It listens on free ports unless told otherwise.
#[derive(Debug)]
pub(crate) struct Start {
    role: Role,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Stands before the program, for what a shell can limit.
    shell: Option<String>,
    data: Option<PathBuf>,
}

/// A process that runs, killed when the test is over.
#[derive(Debug)]
pub(crate) struct Server {
    start: Start,
    child: Child,
    addresses: Addresses,
    files: Files,
}

/// Where a process listens; a role that it does not have has no address.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    gateway: Option<SocketAddr>,
    core: Option<SocketAddr>,
    operator: SocketAddr,
}

/// The files of a process: its data, and what it printed.
#[derive(Debug)]
struct Files {
    folder: TempDir,
    data: PathBuf,
}

impl Start {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            arguments: Vec::new(),
            variables: Vec::new(),
            shell: None,
            data: None,
        }
    }

    /// With a flag and its value.
    pub(crate) fn flag(mut self, name: &str, value: impl Display) -> Self {
        self.arguments.push(format!("--{name}={value}"));
        self
    }

    /// On ports that stay free while the process is down. Those that the system
    /// picks may go to somebody's connection meanwhile.
    pub(crate) fn on_lasting_ports(self) -> Self {
        let address = || format!("127.0.0.1:{}", lasting_port());
        let mut start = self.flag("operator-listen", address());
        if start.role != Role::Core {
            start = start.flag("gateway-listen", address());
        }
        if start.role != Role::Gateway {
            start = start.flag("core-listen", address());
        }
        start
    }

    /// With an environment variable.
    pub(crate) fn variable(mut self, name: &str, value: impl Display) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// With a shell command that runs before, such as `ulimit`.
    pub(crate) fn after(mut self, command: &str) -> Self {
        self.shell = Some(command.to_owned());
        self
    }

    /// With a data directory that is there already.
    pub(crate) fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// Starts the process and waits until it says where it listens.
    pub(crate) async fn start(self) -> Server {
        let files = Files::new(self.data.clone());
        let child = self.spawn(&files, None);
        let mut server = Server {
            start: self,
            child,
            // Known once it runs.
            addresses: Addresses {
                gateway: None,
                core: None,
                operator: SocketAddr::from(([0, 0, 0, 0], 0)),
            },
            files,
        };
        server.await_addresses().await;
        server
    }

    /// Runs a process that is expected to end by itself: its exit code and
    /// what it printed on standard error.
    pub(crate) async fn end(self) -> (Option<i32>, String) {
        let files = Files::new(self.data.clone());
        let mut child = self.spawn(&files, None);
        let code = exit_code(&mut child).await;
        (code, files.log())
    }

    fn spawn(&self, files: &Files, fixed: Option<Addresses>) -> Child {
        let program = env!("CARGO_BIN_EXE_sfbridge");
        let role = match self.role {
            Role::Up => "up",
            Role::Core => "core",
            Role::Gateway => "gateway",
        };
        let mut command = match &self.shell {
            None => Command::new(program),
            Some(first) => {
                let mut shell = Command::new("sh");
                shell
                    .arg("-c")
                    .arg(format!("{first}; exec \"$@\""))
                    .args(["sh", program]);
                shell
            }
        };
        command.arg(role);
        let listeners = [
            ("gateway-listen", self.role != Role::Core),
            ("core-listen", self.role != Role::Gateway),
            ("operator-listen", true),
        ];
        for (flag, has_it) in listeners {
            let is_given = |argument: &String| argument.starts_with(&format!("--{flag}="));
            if has_it && !self.arguments.iter().any(is_given) {
                let address = fixed.and_then(|fixed| match flag {
                    "gateway-listen" => fixed.gateway,
                    "core-listen" => fixed.core,
                    _ => Some(fixed.operator),
                });
                let address = address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
                command.arg(format!("--{flag}={address}"));
            }
        }
        command.arg("--data-dir").arg(&files.data);
        command.args(&self.arguments);
        super::without_settings(&mut command);
        command.envs(self.variables.iter().cloned());
        command.stdin(Stdio::null());
        command.stdout(files.append("out"));
        command.stderr(files.append("log"));
        command.kill_on_drop(true);
        command.spawn().unwrap()
    }
}

impl Server {
    /// Everything in one process, with the defaults.
    pub(crate) async fn up() -> Self {
        Start::new(Role::Up).start().await
    }

    /// A core alone.
    pub(crate) async fn core() -> Self {
        Start::new(Role::Core).start().await
    }

    /// A gateway in front of that core.
    pub(crate) async fn gateway_of(core: &Self) -> Self {
        let core = core.core_url();
        Start::new(Role::Gateway)
            .flag("core-url", core)
            .start()
            .await
    }

    pub(crate) fn gateway(&self) -> SocketAddr {
        self.addresses.gateway.unwrap()
    }

    pub(crate) fn core_address(&self) -> SocketAddr {
        self.addresses.core.unwrap()
    }

    pub(crate) fn core_url(&self) -> String {
        format!("http://{}", self.core_address())
    }

    pub(crate) fn operator(&self) -> SocketAddr {
        self.addresses.operator
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.files.data
    }

    pub(crate) fn addresses_file(&self) -> PathBuf {
        self.files.data.join("addresses.json")
    }

    /// What it has printed on standard output.
    pub(crate) fn greeting(&self) -> String {
        self.files.read("out")
    }

    /// What it has printed on standard error.
    pub(crate) fn log(&self) -> String {
        self.files.log()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends the process a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &id])
            .status();
        assert!(sent.await.unwrap().success());
    }

    /// Waits until the process has ended, and says how.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        exit_code(&mut self.child).await
    }

    /// Ends the process so that it can't do anything about it.
    pub(crate) async fn kill(&mut self) {
        self.child.start_kill().unwrap();
        exit_code(&mut self.child).await;
    }

    /// Starts the process again on the same data and ports, which were to be
    /// lasting ones.
    pub(crate) async fn restart(&mut self) {
        let _ = fs::remove_file(self.addresses_file());
        self.child = self.start.spawn(&self.files, Some(self.addresses));
        self.await_addresses().await;
    }

    async fn await_addresses(&mut self) {
        let path = self.addresses_file();
        let found = until(async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it did not start ({status}):\n{}", self.files.log());
            }
            let text = fs::read_to_string(&path).ok()?;
            Some(serde_json::from_str::<Value>(&text).unwrap())
        });
        let json = found.await;
        let address = |role: &str| Some(json.get(role)?.as_str().unwrap().parse().unwrap());
        self.addresses = Addresses {
            gateway: address("gateway"),
            core: address("core"),
            operator: address("operator").unwrap(),
        };
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.start_kill();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4_000);
            let tail = log.get(from..).unwrap_or(&log);
            eprintln!("--- log of {:?}\n{tail}", self.start.role);
        }
    }
}

impl Files {
    fn new(data: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = data.unwrap_or_else(|| folder.path().join("data"));
        Self { folder, data }
    }

    fn append(&self, name: &str) -> fs::File {
        let path = self.folder.path().join(name);
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true).open(path).unwrap()
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn log(&self) -> String {
        self.read("log")
    }
}

/// A free port that the system does not pick and no other test gets.
fn lasting_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() * 100;
    let mut ports = std::iter::repeat_with(|| {
        let next = first.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        20_000 + u16::try_from(next % 10_000).unwrap()
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).unwrap()
}

async fn exit_code(child: &mut Child) -> Option<i32> {
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    let Ok(status) = ended else {
        panic!("it did not end");
    };
    status.unwrap().code()
}
