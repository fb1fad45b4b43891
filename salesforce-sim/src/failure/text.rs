//! Failures as people write them on a command line.

use std::str::FromStr;

use super::{Dropped, Failure, Operation};

/// A failure can't be made to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFailure {
    /// It has no parts, or too many.
    #[error(
        "is not ON:WHAT or ON:WHAT:TIMES, such as update:UNABLE_TO_LOCK_ROW:3, any:503, \
         update:lose-answer or read:1500ms"
    )]
    Form,
    /// No such call.
    #[error("begins with none of any, token, read, query, describe, update, create, delete")]
    Operation,
    /// Not a number of times.
    #[error("ends in no number; write how often, or 0 for ever")]
    Times,
    /// Nothing goes wrong.
    #[error("says nothing that goes wrong; give an error, status, delay_ms or drop")]
    Nothing,
    /// Not an HTTP status of an error.
    #[error("has a status that is none of 400 to 599")]
    Status,
    /// Not an id.
    #[error("has a lead that is no Salesforce id")]
    Lead,
    /// A connection has no lead.
    #[error("has a lead but no error; only an error can befall one record")]
    LeadWithoutError,
}

impl FromStr for Failure {
    type Err = InvalidFailure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let (Some(on), Some(what)) = (parts.next(), parts.next()) else {
            return Err(InvalidFailure::Form);
        };
        let times = parts.next();
        if parts.next().is_some() || what.is_empty() {
            return Err(InvalidFailure::Form);
        }
        let mut failure = Self::on(operation(on)?);
        if let Some(times) = times {
            failure.times = times.parse().map_err(|_| InvalidFailure::Times)?;
        }
        let delay = what.strip_suffix("ms").and_then(|text| text.parse().ok());
        match what {
            "drop" => failure.drop = Some(Dropped::Before),
            "lose-answer" => failure.drop = Some(Dropped::After),
            _ if delay.is_some() => failure.delay_ms = delay,
            _ => match what.parse() {
                Ok(status) => failure.status = Some(status),
                Err(_)
                    if what
                        .bytes()
                        .all(|byte| byte.is_ascii_alphabetic() || byte == b'_') =>
                {
                    failure.error = Some(what.to_owned());
                }
                Err(_) => return Err(InvalidFailure::Form),
            },
        }
        failure.check()?;
        Ok(failure)
    }
}

fn operation(name: &str) -> Result<Operation, InvalidFailure> {
    match name {
        "any" => Ok(Operation::Any),
        "token" => Ok(Operation::Token),
        "read" => Ok(Operation::Read),
        "query" => Ok(Operation::Query),
        "describe" => Ok(Operation::Describe),
        "update" => Ok(Operation::Update),
        "create" => Ok(Operation::Create),
        "delete" => Ok(Operation::Delete),
        _ => Err(InvalidFailure::Operation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Result<Failure, InvalidFailure>) {
        assert_eq!(&text.parse(), expected, "{text}");
    }

    #[test]
    fn a_failure_is_a_call_an_outcome_and_how_often() {
        let update = Failure::on(Operation::Update);
        let lock = Failure {
            error: Some("UNABLE_TO_LOCK_ROW".to_owned()),
            times: 3,
            ..update.clone()
        };
        check("update:UNABLE_TO_LOCK_ROW:3", &Ok(lock));
        let lost = Failure {
            drop: Some(Dropped::After),
            ..update.clone()
        };
        check("update:lose-answer", &Ok(lost));
        let slow = Failure {
            delay_ms: Some(1_500),
            times: 0,
            ..update
        };
        check("update:1500ms:0", &Ok(slow));
        let down = Failure {
            status: Some(503),
            ..Failure::on(Operation::Any)
        };
        check("any:503", &Ok(down));
    }

    #[test]
    fn what_is_wrong_with_other_texts_is_told() {
        for text in ["", "update", "update:", "update:503:1:1", "update:sl ow"] {
            check(text, &Err(InvalidFailure::Form));
        }
        check("merge:503", &Err(InvalidFailure::Operation));
        check("update:503:often", &Err(InvalidFailure::Times));
        check("update:200", &Err(InvalidFailure::Status));
    }
}
