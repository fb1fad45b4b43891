//! Calls of the contract.

use sfbridge_proto::v1 as pb;

use super::batch::Draft;
use super::event_message::{keep_time, visitor};
use super::time;
use crate::domain::{Call, NewCall, Rejection, RejectionReason};
use crate::recording::Item;

pub(super) fn read(call: pb::Call) -> Item<NewCall> {
    let pb::Call {
        igrp,
        call_ref,
        visitor_id,
        start_time,
        source_phone_number,
        dialled_phone_number,
        destination_phone_number,
        ring_seconds,
        call_seconds,
        bridge_seconds,
        state,
        call_id: _,
        receive_time: _,
    } = call;

    let mut draft = Draft::new(igrp, None, Vec::new());
    if call_ref.trim().is_empty() {
        draft.reject(Rejection::new(
            RejectionReason::MissingCallRef,
            "call_ref",
            "The call has no reference: set call_ref.",
        ));
    }
    let call_ref = draft.call_ref(&call_ref);
    let visitor_id = draft.visitor_id(&visitor_id);
    let start_time = match start_time {
        Some(start_time) => {
            let start_time = time::read(start_time);
            keep_time(&mut draft, "start_time", start_time)
        }
        None => {
            draft.reject(Rejection::new(
                RejectionReason::InvalidTimestamp,
                "start_time",
                "The call has no start: set start_time.",
            ));
            None
        }
    };
    let mut short = |field, text: &str| draft.short_text(field, text).unwrap_or_default();
    let source_phone_number = short("source_phone_number", &source_phone_number);
    let dialled_phone_number = short("dialled_phone_number", &dialled_phone_number);
    let destination_phone_number = short("destination_phone_number", &destination_phone_number);
    let state = short("state", &state);
    let ring_seconds = seconds(&mut draft, "ring_seconds", ring_seconds);
    let call_seconds = seconds(&mut draft, "call_seconds", call_seconds);
    let bridge_seconds = seconds(&mut draft, "bridge_seconds", bridge_seconds);

    let content = match (call_ref, start_time) {
        (Some(call_ref), Some(start_time)) => Some(NewCall {
            call_ref,
            visitor_id,
            start_time,
            source_phone_number,
            dialled_phone_number,
            destination_phone_number,
            ring_seconds,
            call_seconds,
            bridge_seconds,
            state,
        }),
        // What is missing has left its fault.
        _ => None,
    };
    draft.finish(None, "", content)
}

fn seconds(draft: &mut Draft, field: &str, seconds: i32) -> u32 {
    u32::try_from(seconds).unwrap_or_else(|_| {
        draft.reject(Rejection::new(
            RejectionReason::InvalidDecimal,
            field,
            format!("{field} is negative"),
        ));
        0
    })
}

pub(super) fn write(call: Call) -> pb::Call {
    let Call {
        call_id,
        igrp,
        call_ref,
        visitor_id,
        start_time,
        source_phone_number,
        dialled_phone_number,
        destination_phone_number,
        ring_seconds,
        call_seconds,
        bridge_seconds,
        state,
        receive_time,
    } = call;
    let seconds = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
    pb::Call {
        igrp: igrp.get(),
        call_ref,
        visitor_id: visitor(visitor_id),
        start_time: Some(time::write(start_time)),
        source_phone_number,
        dialled_phone_number,
        destination_phone_number,
        ring_seconds: seconds(ring_seconds),
        call_seconds: seconds(call_seconds),
        bridge_seconds: seconds(bridge_seconds),
        state,
        call_id: call_id.to_string(),
        receive_time: Some(time::write(receive_time)),
    }
}
