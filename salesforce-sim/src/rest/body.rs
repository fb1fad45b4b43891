//! The JSON that a request brings.

use serde_json::{Map, Value as Json};

use crate::http::Request;
use crate::refusal::Refusal;

/// The object in a request's body.
pub(super) fn object(request: &Request) -> Result<Map<String, Json>, Refusal> {
    let is_json = request
        .header("content-type")
        .is_none_or(|media_type| media_type.to_ascii_lowercase().contains("json"));
    if !is_json {
        let status = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let message = "Content type must be application/json";
        return Err(Refusal::with_status(
            status,
            "UNSUPPORTED_MEDIA_TYPE",
            message,
        ));
    }
    let json = serde_json::from_slice(&request.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = if request.body.is_empty() {
            "No content to map to Object due to end of input".to_owned()
        } else {
            format!("The request is not JSON at [line:{line}, column:{column}]")
        };
        Refusal::new("JSON_PARSER_ERROR", message)
    })?;
    match json {
        Json::Object(object) => Ok(object),
        _ => Err(Refusal::new(
            "JSON_PARSER_ERROR",
            "The request is not a JSON object",
        )),
    }
}
