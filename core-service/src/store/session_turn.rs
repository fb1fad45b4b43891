//! Whose turn it is to log in to Salesforce, where several processes share the
//! session.

use std::time::Duration;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use crate::sealing::Sealed;

/// Somebody needs a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionClaim {
    /// The installation that logs in.
    pub igrp: Igrp,
    /// When the credentials were set, which tells them from others.
    pub credentials_time: Timestamp,
    /// Sessions up to this number will not do: they are over.
    pub after: Option<i64>,
    /// Who asks; unique to each time that somebody asks.
    pub owner: Uuid,
    /// How long the turn is theirs, unless they extend it.
    pub lease: Duration,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionTurn {
    /// There is a session.
    Kept {
        /// Its number. Later ones have greater numbers.
        number: i64,
        /// It, sealed by whoever logged in.
        session: Sealed,
    },
    /// It is the asker's turn to log in.
    Theirs,
    /// Somebody else is logging in. The last session has this number.
    Taken(i64),
    /// Nothing is shared: there is no other process, or these credentials are
    /// not the present ones.
    Unshared,
}
