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

    let named = |parameter: &str, field: &str| Source::NamedField {
        parameter: parameter.to_owned(),
        field: field.to_owned(),
    };
    let value = |name: &str| {
        let value = explanation
            .values
            .iter()
            .find(|value| value.name == name)
            .unwrap();
        (
            value.text.as_str(),
            value.source.clone(),
            value.problem.is_some(),
        )
    };
    assert_eq!(
        value("igrp"),
        (
            "840.0",
            Source::DefaultField {
                field: "Infinity_IGRP__c".to_owned()
            },
            false
        )
    );
    assert_eq!(
        value("visitor_id"),
        ("nobody", named("vidField", "Visitor__c"), true)
    );
    assert_eq!(
        value("time"),
        ("yesterday", named("dtField", "Close__c"), true)
    );
    assert_eq!(
        value("title"),
        (
            "Hello",
            Source::Literal {
                parameter: "title".to_owned()
            },
            false
        )
    );
    assert_eq!(value("action"), ("sale", Source::DefaultValue, false));
    assert_eq!(value("call_ref"), ("", Source::Nothing, false));
    assert_eq!(
        value("c_team"),
        ("north", named("c_teamField", "Team__c"), false)
    );
    assert!(!format!("{explanations:?}").contains("s3cret"));
}
