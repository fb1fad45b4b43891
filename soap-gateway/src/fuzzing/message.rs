//! The whole way of a body, from bytes to what the core is asked for.

use quick_xml::escape::escape;
use sfbridge_proto::v1 as pb;

use super::answers::{check_place, check_sentence};
use super::endpoint;
use crate::encoding::decode;
use crate::mapping::{CoreRequest, DefaultFields, Explanation, Item, Paired, explain, map};
use crate::parameters::Parameters;
use crate::soap::{Content, Limits, Notification, OutboundMessage, read};

/// A message means the same each time, and written otherwise too; no
/// notification gets lost; and what is explained is what is done.
///
/// The first line is an endpoint's name, a `?`, a query and, after a `#`, the
/// charset parameter. The body follows.
pub fn message(data: &[u8]) {
    let Some(at) = data.iter().position(|&byte| byte == b'\n') else {
        return;
    };
    let Some((endpoint, rest)) = std::str::from_utf8(&data[..at]).ok().and_then(endpoint) else {
        return;
    };
    let (query, charset) = match rest.split_once('#') {
        Some((query, charset)) => (query, Some(charset)),
        None => (rest, None),
    };
    let Ok(text) = decode(&data[at + 1..], charset) else {
        return;
    };
    let limits = Limits::default();
    let message = match read(&text, &limits) {
        Ok(message) => message,
        Err(invalid) => {
            check_sentence(&invalid.to_string());
            check_place(invalid.line(), invalid.column(), &text);
            assert_eq!(read(&text, &limits).err(), Some(invalid));
            return;
        }
    };
    check_message(&message, &text);
    check_rewritten(&message);

    if let Ok(parameters) = Parameters::parse(endpoint, query) {
        let count = message.notifications.len();
        let again = || read(&text, &limits);
        if let (Ok(one), Ok(other)) = (again(), again()) {
            assert_eq!(format!("{one:?}"), format!("{message:?}"));
            check_mapping(one, other, &parameters, count);
        }
    }
}

fn check_message(message: &OutboundMessage, text: &str) {
    assert_eq!(message.action_id.trim(), message.action_id);
    for notification in &message.notifications {
        assert_eq!(notification.id.trim(), notification.id);
        let record = match &notification.content {
            Content::Record(record) => {
                assert!(!record.object_type.is_empty(), "a record without a type");
                record
            }
            Content::Malformed {
                record,
                description,
                ..
            } => {
                check_sentence(description);
                record
            }
            Content::Gone { .. } => continue,
        };
        let mut names: Vec<_> = Vec::with_capacity(record.fields.len());
        for (name, value) in &record.fields {
            assert!(!value.trim().is_empty(), "{name} is not populated");
            // A reference to one character is longer than the character.
            assert!(value.len() <= text.len(), "{name} is longer than all");
            assert_eq!(record.field(name), Some(value.as_str()));
            names.push(name.to_ascii_lowercase());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), record.fields.len(), "a field is there twice");
    }
}

/// What was understood reads to the same when it is written plainly.
fn check_rewritten(message: &OutboundMessage) {
    let is_plain =
        |notification: &Notification| !matches!(notification.content, Content::Malformed { .. });
    if !message.notifications.iter().all(is_plain) {
        return;
    }
    let text = written(message);
    // Names of nested fields have become longer.
    let limits = Limits {
        name_bytes: usize::MAX,
        ..Limits::default()
    };
    let again = read(&text, &limits).map(|again| said(&again));
    assert_eq!(again, Ok(said(message)), "{text}");
}

/// All that a message says, doubts aside.
fn said(message: &OutboundMessage) -> String {
    let notifications = message.notifications.iter();
    let notifications: Vec<_> = notifications
        .map(|notification| (&notification.id, &notification.content))
        .collect();
    let (organization, action) = (&message.organization_id, &message.action_id);
    format!("{} {action:?} {notifications:?}", organization.as_str())
}

fn written(message: &OutboundMessage) -> String {
    let notifications: String = message.notifications.iter().map(notification).collect();
    format!(
        "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body>\
         <notifications xmlns='http://soap.sforce.com/2005/09/outbound' \
         xmlns:i='http://www.w3.org/2001/XMLSchema-instance'>\
         <OrganizationId>{}</OrganizationId>{}{notifications}</notifications></Body></Envelope>",
        message.organization_id,
        element("ActionId", &message.action_id),
    )
}

fn notification(notification: &Notification) -> String {
    let (object_type, fields) = match &notification.content {
        Content::Record(record) => (&record.object_type, &record.fields[..]),
        Content::Gone { object_type } => (object_type, &[][..]),
        Content::Malformed { .. } => return String::new(),
    };
    let mut fields: String = fields
        .iter()
        .map(|(name, value)| element(name, value))
        .collect();
    if fields.is_empty() && matches!(notification.content, Content::Record(_)) {
        // A record whose fields are all empty is still there.
        fields.push_str("<Empty/>");
    }
    format!(
        "<Notification>{}<sObject i:type='{object_type}'>{fields}</sObject></Notification>",
        element("Id", &notification.id),
    )
}

fn element(name: &str, text: &str) -> String {
    let text = escape(text).replace('\r', "&#13;");
    format!("<{name}>{text}</{name}>")
}

fn check_mapping(
    one: OutboundMessage,
    other: OutboundMessage,
    parameters: &Parameters,
    count: usize,
) {
    let defaults = DefaultFields::default();
    let request = map(one, parameters, &defaults);
    let explained = explain(other, parameters, &defaults);
    let explained: Vec<_> = explained.into_iter().map(parts).collect();
    let mapped = match request {
        CoreRequest::Events(paired) => unpaired(paired, Item::Event),
        CoreRequest::Ratings(paired) => unpaired(paired, Item::Rating),
        CoreRequest::Leads(paired) => unpaired(paired, Item::Lead),
    };
    assert_eq!(mapped.len(), count);
    assert_eq!(mapped, explained);
    for (_, notification) in mapped {
        assert_eq!(notification.endpoint, parameters.endpoint().name());
        assert_eq!(notification.query, parameters.canonical_query());
        if let Some(rejection) = notification.rejection {
            assert_ne!(rejection.reason(), pb::RejectionReason::Unspecified);
            check_sentence(&rejection.description);
        }
    }
}

fn parts(explanation: Explanation) -> (Item, pb::Notification) {
    for value in &explanation.values {
        assert!(!value.name.is_empty(), "a value without a name");
        if let Some(problem) = &value.problem {
            check_sentence(problem);
        }
    }
    (explanation.item, explanation.notification)
}

fn unpaired<T>(paired: Paired<T>, item: impl Fn(Box<T>) -> Item) -> Vec<(Item, pb::Notification)> {
    assert_eq!(paired.items.len(), paired.notifications.len());
    let items = paired.items.into_iter().map(|one| item(Box::new(one)));
    items.zip(paired.notifications).collect()
}
