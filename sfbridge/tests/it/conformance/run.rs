//! One case, run against a gateway and a core.

use std::net::SocketAddr;

use quick_xml::NsReader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use sfbridge_proto::v1::Installation;

use super::case::{Case, Step, Suite};
use super::compare::{differences, list_differences};
use crate::harness::{Answer, Contract, CoreCaller};

/// Where cases are run.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) gateway: SocketAddr,
    pub(super) core: CoreCaller,
    pub(super) contract: Contract,
}

impl Target {
    /// Says what is not as the case has it; nothing when all is.
    pub(super) async fn run(&self, suite: &Suite, case: &Case) -> Vec<String> {
        if let Some(installation) = &case.installation {
            let installation: Installation = self.contract.message("Installation", installation);
            self.core.create_installation(installation).await;
        }
        let mut told = Vec::new();
        for (index, step) in case.steps.iter().enumerate() {
            let answer = suite.request(case, step).try_send(self.gateway).await;
            let wrong = match answer {
                Ok(answer) => check_answer(step, &answer),
                Err(error) => vec![format!("no answer: {error}")],
            };
            told.extend(
                wrong
                    .iter()
                    .map(|line| format!("step {}: {line}", index + 1)),
            );
        }
        told.extend(self.check_records(case).await);
        told.extend(self.check_quarantine(case).await);
        told
    }

    async fn check_records(&self, case: &Case) -> Vec<String> {
        let (core, expect) = (&self.core, &case.expect);
        let mut told = Vec::new();
        let events = core.events(case.igrp).await;
        if let Some(count) = expect.event_count
            && count != events.len()
        {
            told.push(format!("expected {count} events, found {}", events.len()));
        }
        let ratings = core.call_ratings(case.igrp).await;
        let enrichments = core.lead_enrichments(case.igrp).await;
        let mut compare = |kind, expected: &Option<Vec<Value>>, found: Vec<Value>| {
            if let Some(expected) = expected {
                told.extend(list_differences(kind, expected, &found));
            }
        };
        compare("events", &expect.events, self.jsons("Event", &events));
        let found = self.jsons("CallRating", &ratings);
        compare("call_ratings", &expect.call_ratings, found);
        let found = self.jsons("LeadEnrichment", &enrichments);
        compare("lead_enrichments", &expect.lead_enrichments, found);
        told
    }

    /// A notification has at most one quarantine record, and it has it for the
    /// expected reason.
    async fn check_quarantine(&self, case: &Case) -> Vec<String> {
        let mut told = Vec::new();
        for expected in &case.expect.quarantined {
            let mut expected = expected.clone();
            let fields = expected.as_object_mut().unwrap();
            if let Some(number) = fields.remove("number") {
                let number = u32::try_from(number.as_u64().unwrap()).unwrap();
                let id = json!(case.notification_id(number));
                fields.insert("notification_id".to_owned(), id);
            }
            if let Some(Value::String(reason)) = fields.get_mut("reason") {
                reason.insert_str(0, "REJECTION_REASON_");
            }
            // The records of a notification are found by 15 or 18 characters.
            let id = fields.remove("notification_id").unwrap();
            let id = id.as_str().unwrap();
            let found = self.jsons("QuarantinedNotification", &self.core.quarantined(id).await);
            match &*found {
                [one] => told.extend(
                    differences(&expected, one)
                        .into_iter()
                        .map(|line| format!("quarantined {id}{line}")),
                ),
                many => told.push(format!(
                    "quarantined {id}: expected one record, found {}: {}",
                    many.len(),
                    Value::from(many.to_vec())
                )),
            }
        }
        for number in &case.expect.not_quarantined {
            let id = case.notification_id(*number);
            let found = self.core.quarantined(&id).await;
            if !found.is_empty() {
                told.push(format!("{id} is quarantined: {found:?}"));
            }
        }
        told
    }

    fn jsons<T: prost::Message>(&self, name: &str, records: &[T]) -> Vec<Value> {
        let records = records.iter();
        records
            .map(|record| self.contract.json(name, record))
            .collect()
    }
}

fn check_answer(step: &Step, answer: &Answer) -> Vec<String> {
    let mut told = Vec::new();
    if answer.status != step.status {
        let (expected, found) = (step.status, answer.status);
        told.push(format!(
            "expected status {expected}, found {found}: {}",
            answer.body
        ));
    }
    if answer.is_acknowledgement() != step.ack || (!step.ack && answer.body.contains("Ack")) {
        told.push(format!("expected ack {}: {}", step.ack, answer.body));
    }
    for (name, expected) in &step.response_headers {
        if answer.header(name) != Some(expected) {
            let found = answer.header(name);
            told.push(format!("expected {name}: {expected}, found {found:?}"));
        }
    }
    if answer.header("content-type") != Some("text/xml; charset=utf-8") {
        told.push(format!("not SOAP: {:?}", answer.headers));
    }
    match Soap::read(&answer.body) {
        Err(error) => told.push(format!("not XML ({error}): {}", answer.body)),
        Ok(soap) => {
            if soap.is_fault == step.ack {
                told.push(format!("a fault or not: {}", answer.body));
            }
            for word in &step.fault_contains {
                if !has_word(&soap.text, word) {
                    told.push(format!("the fault does not say {word}: {}", answer.body));
                }
            }
        }
    }
    told
}

/// What a SOAP answer says.
struct Soap {
    is_fault: bool,
    /// All text of it, the elements apart.
    text: String,
}

impl Soap {
    fn read(body: &str) -> Result<Self, quick_xml::Error> {
        let mut reader = NsReader::from_str(body);
        let mut soap = Self {
            is_fault: false,
            text: String::new(),
        };
        loop {
            match reader.read_resolved_event()?.1 {
                Event::Start(element) => {
                    soap.is_fault |= element.local_name().into_inner() == "Fault";
                    soap.text.push(' ');
                }
                Event::Text(text) => soap.text.push_str(&text),
                Event::GeneralRef(_) | Event::End(_) => soap.text.push(' '),
                Event::Eof => return Ok(soap),
                _ => {}
            }
        }
    }
}

/// Whether a text has this word, not as a part of another.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(has_word("act: `land` is reserved", "act"));
        assert!(has_word("soapenv:VersionMismatch", "VersionMismatch"));
        assert!(!has_word("exact", "act"));
        assert!(!has_word("chName is meant", "chNam"));
    }
}
