//! Leads as they are read.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use sfbridge_values::{FieldName, SalesforceId};

use crate::soql;

/// What was read of a Lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadRecord {
    /// Whether it was converted, and can't be changed any more.
    pub is_converted: bool,
    /// The fields' values as text, by name as Salesforce spells it; empty where
    /// there is none. Numbers have all their digits.
    pub values: BTreeMap<String, String>,
}

/// A page of a query's result.
#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(rename = "nextRecordsUrl")]
    next: Option<String>,
    records: Vec<BTreeMap<String, Box<RawValue>>>,
}

/// A record has no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoId;

/// The most Leads that one query asks for.
pub(crate) const MOST: usize = 200;

/// What is known to fit into a request line.
const LONGEST_QUERY: usize = 12_000;

/// The queries that ask for these Leads, encoded for a URL: one, unless there
/// are more than fit.
pub(crate) fn queries(ids: &[SalesforceId], fields: &[FieldName]) -> Vec<String> {
    let mut unique: Vec<&SalesforceId> = Vec::with_capacity(ids.len());
    let mut seen = std::collections::HashSet::new();
    for id in ids {
        if seen.insert(id) {
            unique.push(id);
        }
    }
    let mut size = MOST;
    loop {
        let encode = |ids: &[&SalesforceId]| {
            let query = soql::leads_by_id(ids, fields);
            form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>()
        };
        let queries: Vec<String> = unique.chunks(size).map(encode).collect();
        let fits = queries.iter().all(|query| query.len() <= LONGEST_QUERY);
        if fits || size == 1 {
            return queries;
        }
        size /= 2;
    }
}

impl Page {
    /// Puts the page's records to the others, and says where the next page is.
    ///
    /// # Errors
    ///
    /// [`NoId`] when one of them has no id.
    pub(crate) fn collect(
        self,
        into: &mut HashMap<SalesforceId, LeadRecord>,
    ) -> Result<Option<String>, NoId> {
        for record in self.records {
            let (id, record) = LeadRecord::read(&record).ok_or(NoId)?;
            into.insert(id, record);
        }
        Ok(self.next)
    }
}

impl LeadRecord {
    fn read(record: &BTreeMap<String, Box<RawValue>>) -> Option<(SalesforceId, Self)> {
        let mut id = None;
        let mut is_converted = false;
        let mut values = BTreeMap::new();
        for (name, value) in record {
            let Some(text) = text(value) else { continue };
            if name.eq_ignore_ascii_case("Id") {
                id = SalesforceId::parse(&text).ok();
            } else if name.eq_ignore_ascii_case("IsConverted") {
                is_converted = text == "true";
            }
            values.insert(name.clone(), text);
        }
        Some((
            id?,
            Self {
                is_converted,
                values,
            },
        ))
    }
}

/// A value as text. `None` for what has parts, such as an address.
fn text(value: &RawValue) -> Option<String> {
    let json = value.get().trim();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' => None,
        _ if json == "null" => Some(String::new()),
        _ => Some(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_texts_without_losing_digits() {
        let page = br#"{"totalSize": 1, "done": true, "records": [{
            "attributes": {"type": "Lead"}, "Id": "00Q000000000001EAA", "IsConverted": false,
            "Amount__c": 123456789012345678.25, "Name": "M\u00fcller", "Empty__c": null,
            "Address": {"city": "Ulm"}, "Tick__c": true}]}"#;
        let page: Page = serde_json::from_slice(page).unwrap();
        let mut read = HashMap::new();
        assert_eq!(page.collect(&mut read), Ok(None));
        let lead = &read[&SalesforceId::parse("00Q000000000001").unwrap()];
        assert!(!lead.is_converted);
        let value = |name| lead.values.get(name).map(String::as_str);
        assert_eq!(value("Amount__c"), Some("123456789012345678.25"));
        assert_eq!(value("Name"), Some("Müller"));
        assert_eq!(value("Empty__c"), Some(""));
        assert_eq!(value("Tick__c"), Some("true"));
        assert_eq!((value("Address"), value("Other__c")), (None, None));
    }

    #[test]
    fn two_hundred_leads_are_one_query_and_each_is_asked_for_once() {
        let id = |number| SalesforceId::parse(&format!("00Q{number:012}EAA")).unwrap();
        let ids: Vec<_> = (0..200).map(id).chain((0..200).map(id)).collect();
        let fields: Vec<_> = (0..25)
            .map(|number| FieldName::parse(&format!("Infinity_Field_{number}__c")).unwrap())
            .collect();
        assert_eq!(queries(&ids, &fields).len(), 1);
        let many: Vec<_> = (0..300)
            .map(|number| FieldName::parse(&format!("Infinity_Field_{number}__c")).unwrap())
            .collect();
        let several = queries(&ids, &many);
        assert!(several.len() > 1 && several.iter().all(|query| query.len() <= LONGEST_QUERY));
        assert!(queries(&[], &fields).is_empty());
    }
}
