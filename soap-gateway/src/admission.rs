//! Which organisations may send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use sfbridge_proto::v1::UnknownInstallations;
use sfbridge_values::OrganizationId;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::arrival::Arrival;
use crate::config::InstallationMode;
use crate::core_client::{CoreClient, CoreFailure};
use crate::fault::{Fault, Reason};

/// Lets organisations in, or not.
#[derive(Debug)]
pub(crate) struct Admission {
    mode: InstallationMode,
    core: CoreClient,
    known: Mutex<HashMap<Box<str>, Known>>,
}

/// Which rule a request comes under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Any organisation may send, for any installation.
    Open,
    /// Only linked organisations may send, and only for known installations.
    Strict,
}

impl Policy {
    /// What the core is to do with installations that nobody has created.
    pub(crate) fn unknown_installations(self) -> UnknownInstallations {
        match self {
            Self::Open => UnknownInstallations::Unspecified,
            Self::Strict => UnknownInstallations::Reject,
        }
    }
}

/// What the core said of an organisation. Requests that ask at the same time
/// share one call.
#[derive(Clone, Debug)]
struct Known {
    asked_at: Instant,
    is_linked: Arc<OnceCell<bool>>,
}

impl Known {
    /// How long the core's word counts.
    const FRESH: Duration = Duration::from_secs(5);

    fn is_fresh(&self) -> bool {
        self.asked_at.elapsed() < Self::FRESH
    }
}

impl Admission {
    /// The most organisations that are remembered.
    const MAX_KNOWN: usize = 10_000;

    /// Admission by a mode, and by what the core knows.
    pub(crate) fn new(mode: InstallationMode, core: CoreClient) -> Self {
        Self {
            mode,
            core,
            known: Mutex::default(),
        }
    }

    /// The rule that a request comes under.
    pub(crate) fn policy(&self, arrival: Option<&Arrival>, headers: &HeaderMap) -> Policy {
        let is_open = match self.mode {
            InstallationMode::Open => true,
            InstallationMode::Strict => false,
            InstallationMode::Auto => arrival.is_some_and(|arrival| arrival.is_local(headers)),
        };
        if is_open {
            Policy::Open
        } else {
            Policy::Strict
        }
    }

    /// Lets the organisation of a message in.
    ///
    /// # Errors
    ///
    /// A refusal: 403 when it is linked to no installation, and 503 when the
    /// core can't tell.
    pub(crate) async fn admit(
        &self,
        organization_id: &OrganizationId,
        policy: Policy,
        until: Instant,
    ) -> Result<(), Fault> {
        if policy == Policy::Open || self.is_linked(organization_id, until).await? {
            return Ok(());
        }
        Err(Fault::new(
            Reason::OrganizationNotLinked,
            "The Salesforce organisation that sent this message is linked to no installation; \
             have its organisation id entered in the installation's settings.",
        ))
    }

    async fn is_linked(
        &self,
        organization_id: &OrganizationId,
        until: Instant,
    ) -> Result<bool, CoreFailure> {
        let known = self.known(organization_id);
        let ask = || self.core.is_linked(organization_id, until);
        known.is_linked.get_or_try_init(ask).await.copied()
    }

    /// What is remembered of an organisation, made anew when it is too old.
    fn known(&self, organization_id: &OrganizationId) -> Known {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known
            .get(organization_id.key())
            .filter(|known| known.is_fresh())
        {
            return known.clone();
        }
        if known.len() >= Self::MAX_KNOWN {
            known.retain(|_, known| known.is_fresh());
        }
        if known.len() >= Self::MAX_KNOWN {
            known.clear();
        }
        let new = Known {
            asked_at: Instant::now(),
            is_linked: Arc::default(),
        };
        known.insert(organization_id.key().into(), new.clone());
        new
    }
}
