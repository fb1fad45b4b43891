//! What the core knows about, in its own words.
//!
//! Nothing here names a wire format or a database, and nothing reads the
//! clock. Values are parsed once, by `sfbridge_values`; the types here put
//! them together.

mod access;
mod attribution;
mod call;
mod call_rating;
mod event;
mod fingerprint;
mod history;
mod installation;
mod lead_enrichment;
mod lead_field;
mod lead_target;
mod lead_update;
mod marketing_data;
mod notification;
mod origin;
mod rejection;
mod time;
mod visit;

pub use access::{ApiKey, Coverage, NewApiKey, Role};
pub use attribution::{
    Attribution, AttributionModel, AttributionModelId, Channels, Considered,
    InvalidAttributionModel, InvalidAttributionModelId, Journey, ModelKind, NewAttributionModel,
    Share, WHOLE,
};
pub use call::{Call, NewCall};
pub use call_rating::{CallRating, NewCallRating};
pub use event::{Event, GivenCurrency, Known, Match, MatchMode, NewEvent};
pub use fingerprint::Fingerprint;
pub use history::VisitorHistory;
pub use installation::{
    Country, Installation, InvalidInstallation, LeadFieldMapping, RatingItem, RatingItems, TimeZone,
};
pub use lead_enrichment::{LeadEnrichment, LeadEnrichmentState, LeadToEnrich, OverwritePolicy};
pub use lead_field::{Formatted, LeadField, LeadFieldKind, LeadValue, Misfit};
pub use lead_target::{FieldTexts, LeadTarget};
pub use lead_update::{Decision, LeadState, PlannedField, WrittenMark, mark, plan};
pub use marketing_data::{AttributeValue, MarketingData};
pub use notification::{Notification, QuarantineState, QuarantinedNotification};
pub use origin::{Origin, identity};
pub use rejection::{Faults, Rank, Rejection, RejectionReason};
pub use time::{GivenTime, TimeSource};
pub use visit::{NewVisit, Visit};
