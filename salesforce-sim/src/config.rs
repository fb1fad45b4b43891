//! How a pretend org is run.

use std::net::SocketAddr;

use crate::description::OrgDescription;
use crate::failure::Failure;
use crate::outbound::OutboundSettings;

/// How a pretend org is run.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Whether it may listen beyond this machine. Whoever reaches it may
    /// change everything in it, and make it send messages.
    pub allow_remote: bool,
    /// What the org is to begin with.
    pub org: OrgDescription,
    /// How outbound messages are sent.
    pub outbound: OutboundSettings,
    /// What is to go wrong from the start.
    pub failures: Vec<Failure>,
    /// Decides what is left to chance: duplicates and order.
    pub seed: u64,
}

impl SimConfig {
    /// The defaults, at an address.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            allow_remote: false,
            org: OrgDescription::default(),
            outbound: OutboundSettings::default(),
            failures: Vec::new(),
            seed: 1,
        }
    }
}
