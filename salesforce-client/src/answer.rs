//! An answer: read within limits, and told from a refusal.

use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use flate2::read::GzDecoder;
use http::header::{CONTENT_ENCODING, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::client::CallKind;
use crate::clock;
use crate::error::{Error, Words};
use crate::quota::Quota;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What it says of the quota, good or bad.
    pub(crate) quota: Option<Quota>,
    /// The body, decompressed; or the refusal.
    pub(crate) body: Result<Bytes, Error>,
}

/// The largest body that is read, compressed and not. A page of 200 Leads with
/// several long texts fits.
const LARGEST: usize = 32 * 1024 * 1024;

impl Answer {
    /// Reads an answer to its end.
    pub(crate) async fn read(call: CallKind, response: reqwest::Response) -> Self {
        let status = response.status();
        let headers = response.headers();
        let quota = headers.get("sforce-limit-info");
        let quota = quota.and_then(|info| Quota::read(info.to_str().ok()?));
        let retry_after = retry_after(headers);
        let is_gzip = headers
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let body = match read(call, response).await {
            Ok(body) if is_gzip => gunzip(call, &body),
            read => read,
        };
        let body = if status.is_success() {
            body
        } else {
            // Without its body, a refusal still has its status.
            let body = body.unwrap_or_default();
            Err(refusal(call, status, &body).with_retry_after(retry_after))
        };
        Self { quota, body }
    }
}

async fn read(call: CallKind, mut response: reqwest::Response) -> Result<Bytes, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Error::of_transport(call, error))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(too_large(call));
        }
    }
    Ok(body.into())
}

fn gunzip(call: CallKind, compressed: &[u8]) -> Result<Bytes, Error> {
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    GzDecoder::new(compressed)
        .take(most + 1)
        .read_to_end(&mut body)
        .map_err(|_| Error::unreadable(call, "the answer's gzip is damaged"))?;
    if body.len() > LARGEST {
        return Err(too_large(call));
    }
    Ok(body.into())
}

fn too_large(call: CallKind) -> Error {
    let message = format!("the answer is larger than {} MiB", LARGEST / 1024 / 1024);
    Error::unreadable(call, message)
}

/// How an error is written: by the REST API, and by OAuth.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Refusal {
    Several(Vec<RestError>),
    OAuth(OAuthError),
    One(RestError),
}

#[derive(Debug, Deserialize)]
struct RestError {
    #[serde(rename = "errorCode")]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct OAuthError {
    error: String,
    #[serde(default)]
    error_description: String,
}

fn refusal(call: CallKind, status: StatusCode, body: &[u8]) -> Error {
    let first = match serde_json::from_slice(body) {
        Ok(Refusal::Several(errors)) => errors.into_iter().next(),
        Ok(Refusal::One(error)) => Some(error),
        Ok(Refusal::OAuth(error)) => Some(RestError {
            code: error.error,
            message: error.error_description,
            fields: Vec::new(),
        }),
        // A page of what stands in front of Salesforce.
        Err(_) => None,
    };
    let Some(RestError {
        code,
        message,
        fields,
    }) = first
    else {
        return Error::of_status(call, status);
    };
    let words = Words {
        code,
        message,
        fields,
    };
    Error::refused(call, status, &words)
}

/// `Retry-After`, as seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_hours(24);

    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let time = DateTime::parse_from_rfc2822(text).ok()?;
            (time.to_utc() - clock::now()).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::error::ErrorClass;

    #[track_caller]
    fn check(status: u16, body: &str, class: ErrorClass, shown: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        let error = refusal(CallKind::Query, status, body.as_bytes());
        assert_eq!((error.class(), error.to_string().as_str()), (class, shown));
    }

    #[test]
    fn a_refusal_is_read_in_all_its_forms() {
        let rest = r#"[{"message":"down","errorCode":"SERVER_UNAVAILABLE"},{"errorCode":"X"}]"#;
        check(503, rest, ErrorClass::Transient, "SERVER_UNAVAILABLE: down");
        let one = r#"{"message":"gone","errorCode":"NOT_FOUND"}"#;
        check(404, one, ErrorClass::Connection, "NOT_FOUND: gone");
        let oauth = r#"{"error":"Bad_OAuth_Token","error_description":"no"}"#;
        check(403, oauth, ErrorClass::Connection, "Bad_OAuth_Token: no");
    }

    #[test]
    fn other_bodies_are_judged_by_their_status() {
        let shown = |status: &str| {
            format!(
                "the server answered with the HTTP status {status}, and not in Salesforce's form"
            )
        };
        let page = "<html><body>Bad gateway</body></html>";
        check(502, page, ErrorClass::Transient, &shown("502 Bad Gateway"));
        check(
            429,
            "",
            ErrorClass::Transient,
            &shown("429 Too Many Requests"),
        );
        check(302, "", ErrorClass::Connection, &shown("302 Found"));
        check(400, "[]", ErrorClass::Unknown, &shown("400 Bad Request"));
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date_and_bounded() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
            retry_after(&headers)
        };
        let day = Duration::from_hours(24);
        assert_eq!(wait("120"), Some(Duration::from_mins(2)));
        assert_eq!(wait("99999999999"), Some(day));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Fri, 31 Dec 2100 23:59:59 GMT"), Some(day));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn a_small_body_that_would_become_a_large_one_is_not_read() {
        use std::io::Write as _;

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let megabyte = vec![0; 1024 * 1024];
        for _ in 0..33 {
            encoder.write_all(&megabyte).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < LARGEST / 10);
        let error = gunzip(CallKind::Query, &bomb).unwrap_err();
        assert_eq!(error.to_string(), "the answer is larger than 32 MiB");
        assert!(gunzip(CallKind::Query, b"no gzip").is_err());
    }
}
