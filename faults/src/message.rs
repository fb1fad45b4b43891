//! Outbound messages as Salesforce writes them.

use std::fmt::Write as _;

use rand::Rng;

/// The installation that everything is of.
pub const IGRP: i64 = 1001;

/// The organisation that sends everything.
pub const ORGANIZATION: &str = "00D000000000062EAA";

/// The most notifications in a message; Salesforce sends up to 100.
const MOST: u32 = 20;

/// What a notification is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An event.
    Event,
    /// A call rating.
    Rating,
    /// A lead enrichment.
    Lead,
}

/// One notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its number, of which its id is made.
    pub number: u32,
    /// What it is to become.
    pub kind: Kind,
    /// Whether it can be understood; else it is to go to the quarantine.
    pub is_good: bool,
    /// The number of its record.
    pub record: u32,
}

/// A message with notifications of one kind.
#[derive(Clone, Debug)]
pub struct Message {
    kind: Kind,
    notifications: Vec<Notification>,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Event => "events",
            Self::Rating => "callRating",
            Self::Lead => "leadEnrich",
        }
    }
}

impl Notification {
    /// The id that Salesforce gives it.
    pub fn id(self) -> String {
        notification_id(self.number)
    }

    fn xml(self, xml: &mut String) {
        let (object, record_id) = match self.kind {
            Kind::Event => ("Opportunity", format!("0065g00{:08}", self.record)),
            Kind::Rating => ("Task", format!("00T5g00{:08}", self.record)),
            Kind::Lead => ("Lead", lead_id(self.record)),
        };
        let id = self.id();
        let _ = write!(
            xml,
            "   <Notification><Id>{id}</Id><sObject xsi:type=\"sf:{object}\" \
             xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>{record_id}</sf:Id>"
        );
        let mut field = |name: &str, value: &str| {
            let _ = write!(xml, "<sf:{name}>{value}</sf:{name}>");
        };
        let visitor = visitor_id(self.record);
        let visitor = if self.is_good { &visitor } else { "nobody" };
        match self.kind {
            Kind::Event => {
                field("Infinity_Visitor_ID__c", visitor);
                field("Name", &format!("Deal {}", self.number));
            }
            Kind::Rating => {
                field("CallDisposition", "Sale");
                if self.is_good {
                    field(
                        "Infinity_Call_Ref__c",
                        &format!("call-{}", self.record % 50),
                    );
                }
            }
            Kind::Lead => field("Infinity_Visitor_ID__c", visitor),
        }
        xml.push_str("</sObject></Notification>\n");
    }
}

impl Message {
    /// A message of this kind with the notifications of these numbers. Every
    /// fifth can't be understood.
    pub fn new(kind: Kind, numbers: impl IntoIterator<Item = u32>) -> Self {
        let notification = |number: u32| Notification {
            number,
            kind,
            is_good: !number.is_multiple_of(5),
            record: number,
        };
        Self {
            kind,
            notifications: numbers.into_iter().map(notification).collect(),
        }
    }

    /// A message about these Leads, whose notifications are numbered on from
    /// `first`.
    pub fn of_leads(first: u32, leads: impl IntoIterator<Item = u32>) -> Self {
        let notification = |(number, record)| Notification {
            number,
            kind: Kind::Lead,
            is_good: true,
            record,
        };
        let leads = (first..).zip(leads);
        Self {
            kind: Kind::Lead,
            notifications: leads.map(notification).collect(),
        }
    }

    /// What it is to become.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its notifications.
    pub fn notifications(&self) -> &[Notification] {
        &self.notifications
    }

    /// The target of its request.
    pub fn target(&self) -> String {
        let path = self.kind.path();
        format!("/callback/v1/salesforce/{path}?igrp={IGRP}")
    }

    /// Its text.
    pub fn xml(&self) -> String {
        let mut notifications = String::new();
        for notification in &self.notifications {
            notification.xml(&mut notifications);
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n <soapenv:Body>\n  \
             <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\n   \
             <OrganizationId>{ORGANIZATION}</OrganizationId>\n   \
             <ActionId>04k5g0000000077AAA</ActionId>\n   <SessionId xsi:nil=\"true\"/>\n\
             {notifications}  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n"
        )
    }
}

/// How many notifications the next message has: mostly one.
pub fn size(random: &mut impl Rng) -> u32 {
    if random.random_bool(0.6) {
        1
    } else {
        random.random_range(2..=MOST)
    }
}

/// Whether an answer's body is the acknowledgement.
pub fn is_acknowledgement(status: u16, body: &str) -> bool {
    status == 200 && body.contains("<Ack>true</Ack>")
}

/// The id of the notification of this number.
pub fn notification_id(number: u32) -> String {
    format!("04l5g00{number:08}")
}

/// The id of the Lead of this number.
pub fn lead_id(number: u32) -> String {
    format!("00Q{number:012}EAA")
}

/// The id of the visitor of this number.
pub fn visitor_id(number: u32) -> String {
    format!("3f2504e0-4f89-41d3-9a0c-{number:012}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_every_notification_once() {
        for kind in [Kind::Event, Kind::Rating, Kind::Lead] {
            let message = Message::new(kind, 7..12);
            let xml = message.xml();
            for notification in message.notifications() {
                let id = format!("<Notification><Id>{}</Id>", notification.id());
                assert_eq!(xml.matches(&id).count(), 1, "{xml}");
            }
            let bad = message.notifications().iter().filter(|one| !one.is_good);
            assert_eq!(bad.count(), 1);
        }
    }
}
