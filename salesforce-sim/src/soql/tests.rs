//! What queries find, and what is told of those that can't be understood.

use super::*;
use crate::value::Value;

fn records() -> Records {
    let mut records = Records::default();
    let rows = [("1", "Ada", 5), ("2", "Björn", 10), ("3", "Chloé", 15)];
    for (number, name, employees) in rows {
        let id = SalesforceId::parse(&format!("00Q00000000000{number}")).unwrap();
        let mut record = Record::new(id.to_long(), ObjectType::Lead);
        record.set("LastName", Some(Value::text(name)));
        record.set("NumberOfEmployees", Some(Value::Integer(employees)));
        records.add(record);
    }
    let id = SalesforceId::parse("00Q000000000004").unwrap().to_long();
    let mut record = Record::new(id, ObjectType::Lead);
    record.set("IsDeleted", Some(Value::Boolean(true)));
    records.add(record);
    records
}

#[track_caller]
fn finds(condition: &str, expected: &[&str]) {
    let schema = Schema::new(&[], &[]).unwrap();
    let records = records();
    let text = format!("SELECT Id, LastName FROM Lead {condition}");
    let found = match Query::parse(&text, &schema).unwrap().run(&records) {
        Found::Records(cursor) => cursor,
        Found::Count(count) => panic!("counted {count}"),
    };
    let names: Vec<String> = found
        .ids(0, 10)
        .iter()
        .map(|id| records.get(id).unwrap().get("LastName").unwrap().soap())
        .collect();
    assert_eq!(names, expected, "{condition}");
}

#[track_caller]
fn refused(query: &str, code: &str, message: &str) {
    let schema = Schema::new(&[], &[]).unwrap();
    let refusal = Query::parse(query, &schema).unwrap_err();
    assert_eq!((&*refusal.code, &*refusal.message), (code, message));
}

#[test]
fn conditions_choose_records() {
    finds("", &["Ada", "Björn", "Chloé"]);
    finds("WHERE Id = '00Q000000000002'", &["Björn"]);
    finds("where Id='00Q000000000002EAA'", &["Björn"]);
    finds(
        "WHERE Id IN ('00Q000000000001', '00Q000000000003', '00Q000000000009')",
        &["Ada", "Chloé"],
    );
    finds("WHERE Id NOT IN ('00Q000000000001')", &["Björn", "Chloé"]);
    finds("WHERE LastName = 'ADA'", &["Ada"]);
    finds("WHERE LastName != 'ada'", &["Björn", "Chloé"]);
    finds(
        "WHERE NumberOfEmployees >= 10 AND NumberOfEmployees < 15",
        &["Björn"],
    );
    finds(
        "WHERE Company = null AND Lead.LastName <> 'Ada'",
        &["Björn", "Chloé"],
    );
    finds("WHERE Company != null", &[]);
}

#[test]
fn records_come_in_the_order_and_number_that_is_asked_for() {
    finds(
        "ORDER BY NumberOfEmployees DESC",
        &["Chloé", "Björn", "Ada"],
    );
    finds("ORDER BY LastName ASC LIMIT 2", &["Ada", "Björn"]);
    finds("LIMIT 0", &[]);
}

#[test]
fn records_are_counted() {
    let schema = Schema::new(&[], &[]).unwrap();
    let query = Query::parse("SELECT COUNT() FROM Lead", &schema).unwrap();
    assert!(matches!(query.run(&records()), Found::Count(3)));
}

#[test]
fn what_can_not_be_understood_is_shown_with_its_place() {
    refused(
        "SELECT Id FRM Lead",
        "MALFORMED_QUERY",
        "\nSELECT Id FRM Lead\n          ^\nERROR at Row:1:Column:11\nunexpected token: 'FRM'",
    );
    refused(
        "SELECT Id\nFROM Lead\nWHERE Id = '1",
        "MALFORMED_QUERY",
        "\nWHERE Id = '1\n           ^\nERROR at Row:3:Column:12\nline has no end of its string literal",
    );
    refused(
        "SELECT Id FROM",
        "MALFORMED_QUERY",
        "\nSELECT Id FROM\n              ^\nERROR at Row:1:Column:15\nunexpected token: '<EOF>'",
    );
    refused(
        "SELECT Id FROM Lead WHERE Id = 'x'",
        "INVALID_QUERY_FILTER_OPERATOR",
        "\nSELECT Id FROM Lead WHERE Id = 'x'\n                               ^\n\
         ERROR at Row:1:Column:32\ninvalid ID field: x",
    );
    refused(
        "SELECT Id FROM Lead WHERE AnnualRevenue > '1'",
        "INVALID_FIELD",
        "\nSELECT Id FROM Lead WHERE AnnualRevenue > '1'\n                                          ^\n\
         ERROR at Row:1:Column:43\nvalue of filter criterion for field 'AnnualRevenue' must be of \
         type currency and should not be enclosed in quotes",
    );
}

#[test]
fn names_that_are_not_there_are_told() {
    let schema = Schema::new(&[], &[]).unwrap();
    let refusal = Query::parse("SELECT Nonsense__c FROM Lead", &schema).unwrap_err();
    assert_eq!(refusal.code, "INVALID_FIELD");
    assert!(
        refusal
            .message
            .contains("No such column 'Nonsense__c' on entity 'Lead'.")
    );
    let refusal = Query::parse("SELECT Id FROM Account", &schema).unwrap_err();
    assert_eq!(refusal.code, "INVALID_TYPE");
    assert!(
        refusal
            .message
            .contains("sObject type 'Account' is not supported.")
    );
}

proptest::proptest! {
    #[test]
    fn no_text_brings_the_parser_down(text in "\\PC{0,60}") {
        let schema = Schema::new(&[], &[]).unwrap();
        let _ = Query::parse(&text, &schema);
        let _ = Query::parse(&format!("SELECT Id FROM Lead WHERE {text}"), &schema);
    }
}
