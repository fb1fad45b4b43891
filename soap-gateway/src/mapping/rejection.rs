//! Why a notification can't be mapped.

use sfbridge_proto::v1::{Rejection, RejectionReason};

/// One fault of a notification.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) reason: RejectionReason,
    /// The Salesforce field at fault, or the item's; empty when it is the
    /// whole notification.
    pub(super) field: String,
    /// One sentence: what is wrong and what to do about it.
    pub(super) description: String,
}

impl Fault {
    /// There is no record.
    pub(super) fn gone() -> Self {
        Self {
            reason: RejectionReason::RecordGone,
            field: String::new(),
            description: "The record was deleted before Salesforce sent it, so the notification \
                          holds no data; discard it."
                .to_owned(),
        }
    }

    /// There is a record, and it says that it is deleted.
    pub(super) fn deleted() -> Self {
        Self {
            reason: RejectionReason::RecordGone,
            field: "IsDeleted".to_owned(),
            description: "The record was deleted before Salesforce sent it: its `IsDeleted` is \
                          true; discard it."
                .to_owned(),
        }
    }

    /// The notification contradicts itself or lacks what it must have.
    pub(super) fn malformed(field: &str, description: String) -> Self {
        Self {
            reason: RejectionReason::MalformedNotification,
            field: field.to_owned(),
            description,
        }
    }
}

/// The fault that comes first in the order of faults.
#[derive(Debug, Default)]
pub(super) struct FirstFault(Option<Fault>);

impl FirstFault {
    /// Takes a fault into account. Of two of the same rank the earlier stays.
    pub(super) fn add(&mut self, fault: Fault) {
        let is_first = self
            .0
            .as_ref()
            .is_none_or(|first| rank(fault.reason) < rank(first.reason));
        if is_first {
            self.0 = Some(fault);
        }
    }

    /// The fault in the contract's words.
    pub(super) fn into_rejection(self) -> Option<Rejection> {
        self.0.map(|fault| Rejection {
            reason: fault.reason.into(),
            field: fault.field,
            description: fault.description,
        })
    }
}

/// The order of those faults that the gateway can find.
fn rank(reason: RejectionReason) -> u8 {
    match reason {
        RejectionReason::RecordGone => 0,
        RejectionReason::MalformedNotification => 1,
        RejectionReason::UnsupportedObject => 2,
        RejectionReason::MissingIgrp | RejectionReason::InvalidIgrp => 3,
        RejectionReason::InvalidTimestamp => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_the_order_of_faults_is_the_reason() {
        let order = [
            RejectionReason::RecordGone,
            RejectionReason::MalformedNotification,
            RejectionReason::UnsupportedObject,
            RejectionReason::InvalidIgrp,
            RejectionReason::InvalidTimestamp,
        ];
        let fault = |reason| Fault {
            reason,
            field: String::new(),
            description: String::new(),
        };
        for (place, expected) in order.into_iter().enumerate() {
            let mut first = FirstFault::default();
            for reason in order[place..].iter().rev().chain(&order[place..]) {
                first.add(fault(*reason));
            }
            let rejection = first.into_rejection().unwrap();
            assert_eq!(rejection.reason(), expected);
        }
    }
}
