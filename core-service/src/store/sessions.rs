//! Sessions at Salesforce, which cores share.

use std::time::Duration;

use sfbridge_values::Igrp;
use uuid::Uuid;

use super::{SessionClaim, SessionTurn, Store, StoreError};
use crate::sealing::Sealed;

impl Store {
    /// Gets a session at Salesforce that cores share, or the turn to log in.
    ///
    /// The embedded store is open in one process at a time, which keeps its
    /// session in memory.
    pub async fn claim_session(&self, claim: SessionClaim) -> Result<SessionTurn, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(SessionTurn::Unshared),
            Self::Postgres(store) => store.claim_session(claim).await,
        }
    }

    /// Keeps a turn to log in for so much longer.
    pub async fn extend_session_turn(
        &self,
        igrp: Igrp,
        owner: Uuid,
        lease: Duration,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => store.extend_session_turn(igrp, owner, lease).await,
        }
    }

    /// Ends a turn to log in, with the session that it brought, if any. The
    /// session's number; nothing when there is none, or the turn was lost.
    pub async fn end_session_turn(
        &self,
        igrp: Igrp,
        owner: Uuid,
        session: Option<Sealed>,
    ) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(store) => store.end_session_turn(igrp, owner, session).await,
        }
    }
}
