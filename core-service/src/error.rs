//! Why the core could not do what it was asked.
//!
//! Nothing here knows of gRPC. What a caller is told is decided in
//! `grpc/status.rs`, and only there.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::{MAX_URL_TOKENS, MappingFinding, NotOpen};
use crate::sealing::SealingFailed;
use crate::store::StoreError;

/// Why a use case failed. There is one variant for each thing that a caller
/// can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks rules. Sending it again changes nothing.
    #[error("the request is not valid")]
    Invalid(Vec<Violation>),

    /// There is nothing of this id.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What was asked for, in the words of the contract.
        kind: &'static str,
        /// Its id, as asked for.
        id: String,
    },

    /// There is an installation of this id.
    #[error("installation {0} exists already; change it with UpdateInstallation")]
    InstallationExists(i64),

    /// The installation has records.
    #[error("installation {0} has records; set `force` to delete them too")]
    InstallationHasRecords(i64),

    /// The installation's model would be gone.
    #[error(
        "attribution model {0} is the installation's own (attribution_model_id) and can't be taken \
         away; choose another one first, or in the same request"
    )]
    AttributionModelInUse(i32),

    /// Nobody could make another key.
    #[error("this is the last `admin` key of all installations; make another one first")]
    LastMasterKey,

    /// Gateways hold all tokens, so their number is limited.
    #[error(
        "there are {MAX_URL_TOKENS} URL tokens, the most there can be; forget some that are revoked \
         (RevokeUrlToken with `forget`)"
    )]
    TooManyUrlTokens,

    /// Two jobs can't be open for one Lead.
    #[error("lead enrichment {0} is open for the same Lead; retry or cancel that one")]
    OtherEnrichmentOpen(Uuid),

    /// Only what is open can be cancelled.
    #[error(transparent)]
    EnrichmentEnded(NotOpen),
    /// Each import holds memory for as long as it runs, so their number is
    /// limited.
    #[error("as many imports run as the core takes at once; begin again in a moment")]
    TooManyImports,

    /// Nothing came through an import for too long.
    #[error(
        "nothing came for a minute; go on in another stream from the last `accepted_through` on"
    )]
    SilentImport,

    /// Each stream holds memory for as long as it runs, so their number is
    /// limited.
    #[error(
        "as many streams of events run as the core takes at once; begin again in a moment, or at \
         another core"
    )]
    TooManyStreams,

    /// The time is over that the caller gave a stream.
    #[error("the deadline of the stream has passed; go on from its last cursor")]
    StreamDeadline,

    /// What a cursor was given out for is gone.
    #[error(
        "the cursor is of events that this store does not have: an older backup was restored, or \
         it is another store; begin again with an empty cursor and STREAM_START_BEGINNING, and \
         know what you have by its event_id"
    )]
    LostCursor,

    /// There is no key, or a wrong one.
    #[error("an API key is needed; send it as `authorization: Bearer <key>` metadata")]
    Unauthenticated,

    /// The key does not allow this.
    #[error("the API key does not allow this: {0}")]
    PermissionDenied(String),

    /// The installation has no credentials that can be used.
    #[error("{0}")]
    NoLogin(String),

    /// The system has no random numbers to seal with.
    #[error(transparent)]
    Sealing(#[from] SealingFailed),

    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field's path, spelled as in the contract.
    pub field: String,
    /// What is wrong with it, as a sentence.
    pub description: String,
}

impl Violation {
    /// A field breaks a rule; the sentence starts with its name.
    pub(crate) fn new(field: &str, invalid: impl std::fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            description: format!("{field} {invalid}"),
        }
    }
}

impl Error {
    /// One field breaks a rule; the sentence starts with its name.
    pub(crate) fn invalid(field: &str, invalid: impl std::fmt::Display) -> Self {
        Self::Invalid(vec![Violation::new(field, invalid)])
    }

    /// Fields of a lead field mapping will not do; `after` ends each sentence.
    pub(crate) fn bad_mapping(findings: &[MappingFinding], after: &str) -> Self {
        let violation = |finding: &MappingFinding| Violation {
            field: "installation.lead_field_mapping".to_owned(),
            description: format!("{finding}{after}"),
        };
        Self::Invalid(findings.iter().map(violation).collect())
    }

    /// When the same request may succeed, if waiting helps.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(StoreError::Overloaded | StoreError::Contended(_))
            | Self::TooManyImports
            | Self::TooManyStreams => Some(Duration::from_secs(1)),
            Self::Store(StoreError::Unreachable(_)) => Some(Duration::from_secs(5)),
            Self::Store(StoreError::Full(_) | StoreError::Failed(_)) => {
                Some(Duration::from_secs(30))
            }
            Self::Store(StoreError::Closed) => Some(Duration::from_secs(5)),
            Self::Store(
                StoreError::Refused(_)
                | StoreError::Defect
                | StoreError::Unreadable { .. }
                | StoreError::InUse { .. }
                | StoreError::Open { .. }
                | StoreError::Connect { .. }
                | StoreError::TooOld { .. }
                | StoreError::TooNew { .. }
                | StoreError::HalfMoved { .. }
                | StoreError::Encoding { .. }
                | StoreError::Migrate(_),
            )
            | Self::Invalid(_)
            | Self::NotFound { .. }
            | Self::InstallationExists(_)
            | Self::InstallationHasRecords(_)
            | Self::AttributionModelInUse(_)
            | Self::LastMasterKey
            | Self::TooManyUrlTokens
            | Self::OtherEnrichmentOpen(_)
            | Self::EnrichmentEnded(_)
            | Self::SilentImport
            | Self::StreamDeadline
            | Self::LostCursor
            | Self::NoLogin(_)
            | Self::Sealing(_)
            | Self::Unauthenticated
            | Self::PermissionDenied(_) => None,
        }
    }
}
