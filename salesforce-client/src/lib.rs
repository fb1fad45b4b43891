//! Everything that sfbridge says to Salesforce's REST API.
//!
//! A [`Client`] makes an [`Org`] of a [`Login`]. An org logs in when it must,
//! keeps its session, describes, reads and updates Leads. It knows nothing of
//! stores or contracts.
//!
//! Nothing here is tried again, with one exception: a call that finds its
//! session over logs in once and is made once more. When to try again is for
//! whoever keeps the work; [`Error::class`] says whether it makes sense.
//!
//! Tokens, keys and secrets are in no error, no log and no `Debug`.

mod answer;
mod client;
mod clock;
mod description;
mod error;
mod error_table;
mod host;
mod kept;
mod login;
mod login_url;
mod oauth;
mod org;
mod private_key;
mod quota;
mod read;
mod session;
mod soql;
mod update;
mod version;

pub use client::{CallKind, Client, ClientConfig, StartError};
pub use description::{FieldDescription, FieldType, LeadDescription};
pub use error::{Error, ErrorClass};
pub use host::{ExtraHosts, InvalidExtraHost};
pub use login::{Credentials, InvalidLogin, Login};
pub use login_url::{InvalidLoginUrl, LoginUrl};
pub use org::{Org, Sharing};
pub use private_key::{InvalidPrivateKey, PrivateKey};
pub use quota::Quota;
pub use read::LeadRecord;
pub use session::{Connection, LogIn, OpenSession, WantedSession};
pub use update::{FieldValue, InvalidLeadUpdate, InvalidUpdateBatch, LeadUpdate, UpdateBatch};
pub use version::{ApiVersion, InvalidApiVersion};
