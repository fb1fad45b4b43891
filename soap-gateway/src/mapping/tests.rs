//! Each rule of the mapping, from a message to what the core is asked for.

mod event;
mod explanation;
mod lead;
mod rating;
mod time;

use std::collections::HashMap;

use sfbridge_proto::v1::{EventTimeSource, MatchMode, OverwritePolicy, RejectionReason};

use super::*;

const VISITOR: &str = "b5bb14cc-7cf6-49ff-a131-538d85bd143d";

/// Fields that every good record has.
const GOOD: [(&str, &str); 4] = [
    ("Id", "0065g0000001079AAA"),
    ("Infinity_IGRP__c", "840.0"),
    ("Infinity_Visitor_ID__c", VISITOR),
    ("Name", "Acme deal"),
];

fn record(object_type: &str, fields: &[(&str, &str)]) -> SObject {
    SObject {
        object_type: object_type.to_owned(),
        fields: fields
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

fn message(contents: Vec<Content>) -> OutboundMessage {
    let notification = |(n, content)| Notification {
        id: format!("04l5g000000{n:04}AAA"),
        content,
        warnings: Vec::new(),
    };
    OutboundMessage {
        organization_id: OrganizationId::parse("00D5g0000004242EAA").unwrap(),
        action_id: "04k5g0000000077AAA".to_owned(),
        notifications: contents.into_iter().enumerate().map(notification).collect(),
        warnings: Vec::new(),
    }
}

fn mapped(endpoint: Endpoint, query: &str, message: OutboundMessage) -> CoreRequest {
    let parameters = Parameters::parse(endpoint, query).unwrap();
    map(message, &parameters, &DefaultFields::default())
}

/// The event that a record of all good fields and these becomes. Later fields
/// replace earlier ones.
fn event_of(query: &str, more: &[(&str, &str)]) -> (pb::Event, pb::Notification) {
    let fields = GOOD
        .iter()
        .filter(|(name, _)| more.iter().all(|(new, _)| new != name));
    let fields: Vec<_> = fields.chain(more).copied().collect();
    let message = message(vec![Content::Record(record("Opportunity", &fields))]);
    let CoreRequest::Events(mut paired) = mapped(Endpoint::Events, query, message) else {
        panic!("not events");
    };
    (paired.items.remove(0), paired.notifications.remove(0))
}

fn rating_of(query: &str, fields: &[(&str, &str)]) -> (pb::CallRating, pb::Notification) {
    let message = message(vec![Content::Record(record("Task", fields))]);
    let CoreRequest::Ratings(mut paired) = mapped(Endpoint::CallRating, query, message) else {
        panic!("not ratings");
    };
    (paired.items.remove(0), paired.notifications.remove(0))
}

fn lead_of(query: &str, record: SObject) -> (pb::LeadToEnrich, pb::Notification) {
    let message = message(vec![Content::Record(record)]);
    let CoreRequest::Leads(mut paired) = mapped(Endpoint::LeadEnrich, query, message) else {
        panic!("not leads");
    };
    (paired.items.remove(0), paired.notifications.remove(0))
}

fn reason(notification: &pb::Notification) -> Option<RejectionReason> {
    notification.rejection.as_ref().map(pb::Rejection::reason)
}

fn time(text: &str) -> prost_types::Timestamp {
    text.parse().unwrap()
}

fn map_of(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn a_record_that_is_gone_goes_to_the_quarantine_of_the_literal_installation() {
    let gone = Content::Gone {
        object_type: "Lead".to_owned(),
    };
    let request = mapped(Endpoint::Events, "igrp=5371", message(vec![gone]));
    let CoreRequest::Events(paired) = request else {
        panic!("not events");
    };
    assert_eq!(paired.items[0].igrp, 5371);
    assert_eq!(
        reason(&paired.notifications[0]),
        Some(RejectionReason::RecordGone)
    );
    assert!(paired.notifications[0].fields.is_empty());
}

#[test]
fn gone_comes_before_the_type_and_malformed_before_the_installation() {
    let gone = Content::Gone {
        object_type: "Contact".to_owned(),
    };
    let malformed = Content::Malformed {
        record: record("Opportunity", &[("Id", "1"), ("Name", "x")]),
        field: "Name".to_owned(),
        description: "The field `Name` appears twice.".to_owned(),
    };
    let request = mapped(Endpoint::LeadEnrich, "", message(vec![gone, malformed]));
    let CoreRequest::Leads(paired) = request else {
        panic!("not leads");
    };
    assert_eq!(
        reason(&paired.notifications[0]),
        Some(RejectionReason::RecordGone)
    );
    let rejection = paired.notifications[1].rejection.as_ref().unwrap();
    assert_eq!(rejection.reason(), RejectionReason::MalformedNotification);
    assert_eq!(rejection.field, "Name");
    assert_eq!(rejection.description, "The field `Name` appears twice.");
}

#[test]
fn a_record_that_says_it_is_deleted_is_gone_and_kept() {
    for (text, is_gone) in [
        ("true", true),
        (" 1\n", true),
        ("false", false),
        ("0", false),
        ("TRUE", false),
        ("yes", false),
        ("", false),
    ] {
        let (_, notification) = event_of("", &[("IsDeleted", text)]);
        let expected = is_gone.then_some(RejectionReason::RecordGone);
        assert_eq!(reason(&notification), expected, "{text:?}");
        assert_eq!(notification.fields["Name"], "Acme deal", "{text:?}");
    }
    let contradicting = Content::Malformed {
        record: record("Lead", &[("isdeleted", "true")]),
        field: "Name".to_owned(),
        description: "The field `Name` appears twice.".to_owned(),
    };
    let request = mapped(Endpoint::LeadEnrich, "", message(vec![contradicting]));
    let CoreRequest::Leads(paired) = request else {
        panic!("not leads");
    };
    let expected = Some(RejectionReason::RecordGone);
    assert_eq!(reason(&paired.notifications[0]), expected);
}

#[test]
fn any_object_may_become_an_event_or_a_rating() {
    for object_type in ["Lead", "Deal__c", "ns__Deal__c", "Setting__mdt", "Unheard"] {
        let content = || Content::Record(record(object_type, &GOOD));
        let events = mapped(Endpoint::Events, "", message(vec![content()]));
        let ratings = mapped(Endpoint::CallRating, "", message(vec![content()]));
        let (CoreRequest::Events(events), CoreRequest::Ratings(ratings)) = (events, ratings) else {
            panic!("neither events nor ratings");
        };
        for notification in [&events.notifications[0], &ratings.notifications[0]] {
            assert_eq!(reason(notification), None, "{object_type}");
            let origin = notification.salesforce.as_ref().unwrap();
            assert_eq!(origin.object_type, object_type);
        }
    }
}

#[test]
fn one_bad_notification_leaves_the_others_in_their_order() {
    let contents = (0..100)
        .map(|n| {
            let igrp = if n == 42 {
                "none".to_owned()
            } else {
                (n + 1).to_string()
            };
            Content::Record(record("Opportunity", &[("Id", "006"), ("IGRP__c", &igrp)]))
        })
        .collect();
    let CoreRequest::Events(paired) = mapped(Endpoint::Events, "", message(contents)) else {
        panic!("not events");
    };
    assert_eq!(paired.items.len(), 100);
    assert_eq!(paired.notifications.len(), 100);
    for (n, (event, notification)) in (0..).zip(paired.items.iter().zip(&paired.notifications)) {
        let expected = (n == 42).then_some(RejectionReason::InvalidIgrp);
        assert_eq!(reason(notification), expected, "{n}");
        assert_eq!(event.igrp, if n == 42 { 0 } else { n + 1 });
        assert_eq!(event.salesforce, notification.salesforce);
    }
}

#[test]
fn warnings_of_the_message_and_of_the_notification_go_with_the_item() {
    let mut message = message(vec![Content::Record(record("Case", &GOOD))]);
    message.warnings.push("About the message.".to_owned());
    message.notifications[0]
        .warnings
        .push("About this one.".to_owned());
    let CoreRequest::Events(paired) = mapped(Endpoint::Events, "", message) else {
        panic!("not events");
    };
    assert_eq!(
        paired.items[0].warnings,
        ["About the message.", "About this one."]
    );
}
