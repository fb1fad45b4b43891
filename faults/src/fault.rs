//! What can go wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use clap::ValueEnum;

/// Something that goes wrong while messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A core is killed.
    KillCore,
    /// A gateway is killed.
    KillGateway,
    /// All processes of the product are killed.
    KillAll,
    /// The database is killed, all of it.
    KillDatabase,
    /// One backend of the database is killed, which takes all of them down.
    KillBackend,
    /// A process is told to end and started again.
    Restart,
    /// A process stands still.
    Pause,
    /// All connections break, and none can be made.
    Cut,
    /// Everything comes later.
    Delay,
    /// A few bytes come at a time.
    Slowness,
    /// Connections become half open.
    HalfOpen,
    /// The store's disk is full.
    FullDisk,
    /// Syncing the store fails.
    SyncError,
    /// A core's clock jumps, forwards or backwards.
    ClockJump,
}

/// Faults of one sort, as they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// kill -9 of core, gateway, both, the database, one of its backends
    Kill,
    /// SIGTERM, and a start
    Restart,
    /// SIGSTOP, and SIGCONT some time later
    Pause,
    /// Cuts, delay, slowness and half-open connections
    Network,
    /// ENOSPC from the store's disk
    FullDisk,
    /// EIO from fsync and fdatasync of the store's files
    Fsync,
    /// The core's clock jumps by hours and days
    Clock,
}

/// What can be injected here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Can {
    /// Whether there is a database to kill.
    pub(crate) kill_database: bool,
    /// Whether a library can stand before the system's.
    pub(crate) preload: bool,
}

/// How often what was injected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    times: BTreeMap<Fault, u64>,
    kills: u64,
}

impl Fault {
    pub(crate) const ALL: [Self; 14] = [
        Self::KillCore,
        Self::KillGateway,
        Self::KillAll,
        Self::KillDatabase,
        Self::KillBackend,
        Self::Restart,
        Self::Pause,
        Self::Cut,
        Self::Delay,
        Self::Slowness,
        Self::HalfOpen,
        Self::FullDisk,
        Self::SyncError,
        Self::ClockJump,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KillCore => "kill-core",
            Self::KillGateway => "kill-gateway",
            Self::KillAll => "kill-all",
            Self::KillDatabase => "kill-database",
            Self::KillBackend => "kill-backend",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Cut => "cut",
            Self::Delay => "delay",
            Self::Slowness => "slowness",
            Self::HalfOpen => "half-open",
            Self::FullDisk => "full-disk",
            Self::SyncError => "sync-error",
            Self::ClockJump => "clock-jump",
        }
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::KillCore
            | Self::KillGateway
            | Self::KillAll
            | Self::KillDatabase
            | Self::KillBackend => Family::Kill,
            Self::Restart => Family::Restart,
            Self::Pause => Family::Pause,
            Self::Cut | Self::Delay | Self::Slowness | Self::HalfOpen => Family::Network,
            Self::FullDisk => Family::FullDisk,
            Self::SyncError => Family::Fsync,
            Self::ClockJump => Family::Clock,
        }
    }

    /// How often it is drawn, beside the others.
    pub(crate) fn weight(self) -> u32 {
        match self {
            Self::KillCore => 8,
            Self::KillGateway => 5,
            Self::KillDatabase => 4,
            Self::KillAll | Self::KillBackend | Self::Restart | Self::ClockJump => 2,
            _ => 1,
        }
    }

    pub(crate) fn is_possible(self, can: Can) -> bool {
        match self {
            Self::KillDatabase | Self::KillBackend => can.kill_database,
            Self::FullDisk | Self::SyncError | Self::ClockJump => can.preload,
            _ => true,
        }
    }
}

impl Counts {
    /// Counts a fault that has killed so many processes.
    pub(crate) fn add(&mut self, fault: Fault, kills: u64) {
        *self.times.entry(fault).or_default() += 1;
        self.kills += kills;
    }

    /// How many processes were killed.
    pub(crate) fn kills(&self) -> u64 {
        self.kills
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        for (fault, times) in &other.times {
            *self.times.entry(*fault).or_default() += times;
        }
        self.kills += other.kills;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (fault, times)) in self.times.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {times}", fault.name())?;
        }
        Ok(())
    }
}
