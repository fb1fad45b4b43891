//! The SOAP message, laid out as Salesforce lays it out.

use std::io;

use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesText, Event};
use sfbridge_values::{OrganizationId, SalesforceId};

use super::definition::Definition;
use crate::org::Record;

/// Who sends.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) organization: OrganizationId,
    /// The host in the URLs that a message names.
    pub(crate) host: String,
}

/// A message of up to 100 notifications of one definition.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) definition: &'a Definition,
    /// Each with its record as it is now; none when it is deleted.
    pub(crate) notifications: Vec<(&'a SalesforceId, Option<&'a Record>)>,
}

type Xml<'a> = Writer<&'a mut Vec<u8>>;

impl Envelope<'_> {
    /// The message as UTF-8.
    ///
    /// # Errors
    ///
    /// None in practice: memory takes what is written.
    pub(crate) fn write(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut xml = Writer::new_with_indent(&mut bytes, b' ', 1);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("soapenv:Envelope")
            .with_attributes([
                ("xmlns:soapenv", "http://schemas.xmlsoap.org/soap/envelope/"),
                ("xmlns:xsd", "http://www.w3.org/2001/XMLSchema"),
                ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            ])
            .write_inner_content(|xml| {
                xml.create_element("soapenv:Body")
                    .write_inner_content(|xml| {
                        xml.create_element("notifications")
                            .with_attribute(("xmlns", "http://soap.sforce.com/2005/09/outbound"))
                            .write_inner_content(|xml| self.notifications(xml))?;
                        Ok(())
                    })?;
                Ok(())
            })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn notifications(&self, xml: &mut Xml<'_>) -> io::Result<()> {
        /// What it was when the message was defined, which may be long ago.
        const VERSION: &str = "60.0";

        let organization = SalesforceId::parse(self.origin.organization.as_str());
        let organization = organization.map_err(io::Error::other)?.to_long();
        let host = &self.origin.host;
        let key = organization.key();
        element(xml, "OrganizationId", organization.as_str())?;
        element(xml, "ActionId", self.definition.action_id.as_str())?;
        xml.create_element("SessionId")
            .with_attribute(("xsi:nil", "true"))
            .write_empty()?;
        for (name, kind) in [("EnterpriseUrl", "c"), ("PartnerUrl", "u")] {
            let url = format!("https://{host}/services/Soap/{kind}/{VERSION}/{key}");
            element(xml, name, &url)?;
        }
        for (id, record) in &self.notifications {
            xml.create_element("Notification")
                .write_inner_content(|xml| {
                    element(xml, "Id", id.as_str())?;
                    self.record(xml, *record)
                })?;
        }
        Ok(())
    }

    fn record(&self, xml: &mut Xml<'_>, record: Option<&Record>) -> io::Result<()> {
        let object = format!("sf:{}", self.definition.object);
        let element_of_record = xml.create_element("sObject").with_attributes([
            ("xsi:type", object.as_str()),
            ("xmlns:sf", "urn:sobject.enterprise.soap.sforce.com"),
        ]);
        let Some(record) = record else {
            element_of_record.write_empty()?;
            return Ok(());
        };
        element_of_record.write_inner_content(|xml| {
            element(xml, "sf:Id", record.id.as_str())?;
            for name in &self.definition.fields {
                // A field that is null is left out.
                if let Some(value) = record.get(name) {
                    element(xml, &format!("sf:{name}"), &value.soap())?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn element(xml: &mut Xml<'_>, name: &str, text: &str) -> io::Result<()> {
    let text: String = text
        .chars()
        .filter(|&character| is_legal(character))
        .collect();
    // A bare carriage return would come out as a new line.
    let text = escape(text.as_str()).replace('\r', "&#13;");
    xml.create_element(name)
        .write_text_content(BytesText::from_escaped(text.as_str()))?;
    Ok(())
}

/// Whether XML 1.0 has a character.
fn is_legal(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::DefinitionDescription;
    use crate::schema::{ObjectType, Schema};
    use crate::value::Value;

    #[test]
    fn a_message_has_salesforces_layout() {
        let id = |text: &str| SalesforceId::parse(text).unwrap().to_long();
        let origin = Origin {
            organization: OrganizationId::parse("00D000000000062").unwrap(),
            host: "acme.my.salesforce.com".to_owned(),
        };
        let fields = [
            "NumberOfEmployees",
            "AnnualRevenue",
            "Company",
            "CreatedDate",
            "Fax",
        ];
        let description = DefinitionDescription {
            name: "Leads".to_owned(),
            object: "Lead".to_owned(),
            endpoint: "http://127.0.0.1:1/".to_owned(),
            fields: fields.map(str::to_owned).to_vec(),
            on: super::super::Trigger::Create,
            keep_failures: true,
        };
        let schema = Schema::new(&[], &[]).unwrap();
        let definition = Definition::new(&description, id("04k000000000001"), &schema).unwrap();
        let mut record = Record::new(id("00Q000000000001"), ObjectType::Lead);
        let created = "2026-09-09T19:01:52Z".parse().unwrap();
        record.set("Company", Some(Value::text("Müller & Söhne \u{1}\r\n<2>")));
        record.set("AnnualRevenue", Some(Value::Double(45_000.0)));
        record.set("NumberOfEmployees", Some(Value::Integer(42)));
        record.set("CreatedDate", Some(Value::time(created)));
        let (first, second) = (id("04l000000000001"), id("04l000000000002"));
        let envelope = Envelope {
            origin: &origin,
            definition: &definition,
            notifications: vec![(&first, Some(&record)), (&second, None)],
        };
        let text = String::from_utf8(envelope.write().unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
         <soapenv:Body>
          <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
           <OrganizationId>00D000000000062EAA</OrganizationId>
           <ActionId>04k000000000001AAA</ActionId>
           <SessionId xsi:nil="true"/>
           <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000062</EnterpriseUrl>
           <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/60.0/00D000000000062</PartnerUrl>
           <Notification>
            <Id>04l000000000001AAA</Id>
            <sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
             <sf:Id>00Q000000000001EAA</sf:Id>
             <sf:AnnualRevenue>45000.0</sf:AnnualRevenue>
             <sf:Company>Müller &amp; Söhne &#13;
        &lt;2&gt;</sf:Company>
             <sf:CreatedDate>2026-09-09T19:01:52.000Z</sf:CreatedDate>
             <sf:NumberOfEmployees>42</sf:NumberOfEmployees>
            </sObject>
           </Notification>
           <Notification>
            <Id>04l000000000002AAA</Id>
            <sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"/>
           </Notification>
          </notifications>
         </soapenv:Body>
        </soapenv:Envelope>
        "#);
    }
}
