//! The row of a call rating.

use super::super::StoreError;
use super::super::columns::{self, Columns};
use crate::domain::CallRating;

/// Reads a rating. Beside its columns the row has `is_call_known`.
pub(in super::super) fn read(row: &impl Columns) -> Result<CallRating, StoreError> {
    Ok(CallRating {
        call_rating_id: columns::uuid(row, "call_rating_id")?,
        igrp: columns::igrp(row)?,
        call_ref: row.get("call_ref")?,
        rating: row.get("rating")?,
        transaction_value: row.get("transaction_value")?,
        currency: row.get("currency")?,
        rating_time: columns::timestamp(row, "rating_time")?,
        rating_time_source: columns::time_source(row, "rating_time_source")?,
        receive_time: columns::timestamp(row, "receive_time")?,
        is_current: row.get("is_current")?,
        is_unchanged: row.get("is_unchanged")?,
        is_call_known: row.get("is_call_known")?,
        warnings: columns::json(row, "warnings")?,
        idempotency_key: row.get("idempotency_key")?,
        origin: columns::origin(row)?,
    })
}
