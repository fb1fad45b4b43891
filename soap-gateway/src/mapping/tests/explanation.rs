//! What a dry run shows.

use super::*;

#[test]
fn an_explanation_is_what_would_be_sent_and_where_each_value_comes_from() {
    let fields = [
        ("Id", "0065g0000001079AAA"),
        ("Infinity_IGRP__c", "840.0"),
        ("Visitor__c", "nobody"),
        ("Close__c", "yesterday"),
        ("Team__c", "north"),
    ];
    let query = "vidField=Visitor__c&dtField=Close__c&title=Hello&c_teamField=Team__c&token=s3cret";
    let again = || message(vec![Content::Record(record("Opportunity", &fields))]);
    let parameters = Parameters::parse(Endpoint::Events, query).unwrap();
    let explanations = explain(again(), &parameters, &DefaultFields::default());
    assert_eq!(explanations.len(), 1);
    let explanation = &explanations[0];

    let CoreRequest::Events(paired) = map(again(), &parameters, &DefaultFields::default()) else {
        panic!("not events");
    };
    assert_eq!(
        explanation.item,
        Item::Event(Box::new(paired.items[0].clone()))
    );
    assert_eq!(explanation.notification, paired.notifications[0]);

    let value = |name: &str| {
        let value = explanation
            .values
            .iter()
            .find(|value| value.name == name)
            .unwrap();
        (
            value.text.as_str(),
            value.source.to_string(),
            value.problem.is_some(),
        )
    };
    assert_eq!(
        value("igrp"),
        ("840.0", "default field Infinity_IGRP__c".to_owned(), false)
    );
    assert_eq!(
        value("visitor_id"),
        ("nobody", "vidField=Visitor__c".to_owned(), true)
    );
    assert_eq!(
        value("time"),
        ("yesterday", "dtField=Close__c".to_owned(), true)
    );
    assert_eq!(value("title"), ("Hello", "title".to_owned(), false));
    assert_eq!(value("action"), ("sale", "default".to_owned(), false));
    assert_eq!(value("call_ref"), ("", "not given".to_owned(), false));
    assert_eq!(
        value("c_team"),
        ("north", "c_teamField=Team__c".to_owned(), false)
    );
    assert!(!format!("{explanations:?}").contains("s3cret"));
}
