//! Which fields are recognised.

use super::*;

#[track_caller]
fn check(identity: Identity, fields: &[(&str, &str)], expected: Option<&str>) {
    let record = record(fields);
    let found = DefaultFields::default().find(identity, &record).unwrap();
    assert_eq!(found.map(|(name, _)| name), expected, "{fields:?}");
}

#[track_caller]
fn check_conflict(identity: Identity, fields: &[(&str, &str)], expected: (&str, &str)) {
    let record = record(fields);
    let conflict = DefaultFields::default()
        .find(identity, &record)
        .unwrap_err();
    assert_eq!((conflict.first, conflict.second), expected, "{fields:?}");
}

fn record(fields: &[(&str, &str)]) -> SObject {
    let fields = fields.iter();
    SObject {
        object_type: "Lead".to_owned(),
        fields: fields
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

#[test]
fn suffix_underscores_and_case_do_not_count() {
    for name in [
        "Infinity_Visitor_ID__c",
        "InfinityVisitorID",
        "infinity_vid__c",
        "INFINITYVID__C",
        "acme__InfinityVisitorId__c",
        "VID__c",
        "Visitor_ID__c",
        "vid",
    ] {
        check(Identity::VisitorId, &[(name, "x")], Some(name));
    }
    for name in ["VisitorIDs__c", "My_VID__c", "VID__pc", "Visitor.ID", "Id"] {
        check(Identity::VisitorId, &[(name, "x")], None);
    }
}

#[test]
fn only_names_of_infinity_match_with_any_package_prefix() {
    check(Identity::VisitorId, &[("acme__VisitorID__c", "x")], None);
    check(Identity::Igrp, &[("acme__IGRP__c", "1")], None);
    check(Identity::Igrp, &[("Infinity__IGRP__c", "1")], None);
    check(
        Identity::Igrp,
        &[("acme__Infinity_Installation_Id__c", "1")],
        Some("acme__Infinity_Installation_Id__c"),
    );
}

#[test]
fn the_earliest_populated_wins_and_unprefixed_before_prefixed() {
    check(
        Identity::Igrp,
        &[("IGRP__c", "1"), ("InfinityIGRPID__c", "2")],
        Some("InfinityIGRPID__c"),
    );
    check(
        Identity::Igrp,
        &[("a__InfinityIGRP__c", "1"), ("InfinityIGRP__c", "2")],
        Some("InfinityIGRP__c"),
    );
    check(
        Identity::Igrp,
        &[("a__InfinityIGRP__c", "1"), ("InfinityIGRPID__c", "2")],
        Some("a__InfinityIGRP__c"),
    );
    check(
        Identity::Igrp,
        &[("InfinityIGRP__c", " "), ("IGRP__c", "2")],
        Some("IGRP__c"),
    );
}

#[test]
fn different_values_of_the_same_rank_conflict() {
    check_conflict(
        Identity::CallRef,
        &[("CallRef__c", "7"), ("Call_Ref__c", "007")],
        ("CallRef__c", "Call_Ref__c"),
    );
    check_conflict(
        Identity::Igrp,
        &[("a__InfinityIGRP__c", "1"), ("b__InfinityIGRP__c", "2")],
        ("a__InfinityIGRP__c", "b__InfinityIGRP__c"),
    );
    check(
        Identity::CallRef,
        &[("CallRef__c", "7"), ("Call_Ref__c", " 7 ")],
        Some("CallRef__c"),
    );
}

#[test]
fn the_same_value_in_two_spellings_is_no_conflict() {
    let upper = "B5BB14CC-7CF6-49FF-A131-538D85BD143D";
    let cookie = "vid~b5bb14cc-7cf6-49ff-a131-538d85bd143d";
    check(
        Identity::VisitorId,
        &[("VID__c", upper), ("V_ID__c", cookie)],
        Some("VID__c"),
    );
    check(
        Identity::Igrp,
        &[("IGRP__c", "840"), ("I_GRP__c", "840.0")],
        Some("IGRP__c"),
    );
    check_conflict(
        Identity::Igrp,
        &[("IGRP__c", "x"), ("I_GRP__c", "y")],
        ("IGRP__c", "I_GRP__c"),
    );
}

#[test]
fn a_conflict_behind_the_winner_does_not_count() {
    check(
        Identity::Igrp,
        &[
            ("IGRP__c", "1"),
            ("I_GRP__c", "2"),
            ("InfinityIGRP__c", "3"),
        ],
        Some("InfinityIGRP__c"),
    );
    check(
        Identity::Igrp,
        &[
            ("InfinityIGRP__c", "3"),
            ("IGRP__c", "1"),
            ("I_GRP__c", "2"),
        ],
        Some("InfinityIGRP__c"),
    );
}

#[test]
fn configured_lists_replace_the_default_ones() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let fields = DefaultFields::new(&names(&["Site_No__c", "acme__Site__c"]), &[], &[]).unwrap();

    let packaged = record(&[("ACME__Site__c", "1")]);
    let found = fields.find(Identity::Igrp, &packaged).unwrap();
    assert_eq!(found, Some(("ACME__Site__c", "1")));
    let other = record(&[("other__Site__c", "1"), ("Site__c", "1"), ("IGRP__c", "1")]);
    assert_eq!(fields.find(Identity::Igrp, &other), Ok(None));

    assert_eq!(
        DefaultFields::new(&names(&["Site No"]), &[], &[]),
        Err(InvalidDefaultFields::NotAFieldName("Site No".to_owned()))
    );
    assert_eq!(
        DefaultFields::new(&[], &names(&["VID__c", "v_id"]), &[]),
        Err(InvalidDefaultFields::Twice("v_id".to_owned()))
    );
}
