//! Notifications that come back from the quarantine.

use sfbridge_proto::v1 as pb;
use sfbridge_values::{InvalidSalesforceId, OrganizationId};

use super::{CoreRequest, DefaultFields};
use crate::Endpoint;
use crate::parameters::{InvalidParameter, Parameters};
use crate::soap::{Content, Notification, OutboundMessage, SObject};

/// A kept notification can't be mapped at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unmappable {
    /// Its endpoint is none that this release has.
    #[error("it came by an endpoint that this release does not know")]
    Endpoint,
    /// Its endpoint does not take the parameters.
    #[error("{0}")]
    Query(InvalidParameter),
    /// It does not say which organisation it is from.
    #[error("its organisation id {0}")]
    Organization(InvalidSalesforceId),
}

impl Unmappable {
    /// What of it is at fault.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Query(_) => "query",
            Self::Organization(_) => "organization_id",
        }
    }
}

/// Maps a kept notification again, by another query or the one that it came
/// with. The request has this one item.
///
/// # Errors
///
/// [`Unmappable`] when there is nothing that the core could be asked for.
pub(crate) fn map_kept(
    kept: pb::QuarantinedNotification,
    query: Option<&str>,
    defaults: &DefaultFields,
) -> Result<CoreRequest, Unmappable> {
    let endpoint = Endpoint::named(&kept.endpoint).ok_or(Unmappable::Endpoint)?;
    let query = query.unwrap_or(&kept.query);
    let parameters = Parameters::parse(endpoint, query).map_err(Unmappable::Query)?;
    let id = kept.quarantined_notification_id.clone();
    let message = message(kept).map_err(Unmappable::Organization)?;
    let mut request = super::map(message, &parameters, defaults);
    let notifications = match &mut request {
        CoreRequest::Events(paired) => &mut paired.notifications,
        CoreRequest::Ratings(paired) => &mut paired.notifications,
        CoreRequest::Leads(paired) => &mut paired.notifications,
    };
    for notification in notifications {
        notification.replay_of.clone_from(&id);
    }
    Ok(request)
}

/// The message of one notification that it came in.
fn message(kept: pb::QuarantinedNotification) -> Result<OutboundMessage, InvalidSalesforceId> {
    let is_gone = kept.reason() == pb::RejectionReason::RecordGone;
    let object_type = kept.object_type;
    let content = if is_gone {
        Content::Gone { object_type }
    } else {
        Content::Record(SObject {
            object_type,
            fields: kept.fields.into_iter().collect(),
        })
    };
    Ok(OutboundMessage {
        organization_id: OrganizationId::parse(&kept.organization_id)?,
        action_id: kept.action_id,
        notifications: vec![Notification {
            id: kept.notification_id,
            content,
            warnings: Vec::new(),
        }],
        warnings: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> pb::QuarantinedNotification {
        pb::QuarantinedNotification {
            quarantined_notification_id: "q1".to_owned(),
            reason: pb::RejectionReason::MissingIgrp.into(),
            endpoint: "events".to_owned(),
            query: "txvField=Amount".to_owned(),
            organization_id: "00D000000000062EAA".to_owned(),
            notification_id: "04l000000000001EAA".to_owned(),
            object_type: "Opportunity".to_owned(),
            fields: [("Id", "006000000000001EAA"), ("Amount", "12.5")]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
            ..Default::default()
        }
    }

    fn events(query: Option<&str>) -> super::super::Paired<pb::Event> {
        match map_kept(kept(), query, &DefaultFields::default()).unwrap() {
            CoreRequest::Events(paired) => paired,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_replay_maps_again_and_says_what_it_is_a_replay_of() {
        let paired = events(Some("igrp=1001&txvField=Amount"));
        assert_eq!(paired.items[0].igrp, 1001);
        assert_eq!(paired.items[0].transaction_value, "12.5");
        assert_eq!(paired.notifications[0].replay_of, "q1");
        assert_eq!(paired.notifications[0].rejection, None);
    }

    #[test]
    fn without_a_query_the_old_one_counts() {
        let paired = events(None);
        assert_eq!(paired.notifications[0].query, "txvField=Amount");
        let rejection = paired.notifications[0].rejection.clone().unwrap();
        assert_eq!(rejection.reason(), pb::RejectionReason::MissingIgrp);
    }

    #[test]
    fn what_can_not_be_mapped_says_which_part_is_at_fault() {
        let check = |kept: pb::QuarantinedNotification, query, field| {
            let error = map_kept(kept, query, &DefaultFields::default()).unwrap_err();
            assert_eq!(error.field(), field);
        };
        let elsewhere = pb::QuarantinedNotification {
            endpoint: "events2".to_owned(),
            ..kept()
        };
        check(elsewhere, None, "endpoint");
        check(kept(), Some("overwrite=always"), "query");
        let of_nobody = pb::QuarantinedNotification {
            organization_id: String::new(),
            ..kept()
        };
        check(of_nobody, None, "organization_id");
    }
}
