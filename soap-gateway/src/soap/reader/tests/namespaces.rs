//! Names count by namespace, never by prefix.

use super::*;

/// Everything legal but unusual; it says the same as [`MESSAGE`].
pub(super) const UNUSUAL: &str = r#"
<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' xmlns:o="http://soap.sforce.com/2005/09/outbound"
  xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:L="urn:sobject.enterprise.soap.sforce.com">
<e:Header/><e:Body><!-- c --><o:notifications><o:OrganizationId>
 00D000000000062EAA
</o:OrganizationId><o:ActionId>04k000000000001EAA</o:ActionId><o:SessionId i:nil="1"/>
<o:Notification><o:Id>04l000000000001EAA</o:Id><o:sObject i:type="L:Lead"><L:Id>00Q000000000001EAA</L:Id>
<L:Company><![CDATA[Müller & Söhne]]></L:Company><L:LastName>Exam<?pi x?>ple</L:LastName>
<L:ns__Score__c>12.5</L:ns__Score__c></o:sObject></o:Notification>
</o:notifications></e:Body></e:Envelope>"#;

#[test]
fn unusual_spelling_says_the_same() {
    check_same(UNUSUAL);
}

#[test]
fn prefixes_are_free() {
    check_same(&MESSAGE.replace("soapenv", "S"));
    check_same(
        &MESSAGE
            .replace("sf:", "soapenv:")
            .replace(":sf=", ":soapenv="),
    );
    check_same(&MESSAGE.replace("xsi", "i"));
    let default = "<soapenv:Envelope xmlns='http://soap.sforce.com/2005/09/outbound'";
    check_same(
        &with("<soapenv:Envelope", default)
            .replace(" xmlns=\"http://soap.sforce.com/2005/09/outbound\"", ""),
    );
}

#[test]
fn a_default_namespace_on_the_record_is_for_its_fields() {
    check_same(
        &MESSAGE
            .replace("<sf:", "<")
            .replace("</sf:", "</")
            .replace(
                "<sObject ",
                "<o:sObject xmlns:o=\"http://soap.sforce.com/2005/09/outbound\" ",
            )
            .replace("</sObject>", "</o:sObject>")
            .replace(
                "xmlns:sf=",
                "xmlns='urn:sobject.enterprise.soap.sforce.com' xmlns:sf=",
            ),
    );
    // Without a prefix of its own the sObject is not one of the message.
    let text = notification_of("<sObject xmlns='urn:x' xsi:type='sf:Lead'><Id>x</Id></sObject>");
    assert!(matches!(
        only_notification(&text).content,
        Content::Gone { .. }
    ));
}

#[test]
fn a_prefix_that_is_bound_again_counts_by_scope() {
    let text = with(
        "<sf:LastName>Example</sf:LastName>",
        "<x xmlns:sf='urn:other' xmlns:xsi='urn:other' xsi:nil='true'><sf:LastName>inner</sf:LastName></x>\
         <sf:LastName>Example</sf:LastName>",
    );
    let record = only_record(&text);
    assert_eq!(record.field("x.LastName"), Some("inner"));
    assert_eq!(record.field("LastName"), Some("Example"));
}

#[test]
fn undeclared_prefixes_are_refused_where_they_stand() {
    check_malformed(
        &with(" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"", ""),
        (13, 7),
    );
    check_ill_formed("<a>\n<b c='1' p:d='2'/></a>", (2, 10));
    check_ill_formed("<a>\n<b xmlns:p='urn:x'/><p:c/></a>", (2, 22));
    check_ill_formed("<xmlns:a/>", (1, 2));
}

#[test]
fn reserved_prefixes_keep_their_meaning() {
    check_ill_formed("<a xmlns:p=''/>", (1, 4));
    check_ill_formed("<a xmlns:xml='urn:x'/>", (1, 4));
    check_ill_formed("<a xmlns:xmlns='urn:x'/>", (1, 4));
    check_ill_formed("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", (1, 4));
    check_ill_formed("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", (1, 4));
    check_same(&with(
        "<notifications ",
        "<notifications xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace' ",
    ));
}

#[test]
fn the_same_attribute_by_two_prefixes_is_refused() {
    check_ill_formed(
        "<a xmlns:p='urn:x' xmlns:q='urn:x' q:b='1' p:b='2'/>",
        (1, 44),
    );
}

#[test]
fn the_type_counts_by_its_local_name_whatever_its_prefix() {
    let lead = "<sObject xsi:type='TYPE'><sf:Id>x</sf:Id></sObject>";
    for (value, object_type) in [
        ("sf:Lead", "Lead"),
        (" sf:Lead\n", "Lead"),
        ("Lead", "Lead"),
        ("e:ns__Shipment__c", "ns__Shipment__c"),
        ("sf:Foo__mdt", "Foo__mdt"),
    ] {
        let notification = only_notification(&notification_of(&lead.replace("TYPE", value)));
        let Content::Record(record) = notification.content else {
            panic!("{value}");
        };
        assert_eq!(record.object_type, object_type);
        assert_eq!(notification.warnings, [""; 0]);
    }
}

#[test]
fn an_undeclared_prefix_in_the_type_is_a_warning() {
    let text = notification_of("<sObject xsi:type='zz:Lead'><sf:Id>x</sf:Id></sObject>");
    let notification = only_notification(&text);
    assert_eq!(notification.warnings.len(), 1);
    assert!(
        matches!(notification.content, Content::Record(record) if record.object_type == "Lead")
    );
}

#[test]
fn a_type_attribute_without_namespace_is_not_the_type() {
    for attributes in ["type='sf:Lead'", "sf:type='sf:Lead'", "xsi:Type='sf:Lead'"] {
        let text = notification_of(&format!("<sObject {attributes}><sf:Id>x</sf:Id></sObject>"));
        let content = only_notification(&text).content;
        assert!(matches!(content, Content::Malformed { .. }), "{attributes}");
    }
}

#[test]
fn schema_locations_and_inclusions_are_ignored() {
    check_same(&with(
        "<soapenv:Body>",
        "<soapenv:Body xsi:schemaLocation='urn:x http://192.0.2.1/x.xsd'>\
         <xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>",
    ));
}
