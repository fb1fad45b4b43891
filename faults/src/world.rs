//! The product as it runs for one run: cores, gateways, and what lies between
//! them and the database.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::database::{Database, Server};
use crate::fault::Can;
use crate::org::Org;
use crate::process::{Ports, Process};
use crate::proxy::{Proxy, Weather};
use crate::shim::{Disk, Library, Shim, readable};

/// The key that seals credentials; all cores of a store have the same.
const SECRET_KEY: &str = "0f0e0d0c0b0a09080706050403020100000102030405060708090a0b0c0d0e0f";

/// How long the gateways let a message take. They give up sooner than in
/// production, so that what can't be answered is sent again more often.
const REQUEST_TIME: &str = "--gateway-request-time=3s";

/// Which store is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) binary: PathBuf,
    pub(crate) store: StoreKind,
    pub(crate) server: Option<Server>,
    pub(crate) library: Option<Library>,
}

/// Which processes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Core and gateways are processes of their own.
    Apart,
    /// One process is core and gateway (`up`); there is one more gateway.
    Together,
}

/// A process that is a core.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) shim: Option<Shim>,
}

/// The product, running.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) shape: Shape,
    pub(crate) folder: TempDir,
    pub(crate) org: Org,
    pub(crate) database: Option<Database>,
    pub(crate) cores: Vec<Core>,
    /// Gateways in processes of their own.
    pub(crate) gateways: Vec<Process>,
    /// Where messages can be sent.
    pub(crate) entrances: Vec<SocketAddr>,
    /// From each gateway to each core, and from each core to the database.
    pub(crate) links: Vec<Proxy>,
    /// How far ahead a core's clock was at most, in seconds, if any has jumped.
    pub(crate) most_ahead: Option<i64>,
}

impl Setting {
    /// What can be injected.
    pub(crate) fn can(&self) -> Can {
        Can {
            kill_database: self.store == StoreKind::Postgres,
            preload: self.library.is_some(),
        }
    }
}

impl StoreKind {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apart => "apart",
            Self::Together => "together",
        })
    }
}

impl World {
    /// Starts everything. `leads` is how many Leads the pretend org has.
    pub(crate) async fn start(
        setting: &Setting,
        leads: u32,
        random: &mut StdRng,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sfbridge-faults-")
            .disable_cleanup(true)
            .tempdir()?;
        readable(folder.path())?;
        let started = Self::start_in(setting, leads, random, &folder).await;
        let started = started.with_context(|| format!("see {}", folder.path().display()));
        Ok(Self { folder, ..started? })
    }

    async fn start_in(
        setting: &Setting,
        leads: u32,
        random: &mut StdRng,
        folder: &TempDir,
    ) -> anyhow::Result<Self> {
        let path = folder.path();
        let mut ports = Ports::new();
        let org = Org::start(&setting.binary, path, leads).await?;
        let shape = if random.random() {
            Shape::Apart
        } else {
            Shape::Together
        };
        let database = match (setting.store, &setting.server) {
            (StoreKind::Postgres, Some(server)) => {
                let address = ports.take()?;
                let library = setting.library.as_ref();
                Some((
                    Database::start(server, path, address, library).await?,
                    address,
                ))
            }
            _ => None,
        };
        let mut world = Self {
            shape,
            // The caller has the one that stays.
            folder: tempfile::tempdir()?,
            org,
            database: None,
            cores: Vec::new(),
            gateways: Vec::new(),
            entrances: Vec::new(),
            links: Vec::new(),
            most_ahead: None,
        };
        let count = if database.is_some() { 2 } else { 1 };
        for number in 0..count {
            let store = match &database {
                None => None,
                Some((_, address)) => {
                    let link = Proxy::start(*address).await?;
                    let url = Database::url(link.address());
                    world.links.push(link);
                    Some(url)
                }
            };
            world
                .start_core(setting, path, &mut ports, number, store)
                .await?;
        }
        world.database = database.map(|(database, _)| database);
        let gateways = match shape {
            Shape::Apart => 2,
            Shape::Together => 1,
        };
        for number in 1..=gateways {
            world
                .start_gateway(setting, path, &mut ports, number)
                .await?;
        }
        Ok(world)
    }

    async fn start_core(
        &mut self,
        setting: &Setting,
        folder: &Path,
        ports: &mut Ports,
        number: usize,
        store: Option<String>,
    ) -> anyhow::Result<()> {
        let is_up = self.shape == Shape::Together && number == 0;
        let name = format!("core-{}", number + 1);
        let address = ports.take()?;
        let mut process = Process::new(&name, &setting.binary, folder)
            .argument(if is_up { "up" } else { "core" })
            .argument(format!("--core-listen={address}"))
            .argument(format!("--operator-listen={}", ports.take()?))
            .variable("SFBRIDGE_SECRET_KEY", SECRET_KEY)
            .variable("SFBRIDGE_SALESFORCE_EXTRA_HOSTS", self.org.host());
        if is_up {
            let gateway = ports.take()?;
            process = process
                .argument(format!("--gateway-listen={gateway}"))
                .argument(REQUEST_TIME);
            self.entrances.push(gateway);
        }
        if let Some(store) = store {
            process = process.variable("SFBRIDGE_STORE", store);
        }
        let mut shim = None;
        if let Some(library) = &setting.library {
            fs::create_dir(process.data())?;
            let control = folder.join(format!("{name}.faults"));
            let made = library.shim(control, process.data())?;
            for (name, value) in made.variables() {
                process = process.variable(name, value);
            }
            shim = Some(made);
        }
        process.start().await?;
        self.cores.push(Core {
            process,
            address,
            shim,
        });
        Ok(())
    }

    async fn start_gateway(
        &mut self,
        setting: &Setting,
        folder: &Path,
        ports: &mut Ports,
        number: usize,
    ) -> anyhow::Result<()> {
        let mut urls = Vec::new();
        for core in &self.cores {
            let link = Proxy::start(core.address).await?;
            urls.push(format!("http://{}", link.address()));
            self.links.push(link);
        }
        let address = ports.take()?;
        let name = format!("gateway-{number}");
        let mut process = Process::new(&name, &setting.binary, folder)
            .argument("gateway")
            .argument(format!("--gateway-listen={address}"))
            .argument(REQUEST_TIME)
            .argument(format!("--operator-listen={}", ports.take()?))
            .argument(format!("--core-url={}", urls.join(",")));
        process.start().await?;
        self.gateways.push(process);
        self.entrances.push(address);
        Ok(())
    }

    /// All processes of the product.
    pub(crate) fn processes(&mut self) -> Vec<&mut Process> {
        let cores = self.cores.iter_mut().map(|core| &mut core.process);
        cores.chain(&mut self.gateways).collect()
    }

    /// The library in whatever has the store's files.
    pub(crate) fn disk(&mut self) -> Option<&mut Shim> {
        match &mut self.database {
            Some(database) => database.shim.as_mut(),
            None => self.cores.first_mut()?.shim.as_mut(),
        }
    }

    /// Starts again whatever has ended.
    pub(crate) async fn revive(&mut self) -> anyhow::Result<()> {
        if let Some(database) = &mut self.database {
            database.revive().await?;
        }
        for process in self.processes() {
            process.revive().await?;
        }
        Ok(())
    }

    /// Lets everything work again. Clocks go on from the furthest point, after
    /// which every lease of a process that was killed has ended.
    pub(crate) async fn heal(&mut self) -> anyhow::Result<()> {
        const LONGER_THAN_A_LEASE: i64 = 600;
        for link in &self.links {
            link.set(Weather::Fair);
        }
        if let Some(disk) = self.disk() {
            disk.set_disk(Disk::Sound)?;
        }
        for process in self.processes() {
            process.go_on().await?;
        }
        self.revive().await?;
        let is_several = self.cores.len() > 1;
        if self.most_ahead.is_some() || is_several {
            let ahead = self.most_ahead.unwrap_or(0) + LONGER_THAN_A_LEASE;
            for core in &mut self.cores {
                if let Some(shim) = &mut core.shim {
                    shim.set_clock(ahead)?;
                }
                // What it slept for counts by the clock that it had.
                core.process.kill().await?;
                core.process.start().await?;
            }
        }
        Ok(())
    }

    /// Ends everything.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        for process in self.processes() {
            process.kill().await?;
        }
        if let Some(database) = &mut self.database {
            database.kill().await?;
        }
        Ok(())
    }
}
