//! A notification becomes an event.

use std::collections::HashMap;

use sfbridge_proto::v1::Event;

use super::Origin;
use super::event_time::{call_start_time, event_time};
use super::reading::{GivenBy, Reading, passed_on};
use crate::parameters::Target;

/// Maps a notification to an event, as far as it can be.
pub(super) fn event(reading: &mut Reading<'_>, origin: Origin) -> Event {
    let igrp = reading.igrp();
    let visitor_id = reading.text(Target::VisitorId);
    let call_ref = reading.text(Target::CallRef);
    let (event_time, event_time_source) = event_time(reading);
    let call_start_time = call_start_time(reading);
    let transaction_value = reading.text(Target::TransactionValue);
    let (currency, fallback_currency) = currencies(reading, !transaction_value.is_empty());

    Event {
        igrp,
        visitor_id,
        call_ref,
        action: reading.text(Target::Action),
        title: reading.text(Target::Title),
        value: reading.text(Target::Value),
        transaction_value,
        currency,
        fallback_currency,
        transaction_ref: reading.text(Target::TransactionRef),
        event_time,
        event_time_source: event_time_source.into(),
        match_mode: reading.parameters().match_mode().into(),
        source_phone_number: reading.text(Target::SourcePhoneNumber),
        call_start_time,
        attributes: attributes(reading),
        warnings: reading.take_warnings(),
        idempotency_key: origin.idempotency_key,
        salesforce: Some(origin.salesforce),
        ..Event::default()
    }
}

/// The currency that the parameters give, or the one that stands in where they
/// give none: for a transaction value only.
fn currencies(reading: &mut Reading<'_>, has_transaction_value: bool) -> (String, String) {
    let found = if has_transaction_value {
        reading.find(Target::Currency)
    } else {
        reading.find_given(Target::Currency)
    };
    let text = found.map_or_else(String::new, |found| passed_on(found.text));
    match found.map(|found| found.from) {
        Some(GivenBy::DefaultField { .. }) => (String::new(), text),
        _ => (text, String::new()),
    }
}

/// The custom variables, named with their `c_`.
fn attributes(reading: &mut Reading<'_>) -> HashMap<String, String> {
    reading
        .variables()
        .into_iter()
        .map(|(name, found)| (format!("c_{name}"), passed_on(found.text)))
        .collect()
}
