//! Rows as domain values, for both backends.

pub(super) mod api_key;
pub(super) mod attribution_model;
pub(super) mod call;
pub(super) mod call_rating;
pub(super) mod event;
pub(super) mod installation;
pub(super) mod known_lead;
pub(super) mod lead_enrichment;
pub(super) mod progress;
pub(super) mod quarantined_notification;
pub(super) mod refused_message;
pub(super) mod salesforce_connection;
pub(super) mod url_token;
pub(super) mod visit;
