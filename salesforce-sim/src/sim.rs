//! The org as a whole: started, run, and ended.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sfbridge_values::SalesforceId;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::SimConfig;
use crate::control;
use crate::http::Server;
use crate::org::{Author, InvalidOrg, Org, Saving};
use crate::outbound::{DefinitionDescription, Sender, client};
use crate::schema::ObjectType;
use crate::state::Shared;

/// An org that listens. Connections wait until it runs.
pub struct Sim {
    local_addr: SocketAddr,
    server: Server,
    sender: Sender,
    shared: Arc<Shared>,
}

/// The org can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The description does not make an org.
    #[error("the org can't be made")]
    Org(#[source] InvalidOrg),
    /// Whoever reaches it may change everything in it.
    #[error(
        "{0} can be reached from other machines, and anybody could change everything in the org; \
         listen on 127.0.0.1, or allow it"
    )]
    Remote(SocketAddr),
    /// The address can't be listened on.
    #[error("the simulator can't listen on {address}; is another program using it?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Messages can't be sent.
    #[error("the HTTP client can't be started")]
    Client(#[source] reqwest::Error),
}

/// A record was refused, in Salesforce's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// Salesforce's code.
    pub code: String,
    /// Salesforce's text.
    pub message: String,
}

/// A handle on a running org, for people who work with it.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// How many notifications wait, were delivered, and were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboundCounts {
    /// Not yet acknowledged.
    pub waiting: usize,
    /// Acknowledged.
    pub delivered: u64,
    /// Given up after 24 hours.
    pub failed: usize,
}

/// Makes the org and starts to listen.
///
/// # Errors
///
/// [`StartError`] when the description does not make an org, or the address
/// can't be listened on.
pub async fn bind(config: SimConfig) -> Result<Sim, StartError> {
    let address = config.listen;
    if !address.ip().is_loopback() && !config.allow_remote {
        return Err(StartError::Remote(address));
    }
    let org = Org::new(&config).map_err(StartError::Org)?;
    let listen = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let local_addr = listener.local_addr().map_err(listen)?;
    let shared = Arc::new(Shared::new(org));
    let client = client().map_err(StartError::Client)?;
    Ok(Sim {
        local_addr,
        server: Server::new(listener, Arc::clone(&shared)),
        sender: Sender::new(Arc::clone(&shared), client),
        shared,
    })
}

impl Sim {
    /// The address that it listens on, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A handle on the org.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Answers requests and sends messages until `shutdown` is cancelled. What
    /// is being answered then is finished, within 2 seconds.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self {
            local_addr,
            server,
            sender,
            ..
        } = self;
        info!(address = %local_addr, "a pretend Salesforce org runs");
        let serving = server.run(shutdown.clone());
        let sending = sender.run(shutdown);
        tokio::join!(serving, sending);
        info!(address = %local_addr, "the pretend Salesforce org has stopped");
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

impl Handle {
    /// Makes a record as a person would, which may fire an outbound message.
    ///
    /// # Errors
    ///
    /// [`Refused`] when it breaks a rule of the org.
    pub fn create(
        &self,
        object: ObjectType,
        fields: &Map<String, Json>,
    ) -> Result<SalesforceId, Refused> {
        let created = {
            let mut org = self.shared.org();
            org.create(object, fields, &Saving::by(Author::Person))
        };
        self.shared.changed.notify_one();
        created.map_err(|refusal| Refused {
            code: refusal.code.into_owned(),
            message: refusal.message,
        })
    }

    /// Has changes of records fire one more outbound message from now on.
    ///
    /// # Errors
    ///
    /// [`InvalidOrg`] when it names what is not there.
    pub fn define(&self, description: &DefinitionDescription) -> Result<(), InvalidOrg> {
        self.shared.org().define(description)
    }

    /// A record with all its fields, as the REST API shows it; none when there
    /// is no such record.
    pub fn record(&self, id: &SalesforceId) -> Option<Map<String, Json>> {
        let org = self.shared.org();
        match control::row(&org, org.records.get(id)?) {
            Json::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// How many notifications there are.
    pub fn outbound(&self) -> OutboundCounts {
        self.shared.org().outbox.numbers()
    }
}
