//! Who may do what.

use std::collections::BTreeSet;

use sfbridge_values::{Igrp, ShortText, Timestamp};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Record events, ratings, enrichments, visits and calls.
    Ingest,
    /// Read records and settings.
    Read,
    /// Everything.
    Admin,
}

/// Which installations a caller may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All, also those that do not exist yet.
    All,
    /// These only.
    Only(BTreeSet<Igrp>),
}

impl Coverage {
    /// Whether an installation is among them.
    pub fn covers(&self, igrp: Igrp) -> bool {
        match self {
            Self::All => true,
            Self::Only(igrps) => igrps.contains(&igrp),
        }
    }
}

/// An API key to make.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// A name for people.
    pub display_name: ShortText,
    /// What its holder may do; not empty.
    pub roles: BTreeSet<Role>,
    /// The installations that it covers.
    pub coverage: Coverage,
}

/// An API key without its text.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id, the public part of the text.
    pub api_key_id: String,
    /// A name for people.
    pub display_name: String,
    /// What its holder may do.
    pub roles: BTreeSet<Role>,
    /// The installations that it covers.
    pub coverage: Coverage,
    /// When it was made.
    pub create_time: Timestamp,
    /// SHA-256 of the secret part of the text.
    pub secret_hash: [u8; 32],
}

impl ApiKey {
    /// Whether its holder can make further keys.
    pub fn is_master(&self) -> bool {
        self.roles.contains(&Role::Admin) && self.coverage == Coverage::All
    }
}
