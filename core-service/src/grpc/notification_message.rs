//! Notifications, rejections and origins of the contract.

use sfbridge_proto::v1 as pb;
use sfbridge_values::{Igrp, ShortText};
use uuid::Uuid;

use super::time;
use crate::domain::{
    Notification, Origin, QuarantineState, QuarantinedNotification, Rejection, RejectionReason,
};
use crate::error::Error;

/// The most characters of a query and of a description. A receiver takes no
/// longer queries, and descriptions are for people.
const MAX_QUERY_CHARS: usize = 16_384;
const MAX_DESCRIPTION_CHARS: usize = 1_000;

/// A notification, and what its receiver found wrong with it.
pub(super) struct ReadNotification {
    pub(super) notification: Notification,
    pub(super) rejection: Option<Rejection>,
}

pub(super) fn read(message: pb::Notification) -> Result<ReadNotification, Error> {
    let pb::Notification {
        endpoint,
        query,
        salesforce,
        fields,
        rejection,
        replay_of,
    } = message;
    let replay_of = match replay_of.as_str() {
        "" => None,
        id => Some(Uuid::try_parse(id).map_err(|_| {
            Error::invalid(
                "notifications.replay_of",
                "is not the id of a quarantined notification",
            )
        })?),
    };
    Ok(ReadNotification {
        notification: Notification {
            endpoint: cut(endpoint, ShortText::MAX_CHARS),
            query: cut(query, MAX_QUERY_CHARS),
            origin: read_origin(salesforce.unwrap_or_default()),
            fields: fields.into(),
            replay_of,
        },
        rejection: rejection.map(read_rejection).transpose()?,
    })
}

/// Reads an origin for the quarantine, where a text that is too long must not
/// be a reason to lose it: it is cut.
fn read_origin(origin: pb::SalesforceOrigin) -> Origin {
    let pb::SalesforceOrigin {
        organization_id,
        action_id,
        notification_id,
        object_type,
        record_id,
    } = origin;
    let short = |text: String| {
        let text = text.trim();
        ShortText::new(text)
            .or_else(|_| ShortText::new(&cut(text.to_owned(), ShortText::MAX_CHARS)))
            .ok()
            .filter(|text| !text.as_str().is_empty())
    };
    Origin {
        organization_id: short(organization_id),
        action_id: short(action_id),
        notification_id: short(notification_id),
        object_type: short(object_type),
        record_id: short(record_id),
    }
}

/// As much of a text as fits, without U+0000, which can't be stored everywhere.
pub(super) fn cut(text: String, max_chars: usize) -> String {
    // No character is shorter than a byte.
    if text.len() <= max_chars && !text.contains('\0') {
        return text;
    }
    text.chars()
        .filter(|character| *character != '\0')
        .take(max_chars)
        .collect()
}

fn read_rejection(rejection: pb::Rejection) -> Result<Rejection, Error> {
    let pb::Rejection {
        reason,
        field,
        description,
    } = rejection;
    let reason = read_reason(reason).ok_or_else(|| {
        Error::invalid(
            "notifications.rejection.reason",
            "is not a reason for a rejection",
        )
    })?;
    Ok(Rejection {
        reason,
        field: cut(field, ShortText::MAX_CHARS),
        description: cut(description, MAX_DESCRIPTION_CHARS),
    })
}

pub(super) fn write_rejection(rejection: Rejection) -> pb::Rejection {
    let Rejection {
        reason,
        field,
        description,
    } = rejection;
    pb::Rejection {
        reason: write_reason(reason).into(),
        field,
        description,
    }
}

pub(super) fn write_origin(origin: Option<Origin>) -> Option<pb::SalesforceOrigin> {
    let Origin {
        organization_id,
        action_id,
        notification_id,
        object_type,
        record_id,
    } = origin?;
    let text = |text: Option<ShortText>| text.map(|text| text.to_string()).unwrap_or_default();
    Some(pb::SalesforceOrigin {
        organization_id: text(organization_id),
        action_id: text(action_id),
        notification_id: text(notification_id),
        object_type: text(object_type),
        record_id: text(record_id),
    })
}

pub(super) fn write_quarantined(
    notification: QuarantinedNotification,
) -> pb::QuarantinedNotification {
    let QuarantinedNotification {
        quarantined_notification_id,
        igrp,
        reason,
        field,
        description,
        endpoint,
        query,
        origin,
        fields,
        receive_time,
        last_receive_time,
        delivery_count,
        state,
        resolve_time,
        resolved_record_id,
    } = notification;
    let pb::SalesforceOrigin {
        organization_id,
        action_id,
        notification_id,
        object_type,
        record_id,
    } = write_origin(Some(origin)).unwrap_or_default();
    pb::QuarantinedNotification {
        quarantined_notification_id: quarantined_notification_id.to_string(),
        igrp: igrp.map_or(0, Igrp::get),
        reason: write_reason(reason).into(),
        description,
        endpoint,
        query,
        organization_id,
        notification_id,
        object_type,
        record_id,
        fields: fields.into_iter().collect(),
        field,
        action_id,
        receive_time: Some(time::write(receive_time)),
        last_receive_time: Some(time::write(last_receive_time)),
        delivery_count: i32::try_from(delivery_count).unwrap_or(i32::MAX),
        state: write_state(state).into(),
        resolve_time: resolve_time.map(time::write),
        resolved_record_id: resolved_record_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
    }
}

fn write_state(state: QuarantineState) -> pb::QuarantineState {
    match state {
        QuarantineState::Open => pb::QuarantineState::Open,
        QuarantineState::Replayed => pb::QuarantineState::Replayed,
        QuarantineState::Discarded => pb::QuarantineState::Discarded,
        QuarantineState::Recorded => pb::QuarantineState::Recorded,
    }
}

/// Reads a reason; nothing when it is unspecified or unknown.
pub(super) fn read_reason(reason: i32) -> Option<RejectionReason> {
    RejectionReason::ALL
        .into_iter()
        .find(|known| i32::from(write_reason(*known)) == reason)
}

fn write_reason(reason: RejectionReason) -> pb::RejectionReason {
    match reason {
        RejectionReason::MissingIgrp => pb::RejectionReason::MissingIgrp,
        RejectionReason::InvalidIgrp => pb::RejectionReason::InvalidIgrp,
        RejectionReason::UnknownInstallation => pb::RejectionReason::UnknownInstallation,
        RejectionReason::OrganizationNotLinked => pb::RejectionReason::OrganizationNotLinked,
        RejectionReason::InvalidVisitorId => pb::RejectionReason::InvalidVisitorId,
        RejectionReason::InvalidCallRef => pb::RejectionReason::InvalidCallRef,
        RejectionReason::MissingCallRef => pb::RejectionReason::MissingCallRef,
        RejectionReason::MissingVisitor => pb::RejectionReason::MissingVisitor,
        RejectionReason::InvalidTimestamp => pb::RejectionReason::InvalidTimestamp,
        RejectionReason::InvalidDecimal => pb::RejectionReason::InvalidDecimal,
        RejectionReason::InvalidCurrency => pb::RejectionReason::InvalidCurrency,
        RejectionReason::InvalidAction => pb::RejectionReason::InvalidAction,
        RejectionReason::ReservedAction => pb::RejectionReason::ReservedAction,
        RejectionReason::MissingRating => pb::RejectionReason::MissingRating,
        RejectionReason::UnknownRating => pb::RejectionReason::UnknownRating,
        RejectionReason::UnsupportedObject => pb::RejectionReason::UnsupportedObject,
        RejectionReason::FieldTooLong => pb::RejectionReason::FieldTooLong,
        RejectionReason::RecordGone => pb::RejectionReason::RecordGone,
        RejectionReason::MalformedNotification => pb::RejectionReason::MalformedNotification,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_the_same_name_in_the_contract() {
        for reason in RejectionReason::ALL {
            let name = write_reason(reason).as_str_name();
            assert_eq!(name.strip_prefix("REJECTION_REASON_"), Some(reason.name()));
        }
        assert_eq!(read_reason(0), None);
    }
}
