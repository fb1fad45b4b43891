//! How the other receivers are started.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::running::Places;
use super::setup::Setup;

/// Where the sources of the receivers are.
pub(super) const RECEIVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/receivers");

/// A receiver's program, its arguments and its variables.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) variables: Vec<(&'a str, &'a OsStr)>,
}

impl<'a> Receiver<'a> {
    /// How a receiver is started, each in the configuration in which it is fastest.
    pub(super) fn of(
        setup: Setup,
        places: &Places,
        address: SocketAddr,
        database: Option<&'a Path>,
        modules: &'a Path,
    ) -> anyhow::Result<Self> {
        let port = address.port().to_string();
        let file = database.map(|file| file.display().to_string());
        let mut variables = Vec::new();
        let (program, arguments) = match setup {
            Setup::Warp => (places.warp_receiver.clone(), vec![port]),
            Setup::WarpXml => (places.warp_receiver.clone(), vec![port, "--xml".to_owned()]),
            Setup::Gsoap | Setup::GsoapSqlite => {
                let arguments = [Some(port), file].into_iter().flatten().collect();
                (places.tools.join("gsoap"), arguments)
            }
            Setup::Node | Setup::NodeSqlite => {
                variables.push(("NODE_PATH", modules.as_os_str()));
                let script = format!("{RECEIVERS}/node/receiver.cjs");
                let arguments = [Some(script), Some(port), file];
                ("node".into(), arguments.into_iter().flatten().collect())
            }
            Setup::Python | Setup::PythonSqlite => {
                if let Some(database) = database {
                    variables.push(("DATABASE", database.as_os_str()));
                }
                variables.push(("PYTHONDONTWRITEBYTECODE", OsStr::new("1")));
                let app = format!("--app-dir={RECEIVERS}/python");
                let options = [
                    "receiver:app",
                    &app,
                    "--workers=2",
                    "--loop=uvloop",
                    "--http=httptools",
                    "--no-access-log",
                    "--log-level=warning",
                    "--port",
                    &port,
                ];
                let program = places.tools.join("python/bin/uvicorn");
                (program, options.map(str::to_owned).to_vec())
            }
            other => bail!("{other:?} is no receiver"),
        };
        Ok(Self {
            program,
            arguments,
            variables,
        })
    }
}
