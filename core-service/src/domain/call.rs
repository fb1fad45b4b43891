//! Calls: tracked phone calls.

use sfbridge_values::{CallRef, Igrp, ShortText, Timestamp, VisitorId};
use uuid::Uuid;

use super::Fingerprint;

/// A call as it came in, every value parsed.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct NewCall {
    pub call_ref: CallRef,
    pub visitor_id: Option<VisitorId>,
    pub start_time: Timestamp,
    pub source_phone_number: ShortText,
    pub dialled_phone_number: ShortText,
    pub destination_phone_number: ShortText,
    pub ring_seconds: u32,
    pub call_seconds: u32,
    pub bridge_seconds: u32,
    pub state: ShortText,
}

impl NewCall {
    /// What tells a repeat of this call from one with other content.
    pub fn fingerprint(&self) -> [u8; 16] {
        let visitor_id = self.visitor_id.map(|id| id.to_string());
        Fingerprint::default()
            .optional(visitor_id.as_deref())
            .integer(self.start_time.micros())
            .text(self.source_phone_number.as_str())
            .text(self.dialled_phone_number.as_str())
            .text(self.destination_phone_number.as_str())
            .integer(i64::from(self.ring_seconds))
            .integer(i64::from(self.call_seconds))
            .integer(i64::from(self.bridge_seconds))
            .text(self.state.as_str())
            .finish()
    }
}

/// A call as it is kept.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct Call {
    pub call_id: Uuid,
    pub igrp: Igrp,
    pub call_ref: String,
    pub visitor_id: Option<VisitorId>,
    pub start_time: Timestamp,
    pub source_phone_number: String,
    pub dialled_phone_number: String,
    pub destination_phone_number: String,
    pub ring_seconds: u32,
    pub call_seconds: u32,
    pub bridge_seconds: u32,
    pub state: String,
    pub receive_time: Timestamp,
}
