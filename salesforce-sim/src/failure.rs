//! Failures on request: what is to go wrong, and how often.

mod known;
mod text;

use std::borrow::Cow;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use sfbridge_values::SalesforceId;

use crate::refusal::Refusal;
pub use text::InvalidFailure;

/// Something that is to go wrong.
///
/// As text, for command lines, it is `ON:WHAT` or `ON:WHAT:TIMES`, where `WHAT`
/// is an error code, an HTTP status, `drop`, `lose-answer` or a delay such as
/// `1500ms`: `update:UNABLE_TO_LOCK_ROW:3`, `any:503`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Which calls it befalls.
    #[serde(default)]
    pub on: Operation,
    /// Salesforce's code, such as `UNABLE_TO_LOCK_ROW`; for log-ins OAuth's,
    /// such as `invalid_grant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The text, instead of the one that is known for the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The fields that the error names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The HTTP status. Without an error, the body is an HTML page, as from
    /// what stands in front of Salesforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The `Retry-After` header, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// How long to wait before anything else, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// Close the connection instead of answering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Dropped>,
    /// Only for this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// How often; 0 is for ever.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// What is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Whatever it is.
    #[default]
    Any,
    /// Logging in.
    Token,
    /// Reading records by id.
    Read,
    /// A query.
    Query,
    /// The description of an object.
    Describe,
    /// Changing records.
    Update,
    /// Making records.
    Create,
    /// Deleting records.
    Delete,
}

/// When a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// Before anything was done.
    Before,
    /// After it was done: the caller can't know.
    After,
}

impl Failure {
    /// A failure that befalls one call, once it says what goes wrong.
    pub fn on(operation: Operation) -> Self {
        Self {
            on: operation,
            error: None,
            message: None,
            fields: Vec::new(),
            status: None,
            retry_after: None,
            delay_ms: None,
            drop: None,
            lead: None,
            times: once(),
        }
    }

    /// Checks what a type can't.
    ///
    /// # Errors
    ///
    /// [`InvalidFailure`] when nothing goes wrong, or not in a way that HTTP
    /// can tell.
    pub fn check(&self) -> Result<(), InvalidFailure> {
        let goes_wrong = self.error.is_some()
            || self.status.is_some()
            || self.delay_ms.is_some()
            || self.drop.is_some();
        if !goes_wrong {
            return Err(InvalidFailure::Nothing);
        }
        if self
            .status
            .is_some_and(|status| !(400..=599).contains(&status))
        {
            return Err(InvalidFailure::Status);
        }
        if let Some(lead) = &self.lead {
            SalesforceId::parse(lead).map_err(|_| InvalidFailure::Lead)?;
            if self.error.is_none() {
                return Err(InvalidFailure::LeadWithoutError);
            }
        }
        Ok(())
    }

    /// Whether it is about one record of a call, not all of the call.
    fn is_of_record(&self) -> bool {
        let is_of_record = |code: &String| known::find(code).is_none_or(|known| known.is_of_record);
        let has_record = matches!(
            self.on,
            Operation::Any | Operation::Update | Operation::Create | Operation::Delete
        );
        let is_row_error = self.error.as_ref().is_some_and(is_of_record);
        self.lead.is_some() || (has_record && is_row_error && self.status.is_none())
    }

    fn befalls(&self, operation: Operation) -> bool {
        self.on == Operation::Any || self.on == operation
    }

    /// The refusal in Salesforce's words.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let code = self.error.clone()?;
        let known = known::find(&code);
        let status = self
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .or(known.map(|known| known.status))
            .unwrap_or(StatusCode::BAD_REQUEST);
        let message = self
            .message
            .clone()
            .or(known.map(|known| known.message.to_owned()));
        Some(Refusal {
            status,
            message: message.unwrap_or_else(|| code.clone()),
            code: Cow::Owned(code),
            fields: self.fields.clone(),
        })
    }
}

/// The failures that are to come, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    coming: Vec<Failure>,
}

impl Failures {
    pub(crate) fn add(&mut self, failure: Failure) {
        self.coming.push(failure);
    }

    pub(crate) fn clear(&mut self) {
        self.coming.clear();
    }

    pub(crate) fn coming(&self) -> &[Failure] {
        &self.coming
    }

    /// What befalls a call as a whole.
    pub(crate) fn for_call(&mut self, operation: Operation) -> Option<Failure> {
        self.take(|failure| failure.befalls(operation) && !failure.is_of_record())
    }

    /// What befalls one record of a call. A caller that accepts duplicates
    /// never hears of them.
    pub(crate) fn for_record(
        &mut self,
        operation: Operation,
        id: Option<&SalesforceId>,
        allows_duplicates: bool,
    ) -> Option<Refusal> {
        let failure = self.take(|failure| {
            let lead = failure
                .lead
                .as_ref()
                .map(|lead| SalesforceId::parse(lead).ok());
            let is_this = lead.is_none_or(|lead| lead.is_some() && lead.as_ref() == id);
            let is_silent =
                allows_duplicates && failure.error.as_deref() == Some("DUPLICATES_DETECTED");
            failure.befalls(operation) && failure.is_of_record() && is_this && !is_silent
        })?;
        let mut refusal = failure.refusal()?;
        if let Some(id) = id {
            refusal.message = refusal.message.replace("{id}", id.as_str());
        }
        Some(refusal)
    }

    fn take(&mut self, is_wanted: impl Fn(&Failure) -> bool) -> Option<Failure> {
        let index = self.coming.iter().position(is_wanted)?;
        let failure = self.coming.get_mut(index)?;
        let taken = failure.clone();
        match failure.times {
            0 => {}
            1 => {
                self.coming.remove(index);
            }
            times => failure.times = times - 1,
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(texts: &[&str]) -> Failures {
        Failures {
            coming: texts.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_failure_comes_as_often_as_it_was_asked_for() {
        let mut failures = failures(&["update:UNABLE_TO_LOCK_ROW:2"]);
        let id = SalesforceId::parse("00Q5g0000000001EAA").unwrap();
        assert!(failures.for_call(Operation::Update).is_none());
        assert!(
            failures
                .for_record(Operation::Read, Some(&id), false)
                .is_none()
        );
        for _ in 0..2 {
            let refusal = failures
                .for_record(Operation::Update, Some(&id), false)
                .unwrap();
            assert_eq!(refusal.code, "UNABLE_TO_LOCK_ROW");
            assert!(
                refusal.message.ends_with("00Q5g0000000001EAA"),
                "{refusal:?}"
            );
        }
        assert!(
            failures
                .for_record(Operation::Update, Some(&id), false)
                .is_none()
        );
    }

    #[test]
    fn a_failure_for_ever_stays() {
        let mut failures = failures(&["any:503:0"]);
        for _ in 0..3 {
            assert_eq!(
                failures.for_call(Operation::Query).unwrap().status,
                Some(503)
            );
        }
        failures.clear();
        assert!(failures.for_call(Operation::Query).is_none());
    }

    #[test]
    fn a_failure_of_one_record_spares_the_others() {
        let mut failures = Failures::default();
        failures.add(Failure {
            error: Some("REQUEST_LIMIT_EXCEEDED".to_owned()),
            lead: Some("00Q5g0000000001".to_owned()),
            ..Failure::on(Operation::Update)
        });
        let other = SalesforceId::parse("00Q5g0000000002").unwrap();
        let this = SalesforceId::parse("00Q5g0000000001EAA").unwrap();
        assert!(failures.for_call(Operation::Update).is_none());
        assert!(
            failures
                .for_record(Operation::Update, Some(&other), false)
                .is_none()
        );
        assert!(
            failures
                .for_record(Operation::Update, Some(&this), false)
                .is_some()
        );
    }

    #[test]
    fn who_allows_duplicates_never_hears_of_them() {
        let mut failures = failures(&["update:DUPLICATES_DETECTED:0"]);
        assert!(failures.for_record(Operation::Update, None, true).is_none());
        assert!(
            failures
                .for_record(Operation::Update, None, false)
                .is_some()
        );
    }
}
