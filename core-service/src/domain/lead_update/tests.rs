use std::collections::BTreeMap;

use sfbridge_values::{Igrp, MarketingAttribute, Timestamp, VisitorId};
use uuid::Uuid;

use super::*;
use crate::domain::{Journey, LeadFieldKind, Visit};

fn visit() -> Visit {
    Visit {
        visit_id: Uuid::now_v7(),
        igrp: Igrp::new(1).unwrap(),
        visitor_id: VisitorId::parse("3f2504e0-4f89-41d3-9a0c-0305e82c3301").unwrap(),
        visit_time: Timestamp::from_micros(1_000_000),
        channel_name: "PPC".to_owned(),
        channel_type: "ppc".to_owned(),
        source: "Google".to_owned(),
        campaign: String::new(),
        ad_group: String::new(),
        term: String::new(),
        match_type: String::new(),
        network: String::new(),
        landing_page: String::new(),
        referrer: String::new(),
        page_title: String::new(),
        pass_through: BTreeMap::new(),
        variables: BTreeMap::new(),
        receive_time: Timestamp::from_micros(1_000_000),
    }
}

/// What becomes of a field that holds `present`, was written as `written` and
/// is described by `fields`.
fn decided(
    attribute: &str,
    present: Option<&str>,
    written: Option<&str>,
    policy: Option<OverwritePolicy>,
    fields: Option<&[LeadField]>,
) -> PlannedField {
    let journey = Journey::new(vec![visit()]);
    let data = MarketingData {
        considered: journey.as_of(Timestamp::from_micros(2_000_000)),
        chosen: journey.visits().first(),
        call_count: 0,
        last_call: None,
        call_rating: None,
    };
    let target = LeadTarget {
        attribute: MarketingAttribute::parse(attribute).unwrap(),
        field: FieldName::parse("Marketing__c").unwrap(),
        is_default: false,
    };
    let named = |text: &str| ("MARKETING__C".to_owned(), text.to_owned());
    let mut marks = WrittenMarks::default();
    if let Some(text) = written {
        marks.confirm("Marketing__c", text);
    }
    let lead = LeadState {
        fields,
        present: &FieldTexts::new(present.map(named)),
        written: &marks,
        overwrite_policy: policy,
        zone: TimeZone::default(),
    };
    plan(&[target], &data, &lead).remove(0)
}

#[track_caller]
fn check(
    attribute: &str,
    present: Option<&str>,
    written: Option<&str>,
    policy: Option<OverwritePolicy>,
    expected: Decision,
) {
    let planned = decided(attribute, present, written, policy, None);
    assert_eq!(planned.decision, expected, "{attribute} over {present:?}");
}

const ALWAYS: Option<OverwritePolicy> = Some(OverwritePolicy::Always);
const EMPTY: Option<OverwritePolicy> = Some(OverwritePolicy::Empty);

#[test]
fn an_empty_field_is_written() {
    for policy in [None, ALWAYS, EMPTY] {
        check("src", None, None, policy, Decision::Write);
        check("src", Some(" "), None, policy, Decision::Write);
    }
}

#[test]
fn what_the_lead_holds_already_is_not_written_again() {
    for policy in [None, ALWAYS, EMPTY] {
        check("src", Some("Google"), None, policy, Decision::Unchanged);
    }
}

#[test]
fn the_policy_decides_about_values_of_others() {
    check("src", Some("Fair"), None, None, Decision::Write);
    check("first.src", Some("Fair"), None, None, Decision::Kept);
    check("first.src", Some("Fair"), None, ALWAYS, Decision::Write);
    check("src", Some("Fair"), None, EMPTY, Decision::Kept);
}

#[test]
fn what_was_written_by_us_may_be_replaced() {
    check("src", Some("Bing"), Some("Bing"), EMPTY, Decision::Write);
    check(
        "first.src",
        Some("Bing"),
        Some("Bing"),
        None,
        Decision::Write,
    );
    // Somebody has changed it since.
    check("src", Some("Fair"), Some("Bing"), EMPTY, Decision::Kept);
}

#[test]
fn nothing_is_written_over_a_value_by_an_empty_one() {
    check(
        "campaign",
        Some("Spring"),
        Some("Spring"),
        ALWAYS,
        Decision::NoValue,
    );
}

#[test]
fn a_field_that_cannot_take_the_value_is_left_out() {
    let field = |kind, is_updateable| {
        [LeadField {
            name: "marketing__C".to_owned(),
            kind,
            is_updateable,
        }]
    };
    let decision = |attribute, fields: &[LeadField]| {
        decided(attribute, None, None, None, Some(fields)).decision
    };
    let text = field(LeadFieldKind::Text(255), true);
    assert_eq!(decision("src", &text), Decision::Write);
    assert_eq!(decision("src", &[]), Decision::NoField);
    let read_only = field(LeadFieldKind::Text(255), false);
    assert_eq!(decision("src", &read_only), Decision::ReadOnly);
    let number = field(LeadFieldKind::Integer, true);
    assert_eq!(decision("src", &number), Decision::Misfit);
    assert_eq!(decision("visitorVisitCount", &number), Decision::Write);
}

#[test]
fn a_value_that_was_cut_says_so() {
    let fields = [LeadField {
        name: "Marketing__c".to_owned(),
        kind: LeadFieldKind::Text(4),
        is_updateable: true,
    }];
    let planned = decided("src", None, None, None, Some(&fields));
    assert_eq!(planned.value, Some(LeadValue::Text("Goog".to_owned())));
    assert!(planned.is_cut);
}

#[test]
fn a_time_that_we_wrote_is_known_again_in_the_spelling_of_the_api() {
    let fields = [LeadField {
        name: "Marketing__c".to_owned(),
        kind: LeadFieldKind::DateTime,
        is_updateable: true,
    }];
    let shown = Some("2024-05-01T10:20:30.000+0000");
    let written = Some("2024-05-01T10:20:30.000Z");
    let planned = decided("triggerDatetime", shown, written, EMPTY, Some(&fields));
    assert_eq!(planned.decision, Decision::Write);
}
