//! From a body to what the core is asked for, and what part of it is owed to
//! XML alone.

use anyhow::bail;
use prost::Message as _;
use quick_xml::events::Event;
use sfbridge_proto::v1 as pb;
use soap_gateway::Endpoint;
use soap_gateway::mapping::{self, CoreRequest, DefaultFields};
use soap_gateway::parameters::Parameters;
use soap_gateway::soap::{self, Limits};

use crate::message::QUERY;

/// Reads messages as the gateway does.
#[derive(Clone, Debug)]
pub struct Reader {
    parameters: Parameters,
    defaults: DefaultFields,
    limits: Limits,
}

/// The elements of one notification, by name, with their texts.
pub type Fields = Vec<(String, String)>;

impl Reader {
    /// A reader with the gateway's defaults, for the endpoint that messages are
    /// sent to.
    ///
    /// # Errors
    ///
    /// When the query that messages are sent with is refused.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            parameters: Parameters::parse(Endpoint::Events, QUERY)?,
            defaults: DefaultFields::default(),
            limits: Limits::default(),
        })
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// When the gateway would refuse it.
    pub fn read(&self, body: &str) -> anyhow::Result<soap::OutboundMessage> {
        Ok(soap::read(body, &self.limits)?)
    }

    /// Maps a message to the core's request.
    ///
    /// # Errors
    ///
    /// When the message is not one of events.
    pub fn map(&self, message: soap::OutboundMessage) -> anyhow::Result<pb::RecordEventsRequest> {
        match mapping::map(message, &self.parameters, &self.defaults) {
            CoreRequest::Events(paired) => Ok(pb::RecordEventsRequest {
                events: paired.items,
                notifications: paired.notifications,
                ..pb::RecordEventsRequest::default()
            }),
            other => bail!("{other:?} is not for events"),
        }
    }

    /// All of it: from the body to the bytes of the core's request.
    ///
    /// # Errors
    ///
    /// When the gateway would refuse the message.
    pub fn encode(&self, body: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.map(self.read(body)?)?.encode_to_vec())
    }
}

/// Has quick-xml take a body apart, and counts its tokens: what reading it costs
/// at least.
///
/// # Errors
///
/// When the body is not well-formed.
pub fn tokens(body: &str) -> Result<usize, quick_xml::Error> {
    let mut reader = quick_xml::Reader::from_str(body);
    let mut count = 0;
    while !matches!(reader.read_event()?, Event::Eof) {
        count += 1;
    }
    Ok(count)
}

/// Has quick-xml read the notifications of a body into texts of their own, and
/// checks nothing.
///
/// # Errors
///
/// When the body is not well-formed.
pub fn owned_fields(body: &str) -> Result<Vec<Fields>, quick_xml::Error> {
    let mut reader = quick_xml::Reader::from_str(body);
    let mut notifications: Vec<Fields> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(notifications),
            Event::Start(tag) => {
                text.clear();
                if tag.local_name().as_ref() == "Notification" {
                    notifications.push(Fields::new());
                }
            }
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => {
                text.push_str(quick_xml::escape::resolve_xml_entity(&name).unwrap_or_default());
            }
            Event::End(tag) => {
                if let Some(fields) = notifications.last_mut()
                    && !text.is_empty()
                {
                    let name = tag.local_name().as_ref().to_owned();
                    fields.push((name, std::mem::take(&mut text)));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Kind, Requests};

    fn body() -> String {
        let gateway = ([127, 0, 0, 1], 8080).into();
        let mut requests = Requests::new(gateway, Kind::Full, 1_001, "00D5g0000001001", 2);
        String::from_utf8(requests.body(7).to_vec()).unwrap()
    }

    #[test]
    fn a_message_becomes_a_request_of_events_without_rejections() {
        let reader = Reader::new().unwrap();
        let message = reader.read(&body()).unwrap();
        let fields = message.notifications.len();
        let request = reader.map(message).unwrap();
        assert_eq!((fields, request.events.len()), (2, 2));
        assert!(
            request
                .notifications
                .iter()
                .all(|raw| raw.rejection.is_none()),
            "{:?}",
            request.notifications
        );
        assert_eq!(request.events[1].transaction_value, "1250.5");
    }

    #[test]
    fn owned_fields_are_all_fields_with_their_texts() {
        let notifications = owned_fields(&body()).unwrap();
        assert_eq!(notifications.len(), 2);
        for fields in notifications {
            let of = |name| fields.iter().filter(move |field| field.0 == name);
            // The notification's own id stands before its record's 20 fields.
            assert_eq!(of("Id").count(), 2);
            let name = of("Name").next().map(|field| field.1.as_str());
            assert_eq!(name, Some("Example & Sons: Renewal 2027"));
            let fields = fields.iter().filter(|field| !field.1.trim().is_empty());
            assert_eq!(fields.count(), 21);
        }
    }
}
