//! What the control API can be told.

use serde::Deserialize;

/// How long sessions last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionOrder {
    pub(super) seconds: u32,
}

/// How many calls there may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaOrder {
    pub(super) limit: Option<u32>,
    pub(super) used: Option<u32>,
}

/// How far the org's clock is off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockOrder {
    pub(super) skew_seconds: i32,
}

/// What is switched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsOrder {
    pub(super) api_enabled: Option<bool>,
    pub(super) assignment_rule: Option<bool>,
    pub(super) send_outbound_messages: Option<bool>,
    pub(super) delay_ms: Option<u32>,
}
