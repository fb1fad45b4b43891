//! Call ratings of the contract.

use sfbridge_proto::v1 as pb;

use super::batch::Draft;
use super::event_message::keep_time;
use super::notification_message::{ReadNotification, write_origin};
use super::time;
use crate::domain::{CallRating, NewCallRating, Rejection, RejectionReason};
use crate::recording::Item;

pub(super) fn read(
    rating: pb::CallRating,
    notification: Option<ReadNotification>,
) -> Item<NewCallRating> {
    let pb::CallRating {
        call_rating_id: _,
        igrp,
        call_ref,
        rating,
        transaction_value,
        currency,
        rating_time,
        rating_time_source,
        receive_time: _,
        is_current: _,
        is_unchanged: _,
        is_call_known: _,
        warnings,
        idempotency_key,
        salesforce,
    } = rating;

    let mut draft = Draft::new(igrp, notification, warnings);
    let (origin, organization_id) = draft.origin(salesforce);
    let call_ref_text = call_ref;
    let call_ref = draft.call_ref(&call_ref_text);
    if call_ref_text.trim().is_empty() {
        draft.reject(Rejection::new(
            RejectionReason::MissingCallRef,
            "call_ref",
            "The rating names no call: set call_ref.",
        ));
    }
    let time = time::read_given(
        rating_time,
        rating_time_source,
        draft.is_from_notification(),
    );
    let time = keep_time(&mut draft, "rating_time", time);
    let transaction_value = draft.decimal("transaction_value", &transaction_value);
    let currency = draft.currency(&currency);
    if rating.trim().is_empty() {
        draft.reject(Rejection::new(
            RejectionReason::MissingRating,
            "rating",
            "The rating has no text: set rating.",
        ));
    }
    let rating = draft.short_text("rating", &rating);

    let content = match (call_ref, rating, time) {
        (Some(call_ref), Some(rating), Some(time)) => Some(NewCallRating {
            call_ref,
            rating,
            transaction_value,
            currency,
            time,
            warnings: std::mem::take(&mut draft.warnings),
            origin,
        }),
        // What is missing has left its fault.
        _ => None,
    };
    draft.finish(organization_id, &idempotency_key, content)
}

pub(super) fn write(rating: CallRating) -> pb::CallRating {
    let CallRating {
        call_rating_id,
        igrp,
        call_ref,
        rating,
        transaction_value,
        currency,
        rating_time,
        rating_time_source,
        receive_time,
        is_current,
        is_unchanged,
        is_call_known,
        warnings,
        idempotency_key,
        origin,
    } = rating;
    pb::CallRating {
        call_rating_id: call_rating_id.to_string(),
        igrp: igrp.get(),
        call_ref,
        rating,
        transaction_value: transaction_value.unwrap_or_default(),
        currency: currency.unwrap_or_default(),
        rating_time: Some(time::write(rating_time)),
        rating_time_source: time::write_source(rating_time_source).into(),
        receive_time: Some(time::write(receive_time)),
        is_current,
        is_unchanged,
        is_call_known,
        warnings,
        idempotency_key: idempotency_key.unwrap_or_default(),
        salesforce: write_origin(origin),
    }
}
