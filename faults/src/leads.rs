//! What was written into Leads, as the pretend org tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value as Json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::{AttemptOutcome, LeadEnrichmentState as State};

use crate::message::lead_id;

/// The channel of every visit.
pub(crate) const CHANNEL: &str = "PPC";

/// What the pretend org and the core tell of Leads.
#[derive(Clone, Debug, Default)]
pub struct LeadFindings {
    /// Lead enrichments that are done.
    pub jobs: usize,
    /// How many times a Lead was written to.
    pub writes: usize,
    /// Of those, how many wrote once more what the Lead had already.
    pub repeated: usize,
    /// Jobs at which somebody was when he was killed.
    pub interrupted: usize,
    /// What is wrong, a sentence each.
    pub violations: Vec<String>,
}

/// The campaign of the visits of this Lead's visitor.
pub(crate) fn campaign(lead: u32) -> String {
    format!("campaign {lead}")
}

/// A data file of the pretend org with so many Leads.
pub fn leads_toml(leads: u32) -> String {
    (0..leads).fold(String::new(), |mut toml, lead| {
        let id = lead_id(lead);
        let _ = write!(
            toml,
            "[[leads]]\nId = \"{id}\"\nLastName = \"Example\"\nCompany = \"Example\"\n"
        );
        toml
    })
}

impl LeadFindings {
    /// Compares jobs with the org's Leads and the calls that it got. `leads`
    /// are those whose notifications were acknowledged.
    ///
    /// Done once in effect means: the Lead has its visitor's values, and no
    /// call has ever written anything else into one of its fields.
    pub fn of(
        leads: &BTreeSet<u32>,
        jobs: &[pb::LeadEnrichment],
        records: &Json,
        calls: &Json,
    ) -> Self {
        let mut findings = Self::default();
        for job in jobs {
            let mut attempts = job.attempts.iter();
            let was_interrupted =
                attempts.any(|attempt| attempt.outcome() == AttemptOutcome::Interrupted);
            findings.interrupted += usize::from(was_interrupted);
            if matches!(job.state(), State::Succeeded | State::Unchanged) {
                findings.jobs += 1;
            } else {
                findings.violations.push(format!(
                    "the job of {} is {}, not done",
                    job.record_id,
                    job.state().as_str_name()
                ));
            }
        }
        let fields: BTreeMap<&str, &Json> = items(records)
            .filter_map(|record| Some((record["Id"].as_str()?, record)))
            .collect();
        for lead in leads {
            let id = lead_id(*lead);
            let written = fields.get(id.as_str()).copied().unwrap_or(&Json::Null);
            let is_right = written["Infinity_Channel__c"] == CHANNEL
                && written["Infinity_Campaign__c"] == campaign(*lead).as_str();
            if !is_right {
                let what = format!("{id} does not have its visitor's channel and campaign");
                findings.violations.push(what);
            }
        }
        findings.count_writes(calls);
        findings
    }

    fn count_writes(&mut self, calls: &Json) {
        let mut values: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        let mut written: BTreeMap<&str, usize> = BTreeMap::new();
        let mut bodies = Vec::new();
        for call in items(calls).filter(|call| call["method"] == "PATCH") {
            // Without a status the answer was lost, which says nothing about
            // the write.
            let is_written = call["status"] == 200 || call["status"].is_null();
            let body = call["body"].as_str().unwrap_or_default();
            if let (true, Ok(body)) = (is_written, serde_json::from_str::<Json>(body)) {
                bodies.push(body);
            }
        }
        for record in bodies.iter().flat_map(|body| items(&body["records"])) {
            let id = record["id"].as_str().unwrap_or_default();
            *written.entry(id).or_default() += 1;
            for (field, value) in record.as_object().into_iter().flatten() {
                let values = values.entry((id, field)).or_default();
                values.insert(value.to_string());
            }
        }
        self.writes = written.values().sum();
        self.repeated = written.values().map(|times| times - 1).sum();
        for ((id, field), values) in values {
            if values.len() > 1 {
                let count = values.len();
                let what = format!("{count} different values were written into {field} of {id}");
                self.violations.push(what);
            }
        }
    }
}

fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(lead: u32, campaign: &str) -> Json {
        json!({
            "Id": lead_id(lead), "Infinity_Channel__c": CHANNEL, "Infinity_Campaign__c": campaign,
        })
    }

    fn write(lead: u32, value: &str, status: Option<u16>) -> Json {
        let body = json!({"records": [{"id": lead_id(lead), "Infinity_Channel__c": value}]});
        json!({"method": "PATCH", "status": status, "body": body.to_string()})
    }

    fn job(lead: u32, state: State) -> pb::LeadEnrichment {
        pb::LeadEnrichment {
            record_id: lead_id(lead),
            state: state.into(),
            ..pb::LeadEnrichment::default()
        }
    }

    fn found(job: pb::LeadEnrichment, record: Json, calls: Vec<Json>) -> LeadFindings {
        let leads = BTreeSet::from([7]);
        LeadFindings::of(&leads, &[job], &Json::Array(vec![record]), &calls.into())
    }

    #[test]
    fn a_job_that_wrote_the_same_twice_is_done_once_in_effect() {
        let calls = vec![
            write(7, CHANNEL, None),
            write(7, "refused", Some(503)),
            write(7, CHANNEL, Some(200)),
        ];
        let found = found(job(7, State::Succeeded), record(7, "campaign 7"), calls);
        assert_eq!((found.jobs, found.writes, found.repeated), (1, 2, 1));
        assert!(found.violations.is_empty(), "{found:?}");
    }

    #[test]
    fn each_violation_is_found() {
        let good = || record(7, "campaign 7");
        let once = || vec![write(7, CHANNEL, Some(200))];
        let twice = vec![write(7, CHANNEL, Some(200)), write(7, "Organic", None)];
        for found in [
            found(job(7, State::Pending), good(), once()),
            found(job(7, State::Succeeded), record(7, "campaign 8"), once()),
            found(job(7, State::Succeeded), record(8, "campaign 8"), once()),
            found(job(7, State::Succeeded), good(), twice),
        ] {
            assert_eq!(found.violations.len(), 1, "{found:?}");
        }
    }
}
