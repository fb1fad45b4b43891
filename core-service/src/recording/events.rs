//! Completing events.

use sfbridge_values::{CallRef, Currency, Igrp, Timestamp};
use uuid::Uuid;

use crate::domain::{Event, GivenCurrency, Installation, Match, NewEvent};

/// Completes a new event with what its installation and its first receipt say.
/// Its tie is worked out when it is read.
pub fn complete_event(
    event_id: Uuid,
    event: NewEvent,
    installation: &Installation,
    receive_time: Timestamp,
    idempotency_key: Option<String>,
) -> Event {
    let igrp: Igrp = installation.igrp;
    let is_void = event.is_void();
    let (event_time, event_time_source) = event.time.at(receive_time);
    let NewEvent {
        action,
        visitor_id,
        call_ref,
        title,
        value,
        transaction_value,
        currency,
        transaction_ref,
        time: _,
        match_mode,
        source_phone_number,
        call_start_time,
        attributes,
        mut warnings,
        origin,
    } = event;

    let currency = match (currency, transaction_value) {
        (GivenCurrency::Given(currency), _) => Some(currency),
        (GivenCurrency::Fallback(currency), Some(_)) => Some(currency),
        (GivenCurrency::Absent, Some(_)) => installation.currency,
        (GivenCurrency::Fallback(_) | GivenCurrency::Absent, None) => None,
    };
    if transaction_value.is_some() && currency.is_none() {
        warnings.push(
            "The transaction value has no currency. Name one in the URL, \
             or set the installation's currency."
                .to_owned(),
        );
    }

    Event {
        event_id,
        igrp,
        action: action.into_string(),
        visitor_id,
        call_ref: call_ref.map(CallRef::into_string),
        title: title.into_string(),
        value: value.map(|value| value.to_string()),
        transaction_value: transaction_value.map(|value| value.to_string()),
        currency: currency.as_ref().map(Currency::to_string),
        transaction_ref: transaction_ref.map(|reference| reference.as_str().to_owned()),
        event_time,
        event_time_source,
        receive_time,
        match_mode,
        source_phone_number: source_phone_number.map(|number| number.as_str().to_owned()),
        call_start_time,
        is_void,
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (format!("c_{name}"), value.into_string()))
            .collect(),
        warnings,
        idempotency_key,
        origin,
        tie: Match {
            is_matched: false,
            visitor_id: None,
            call_ref: None,
            is_contradicted: false,
        },
    }
}
