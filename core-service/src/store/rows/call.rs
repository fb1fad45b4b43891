//! The row of a call.

use super::super::StoreError;
use super::super::columns::{self, Columns};
use crate::domain::Call;

/// Reads a call.
pub(in super::super) fn read(row: &impl Columns) -> Result<Call, StoreError> {
    Ok(Call {
        call_id: columns::uuid(row, "call_id")?,
        igrp: columns::igrp(row)?,
        call_ref: row.get("call_ref")?,
        visitor_id: columns::visitor_id(row, "visitor_id")?,
        start_time: columns::timestamp(row, "start_time")?,
        source_phone_number: row.get("source_phone_number")?,
        dialled_phone_number: row.get("dialled_phone_number")?,
        destination_phone_number: row.get("destination_phone_number")?,
        ring_seconds: row.get("ring_seconds")?,
        call_seconds: row.get("call_seconds")?,
        bridge_seconds: row.get("bridge_seconds")?,
        state: row.get("state")?,
        receive_time: columns::timestamp(row, "receive_time")?,
    })
}
