use proptest::prelude::*;
use sfbridge_values::{Decimal, Timestamp};

use super::*;

const FIELDS: KnownFields = KnownFields {
    texts: &["chName", "campaign", "txv"],
    times: &["triggerDatetime"],
    prefixes: &["pt_", "c_"],
};

fn new(field: &str, op: &str, value: &str) -> NewCriterion {
    NewCriterion {
        field: field.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
    }
}

fn criterion(op: &str, value: &str) -> Criterion {
    Criterion::parse(&new("campaign", op, value), &FIELDS).unwrap()
}

fn holds(op: &str, value: &str, field: &str) -> bool {
    criterion(op, value).holds(Some(FieldValue::Text(field)))
}

/// Checks an operator with a value against fields of which it holds, and those
/// of which it does not.
#[track_caller]
fn check(op: &str, value: &str, of: &[&str], not_of: &[&str]) {
    for field in of {
        assert!(holds(op, value, field), "{op} {value:?} of {field:?}");
    }
    for field in not_of {
        assert!(!holds(op, value, field), "{op} {value:?} of {field:?}");
    }
}

#[track_caller]
fn refused(field: &str, op: &str, value: &str) -> InvalidCriterion {
    Criterion::parse(&new(field, op, value), &FIELDS).unwrap_err()
}

#[test]
fn each_operator_asks_what_its_name_says() {
    check("bool", "set", &["x", "0"], &["", " "]);
    check("bool", "Empty", &["", " "], &["x"]);
    check("eq", "Summer", &["Summer", " Summer "], &["summer", ""]);
    check("ne", "Summer", &["summer", ""], &["Summer"]);
    check("eqi", "Größe", &["GRÖßE", "größe"], &["Grösse"]);
    check("nei", "summer", &["winter"], &["SUMMER"]);
    check("gt", "10", &["11", "10.01", "1e2"], &["10", "9"]);
    check("lt", "10", &["9", "-11", "9.99"], &["10.0", "11"]);
    check("ge", "10", &["10.00", "11"], &["9"]);
    check("le", "10", &["10.00", "9"], &["11"]);
    check("inc", "shoe", &["red shoes"], &["red SHOES", ""]);
    check("ninc", "shoe", &["red SHOES", ""], &["red shoes"]);
    check("inci", "shoe", &["red SHOES"], &["boots"]);
    check("ninci", "shoe", &["boots"], &["red SHOES"]);
    check("begins", "uk-", &["uk-shoes"], &["UK-shoes", "de-uk-"]);
    check("beginsi", "uk-", &["UK-shoes"], &["de-uk-"]);
    check("nbegins", "uk-", &["UK-shoes", ""], &["uk-shoes"]);
    check("nbeginsi", "uk-", &["de-shoes"], &["UK-shoes"]);
    check("ends", "-uk", &["shoes-uk"], &["shoes-UK"]);
    check("endsi", "-uk", &["shoes-UK"], &["uk-"]);
    check("re", r"^uk-\d+$", &["uk-12"], &["uk-", "x uk-12"]);
    check("nre", r"\d", &["uk"], &["uk-12"]);
    check("re", "(?i)SHOE", &["red shoes"], &["boots"]);
    check(
        "in",
        "seo, ppc,,",
        &["seo", "ppc"],
        &["PPC", "", "seo, ppc"],
    );
    check("nin", "seo,ppc", &["PPC", ""], &["seo"]);
    check("ini", "seo,PPC", &["SEO", "ppc"], &["email"]);
    check("nini", "seo,PPC", &["email"], &["SEO", "ppc"]);
    check(
        "glob",
        "uk-*-20??",
        &["uk-shoes-2024"],
        &["uk-shoes-204", "UK-x-2024"],
    );
}

#[test]
fn numbers_compare_as_numbers_and_all_else_as_text() {
    check("eq", "1.50", &["1.5", "15e-1", "+1.5"], &["1,5", "1.51"]);
    check("in", "7, 8", &["7.0", "08"], &["9"]);
    // Exactly: binary floating point would take these for equal.
    check("eq", "0.1", &["0.10000000"], &["0.10000001", "0.100000001"]);
    check(
        "gt",
        "9007199254740992",
        &["9007199254740993"],
        &["9007199254740992"],
    );
    // More digits than a number has here: a text.
    check(
        "eq",
        "1234567890123456789",
        &["1234567890123456789"],
        &["01234567890123456789"],
    );
    check("gt", "b", &["c", "ba"], &["b", "a", "B", "10"]);
    check("gt", "10", &["abc"], &[]);
}

#[test]
fn what_is_not_set_is_empty_and_neither_more_nor_less_than_anything() {
    for (op, value, expected) in [
        ("eq", "", true),
        ("ne", "", false),
        ("ne", "x", true),
        ("ninc", "x", true),
        ("lt", "10", false),
        ("le", "10", false),
        ("gt", "-10", false),
        ("ge", "-10", false),
        ("bool", "empty", true),
        ("re", "^$", true),
    ] {
        assert_eq!(criterion(op, value).holds(None), expected, "{op} {value}");
        assert_eq!(holds(op, value, " "), expected, "{op} {value}");
    }
}

#[test]
fn times_compare_as_times() {
    let holds = |op: &str, value: &str, micros: i64| {
        let criterion = Criterion::parse(&new("triggerDatetime", op, value), &FIELDS).unwrap();
        criterion.holds(Some(FieldValue::Time(Timestamp::from_micros(micros))))
    };
    let noon = 12 * 60 * 60 * 1_000_000;
    assert!(holds("eq", "1970-01-01T12:00:00Z", noon));
    assert!(holds("eq", "1970-01-01T14:00:00+02:00", noon));
    assert!(holds("ge", "1970-01-01", 0) && !holds("gt", "1970-01-01", 0));
    // As texts these would compare the other way round.
    assert!(holds("gt", "1970-01-01T12:00:00Z", noon + 500_000));
    assert!(holds("lt", "1970-01-02", noon) && !holds("lt", "1970-01-01", noon));
    assert!(holds("in", "1970-01-01,1970-01-02", 0) && holds("bool", "set", 0));
    assert!(holds("begins", "1970-01", noon) && holds("ne", "", noon));
    assert_eq!(
        refused("triggerDatetime", "gt", "May"),
        InvalidCriterion::Time
    );
}

#[test]
fn a_glob_is_of_the_whole_text() {
    check(
        "glob",
        "*/shop/*",
        &["https://a.example/shop/x/y", "/shop/"],
        &["/shop"],
    );
    check("glob", "gr?n", &["grün", "gran"], &["grn", "grünes"]);
    check("glob", "a.c", &["a.c"], &["abc"]);
    check("glob", "[a-cä]x", &["bx", "äx"], &["dx", "-x"]);
    check("glob", "[!a-c]x", &["dx"], &["ax", "x"]);
    check("glob", "[]-]x", &["]x", "-x"], &["ax"]);
    check("glob", "[a&&b~~c^-]", &["&", "~", "^", "-"], &["x", "C"]);
    check("glob", "[+--]", &["+", ",", "-"], &["a", "*"]);
    check("glob", r"\*[\]]", &["*]"], &["a]"]);
    check("glob", "a*", &["a\nb"], &[]);
    for wrong in ["[", "[a", "[]", r"a\", "[z-a]", r"[a\"] {
        assert_eq!(
            refused("campaign", "glob", wrong),
            InvalidCriterion::Glob,
            "{wrong}"
        );
    }
}

#[test]
fn each_part_at_fault_is_named_with_the_nearest_known_one() {
    let fault = |field, op, value| {
        let fault = refused(field, op, value);
        (fault.part(), fault.to_string())
    };
    let (part, text) = fault("chNam", "eq", "x");
    assert!(part == "field" && text.contains("`chName`"), "{text}");
    let (part, text) = fault("c_a b", "eq", "x");
    assert!(part == "field" && !text.contains("did you mean"), "{text}");
    let (part, text) = fault("chName", "nbegin", "x");
    assert!(part == "op" && text.contains("`nbegins`"), "{text}");
    let (part, text) = fault("chName", "contains", "x");
    assert!(part == "op" && text.contains(" inc "), "{text}");
    let (part, text) = fault("chName", "re", "a(b");
    assert!(
        part == "value" && text.ends_with("unclosed group"),
        "{text}"
    );
    for (op, value, expected) in [
        (
            "re",
            "(?:(?:a{100}){100}){100}",
            InvalidCriterion::TooComplex,
        ),
        ("bool", "yes", InvalidCriterion::NeitherSetNorEmpty),
        ("inc", "", InvalidCriterion::Empty),
        ("gt", " ", InvalidCriterion::Empty),
        ("in", " , ,", InvalidCriterion::Empty),
    ] {
        assert_eq!(refused("chName", op, value), expected);
    }
    let long = "x".repeat(1_001);
    assert_eq!(
        refused("chName", "re", &long),
        InvalidCriterion::TooLong(1_000)
    );
    assert!(Criterion::parse(&new("chName", "eq", &long), &FIELDS).is_ok());
    let long = "ä".repeat(4_001);
    assert_eq!(
        refused("chName", "eq", &long),
        InvalidCriterion::TooLong(4_000)
    );
}

#[test]
fn all_criteria_must_hold_and_all_faults_are_named() {
    let parse = |given: &[NewCriterion]| Criteria::parse(given, &FIELDS);
    let both = parse(&[new("chName", "eq", "SEO"), new("c_team", "ne", "blue")]).unwrap();
    let of = |name: &'static str, team: &'static str| {
        both.hold(|field| match field {
            "chName" => Some(FieldValue::Text(name)),
            "c_team" => Some(FieldValue::Text(team)),
            _ => None,
        })
    };
    assert!(of("SEO", "red") && !of("SEO", "blue") && !of("PPC", "red"));
    assert!(Criteria::default().hold(|_| None));

    let faults = parse(&[
        new("x", "eq", ""),
        new("txv", "gt", "1"),
        new("txv", "gt", ""),
    ]);
    let fields: Vec<_> = faults
        .unwrap_err()
        .iter()
        .map(InvalidCriteria::field)
        .collect();
    assert_eq!(fields, ["criteria[0].field", "criteria[2].value"]);
    let many = vec![new("txv", "gt", "1"); Criteria::MAX + 1];
    assert_eq!(parse(&many), Err(vec![InvalidCriteria::TooMany]));
}

/// The operators once more, each in the most obvious way.
fn obvious(op: &str, value: &str, field: &str) -> bool {
    let field = field.trim();
    let lower = |text: &str| text.to_lowercase();
    let number = |text: &str| match Decimal::read(text) {
        Ok(read) if !read.is_rounded => Some(read.decimal),
        _ => None,
    };
    let equal = |one: &str, other: &str| match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    };
    let less = |one: &str, other: &str| match (number(one), number(other)) {
        (Some(one), Some(other)) => one < other,
        _ => one < other,
    };
    let is_one_of = |field: &str, list: &str| {
        let mut entries = list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        entries.any(|entry| equal(field, entry))
    };
    let trimmed = value.trim();
    match op {
        "eq" => equal(field, trimmed),
        "ne" => !equal(field, trimmed),
        "eqi" => equal(&lower(field), &lower(trimmed)),
        "nei" => !equal(&lower(field), &lower(trimmed)),
        "gt" => !field.is_empty() && less(trimmed, field),
        "lt" => !field.is_empty() && less(field, trimmed),
        "ge" => !field.is_empty() && !less(field, trimmed),
        "le" => !field.is_empty() && !less(trimmed, field),
        "inc" => field.contains(value),
        "ninc" => !field.contains(value),
        "inci" => lower(field).contains(&lower(value)),
        "ninci" => !lower(field).contains(&lower(value)),
        "begins" => field.starts_with(value),
        "beginsi" => lower(field).starts_with(&lower(value)),
        "nbegins" => !field.starts_with(value),
        "nbeginsi" => !lower(field).starts_with(&lower(value)),
        "ends" => field.ends_with(value),
        "endsi" => lower(field).ends_with(&lower(value)),
        "in" => is_one_of(field, value),
        "nin" => !is_one_of(field, value),
        "ini" => is_one_of(&lower(field), &lower(value)),
        "nini" => !is_one_of(&lower(field), &lower(value)),
        other => panic!("{other}"),
    }
}

/// Whether a glob of stars, question marks and letters matches, by trying
/// everything.
fn obvious_glob(glob: &[char], text: &[char]) -> bool {
    match (glob, text) {
        ([], []) => true,
        (['*', glob @ ..], _) => (0..=text.len()).any(|n| obvious_glob(glob, &text[n..])),
        (['?', glob @ ..], [_, text @ ..]) => obvious_glob(glob, text),
        ([one, glob @ ..], [other, text @ ..]) => one == other && obvious_glob(glob, text),
        _ => false,
    }
}

/// Texts of few letters, so that they often meet, and numbers.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[aAbÄä ,]{0,4}",
        "-?[0-2]{1,2}(\\.[05]{1,2})?",
        "[0-9]{17,20}",
        "\\PC{0,6}",
    ]
}

/// The operators that are neither patterns nor `bool`.
fn any_plain_operator() -> impl Strategy<Value = Operator> {
    let plain = Operator::all()
        .filter(|operator| !matches!(operator.as_str(), "bool" | "re" | "nre" | "glob"));
    prop::sample::select(plain.collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_operators_agree_with_obvious_ones(
        operator in any_plain_operator(), value in any_text(), field in any_text(),
    ) {
        let new = new("campaign", operator.as_str(), &value);
        match Criterion::parse(&new, &FIELDS) {
            Ok(criterion) => prop_assert_eq!(
                criterion.holds(Some(FieldValue::Text(&field))),
                obvious(operator.as_str(), &value, &field)
            ),
            Err(fault) => prop_assert_eq!(fault, InvalidCriterion::Empty),
        }
    }

    #[test]
    fn an_operator_and_its_opposite_never_agree(value in any_text(), field in any_text()) {
        for op in ["eq", "eqi", "inc", "inci", "begins", "beginsi", "re", "in", "ini"] {
            let opposite = if op.starts_with("eq") { op.replace("eq", "ne") } else { format!("n{op}") };
            let parse = |op: &str| Criterion::parse(&new("campaign", op, &value), &FIELDS);
            match (parse(op), parse(&opposite)) {
                (Ok(one), Ok(other)) => {
                    let field = Some(FieldValue::Text(&field));
                    prop_assert_ne!(one.holds(field), other.holds(field), "{}", op);
                }
                (one, other) => prop_assert_eq!(one.err(), other.err()),
            }
        }
    }

    #[test]
    fn where_case_does_not_count_it_does_not(value in "[aAbBäÄ]{1,3}", field in "[aAbBäÄ,]{0,6}") {
        for op in ["eqi", "nei", "inci", "ninci", "beginsi", "nbeginsi", "endsi", "ini", "nini"] {
            let as_given = holds(op, &value, &field);
            prop_assert_eq!(holds(op, &value.to_uppercase(), &field), as_given);
            prop_assert_eq!(holds(op, &value, &field.to_uppercase()), as_given);
            prop_assert_eq!(holds(op.strip_suffix('i').unwrap(), &value.to_lowercase(), &field.to_lowercase()), as_given);
        }
    }

    #[test]
    fn globs_agree_with_an_obvious_one(glob in "[ab*?ä.]{1,6}", text in "[abä.]{0,6}") {
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(holds("glob", &glob, &text), obvious_glob(&characters(&glob), &characters(&text)));
    }

    #[test]
    fn no_criterion_makes_it_panic(op in "re|glob", value in "[\\[\\]\\\\!*?^$a-z{}0-9(|)&~-]{0,20}", field in "\\PC{0,9}") {
        if let Ok(criterion) = Criterion::parse(&new("campaign", &op, &value), &FIELDS) {
            let _ = criterion.holds(Some(FieldValue::Text(&field)));
        }
    }
}

/// The rows of a table of the manual after its heading.
fn rows<'a>(manual: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let table = manual
        .lines()
        .skip_while(|line| !line.starts_with(heading))
        .skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells = row.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().trim_matches('`')).collect()
    })
    .collect()
}

#[test]
fn the_manual_lists_every_operator_with_an_example_that_holds() {
    let manual = include_str!("../../../../docs/attribution.md");
    let rows = rows(manual, "| operator |");
    let names: Vec<_> = rows.iter().map(|row| row[0]).collect();
    let all: Vec<_> = Operator::all().map(Operator::as_str).collect();
    assert_eq!(names, all);
    for row in rows {
        let [op, _, value, of, not_of] = row[..] else {
            panic!("{row:?}");
        };
        let field = |text| match text {
            "(empty)" => "",
            other => other,
        };
        check(op, value, &[field(of)], &[field(not_of)]);
    }
}
