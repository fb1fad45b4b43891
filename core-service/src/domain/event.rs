//! Events: tracked happenings that come from a CRM.

use std::collections::BTreeMap;

use sfbridge_values::{
    Action, CallRef, Currency, Decimal, Igrp, LongText, ShortText, Timestamp, VariableName,
    VisitorId,
};
use uuid::Uuid;

use super::{Fingerprint, GivenTime, Origin, TimeSource};

/// An event as it came in, every value parsed.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct NewEvent {
    pub action: Action,
    pub visitor_id: Option<VisitorId>,
    pub call_ref: Option<CallRef>,
    pub title: LongText,
    pub value: Option<Decimal>,
    pub transaction_value: Option<Decimal>,
    pub currency: GivenCurrency,
    pub transaction_ref: Option<ShortText>,
    pub time: GivenTime,
    pub match_mode: MatchMode,
    pub source_phone_number: Option<ShortText>,
    pub call_start_time: Option<Timestamp>,
    pub attributes: BTreeMap<VariableName, LongText>,
    pub warnings: Vec<String>,
    pub origin: Option<Origin>,
}

/// The currency that came with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenCurrency {
    /// Named for this value.
    Given(Currency),
    /// The record's own, for a value that names none.
    Fallback(Currency),
    /// None.
    Absent,
}

impl GivenCurrency {
    /// The currency, however it came.
    pub fn code(self) -> Option<Currency> {
        match self {
            Self::Given(currency) | Self::Fallback(currency) => Some(currency),
            Self::Absent => None,
        }
    }
}

/// How an event is tied to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchMode {
    /// By call reference, else by visitor id.
    Exact,
    /// Also by the caller's number and the time.
    Intelligent,
}

impl NewEvent {
    /// What tells a repeat of this event from one with other content.
    pub fn fingerprint(&self, igrp: Igrp) -> [u8; 16] {
        let visitor_id = self.visitor_id.map(|id| id.to_string());
        let value = self.value.map(|value| value.to_string());
        let transaction_value = self.transaction_value.map(|value| value.to_string());
        let currency = self.currency.code();
        Fingerprint::default()
            .integer(igrp.get())
            .text(self.action.as_str())
            .optional(visitor_id.as_deref())
            .optional(self.call_ref.as_ref().map(CallRef::as_str))
            .text(self.title.as_str())
            .optional(value.as_deref())
            .optional(transaction_value.as_deref())
            .optional(currency.as_ref().map(Currency::as_str))
            .optional(self.transaction_ref.as_ref().map(ShortText::as_str))
            .optional_integer(self.time.given().map(Timestamp::micros))
            .integer(i64::from(self.match_mode == MatchMode::Intelligent))
            .optional(self.source_phone_number.as_ref().map(ShortText::as_str))
            .optional_integer(self.call_start_time.map(Timestamp::micros))
            .pairs(
                self.attributes
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            )
            .finish()
    }

    /// Whether the event is kept and shown, but never counted or passed on.
    pub fn is_void(&self) -> bool {
        let reference = self
            .transaction_ref
            .as_ref()
            .map_or("", ShortText::as_str)
            .trim_start();
        reference
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("test"))
    }
}

/// An event as it is kept.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct Event {
    pub event_id: Uuid,
    pub igrp: Igrp,
    pub action: String,
    pub visitor_id: Option<VisitorId>,
    pub call_ref: Option<String>,
    pub title: String,
    pub value: Option<String>,
    pub transaction_value: Option<String>,
    pub currency: Option<String>,
    pub transaction_ref: Option<String>,
    pub event_time: Timestamp,
    pub event_time_source: TimeSource,
    pub receive_time: Timestamp,
    pub match_mode: MatchMode,
    pub source_phone_number: Option<String>,
    pub call_start_time: Option<Timestamp>,
    pub is_void: bool,
    pub attributes: BTreeMap<String, String>,
    pub warnings: Vec<String>,
    pub idempotency_key: Option<String>,
    pub origin: Option<Origin>,
    pub tie: Match,
}

/// What an event is tied to, as far as the core knows by now.
///
/// It is worked out when an event is read, so the order in which events, calls
/// and visits arrive can't matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Whether the call or visitor is known.
    pub is_matched: bool,
    /// The call's visitor, else the event's own.
    pub visitor_id: Option<VisitorId>,
    /// The call, when it is known.
    pub call_ref: Option<String>,
    /// Whether the event names another visitor than its call.
    pub is_contradicted: bool,
}

/// What the store knows of the call and the visitor that an event names.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Whether the event's call is known, and its visitor.
    pub call: Option<Option<VisitorId>>,
    /// Whether a visit or call of the event's visitor is known.
    pub is_visitor_known: bool,
}

impl Match {
    /// Ties an event: a call reference decides, else the visitor id.
    pub fn new(visitor_id: Option<VisitorId>, call_ref: Option<&str>, known: Known) -> Self {
        match (call_ref, known.call) {
            (Some(call_ref), Some(call_visitor)) => Self {
                is_matched: true,
                visitor_id: call_visitor.or(visitor_id),
                call_ref: Some(call_ref.to_owned()),
                is_contradicted: call_visitor.is_some()
                    && visitor_id.is_some()
                    && call_visitor != visitor_id,
            },
            (Some(_), None) => Self {
                is_matched: false,
                visitor_id: None,
                call_ref: None,
                is_contradicted: false,
            },
            (None, _) => Self {
                is_matched: known.is_visitor_known,
                visitor_id: visitor_id.filter(|_| known.is_visitor_known),
                call_ref: None,
                is_contradicted: false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(n: u8) -> VisitorId {
        VisitorId::from_bytes([n; 16])
    }

    #[track_caller]
    fn check(given: (Option<u8>, Option<&str>), known: Known, expected: (bool, Option<u8>, bool)) {
        let tie = Match::new(given.0.map(visitor), given.1, known);
        assert_eq!(
            (tie.is_matched, tie.visitor_id, tie.is_contradicted),
            (expected.0, expected.1.map(visitor), expected.2)
        );
    }

    #[test]
    fn a_call_reference_decides_and_its_visitor_is_the_events() {
        let known = Known {
            call: Some(Some(visitor(1))),
            is_visitor_known: true,
        };
        check((None, Some("C")), known, (true, Some(1), false));
        check((Some(1), Some("C")), known, (true, Some(1), false));
        check((Some(2), Some("C")), known, (true, Some(1), true));

        let anonymous = Known {
            call: Some(None),
            is_visitor_known: true,
        };
        check((Some(2), Some("C")), anonymous, (true, Some(2), false));

        let unknown = Known {
            call: None,
            is_visitor_known: true,
        };
        check((Some(2), Some("C")), unknown, (false, None, false));
    }

    #[test]
    fn without_a_call_reference_the_visitor_decides() {
        let known = Known {
            call: None,
            is_visitor_known: true,
        };
        check((Some(2), None), known, (true, Some(2), false));
        let unknown = Known {
            call: None,
            is_visitor_known: false,
        };
        check((Some(2), None), unknown, (false, None, false));
        check((None, None), unknown, (false, None, false));
    }
}
