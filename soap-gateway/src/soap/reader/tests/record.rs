//! Notifications and their records.

use super::*;

#[track_caller]
fn check_gone(text: &str, expected: &str) {
    match only_notification(text).content {
        Content::Gone { object_type } => assert_eq!(object_type, expected, "{text}"),
        other => panic!("{other:?}\n{text}"),
    }
}

/// That a notification is malformed at a field; gives what could be read.
#[track_caller]
fn check_malformed_field(text: &str, expected: &str) -> SObject {
    match only_notification(text).content {
        Content::Malformed {
            record,
            field,
            description,
        } => {
            assert_eq!(field, expected, "{text}");
            assert!(description.ends_with('.'), "{description}");
            record
        }
        other => panic!("{other:?}\n{text}"),
    }
}

#[track_caller]
fn check_fields(fields: &str, expected: &[(&str, &str)]) {
    let record = only_record(&lead_of(fields));
    let read: Vec<_> = record.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(read, expected, "{fields}");
}

#[track_caller]
fn check_warnings(text: &str, expected: usize) {
    let warnings = only_notification(text).warnings;
    assert_eq!(warnings.len(), expected, "{warnings:?}\n{text}");
}

const LEAD: &str = "<sObject xsi:type='sf:Lead'><sf:Id>00Q</sf:Id></sObject>";

#[test]
fn a_notification_id_is_trimmed_and_may_be_missing() {
    for (id, expected) in [
        ("<Id> 04l\n</Id>", "04l"),
        ("<Id><![CDATA[04]]><!-- -->l</Id>", "04l"),
        ("<Id/>", ""),
        ("<Id xsi:nil='1'>04l</Id>", ""),
        ("<x:Id xmlns:x='urn:x'>04l</x:Id>", ""),
        ("", ""),
    ] {
        let notification = only_notification(&notification_of(&format!("{id}{LEAD}")));
        assert_eq!(notification.id, expected, "{id}");
        assert!(matches!(notification.content, Content::Record(_)), "{id}");
    }
}

#[test]
fn two_ids_that_differ_make_a_notification_malformed() {
    let same = notification_of(&format!("<Id>04l</Id>{LEAD}<Id> 04l </Id><Id/>"));
    assert!(matches!(
        only_notification(&same).content,
        Content::Record(_)
    ));
    let other = notification_of(&format!("<Id>04l</Id>{LEAD}<Id>04m</Id>"));
    let record = check_malformed_field(&other, "");
    assert_eq!(record.record_id(), "00Q");
    assert_eq!(only_notification(&other).id, "04l");
    check_malformed_field(&notification_of(&format!("<Id>04<x>l</x></Id>{LEAD}")), "");
}

#[test]
fn a_record_that_is_absent_nil_or_childless_is_gone() {
    check_gone(&notification_of("<Id>04l</Id>"), "");
    check_gone(&notification_of("<sObject xsi:type='sf:Lead'/>"), "Lead");
    check_gone(
        &notification_of("<sObject xsi:type='sf:Lead'> \n<!-- --></sObject>"),
        "Lead",
    );
    check_gone(&notification_of("<sObject xsi:nil='true'/>"), "");
    check_gone(
        &notification_of("<sObject xsi:nil=' 1 ' xsi:type='sf:Lead'/>"),
        "Lead",
    );
    check_gone(
        &notification_of("<x:sObject xmlns:x='urn:x'><sf:Id>x</sf:Id></x:sObject>"),
        "",
    );
    let contradiction = notification_of("<sObject xsi:nil='true'><sf:Id>x</sf:Id></sObject>");
    check_gone(&contradiction, "");
    check_warnings(&contradiction, 1);
    let text = notification_of("<sObject xsi:type='sf:Lead'>text</sObject>");
    check_gone(&text, "Lead");
    check_warnings(&text, 1);
}

#[test]
fn gone_is_judged_before_the_type() {
    check_gone(&notification_of("<sObject/>"), "");
    check_gone(&notification_of("<sObject xsi:type='a:b:c'/>"), "");
}

#[test]
fn a_record_without_a_type_is_malformed_and_still_read() {
    for attribute in [
        "",
        "xsi:type=''",
        "xsi:type=' '",
        "xsi:type='sf:'",
        "xsi:type='a:b:c'",
        "xsi:type='1'",
    ] {
        let text = notification_of(&format!(
            "<sObject {attribute}><sf:Id>00Q</sf:Id></sObject>"
        ));
        assert_eq!(check_malformed_field(&text, "").record_id(), "00Q");
    }
    let long = format!(
        "<sObject xsi:type='{}'><sf:Id>x</sf:Id></sObject>",
        "x".repeat(256)
    );
    check_malformed_field(&notification_of(&long), "");
}

#[test]
fn a_nil_that_is_false_is_none() {
    let text =
        notification_of("<sObject xsi:nil='false' xsi:type='sf:Lead'><sf:Id>x</sf:Id></sObject>");
    assert_eq!(only_record(&text).record_id(), "x");
}

#[test]
fn two_records_make_a_notification_malformed() {
    let record = check_malformed_field(&notification_of(&LEAD.repeat(2)), "");
    assert_eq!(record.record_id(), "00Q");
    check_malformed_field(&notification_of(&format!("<sObject/>{LEAD}")), "");
}

#[test]
fn fields_count_by_local_name_in_any_namespace() {
    check_fields(
        "<Id>1</Id><sf:A>2</sf:A><x:B xmlns:x='urn:sobject.partner.soap.sforce.com'>3</x:B>\
         <C xmlns=''>4</C><a:D xmlns:a='http://schemas.xmlsoap.org/soap/envelope/'>5</a:D>",
        &[("Id", "1"), ("A", "2"), ("B", "3"), ("C", "4"), ("D", "5")],
    );
}

#[test]
fn values_keep_their_exact_text() {
    check_fields(
        "<sf:A> a\n b </sf:A><sf:B>007</sf:B><sf:C>1e5</sf:C><sf:D>x<!-- -->&amp;<?a?><![CDATA[ <]]></sf:D>",
        &[("A", " a\n b "), ("B", "007"), ("C", "1e5"), ("D", "x& <")],
    );
}

#[test]
fn nil_and_blank_fields_are_not_populated() {
    let fields = "<sf:A xsi:nil='true'/><sf:B/><sf:C></sf:C><sf:D> \n</sf:D><sf:E xsi:nil='1'> </sf:E>\
                  <sf:F xsi:nil='false'>x</sf:F><sf:G nil='true'>y</sf:G><sf:H>&#32;</sf:H>";
    check_fields(fields, &[("F", "x"), ("G", "y")]);
    check_warnings(&lead_of(fields), 0);
}

#[test]
fn a_nil_field_with_content_is_not_populated_with_a_warning() {
    for content in ["x", "<sf:B>x</sf:B>", "&#65;", "<![CDATA[x]]>"] {
        let fields = format!("<sf:Id>1</sf:Id><sf:A xsi:nil='true'>{content}</sf:A>");
        check_fields(&fields, &[("Id", "1")]);
        check_warnings(&lead_of(&fields), 1);
    }
}

#[test]
fn the_same_field_twice_with_the_same_value_is_one() {
    check_fields(
        "<sf:A>1</sf:A><sf:B>2</sf:B><sf:A><![CDATA[1]]></sf:A>",
        &[("A", "1"), ("B", "2")],
    );
    check_fields("<sf:A/><sf:A xsi:nil='true'/><sf:B>2</sf:B>", &[("B", "2")]);
}

#[test]
fn the_same_field_twice_with_different_values_is_malformed() {
    let record = check_malformed_field(
        &lead_of("<sf:Id>1</sf:Id><sf:A>1</sf:A><sf:A>2</sf:A>"),
        "A",
    );
    assert_eq!((record.record_id(), record.field("A")), ("1", Some("1")));
    check_malformed_field(&lead_of("<sf:Id>1</sf:Id><sf:Id>2</sf:Id>"), "Id");
    check_malformed_field(&lead_of("<sf:A>1</sf:A><x:A xmlns:x='urn:x'>2</x:A>"), "A");
    check_malformed_field(&lead_of("<sf:A>1</sf:A><sf:A>1 </sf:A>"), "A");
    check_malformed_field(&lead_of("<sf:A>1</sf:A><sf:A/>"), "A");
    check_malformed_field(
        &lead_of("<sf:A><B>1</B></sf:A><sf:A><B>2</B></sf:A>"),
        "A.B",
    );
}

#[test]
fn names_that_differ_only_in_case_are_the_same_field_with_a_warning() {
    let same = "<sf:Unit__c>1</sf:Unit__c><sf:UNIT__C>1</sf:UNIT__C>";
    check_fields(same, &[("Unit__c", "1")]);
    check_warnings(&lead_of(same), 1);
    let other = lead_of("<sf:Unit__c>1</sf:Unit__c><sf:UNIT__C>2</sf:UNIT__C>");
    check_malformed_field(&other, "Unit__c");
    // Salesforce names are ASCII; other letters keep their case.
    check_fields("<sf:Ä>1</sf:Ä><sf:ä>2</sf:ä>", &[("Ä", "1"), ("ä", "2")]);
}

#[test]
fn nested_elements_are_flattened_and_nothing_of_them_is_lost() {
    check_fields(
        "<sf:Address>\n <sf:City>Berlin</sf:City>\n <x xmlns='urn:x'><y>1</y></x>\n</sf:Address><sf:B>2</sf:B>",
        &[("Address.City", "Berlin"), ("Address.x.y", "1"), ("B", "2")],
    );
    check_fields(
        "<sf:A>a<b>1</b>c<b>1</b></sf:A>",
        &[("A", "ac"), ("A.b", "1")],
    );
    check_fields(
        "<sf:A><sf:fieldsToNull>x</sf:fieldsToNull></sf:A>",
        &[("A.fieldsToNull", "x")],
    );
}

#[test]
fn what_is_about_the_record_is_not_a_field() {
    check_fields(
        "<sf:fieldsToNull>A</sf:fieldsToNull><sf:fieldsToNull>B</sf:fieldsToNull>\
         <sf:type>Lead</sf:type><sf:attributes><url>x</url></sf:attributes><sf:Type>New</sf:Type>",
        &[("Type", "New")],
    );
}

#[test]
fn text_between_fields_is_a_warning() {
    check_warnings(&lead_of("<sf:A>1</sf:A>stray"), 1);
    check_fields("<sf:A>1</sf:A>stray", &[("A", "1")]);
}

#[test]
fn one_malformed_notification_does_no_harm_to_the_others() {
    let bad = "<Notification><Id>bad</Id><sObject><sf:A>1</sf:A></sObject></Notification>";
    let good = format!("<Notification><Id>good</Id>{LEAD}</Notification>");
    let text = message_of(&format!(
        "{good}{bad}<OrganizationId>00D000000000062EAA</OrganizationId>{good}"
    ));
    let notifications = read_valid(&text).notifications;
    let is_record = |n: &Notification| matches!(n.content, Content::Record(_));
    let read: Vec<_> = notifications
        .iter()
        .map(|n| (&*n.id, is_record(n)))
        .collect();
    assert_eq!(read, [("good", true), ("bad", false), ("good", true)]);
}

#[test]
fn a_megabyte_in_a_field_is_passed_through() {
    let value = "x".repeat(1 << 20);
    let record = only_record(&lead_of(&format!("<sf:A>{value}</sf:A>")));
    assert_eq!(record.field("A"), Some(&*value));
}
