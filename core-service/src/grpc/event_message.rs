//! Events of the contract.

use std::collections::{BTreeMap, HashMap};

use sfbridge_proto::v1 as pb;
use sfbridge_values::{
    Action, Currency, Decimal, InvalidAction, LongText, ShortText, VariableName, VisitorId,
};

use super::batch::Draft;
use super::notification_message::{ReadNotification, write_origin};
use super::time;
use crate::domain::{Event, GivenCurrency, Match, MatchMode, NewEvent, Rejection, RejectionReason};
use crate::recording::Item;

/// The most custom variables of an event.
const MAX_ATTRIBUTES: usize = 50;

pub(super) fn read(event: pb::Event, notification: Option<ReadNotification>) -> Item<NewEvent> {
    let pb::Event {
        event_id: _,
        igrp,
        action,
        visitor_id,
        call_ref,
        title,
        value,
        transaction_value,
        currency,
        transaction_ref,
        event_time,
        event_time_source,
        receive_time: _,
        match_mode,
        source_phone_number,
        call_start_time,
        r#match: _,
        is_void: _,
        attributes,
        warnings,
        idempotency_key,
        salesforce,
        fallback_currency,
    } = event;

    let mut draft = Draft::new(igrp, notification, warnings);
    let (origin, organization_id) = draft.origin(salesforce);
    let visitor_id = draft.visitor_id(&visitor_id);
    let call_ref = draft.call_ref(&call_ref);
    let time = read_time(&mut draft, event_time, event_time_source);
    let call_start_time = call_start_time.and_then(|start| {
        let start = time::read(start);
        keep_time(&mut draft, "call_start_time", start)
    });
    let value = draft.decimal("value", &value);
    let transaction_value = draft.decimal("transaction_value", &transaction_value);
    let currency = read_currency(
        &mut draft,
        &currency,
        &fallback_currency,
        transaction_value.as_ref(),
    );
    let transaction_ref = draft.short_text("transaction_ref", &transaction_ref);
    let action = read_action(&mut draft, &action);
    let match_mode = read_match_mode(&mut draft, match_mode);
    let source_phone_number = read_phone_number(&mut draft, &source_phone_number);
    let attributes = read_attributes(&mut draft, attributes);
    let (title, is_cut) = LongText::cut(title);
    if is_cut {
        draft
            .warnings
            .push("title was cut to 4,000 characters.".to_owned());
    }

    let content = match (action, time, match_mode) {
        (Some(action), Some(time), Some(match_mode)) => Some(NewEvent {
            action,
            visitor_id,
            call_ref,
            title,
            value,
            transaction_value,
            currency,
            transaction_ref,
            time,
            match_mode,
            source_phone_number,
            call_start_time,
            attributes,
            warnings: std::mem::take(&mut draft.warnings),
            origin,
        }),
        // What is missing has left its fault.
        _ => None,
    };
    draft.finish(organization_id, &idempotency_key, content)
}

/// Reads the time of an event or a rating.
pub(super) fn read_time(
    draft: &mut Draft,
    time: Option<prost_types::Timestamp>,
    source: i32,
) -> Option<crate::domain::GivenTime> {
    let time = time::read_given(time, source, draft.is_from_notification());
    keep_time(draft, "event_time", time)
}

pub(super) fn keep_time<T>(
    draft: &mut Draft,
    field: &str,
    time: Result<T, sfbridge_values::InvalidTimestamp>,
) -> Option<T> {
    match time {
        Ok(time) => Some(time),
        Err(invalid) => {
            let reason = RejectionReason::InvalidTimestamp;
            draft.reject(Rejection::of_field(reason, field, invalid));
            None
        }
    }
}

fn read_action(draft: &mut Draft, text: &str) -> Option<Action> {
    if text.trim().is_empty() {
        return Some(Action::sale());
    }
    match Action::parse(text) {
        Ok(action) => Some(action),
        Err(invalid) => {
            let reason = match invalid {
                InvalidAction::Length => RejectionReason::InvalidAction,
                InvalidAction::Reserved => RejectionReason::ReservedAction,
            };
            draft.reject(Rejection::of_field(reason, "action", invalid));
            None
        }
    }
}

fn read_currency(
    draft: &mut Draft,
    given: &str,
    fallback: &str,
    transaction_value: Option<&Decimal>,
) -> GivenCurrency {
    if let Some(currency) = draft.currency(given) {
        return GivenCurrency::Given(currency);
    }
    if transaction_value.is_none() || fallback.trim().is_empty() {
        return GivenCurrency::Absent;
    }
    match Currency::parse_unlisted(fallback) {
        Ok(currency) => {
            if Currency::parse(fallback).is_err() {
                draft
                    .warnings
                    .push("The record's own currency is not an ISO 4217 code; it was kept.".into());
            }
            GivenCurrency::Fallback(currency)
        }
        Err(_) => {
            draft.warnings.push(
                "The record's own currency is not a code of three letters; it was ignored.".into(),
            );
            GivenCurrency::Absent
        }
    }
}

fn read_match_mode(draft: &mut Draft, mode: i32) -> Option<MatchMode> {
    match pb::MatchMode::try_from(mode) {
        Ok(pb::MatchMode::Unspecified | pb::MatchMode::Exact) => Some(MatchMode::Exact),
        Ok(pb::MatchMode::Intelligent) => Some(MatchMode::Intelligent),
        Err(_) => {
            draft.reject(Rejection::new(
                RejectionReason::MalformedNotification,
                "match_mode",
                "match_mode has an unknown value; use MATCH_MODE_EXACT or MATCH_MODE_INTELLIGENT",
            ));
            None
        }
    }
}

/// A number that can't be read is a warning: it takes part in no match.
fn read_phone_number(draft: &mut Draft, text: &str) -> Option<ShortText> {
    let number = draft.short_text("source_phone_number", text)?;
    let digits = number.as_str().bytes().filter(u8::is_ascii_digit).count();
    let is_written_as_number = number
        .as_str()
        .chars()
        .all(|c| c.is_ascii_digit() || " +-./()".contains(c));
    let is_readable = number.as_str().eq_ignore_ascii_case("anonymous")
        || (is_written_as_number && (3..=15).contains(&digits));
    if !is_readable {
        draft
            .warnings
            .push("source_phone_number can't be read as a phone number.".to_owned());
    }
    Some(number)
}

fn read_attributes(
    draft: &mut Draft,
    attributes: HashMap<String, String>,
) -> BTreeMap<VariableName, LongText> {
    if attributes.len() > MAX_ATTRIBUTES {
        draft.reject(Rejection::new(
            RejectionReason::MalformedNotification,
            "attributes",
            format!("attributes has more than {MAX_ATTRIBUTES} custom variables"),
        ));
        return BTreeMap::new();
    }
    // Sorted, so that the same request always leaves the same warnings.
    let attributes: BTreeMap<_, _> = attributes.into_iter().collect();
    let mut read = BTreeMap::new();
    for (name, value) in attributes {
        let parsed = name.strip_prefix("c_").map(VariableName::parse);
        let Some(Ok(parsed)) = parsed else {
            draft.reject(Rejection::new(
                RejectionReason::MalformedNotification,
                "attributes",
                "attributes has a name that is not `c_` and 1 to 64 ASCII letters, digits and `_`",
            ));
            continue;
        };
        let (value, is_cut) = LongText::cut(value);
        if is_cut {
            draft
                .warnings
                .push(format!("c_{parsed} was cut to 4,000 characters."));
        }
        read.insert(parsed, value);
    }
    read
}

pub(super) fn write(event: Event) -> pb::Event {
    let Event {
        event_id,
        igrp,
        action,
        visitor_id,
        call_ref,
        title,
        value,
        transaction_value,
        currency,
        transaction_ref,
        event_time,
        event_time_source,
        receive_time,
        match_mode,
        source_phone_number,
        call_start_time,
        is_void,
        attributes,
        warnings,
        idempotency_key,
        origin,
        tie,
    } = event;
    pb::Event {
        event_id: event_id.to_string(),
        igrp: igrp.get(),
        action,
        visitor_id: visitor(visitor_id),
        call_ref: call_ref.unwrap_or_default(),
        title,
        value: value.unwrap_or_default(),
        transaction_value: transaction_value.unwrap_or_default(),
        currency: currency.unwrap_or_default(),
        transaction_ref: transaction_ref.unwrap_or_default(),
        event_time: Some(time::write(event_time)),
        event_time_source: time::write_source(event_time_source).into(),
        receive_time: Some(time::write(receive_time)),
        match_mode: match match_mode {
            MatchMode::Exact => pb::MatchMode::Exact,
            MatchMode::Intelligent => pb::MatchMode::Intelligent,
        }
        .into(),
        source_phone_number: source_phone_number.unwrap_or_default(),
        call_start_time: call_start_time.map(time::write),
        r#match: Some(write_match(tie)),
        is_void,
        attributes: attributes.into_iter().collect(),
        warnings,
        idempotency_key: idempotency_key.unwrap_or_default(),
        salesforce: write_origin(origin),
        fallback_currency: String::new(),
    }
}

/// Writes what an event is tied to.
pub(super) fn write_match(tie: Match) -> pb::Match {
    let Match {
        is_matched,
        visitor_id,
        call_ref,
        is_contradicted: _,
    } = tie;
    let status = if is_matched {
        pb::MatchStatus::Matched
    } else {
        pb::MatchStatus::Unmatched
    };
    pb::Match {
        status: status.into(),
        visitor_id: visitor(visitor_id),
        call_ref: call_ref.unwrap_or_default(),
    }
}

pub(super) fn visitor(visitor_id: Option<VisitorId>) -> String {
    visitor_id.map(|id| id.to_string()).unwrap_or_default()
}
