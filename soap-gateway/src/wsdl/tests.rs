use std::collections::HashMap;

use http::header::HOST;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::*;
use crate::soap::{self, Content, Limits, OutboundMessage, answer};

const PATH: &str = "/callback/v1/salesforce/events";

/// An element of the WSDL, and how deep it stands.
struct Element {
    depth: usize,
    tag: String,
    attributes: HashMap<String, String>,
}

impl Element {
    fn of(tag: &BytesStart<'_>, depth: usize) -> Self {
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let name = String::from(attribute.key.as_ref());
            let value = quick_xml::escape::unescape(&attribute.value).unwrap();
            (name, value.into_owned())
        });
        Self {
            depth,
            tag: String::from(tag.name().as_ref()),
            attributes: attributes.collect(),
        }
    }

    fn is(&self, tag: &str, name: &str) -> bool {
        self.tag == tag && self.attributes.get("name").is_some_and(|own| own == name)
    }
}

/// All elements of a well-formed document, in its order.
fn elements(xml: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(xml);
    let mut elements = Vec::new();
    let mut depth = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                elements.push(Element::of(&tag, depth));
                depth += 1;
            }
            Event::Empty(tag) => elements.push(Element::of(&tag, depth)),
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    elements
}

/// The names of the elements that are declared within a declaration, and the
/// namespace that they are in.
#[track_caller]
fn declared(elements: &[Element], tag: &str, name: &str) -> (String, Vec<String>) {
    let at = elements.iter().position(|element| element.is(tag, name));
    let at = at.unwrap();
    let schema = elements[..at]
        .iter()
        .rfind(|element| element.tag == "xsd:schema")
        .unwrap();
    let names = elements[at + 1..]
        .iter()
        .take_while(|element| element.depth > elements[at].depth)
        .filter(|element| element.tag == "xsd:element")
        .map(|element| element.attributes["name"].clone());
    (
        schema.attributes["targetNamespace"].clone(),
        names.collect(),
    )
}

fn address(host: &str, query: &str) -> Option<Address> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_bytes(host.as_bytes()).ok()?);
    Address::of(false, None, &headers, PATH, query).ok()
}

/// Where clients of a WSDL send to.
#[track_caller]
fn location(wsdl: &str) -> String {
    let elements = elements(wsdl);
    let mut addresses = elements.iter().filter(|el| el.tag == "soap:address");
    let address = addresses.next().unwrap();
    assert!(addresses.next().is_none());
    address.attributes["location"].clone()
}

/// A message with the names that the WSDL has, in its order.
fn message_of_the_wsdl(object_type: &str) -> String {
    let elements = elements(TEMPLATE);
    let (outbound, parts) = declared(&elements, "xsd:element", "notifications");
    let (same, parts_of_notification) = declared(&elements, "xsd:complexType", "Notification");
    let (records, parts_of_record) = declared(&elements, "xsd:complexType", "sObject");
    declared(&elements, "xsd:complexType", object_type);
    assert_eq!(outbound, same);

    let [id] = &parts_of_record[..] else {
        panic!("{parts_of_record:?}");
    };
    let record = format!("<sf:{id}>00Q000000000001EAA</sf:{id}>");
    let notification: String = parts_of_notification
        .iter()
        .map(|name| match name.as_str() {
            "sObject" => format!("<{name} xsi:type=\"sf:{object_type}\">{record}</{name}>"),
            _ => format!("<{name}>04l000000000001EAA</{name}>"),
        })
        .collect();
    let content: String = parts
        .iter()
        .map(|name| match name.as_str() {
            "OrganizationId" => format!("<{name}>00D000000000062EAA</{name}>"),
            "ActionId" => format!("<{name}>04k000000000001EAA</{name}>"),
            "SessionId" => format!("<{name} xsi:nil=\"true\"/>"),
            "Notification" => format!("<{name}>{notification}</{name}>"),
            _ => format!("<{name}>https://elsewhere.example</{name}>"),
        })
        .collect();
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <notifications xmlns=\"{outbound}\" xmlns:sf=\"{records}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{content}</notifications>\
         </e:Body></e:Envelope>"
    )
}

fn read(message: &str) -> OutboundMessage {
    soap::read(message, &Limits::default()).unwrap()
}

#[test]
fn the_names_are_those_that_the_reader_reads() {
    for object_type in ["Lead", "Contact", "Opportunity", "Case", "Task"] {
        let message = read(&message_of_the_wsdl(object_type));
        assert_eq!(message.organization_id.as_str(), "00D000000000062EAA");
        assert_eq!(message.action_id, "04k000000000001EAA");
        let [notification] = &message.notifications[..] else {
            panic!("{message:?}");
        };
        assert_eq!(notification.id, "04l000000000001EAA");
        let Content::Record(record) = &notification.content else {
            panic!("{notification:?}");
        };
        assert_eq!(record.object_type, object_type);
        assert_eq!(record.record_id(), "00Q000000000001EAA");

        // An address that was read is one that does not fit.
        let warned = |name: &str| {
            message
                .warnings
                .iter()
                .any(|warning| warning.contains(name))
        };
        assert!(warned("EnterpriseUrl") && warned("PartnerUrl"));
        assert_eq!(message.warnings.len(), 2, "{:?}", message.warnings);
    }
}

#[test]
fn the_names_are_those_of_the_acknowledgement() {
    let (namespace, names) = declared(&elements(TEMPLATE), "xsd:element", "notificationsResponse");
    let [ack] = &names[..] else {
        panic!("{names:?}");
    };
    let written = format!(
        "<notificationsResponse xmlns=\"{namespace}\"><{ack}>true</{ack}></notificationsResponse>"
    );
    assert!(answer::ACKNOWLEDGEMENT.contains(&written));
}

#[test]
fn a_session_may_be_nil_and_a_record_may_have_any_field() {
    let elements = elements(TEMPLATE);
    let session = elements.iter().find(|el| el.is("xsd:element", "SessionId"));
    assert_eq!(session.unwrap().attributes["nillable"], "true");

    let record = elements
        .iter()
        .position(|el| el.is("xsd:complexType", "sObject"))
        .unwrap();
    let any = elements[record..].iter().find(|el| el.tag == "xsd:any");
    let any = &any.unwrap().attributes;
    assert_eq!(any["processContents"], "lax");
    assert_eq!(any["maxOccurs"], "unbounded");
}

#[test]
fn what_is_referred_to_is_declared() {
    let elements = elements(TEMPLATE);
    let root = &elements[0].attributes;
    let mut references = 0;
    for element in &elements {
        for name in ["type", "base", "element", "message", "binding"] {
            let Some(value) = element.attributes.get(name) else {
                continue;
            };
            let (prefix, local) = value.split_once(':').unwrap();
            let namespace = &root[&format!("xmlns:{prefix}")];
            if prefix == "xsd" {
                continue;
            }
            let mut scope = "";
            let is_declared = elements.iter().any(|declared| {
                if let Some(target) = declared.attributes.get("targetNamespace") {
                    scope = target;
                }
                // The root's own namespace is that of its last schema.
                scope == namespace
                    && declared
                        .attributes
                        .get("name")
                        .is_some_and(|own| own == local)
            });
            assert!(is_declared, "{value}");
            references += 1;
        }
    }
    assert!(references > 10);
}

#[test]
fn clients_send_to_the_address_with_everything_that_it_has() {
    let query = "act=a&t=%22&c_x='<>&token=s3cret";
    let wsdl = wsdl(&address("gateway:8080", query).unwrap());
    assert_eq!(
        location(&wsdl),
        format!("http://gateway:8080{PATH}?act=a&t=%22&c_x='%3C%3E&token=s3cret")
    );
}

proptest! {
    #[test]
    fn no_host_and_no_query_break_the_document(
        host in "[ -~]{0,12}|[a-z<>&\"'{}.:\\[\\]]{1,12}|[a-z.]{1,9}:[0-9]{1,5}",
        query in ".{0,30}|[&=<>\"'{}a-z]{0,30}",
    ) {
        if let Some(address) = address(&host, &query) {
            let location = location(&wsdl(&address));
            prop_assert_eq!(&location, address.as_str());
            let start = format!("http://{host}{PATH}");
            prop_assert!(location.starts_with(&start));
        }
    }
}
