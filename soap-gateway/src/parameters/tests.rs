//! Each rule of the query string.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const VISITOR: &str = "b5bb14cc-7cf6-49ff-a131-538d85bd143d";

#[track_caller]
fn parse(endpoint: Endpoint, query: &str) -> Parameters {
    Parameters::parse(endpoint, query).unwrap_or_else(|invalid| panic!("{query}: {invalid}"))
}

/// The query is refused because of this parameter, and the sentence has all of
/// these words.
#[track_caller]
fn refused(endpoint: Endpoint, query: &str, parameter: &str, words: &[&str]) {
    let invalid = Parameters::parse(endpoint, query).expect_err(query);
    assert_eq!(invalid.parameter(), parameter, "{query}");
    let text = invalid.to_string();
    for word in words {
        assert!(text.contains(word), "{query}: {text:?} lacks {word:?}");
    }
    assert!(text.ends_with(['.', '?']), "{text}");
    assert!(!text.contains(".."), "{text}");
}

#[track_caller]
fn canonical(endpoint: Endpoint, query: &str, expected: &str) {
    assert_eq!(
        parse(endpoint, query).canonical_query(),
        expected,
        "{query}"
    );
}

#[test]
fn all_parameters_are_optional() {
    for endpoint in Endpoint::ALL {
        let parameters = parse(endpoint, "");
        assert_eq!(parameters.endpoint(), endpoint);
        assert_eq!(parameters.canonical_query(), "");
        assert_eq!(parameters.zone(), Tz::UTC);
    }
    assert_eq!(parse(Endpoint::Events, "&&").match_mode(), MatchMode::Exact);
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    let refused = |query, parameter, words: &[&str]| {
        refused(Endpoint::Events, query, parameter, words);
    };
    refused("vidFeild=X__c", "vidFeild", &["`vidFeild`", "`vidField`"]);
    refused("igrpfield=X__c", "igrpfield", &["`igrpField`"]);
    refused("TZ=UTC", "TZ", &["`tz`"]);
    refused("Token=x", "Token", &["`token`"]);
    refused("IGRP=7", "IGRP", &["`igrp`"]);
    refused("Title=x", "Title", &["`title`"]);
    refused("dt=Close__c", "dt", &["`dtField`"]);
    refused("callref=7", "callref", &["`callRefField`"]);
    refused("C_teamname=north", "C_teamname", &["`c_NAME`"]);
    refused("somethingelse=1", "somethingelse", &["docs/parameters.md"]);
}

#[test]
fn a_parameter_of_another_endpoint_is_refused_with_where_it_belongs() {
    refused(
        Endpoint::CallRating,
        "vidField=X__c",
        "vidField",
        &["callRating", "belongs to events and leadEnrich."],
    );
    refused(
        Endpoint::Events,
        "map[chName]=A__c",
        "map[chName]",
        &["belongs to leadEnrich."],
    );
    refused(
        Endpoint::LeadEnrich,
        "c_x=1",
        "c_x",
        &["belongs to events."],
    );
    refused(
        Endpoint::LeadEnrich,
        "rating=New",
        "rating",
        &["belongs to callRating."],
    );
}

#[test]
fn a_name_given_twice_is_refused_aliases_included() {
    let refused = |query, parameter, words: &[&str]| {
        refused(Endpoint::Events, query, parameter, words);
    };
    refused("tz=UTC&tz=Europe%2FLondon", "tz", &["`tz` is given twice"]);
    refused("tz=UTC&tz=UTC", "tz", &["`tz` is given twice"]);
    refused(
        "titleField=Name&tField=Name",
        "tField",
        &["`titleField` and `tField` both mean `titleField`"],
    );
    refused(
        "currency=GBP&txc=GBP",
        "txc",
        &["`currency` and `txc` both mean `txc`"],
    );
    refused(
        "currency=GBP&currency=GBP",
        "currency",
        &["`currency` (which means `txc`) is given twice"],
    );
    refused("token=a&token=a", "token", &["twice"]);
    refused("c_x=1&c_%78=2", "c_x", &["twice"]);
    super::tests::refused(
        Endpoint::LeadEnrich,
        "map[src]=A&map%5Bsrc%5D=B",
        "map[src]",
        &["twice"],
    );
}

#[test]
fn an_empty_value_or_name_is_refused() {
    for query in ["vidField=", "vidField", "vidField=+", "vidField=%20&tz=UTC"] {
        refused(Endpoint::Events, query, "vidField", &["has no value"]);
    }
    refused(Endpoint::Events, "token=", "token", &["has no value"]);
    refused(Endpoint::Events, "=x", "", &["no name"]);
    refused(Endpoint::Events, "=", "", &["no name"]);
}

#[test]
fn an_invalid_field_name_is_refused() {
    for value in [
        "Visitor%20Id",
        "1st__c",
        "_x",
        "a.b",
        "Gr%C3%B6%C3%9Fe__c",
        "%20Vid__c",
    ] {
        let query = format!("vidField={value}");
        refused(Endpoint::Events, &query, "vidField", &["API name"]);
    }
    let parameters = parse(Endpoint::Events, "vidField=ns__Visitor_Id__c");
    let named = parameters.options.fields.get(&Target::VisitorId).unwrap();
    assert_eq!(named.field.as_str(), "ns__Visitor_Id__c");
}

#[test]
fn an_invalid_literal_is_refused() {
    let refused = |endpoint, query, parameter| refused(endpoint, query, parameter, &[]);
    for (query, parameter) in [
        ("igrp=0", "igrp"),
        ("igrp=1.5", "igrp"),
        ("act=CallRate", "act"),
        ("value=1,5", "value"),
        ("txv=NaN", "txv"),
        ("txc=XQX", "txc"),
        ("currency=POUND", "currency"),
        ("tz=Europe/Atlantis", "tz"),
        ("tz=europe/london", "tz"),
        ("matchMode=fuzzy", "matchMode"),
    ] {
        refused(Endpoint::Events, query, parameter);
    }
    let long = format!("txr={}", "r".repeat(256));
    refused(Endpoint::Events, &long, "txr");
    let long = format!("rating={}", "r".repeat(256));
    refused(Endpoint::CallRating, &long, "rating");
    refused(
        Endpoint::LeadEnrich,
        "attributionModelId=-1",
        "attributionModelId",
    );
    refused(Endpoint::LeadEnrich, "overwrite=never", "overwrite");
}

#[test]
fn a_refusal_does_not_repeat_the_value() {
    let invalid = Parameters::parse(Endpoint::Events, "txv=secret123").unwrap_err();
    assert!(!invalid.to_string().contains("secret123"));
    assert!(!format!("{invalid:?}").contains("secret123"));
}

#[test]
fn a_constant_identity_is_refused_with_the_parameter_to_use() {
    for endpoint in [Endpoint::Events, Endpoint::LeadEnrich] {
        let query = format!("vid={VISITOR}");
        refused(endpoint, &query, "vid", &["every record", "`vidField`"]);
    }
    for endpoint in Endpoint::ALL {
        refused(
            endpoint,
            "callRef=7",
            "callRef",
            &["every record", "`callRefField`"],
        );
    }
    // There is no `vidField` to send people to.
    let invalid = Parameters::parse(Endpoint::CallRating, "vid=x").unwrap_err();
    assert!(matches!(invalid.problem(), Problem::Unknown { .. }));
}

#[test]
fn broken_encoding_is_refused_in_names_and_values() {
    refused(
        Endpoint::Events,
        "act=%zz",
        "act",
        &["`act`", "percent-encoding"],
    );
    refused(Endpoint::Events, "act=%FF", "act", &["UTF-8"]);
    refused(Endpoint::Events, "act=a%00b", "act", &["U+0000"]);
    refused(
        Endpoint::Events,
        "a%zzct=x",
        "a%zzct",
        &["percent-encoding"],
    );
}

#[test]
fn names_may_be_percent_encoded_and_semicolons_separate_nothing() {
    canonical(
        Endpoint::LeadEnrich,
        "map%5BchName%5D=A__c",
        "map%5BchName%5D=A__c",
    );
    canonical(
        Endpoint::LeadEnrich,
        "map[chName]=A__c",
        "map%5BchName%5D=A__c",
    );
    canonical(Endpoint::Events, "act=a;tz=UTC", "act=a%3Btz%3DUTC");
    canonical(Endpoint::Events, "act=b=c", "act=b%3Dc");
}

#[test]
fn attributes_of_a_mapping_must_be_known() {
    let parameters = parse(
        Endpoint::LeadEnrich,
        "map[first.src]=A__c&map[pt_gclid]=G__c",
    );
    assert_eq!(parameters.field_mapping().count(), 2);
    refused(
        Endpoint::LeadEnrich,
        "map[chNam]=A__c",
        "map[chNam]",
        &["map[chNam]", "`chName`"],
    );
    refused(
        Endpoint::LeadEnrich,
        "map[]=A__c",
        "map[]",
        &["marketing attribute"],
    );
    refused(
        Endpoint::LeadEnrich,
        "map[src]=A b",
        "map[src]",
        &["API name"],
    );
}

#[test]
fn a_custom_variable_may_be_given_by_field_and_by_literal() {
    let parameters = parse(Endpoint::Events, "c_team=north&c_teamField=Team__c");
    let (name, variable) = parameters.variables().next().unwrap();
    assert_eq!(name.as_str(), "team");
    assert_eq!(variable.field.as_ref().unwrap().field.as_str(), "Team__c");
    assert_eq!(variable.literal.as_ref().unwrap().text, "north");
    assert_eq!(parameters.variables().count(), 1);
}

#[test]
fn a_custom_variable_that_ends_in_field_always_names_a_field() {
    refused(
        Endpoint::Events,
        "c_leftField=far away",
        "c_leftField",
        &["API name"],
    );
    let parameters = parse(Endpoint::Events, "c_FieldField=X__c");
    assert_eq!(parameters.variables().next().unwrap().0.as_str(), "Field");
    refused(
        Endpoint::Events,
        "c_Field=X__c",
        "c_Field",
        &["custom variable"],
    );
    refused(Endpoint::Events, "c_=x", "c_", &["custom variable"]);
    refused(Endpoint::Events, "c_a-b=x", "c_a-b", &["custom variable"]);
}

#[test]
fn there_are_up_to_50_custom_variables() {
    let query = |count: usize| {
        let pairs: Vec<_> = (0..count)
            .map(|n| format!("c_v{n}=x&c_v{n}Field=X__c"))
            .collect();
        pairs.join("&")
    };
    assert_eq!(parse(Endpoint::Events, &query(50)).variables().count(), 50);
    refused(Endpoint::Events, &query(51), "c_v50", &["at most 50"]);
}

#[test]
fn the_token_is_accepted_everywhere_and_kept_nowhere() {
    for endpoint in Endpoint::ALL {
        let parameters = parse(endpoint, "token=s3cret&igrp=840");
        assert_eq!(parameters.canonical_query(), "igrp=840");
        assert!(!format!("{parameters:?}").contains("s3cret"));
    }
}

#[test]
fn the_canonical_query_has_main_names_sorted_and_no_defaults() {
    canonical(
        Endpoint::Events,
        "tField=Subject__c&currency=gbp&act=Closed+Won%20Deal&token=x&igrp=840",
        "act=Closed%20Won%20Deal&igrp=840&titleField=Subject__c&txc=gbp",
    );
}

#[test]
fn every_parameter_of_the_table_is_accepted_with_a_fitting_value() {
    for endpoint in Endpoint::ALL {
        for spec in parameters_of(endpoint) {
            for name in std::iter::once(&spec.name).chain(spec.aliases) {
                let name = name.replace("NAME", "src");
                let query = encode([(name.as_str(), example(spec))]);
                let parameters = parse(endpoint, &query);
                let is_kept = spec.target != Target::Token;
                assert_eq!(!parameters.canonical_query().is_empty(), is_kept, "{query}");
            }
        }
    }
}

fn example(spec: &ParameterSpec) -> &'static str {
    let ValueKind::Literal(value_type) = spec.value else {
        return "Some_Field__c";
    };
    match value_type {
        ValueType::Igrp | ValueType::Decimal | ValueType::AttributionModel => "840",
        ValueType::Currency => "GBP",
        ValueType::Zone => "Europe/London",
        ValueType::MatchMode => "exact",
        ValueType::Overwrite => "always",
        _ => "Some text",
    }
}

/// Percent-encodes every byte, or as little as a query needs.
fn written(text: &str, is_encoded: bool) -> String {
    if is_encoded {
        text.bytes().fold(String::new(), |encoded, byte| {
            encoded + &format!("%{byte:02x}")
        })
    } else {
        text.replace(' ', "+")
    }
}

proptest! {
    #[test]
    fn order_alias_and_encoding_do_not_change_the_canonical_query(
        chosen in proptest::sample::subsequence(vec![
            ("igrpField", "igrpField", "Site__c"),
            ("titleField", "tField", "Subject__c"),
            ("title", "t", "Some title"),
            ("txcField", "currencyField", "Cur__c"),
            ("txc", "currency", "EUR"),
            ("act", "act", "Closed Won"),
            ("c_team", "c_team", "north west"),
            ("c_teamField", "c_teamField", "Team__c"),
        ], 0..=8).prop_shuffle(),
        styles in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 8),
        token in select(vec!["", "token=x&", "&&"]),
    ) {
        let mut plain = chosen.clone();
        plain.sort_unstable();
        let expected = encode(plain.iter().map(|(name, _, value)| (*name, *value)));

        let pieces: Vec<_> = chosen
            .iter()
            .zip(styles)
            .map(|((name, alias, value), (is_alias, is_name_encoded, is_value_encoded))| {
                let name = written(if is_alias { alias } else { name }, is_name_encoded);
                format!("{name}={}", written(value, is_value_encoded))
            })
            .collect();
        let query = format!("{token}{}", pieces.join("&"));
        let parameters = Parameters::parse(Endpoint::Events, &query).unwrap();
        prop_assert_eq!(parameters.canonical_query(), expected);
    }

    #[test]
    fn the_canonical_query_is_its_own_canonical_query(text in "[^\0]{1,40}") {
        prop_assume!(!text.trim().is_empty());
        let query = encode([("title", text.as_str()), ("c_x", text.as_str())]);
        let parameters = Parameters::parse(Endpoint::Events, &query).unwrap();
        let again = Parameters::parse(Endpoint::Events, parameters.canonical_query()).unwrap();
        prop_assert_eq!(again.canonical_query(), parameters.canonical_query());
        prop_assert_eq!(&again.options.literals[&Target::Title].text, &text);
    }

    #[test]
    fn no_query_makes_it_panic(query in "[a-zA-Z%+&=;\\[\\]_0-9é]{0,60}") {
        for endpoint in Endpoint::ALL {
            if let Err(invalid) = Parameters::parse(endpoint, &query) {
                prop_assert!(!invalid.to_string().is_empty());
            }
        }
    }
}
