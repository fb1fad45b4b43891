//! What becomes an event, and of which texts.

use super::*;

#[test]
fn a_standard_message_needs_no_parameters() {
    let (event, notification) = event_of("", &[("LastModifiedDate", "2026-05-04T09:08:07.000Z")]);
    assert_eq!(event.igrp, 840);
    assert_eq!(event.visitor_id, VISITOR);
    assert_eq!(event.action, "sale");
    assert_eq!(event.title, "Acme deal");
    assert_eq!(event.event_time, Some(time("2026-05-04T09:08:07Z")));
    assert_eq!(event.event_time_source(), EventTimeSource::LastModifiedDate);
    assert_eq!(event.match_mode(), MatchMode::Exact);
    assert_eq!(event.warnings, Vec::<String>::new());
    assert_eq!(reason(&notification), None);
    let origin = event.salesforce.unwrap();
    assert_eq!(origin.organization_id, "00D5g0000004242EAA");
    assert_eq!(origin.action_id, "04k5g0000000077AAA");
    assert_eq!(origin.notification_id, "04l5g0000000000AAA");
    assert_eq!(origin.object_type, "Opportunity");
    assert_eq!(origin.record_id, "0065g0000001079AAA");
    assert_eq!(notification.salesforce, Some(origin));
}

#[test]
fn a_notification_goes_along_with_its_exact_texts_and_the_canonical_query() {
    let (event, notification) = event_of(
        "tField=Subject__c&token=s3cret",
        &[("Subject__c", "  two  spaces "), ("Blank__c", "  ")],
    );
    assert_eq!(event.title, "  two  spaces ");
    assert_eq!(notification.endpoint, "events");
    assert_eq!(notification.query, "titleField=Subject__c");
    assert_eq!(notification.fields["Subject__c"], "  two  spaces ");
    assert_eq!(notification.fields.len(), GOOD.len() + 1);
    assert!(
        event
            .idempotency_key
            .starts_with("00D5g0000004242/04l5g0000000000/events/")
    );
}

#[test]
fn a_populated_field_beats_the_literal_and_the_literal_beats_the_default() {
    let title = |query, more: &[_]| event_of(query, more).0.title;
    let both = "titleField=Subject__c&title=Literal";
    assert_eq!(title(both, &[("subject__C", "Field")]), "Field");
    assert_eq!(title(both, &[("Subject__c", " ")]), "Literal");
    assert_eq!(title(both, &[]), "Literal");
    assert_eq!(title("titleField=Subject__c", &[]), "Acme deal");

    let action = |query, more: &[_]| event_of(query, more).0.action;
    assert_eq!(
        action("actField=Stage__c&act=fallback", &[("Stage__c", "Won")]),
        "Won"
    );
    assert_eq!(action("actField=Stage__c&act=fallback", &[]), "fallback");
    assert_eq!(action("actField=Stage__c", &[]), "sale");
}

#[test]
fn a_named_field_that_is_not_populated_leaves_the_default_fields() {
    let (event, notification) = event_of("igrpField=Site__c&vidField=Visitor__c", &[]);
    assert_eq!((event.igrp, event.visitor_id.as_str()), (840, VISITOR));
    assert_eq!(reason(&notification), None);

    let (event, _) = event_of("igrpField=Site__c&igrp=7", &[]);
    assert_eq!(event.igrp, 7);
}

#[test]
fn texts_that_the_core_judges_are_passed_on_as_they_are() {
    let query = "callRefField=Call__c&txvField=Amount&txrField=Ref__c&txcField=Cur__c\
                 &valueField=Margin&srcPhoneNumberField=Phone&matchMode=intelligent";
    let (event, notification) = event_of(
        query,
        &[
            ("Call__c", " 000123"),
            ("Amount", "1,000.50"),
            ("Ref__c", "TEST-1"),
            ("Cur__c", "pounds"),
            ("Margin", "1.0E7"),
            ("Phone", "+49 30 1"),
            ("Infinity_Visitor_ID__c", "nobody"),
        ],
    );
    assert_eq!(event.call_ref, " 000123");
    assert_eq!(event.transaction_value, "1,000.50");
    assert_eq!(event.transaction_ref, "TEST-1");
    assert_eq!(event.currency, "pounds");
    assert_eq!(event.value, "1.0E7");
    assert_eq!(event.source_phone_number, "+49 30 1");
    assert_eq!(event.visitor_id, "nobody");
    assert_eq!(event.match_mode(), MatchMode::Intelligent);
    assert_eq!(reason(&notification), None);
}

#[test]
fn currency_iso_code_stands_in_only_for_a_transaction_value_without_a_currency() {
    let currencies = |query, more: &[_]| {
        let event = event_of(query, more).0;
        (event.currency, event.fallback_currency)
    };
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let iso = ("CurrencyIsoCode", "EUR");
    assert_eq!(currencies("txv=5", &[iso]), pair("", "EUR"));
    assert_eq!(currencies("", &[iso]), pair("", ""));
    assert_eq!(currencies("txv=5&txc=GBP", &[iso]), pair("GBP", ""));
    assert_eq!(currencies("txv=5&txcField=Cur__c", &[iso]), pair("", "EUR"));
    let named = [iso, ("Cur__c", "USD")];
    assert_eq!(currencies("txv=5&txcField=Cur__c", &named), pair("USD", ""));
    assert_eq!(currencies("txcField=Cur__c", &named), pair("USD", ""));
}

#[test]
fn custom_variables_come_from_fields_and_literals_and_only_when_they_have_a_value() {
    let (event, _) = event_of(
        "c_stageField=StageName&c_team=north&c_bothField=Both__c&c_both=literal&c_noneField=X",
        &[("StageName", "Won"), ("Both__c", "field")],
    );
    let expected = [("c_stage", "Won"), ("c_team", "north"), ("c_both", "field")];
    assert_eq!(event.attributes, map_of(&expected));
    let (event, _) = event_of("c_bothField=Both__c&c_both=literal", &[]);
    assert_eq!(event.attributes, map_of(&[("c_both", "literal")]));
}

#[test]
fn no_request_is_amplified_by_naming_a_huge_field_often() {
    let query: Vec<_> = (0..50).map(|n| format!("c_v{n}Field=Huge__c")).collect();
    let huge = "ü".repeat(131_072);
    let (event, notification) = event_of(&query.join("&"), &[("Huge__c", &huge)]);
    assert_eq!(event.attributes.len(), 50);
    for text in event.attributes.values() {
        assert_eq!(text.chars().count(), 4_001);
    }
    assert_eq!(notification.fields["Huge__c"], huge);
}

#[test]
fn a_missing_or_invalid_igrp_is_said_with_its_field() {
    let (event, notification) = event_of("", &[("Infinity_IGRP__c", " ")]);
    assert_eq!(event.igrp, 0);
    assert_eq!(event.visitor_id, VISITOR);
    assert_eq!(reason(&notification), Some(RejectionReason::MissingIgrp));

    // A populated field counts even when it is wrong.
    let (event, notification) = event_of("igrpField=Site__c&igrp=7", &[("Site__c", "840.5")]);
    assert_eq!(event.igrp, 0);
    let rejection = notification.rejection.unwrap();
    assert_eq!(rejection.reason(), RejectionReason::InvalidIgrp);
    assert_eq!(rejection.field, "Site__c");
    assert!(
        rejection.description.contains("`igrpField`"),
        "{}",
        rejection.description
    );
    assert!(!rejection.description.contains("840.5"));
}

#[test]
fn equally_good_default_fields_that_differ_make_a_notification_malformed() {
    let (_, notification) = event_of("", &[("InfinityVisitorID", "someone else")]);
    assert_eq!(
        reason(&notification),
        Some(RejectionReason::MalformedNotification)
    );
    // Nobody looks at default fields where a field is named and populated.
    let named = [("InfinityVisitorID", "someone else"), ("V__c", VISITOR)];
    let (event, notification) = event_of("vidField=V__c", &named);
    assert_eq!(event.visitor_id, VISITOR);
    assert_eq!(reason(&notification), None);
}

#[test]
fn texts_that_look_like_numbers_lists_or_data_stay_as_they_are() {
    for text in [
        "00123",
        "+4930123",
        "1e5",
        "A;B;;C",
        ";A",
        "TWFu\n TWE",
        "00Q000000000001",
        "true",
        "<p>1 &amp; 2</p>",
        "e\u{301}\u{200F}\u{200B}😀",
    ] {
        let query = "titleField=Text__c&c_textField=text__C";
        let (event, notification) = event_of(query, &[("Text__c", text)]);
        assert_eq!(event.title, text);
        assert_eq!(event.attributes, map_of(&[("c_text", text)]));
        assert_eq!(notification.fields["Text__c"], text);
        assert_eq!(reason(&notification), None);
    }
}
