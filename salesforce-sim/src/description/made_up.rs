//! Records that are made up, plainly of nobody.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value as Json, json};
use sfbridge_values::VisitorId;

/// Makes records up. The same seed makes the same records.
#[derive(Clone, Debug)]
pub struct MadeUp {
    random: StdRng,
    igrp: i64,
    made: u32,
}

const FIRST_NAMES: [&str; 12] = [
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Emeka",
    "Fatima",
    "Grace",
    "Hiro",
    "Inés",
    "Jürgen",
    "Katarzyna",
    "Liam",
];
const LAST_NAMES: [&str; 12] = [
    "Example",
    "Sample",
    "Specimen",
    "O'Placeholder",
    "Müster",
    "Dupont-Exemple",
    "Fictitious",
    "Invented",
    "Nobody",
    "Ficticio",
    "Próba",
    "Testova",
];
const COMPANIES: [&str; 8] = [
    "Example & Sons",
    "Specimen GmbH",
    "Sample <Labs>",
    "Placeholder plc",
    "Exemple S.A.",
    "Invented Goods",
    "Nowhere Travel",
    "Pretend Motors",
];
const CITIES: [&str; 6] = ["London", "Bristol", "München", "Kraków", "Lyon", "Málaga"];
const INDUSTRIES: [&str; 4] = ["Retail", "Technology", "Hospitality", "Healthcare"];
const OUTCOMES: [&str; 4] = ["Sale", "Quote given", "No answer", "Wrong number"];

impl MadeUp {
    /// Starts from a seed; records belong to this installation.
    pub fn new(seed: u64, igrp: i64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            igrp,
            made: 0,
        }
    }

    /// The fields of a Lead.
    pub fn lead(&mut self) -> Map<String, Json> {
        let first = self.one_of(&FIRST_NAMES);
        let last = self.one_of(&LAST_NAMES);
        self.made += 1;
        // 555-0100 to 555-0199 belong to nobody, by agreement.
        let phone = format!("+1 202 555 01{:02}", self.random.random_range(0..100));
        let fields = json!({
            "FirstName": first,
            "LastName": last,
            "Company": self.one_of(&COMPANIES),
            "Email": format!("lead{}@example.com", self.made),
            "Phone": phone,
            "City": self.one_of(&CITIES),
            "Industry": self.one_of(&INDUSTRIES),
            "LeadSource": "Web",
            "Status": "Open - Not Contacted",
            "NumberOfEmployees": self.random.random_range(1..5_000),
            "AnnualRevenue": f64::from(self.random.random_range(10_u32..50_000)) * 1_000.0,
        });
        self.with_identity(fields)
    }

    /// The fields of an Opportunity.
    pub fn opportunity(&mut self) -> Map<String, Json> {
        self.made += 1;
        let company = self.one_of(&COMPANIES);
        let fields = json!({
            "Name": format!("{company} order {}", self.made),
            "StageName": "Closed Won",
            "Amount": f64::from(self.random.random_range(100_u32..1_000_000)) / 100.0,
            "CloseDate": "2026-06-30",
        });
        self.with_identity(fields)
    }

    /// The fields of a Task that was a call.
    pub fn task(&mut self) -> Map<String, Json> {
        self.made += 1;
        let call_ref = format!("call-{:06}", self.made);
        let fields = json!({
            "Subject": "Call",
            "Status": "Completed",
            "Priority": "Normal",
            "CallDisposition": self.one_of(&OUTCOMES),
            "CallDurationInSeconds": self.random.random_range(5..1_800),
            "Infinity_Call_Reference__c": call_ref,
        });
        self.with_identity(fields)
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts.choose(&mut self.random).copied().unwrap_or_default()
    }

    fn with_identity(&mut self, fields: Json) -> Map<String, Json> {
        let mut fields = match fields {
            Json::Object(fields) => fields,
            _ => Map::new(),
        };
        let visitor = VisitorId::from_bytes(self.random.random());
        fields.insert("Infinity_IGRP__c".to_owned(), json!(self.igrp));
        fields.insert(
            "Infinity_Visitor_ID__c".to_owned(),
            json!(visitor.to_string()),
        );
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_records_again() {
        let mut one = MadeUp::new(7, 1001);
        let mut same = MadeUp::new(7, 1001);
        let mut other = MadeUp::new(8, 1001);
        let lead = one.lead();
        assert_eq!(lead, same.lead());
        assert_ne!(lead, other.lead());
        assert_ne!(lead, one.lead());
    }

    #[test]
    fn nobody_is_meant() {
        let mut made_up = MadeUp::new(1, 1001);
        for _ in 0..100 {
            let lead = made_up.lead();
            assert!(lead["Email"].as_str().unwrap().ends_with("@example.com"));
            assert!(lead["Phone"].as_str().unwrap().contains(" 555 01"));
        }
    }
}
