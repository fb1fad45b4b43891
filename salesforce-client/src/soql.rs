//! Salesforce's query language, as far as it is needed.

use sfbridge_values::{FieldName, SalesforceId};

/// Fields that are read of every Lead.
const ALWAYS: [&str; 2] = ["Id", "IsConverted"];

/// A query for Leads by their ids.
pub(crate) fn leads_by_id(ids: &[&SalesforceId], fields: &[FieldName]) -> String {
    let mut query = String::from("SELECT");
    let mut names: Vec<&str> = ALWAYS.to_vec();
    for field in fields.iter().map(FieldName::as_str) {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(field)) {
            names.push(field);
        }
    }
    for (index, name) in names.iter().enumerate() {
        query.push_str(if index == 0 { " " } else { ", " });
        query.push_str(name);
    }
    query.push_str(" FROM Lead WHERE Id IN (");
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            query.push(',');
        }
        query.push_str(&quoted(id.as_str()));
    }
    query.push(')');
    query
}

/// A text as the query language writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            _ => quoted.push(character),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the query language reads in a quoted text; `None` when it ends
    /// early, or not at all.
    fn unquoted(quoted: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = quoted.strip_prefix('\'')?.chars();
        loop {
            match rest.next()? {
                '\'' => return rest.next().is_none().then_some(text),
                '\\' => text.push(match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    escaped @ ('\'' | '\\') => escaped,
                    _ => return None,
                }),
                '\n' | '\r' => return None,
                character => text.push(character),
            }
        }
    }

    #[test]
    fn a_field_is_asked_for_once() {
        let id = |text| SalesforceId::parse(text).unwrap();
        let (one, two) = (id("00Q000000000001EAA"), id("00Q000000000002"));
        let fields = ["Email", "email", "ID", "A__c"].map(|name| FieldName::parse(name).unwrap());
        assert_eq!(
            leads_by_id(&[&one, &two], &fields),
            "SELECT Id, IsConverted, Email, A__c FROM Lead WHERE Id IN \
             ('00Q000000000001EAA','00Q000000000002')"
        );
    }

    proptest! {
        #[test]
        fn a_text_stays_one_text(text in "[\\PC'\\\\\n\r]{0,40}") {
            prop_assert_eq!(unquoted(&quoted(&text)), Some(text));
        }

        #[test]
        fn any_ids_and_fields_make_one_query(
            ids in proptest::collection::vec("[0-9A-Za-z]{15}", 1..200),
            fields in proptest::collection::vec("[A-Za-z][A-Za-z0-9_]{0,20}", 0..30),
        ) {
            let ids: Vec<_> = ids.iter().map(|id| SalesforceId::parse(id).unwrap()).collect();
            let fields: Vec<_> = fields.iter().map(|name| FieldName::parse(name).unwrap()).collect();
            let query = leads_by_id(&ids.iter().collect::<Vec<_>>(), &fields);
            let (select, list) = query.split_once(" FROM Lead WHERE Id IN (").unwrap();
            let list = list.strip_suffix(')').unwrap();
            let read: Vec<_> = list.split(',').map(|id| unquoted(id).unwrap()).collect();
            prop_assert!(read.iter().map(String::as_str).eq(ids.iter().map(SalesforceId::as_str)));
            for field in &fields {
                let named = select.split([' ', ',']).filter(|name| {
                    name.eq_ignore_ascii_case(field.as_str())
                });
                prop_assert_eq!(named.count(), 1);
            }
        }
    }
}
