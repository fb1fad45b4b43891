//! What the core knows about, in its own words.
//!
//! Nothing here names a wire format or a database, and nothing reads the
//! clock. Values are parsed once, by `sfbridge_values`; the types here put
//! them together.

mod access;
mod attribution;
mod call;
mod call_rating;
mod connection_report;
mod criteria;
mod event;
mod fingerprint;
mod history;
mod installation;
mod lead_enrichment;
mod lead_field;
mod lead_target;
mod lead_update;
mod mapping_check;
mod marketing_data;
mod notification;
mod origin;
mod refused_message;
mod rejection;
mod retention;
mod salesforce_connection;
mod sender;
mod time;
mod url_token;
mod visit;

pub use access::{ApiKey, Coverage, NewApiKey, Role};
pub use attribution::{
    Attribution, AttributionModel, AttributionModelId, AttributionModels, Channels, Considered,
    CustomModel, InvalidAttributionModel, InvalidAttributionModelId, InvalidAttributionModels,
    Journey, ModelKind, NewAttributionModel, Share, WHOLE,
};
pub use call::{Call, NewCall};
pub use call_rating::{CallRating, NewCallRating};
pub use connection_report::{ApiUsage, ConnectionReport};
pub use criteria::{
    Criteria, Criterion, FieldValue, InvalidCriteria, InvalidCriterion, InvalidOperator,
    KnownFields, NewCriterion, Operator,
};
pub use event::{Event, GivenCurrency, Known, Match, MatchMode, NewEvent};
pub use fingerprint::Fingerprint;
pub use history::VisitorHistory;
pub use installation::{
    Country, Installation, InvalidInstallation, LeadFieldMapping, RatingItem, RatingItems, TimeZone,
};
pub use lead_enrichment::{
    Attempt, AttemptOutcome, Attempts, Awaited, Claim, HeldLease, KeptAttribution, KeptShare,
    KnownLead, LeadEnrichment, LeadEnrichmentState, LeadToEnrich, Lease, NotOpen, OverwritePolicy,
    PlannedPush, Progress, RunResult, SalesforceRefusal, Settlement, WrittenMarks, retry_delay,
};
pub use lead_field::{Formatted, LeadField, LeadFieldKind, LeadValue, Misfit};
pub use lead_target::{FieldTexts, LeadTarget};
pub use lead_update::{Decision, LeadState, PlannedField, plan};
pub use mapping_check::{MappingFinding, MappingProblem, check_mapping};
pub use marketing_data::{AttributeValue, MarketingData};
pub use notification::{Notification, QuarantineState, QuarantinedNotification, RawFields};
pub use origin::{Origin, identity};
pub use refused_message::{
    InvalidRefusalReason, InvalidRefusalStatus, Place, Refusal, RefusalReason, RefusalStatus,
    RefusedMessage,
};
pub use rejection::{Faults, Rank, Rejection, RejectionReason};
pub use retention::{InvalidRetention, Keeping, Periods, Perishable, Retention};
pub use salesforce_connection::{
    ConnectedPeer, ConnectionState, LoginFlow, SalesforceConnection, SealedLogin,
};
pub use sender::{
    AddressRanges, ClientCertificates, OneOf, OrganizationAccess, SenderRestriction, TooMany,
};
pub use time::{GivenTime, TimeSource};
pub use url_token::{
    InvalidUrlTokenId, MAX_URL_TOKENS, NewUrlToken, UrlToken, UrlTokenId, UrlTokenState,
};
pub use visit::{NewVisit, Visit};
