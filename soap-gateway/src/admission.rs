//! Who may send.

mod known;
mod organizations;
mod tokens;

use sfbridge_proto::v1::UnknownInstallations;
use sfbridge_values::OrganizationId;
use tokio::time::Instant;

use crate::config::{GatewayConfig, InstallationMode};
use crate::core_client::CoreClient;
use crate::fault::{Fault, Reason};
use crate::parameters::GivenToken;
use crate::sender::{Allowed, Sender, TokenPass};
use organizations::Organizations;
use tokens::Tokens;

/// Lets senders in, or not: first by what is known before a message is read,
/// then by the organisation that it is from. Every check that is configured has
/// to hold.
#[derive(Debug)]
pub(crate) struct Admission {
    mode: InstallationMode,
    allowed: Allowed,
    tokens: Tokens,
    organizations: Organizations,
}

/// A sender that may go on to send a message.
#[derive(Debug)]
pub(crate) struct Entrant {
    /// The rule that its message comes under.
    pub(crate) policy: Policy,
    sender: Sender,
    token: TokenPass,
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

impl Entrant {
    /// Whether a trusted proxy says that the request was made by `https`.
    pub(crate) fn is_https(&self) -> bool {
        self.sender.is_https()
    }
}

impl Admission {
    /// Admission by the settings, and by what the core knows.
    pub(crate) fn new(config: &GatewayConfig, core: &CoreClient) -> Self {
        Self {
            mode: config.installations,
            allowed: Allowed::by_settings(&config.senders),
            tokens: Tokens::new(core.clone()),
            organizations: Organizations::new(core.clone()),
        }
    }

    /// Lets a sender in as far as it is known before its message: by address,
    /// certificate and token.
    ///
    /// # Errors
    ///
    /// A refusal: 403 for the first check that does not hold, and 503 when the
    /// core can't tell which tokens there are.
    pub(crate) async fn enter(
        &self,
        sender: Sender,
        token: &GivenToken,
        until: Instant,
    ) -> Result<Entrant, Fault> {
        self.allowed.check(&sender)?;
        let token = self.tokens.rules(until).await?.judge(token)?;
        Ok(Entrant {
            policy: self.policy(&sender),
            sender,
            token,
        })
    }

    /// Lets the organisation of a message in.
    ///
    /// # Errors
    ///
    /// A refusal: 403 when it is linked to no installation and has to be, or
    /// when it may not send from there or with this token; 503 when the core
    /// can't tell.
    pub(crate) async fn admit(
        &self,
        organization_id: &OrganizationId,
        entrant: &Entrant,
        until: Instant,
    ) -> Result<(), Fault> {
        let access = self.organizations.access(organization_id, until).await?;
        if entrant.policy == Policy::Strict && !access.is_linked {
            return Err(not_linked());
        }
        for restriction in &access.restrictions {
            restriction.check(&entrant.sender)?;
        }
        entrant.token.admit(organization_id)
    }

    fn policy(&self, sender: &Sender) -> Policy {
        let is_open = match self.mode {
            InstallationMode::Open => true,
            InstallationMode::Strict => false,
            InstallationMode::Auto => sender.is_local(),
        };
        if is_open {
            Policy::Open
        } else {
            Policy::Strict
        }
    }
}

fn not_linked() -> Fault {
    Fault::new(
        Reason::OrganizationNotLinked,
        "The Salesforce organisation that sent this message is linked to no installation; have \
         its organisation id entered in the installation's settings.",
    )
}
