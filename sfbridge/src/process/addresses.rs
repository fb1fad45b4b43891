//! Where a running process listens, written down for clients.

use std::fs;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The addresses of the roles that run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// Where outbound messages go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gateway: Option<SocketAddr>,
    /// Where gRPC goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) core: Option<SocketAddr>,
    /// Where `/healthz`, `/readyz` and `/metrics` are.
    pub(crate) operator: SocketAddr,
    /// Whether the gateway speaks TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) gateway_tls: bool,
    /// Whether the core speaks TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) core_tls: bool,
}

impl Addresses {
    /// Reads what a running process wrote; none when no process runs there, or
    /// when something else is in the file.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    /// Writes the file in one step: readers see all of it or nothing.
    pub(crate) fn write(&self, path: PathBuf) -> io::Result<AddressesFile> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let partial = path.with_extension(format!("json.{}", std::process::id()));
        let mut file = fs::File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        Ok(AddressesFile { path, text })
    }

    /// Whether somebody still listens at one of them.
    fn is_alive(&self) -> bool {
        const PATIENCE: Duration = Duration::from_millis(500);
        [self.gateway, self.core, Some(self.operator)]
            .into_iter()
            .flatten()
            .any(|address| TcpStream::connect_timeout(&reachable(address), PATIENCE).is_ok())
    }
}

/// Removes what a process left that was killed. The file of one that runs
/// stays: it may be about to refuse us the store.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    if Addresses::read(path).is_some_and(|addresses| addresses.is_alive()) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The address to call for one that listens: a process that listens on all
/// addresses is called on loopback.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// The file of this process.
#[derive(Debug)]
pub(crate) struct AddressesFile {
    path: PathBuf,
    text: String,
}

impl AddressesFile {
    /// Removes the file, unless another process has written its own since.
    pub(crate) fn remove(self) -> io::Result<()> {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn addresses(operator: SocketAddr) -> Addresses {
        Addresses {
            gateway: None,
            core: Some("127.0.0.1:50051".parse().unwrap()),
            operator,
            gateway_tls: false,
            core_tls: false,
        }
    }

    /// An address where nobody listens any more.
    fn closed() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }

    #[test]
    fn the_file_holds_the_roles_that_run_and_goes_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses.json");
        let ours = addresses("127.0.0.1:8082".parse().unwrap());
        let file = ours.write(path.clone()).unwrap();

        let json: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"core": "127.0.0.1:50051", "operator": "127.0.0.1:8082"})
        );
        assert_eq!(Addresses::read(&path), Some(ours));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        file.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn another_processes_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses.json");
        let file = addresses(closed()).write(path.clone()).unwrap();
        let theirs = addresses(closed()).write(path.clone()).unwrap();
        file.remove().unwrap();
        assert!(path.exists());
        theirs.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn only_a_dead_processes_file_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses.json");
        remove_stale(&path).unwrap();

        let mut dead = addresses(closed());
        dead.core = Some(closed());
        dead.write(path.clone()).unwrap();
        remove_stale(&path).unwrap();
        assert!(!path.exists());

        let alive = TcpListener::bind("127.0.0.1:0").unwrap();
        dead.operator = alive.local_addr().unwrap();
        dead.write(path.clone()).unwrap();
        remove_stale(&path).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_process_on_all_addresses_is_called_on_loopback() {
        for (listens, called) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.1.2.3:80", "10.1.2.3:80"),
        ] {
            let address = reachable(listens.parse().unwrap());
            assert_eq!(address, called.parse().unwrap());
        }
    }
}
