//! What Salesforce refuses, in its own words.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Value as Json, json};

/// A refusal of a request or of one record of it.
///
/// The REST API writes it in two ways: with `errorCode` where all of a request
/// is refused, and with `statusCode` where it is one record of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
}

impl Refusal {
    /// A refusal with the status 400.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn with_status(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code),
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// A refusal because of these fields.
    pub(crate) fn of(mut self, fields: &[&str]) -> Self {
        self.fields = fields.iter().map(|&field| field.to_owned()).collect();
        self
    }

    /// There is nothing at this path, or no such record.
    pub(crate) fn not_found() -> Self {
        let message = "The requested resource does not exist";
        Self::with_status(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    pub(crate) fn method_not_allowed(method: &http::Method, allowed: &str) -> Self {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are {allowed}");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::with_status(status, "METHOD_NOT_ALLOWED", message)
    }

    /// No session, or one that is over.
    pub(crate) fn session() -> Self {
        let message = "Session expired or invalid";
        Self::with_status(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", message)
    }

    pub(crate) fn deleted() -> Self {
        let status = StatusCode::NOT_FOUND;
        Self::with_status(status, "ENTITY_IS_DELETED", "entity is deleted")
    }

    pub(crate) fn converted() -> Self {
        let message = "cannot reference converted lead";
        Self::new("CANNOT_UPDATE_CONVERTED_LEAD", message)
    }

    /// A field that the object does not have.
    pub(crate) fn no_such_column(name: &str, object: &str) -> Self {
        let message = format!("No such column '{name}' on sobject of type {object}");
        Self::new("INVALID_FIELD", message)
    }

    /// The body of an answer that refuses the request.
    pub(crate) fn body(&self) -> Json {
        let mut error = json!({ "message": self.message, "errorCode": self.code });
        if !self.fields.is_empty() {
            error["fields"] = json!(self.fields);
        }
        json!([error])
    }

    /// The result of one record of several.
    pub(crate) fn row(&self) -> Json {
        let error = json!({
            "statusCode": self.code,
            "message": self.message,
            "fields": self.fields,
        });
        json!({ "success": false, "errors": [error] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_an_error_code_and_a_row_a_status_code() {
        let refusal = Refusal::new("STRING_TOO_LONG", "Title: data value too large").of(&["Title"]);
        assert_eq!(
            refusal.body().to_string(),
            r#"[{"errorCode":"STRING_TOO_LONG","fields":["Title"],"message":"Title: data value too large"}]"#
        );
        assert_eq!(
            refusal.row().to_string(),
            r#"{"errors":[{"fields":["Title"],"message":"Title: data value too large","statusCode":"STRING_TOO_LONG"}],"success":false}"#
        );
    }
}
