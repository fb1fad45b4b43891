//! Outbound messages to send.

use std::fmt::Write as _;

/// The organisation that sends them, unless a test says otherwise.
const ORGANIZATION: &str = "00D5g0000004242EAA";

/// A visitor id.
pub(crate) const VISITOR: &str = "b5bb14cc-7cf6-49ff-a131-538d85bd143d";

/// A message with notifications in the form in which Salesforce writes them.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    organization_id: String,
    notifications: String,
}

/// One notification.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    id: String,
    object_type: String,
    record_id: String,
    /// The rest of its sObject.
    fields: String,
}

impl Message {
    pub(crate) fn new() -> Self {
        Self::of(ORGANIZATION)
    }

    /// From another organisation.
    pub(crate) fn of(organization_id: &str) -> Self {
        Self {
            organization_id: organization_id.to_owned(),
            notifications: String::new(),
        }
    }

    pub(crate) fn with(mut self, notification: &Notification) -> Self {
        let Notification {
            id,
            object_type,
            record_id,
            fields,
        } = notification;
        let _ = writeln!(
            self.notifications,
            "   <Notification><Id>{id}</Id><sObject xsi:type=\"sf:{object_type}\" \
             xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>{record_id}</sf:Id>{fields}\
             </sObject></Notification>"
        );
        self
    }

    pub(crate) fn xml(&self) -> String {
        let (organization, notifications) = (&self.organization_id, &self.notifications);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n \
             <soapenv:Body>\n  \
             <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\n   \
             <OrganizationId>{organization}</OrganizationId>\n   \
             <ActionId>04k5g0000000077AAA</ActionId>\n   <SessionId xsi:nil=\"true\"/>\n   \
             <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/60.0/{organization}</EnterpriseUrl>\n   \
             <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/60.0/{organization}</PartnerUrl>\n\
             {notifications}  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n"
        )
    }
}

impl Notification {
    /// Of an Opportunity whose ids are made from the number.
    pub(crate) fn opportunity(number: u32) -> Self {
        Self::new(number, "Opportunity", "006")
    }

    /// Of a Lead.
    pub(crate) fn lead(number: u32) -> Self {
        Self::new(number, "Lead", "00Q")
    }

    /// Of a Task.
    pub(crate) fn task(number: u32) -> Self {
        Self::new(number, "Task", "00T")
    }

    fn new(number: u32, object_type: &str, prefix: &str) -> Self {
        Self {
            id: notification_id(number),
            object_type: object_type.to_owned(),
            record_id: format!("{prefix}5g00{number:08}"),
            fields: String::new(),
        }
    }

    /// Of the record that the notification of another number is of.
    pub(crate) fn of_record(mut self, number: u32) -> Self {
        let prefix = &self.record_id[..3];
        self.record_id = format!("{prefix}5g00{number:08}");
        self
    }

    /// With a field.
    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        let value = quick_xml::escape::escape(value);
        self.xml(&format!("<sf:{name}>{value}</sf:{name}>"))
    }

    /// With anything in its sObject.
    pub(crate) fn xml(mut self, xml: &str) -> Self {
        self.fields.push_str(xml);
        self
    }
}

/// The id of the notification of this number.
pub(crate) fn notification_id(number: u32) -> String {
    format!("04l5g00{number:08}")
}
