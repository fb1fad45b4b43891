//! A notification becomes a call rating.

use sfbridge_proto::v1::CallRating;

use super::Origin;
use super::event_time::event_time;
use super::reading::Reading;
use crate::parameters::Target;

/// Maps a notification to a call rating, as far as it can be. Whether a call
/// and a rating are named is for the core to judge.
pub(super) fn rating(reading: &mut Reading<'_>, origin: Origin) -> CallRating {
    let igrp = reading.igrp();
    let call_ref = reading.text(Target::CallRef);
    let (rating_time, rating_time_source) = event_time(reading);

    CallRating {
        igrp,
        call_ref,
        rating: reading.text(Target::Rating),
        transaction_value: reading.text(Target::TransactionValue),
        currency: reading.text(Target::Currency),
        rating_time,
        rating_time_source: rating_time_source.into(),
        warnings: reading.take_warnings(),
        idempotency_key: origin.idempotency_key,
        salesforce: Some(origin.salesforce),
        ..CallRating::default()
    }
}
