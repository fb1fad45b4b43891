//! Rules of the reader, by what they are about.

mod attacks;
mod envelope;
mod limits;
mod namespaces;
mod properties;
mod record;
mod repetition;
mod well_formed;

use super::*;
use crate::soap::{Content, Notification, SObject};

/// A message as Salesforce writes it.
pub(super) const MESSAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>00D000000000062EAA</OrganizationId>
   <ActionId>04k000000000001EAA</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000062</EnterpriseUrl>
   <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/60.0/00D000000000062</PartnerUrl>
   <Notification>
    <Id>04l000000000001EAA</Id>
    <sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>00Q000000000001EAA</sf:Id>
     <sf:Company>M&#252;ller &amp; S&#246;hne</sf:Company>
     <sf:LastName>Example</sf:LastName>
     <sf:ns__Score__c>12.5</sf:ns__Score__c>
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
"#;

/// Reads with the usual limits what must be a message.
#[track_caller]
fn read_valid(text: &str) -> OutboundMessage {
    read(text, &Limits::default()).unwrap_or_else(|invalid| panic!("{invalid:?}\n{text}"))
}

/// Reads with the usual limits what must be refused.
#[track_caller]
fn read_invalid(text: &str) -> InvalidMessage {
    match read(text, &Limits::default()) {
        Ok(message) => panic!("{message:?}\n{text}"),
        Err(invalid) => invalid,
    }
}

/// [`MESSAGE`] with one part of it written otherwise.
#[track_caller]
fn with(part: &str, other: &str) -> String {
    assert_eq!(MESSAGE.matches(part).count(), 1, "{part}");
    MESSAGE.replace(part, other)
}

/// A message of these children of `notifications`.
fn message_of(children: &str) -> String {
    format!(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' \
         xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' \
         xmlns:sf='urn:sobject.enterprise.soap.sforce.com'><e:Body>\
         <notifications xmlns='http://soap.sforce.com/2005/09/outbound'>{children}\
         </notifications></e:Body></e:Envelope>"
    )
}

/// A message of one notification with these children.
fn notification_of(children: &str) -> String {
    message_of(&format!(
        "<OrganizationId>00D000000000062EAA</OrganizationId>\
         <ActionId>04k000000000001EAA</ActionId><Notification>{children}</Notification>"
    ))
}

/// A message of one Lead with these children.
fn lead_of(fields: &str) -> String {
    notification_of(&format!(
        "<Id>04l000000000001EAA</Id><sObject xsi:type='sf:Lead'>{fields}</sObject>"
    ))
}

/// What is written of each, one after the other.
fn joined<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    items.into_iter().map(write).collect::<Vec<_>>().concat()
}

/// The one notification of a message.
#[track_caller]
fn only_notification(text: &str) -> Notification {
    let mut notifications = read_valid(text).notifications;
    assert_eq!(notifications.len(), 1, "{text}");
    notifications.remove(0)
}

/// The one record of a message.
#[track_caller]
fn only_record(text: &str) -> SObject {
    match only_notification(text).content {
        Content::Record(record) => record,
        other => panic!("{other:?}\n{text}"),
    }
}

/// That the text says the same as [`MESSAGE`].
#[track_caller]
fn check_same(text: &str) {
    let (expected, read) = (read_valid(MESSAGE), read_valid(text));
    assert_eq!(format!("{read:?}"), format!("{expected:?}"), "{text}");
}

/// That the text is malformed, at a line and column.
#[track_caller]
fn check_malformed(text: &str, place: (u64, u64)) {
    let invalid = read_invalid(text);
    assert_eq!(invalid.kind(), InvalidKind::Malformed, "{text}");
    assert_eq!(
        (invalid.line(), invalid.column()),
        place,
        "{invalid}\n{text}"
    );
}

/// Reads all tokens: whether the text is well-formed, whatever it says.
fn read_tokens(text: &str) -> Result<(), InvalidMessage> {
    let limits = Limits::default();
    let all = Tokens::new(text, &limits).and_then(|mut tokens| {
        while !matches!(tokens.advance()?, Token::Eof) {}
        Ok(())
    });
    all.map_err(|flaw| InvalidMessage::new(text, flaw, None))
}

/// That the text is not well-formed or beyond a limit, at a line and column.
#[track_caller]
fn check_ill_formed(text: &str, place: (u64, u64)) {
    let invalid = read_tokens(text).expect_err(text);
    let found = (invalid.line(), invalid.column());
    assert_eq!(found, place, "{invalid}\n{text}");
}

#[test]
fn a_message_as_salesforce_writes_it_is_read_in_full() {
    let message = read_valid(MESSAGE);
    assert_eq!(message.organization_id.as_str(), "00D000000000062EAA");
    assert_eq!(message.action_id, "04k000000000001EAA");
    assert_eq!(message.warnings, [""; 0]);
    let notification = &message.notifications[0];
    assert_eq!(notification.id, "04l000000000001EAA");
    assert_eq!(notification.warnings, [""; 0]);
    let Content::Record(record) = &notification.content else {
        panic!("{notification:?}");
    };
    assert_eq!(record.object_type, "Lead");
    assert_eq!(record.record_id(), "00Q000000000001EAA");
    let fields: Vec<_> = record.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(
        fields,
        [
            ("Id", "00Q000000000001EAA"),
            ("Company", "Müller & Söhne"),
            ("LastName", "Example"),
            ("ns__Score__c", "12.5"),
        ]
    );
}

#[test]
fn a_sentence_ends_with_a_full_stop_and_has_one_line() {
    for text in [
        "",
        "x",
        "<a>",
        "<a b='1' b='2'/>",
        "<a/>",
        MESSAGE.trim_end_matches("e>\n"),
    ] {
        let sentence = read_invalid(text).to_string();
        assert!(
            sentence.ends_with('.') && !sentence.contains('\n'),
            "{sentence}"
        );
    }
}
