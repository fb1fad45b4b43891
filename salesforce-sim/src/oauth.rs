//! Logging in: the token endpoint, and who has logged in.

mod app_key;
mod assertion;
mod identity;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value as Json, json};

use crate::http::{Form, Request, Response};
use crate::org::Org;

pub(crate) use app_key::AppKey;
pub(crate) use identity::{identity, user_info};

/// A log-in that is refused, in OAuth's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    error: &'static str,
    description: &'static str,
}

/// What a session may be used for.
const SCOPE: &str = "id api refresh_token";

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// `POST /services/oauth2/token`.
pub(crate) fn token(org: &mut Org, request: &Request) -> Response {
    match log_in(org, request) {
        Ok(answer) => Response::json(StatusCode::OK, &answer),
        Err(denied) => denied.response(),
    }
}

/// `POST /services/oauth2/revoke`.
pub(crate) fn revoke(org: &mut Org, request: &Request) -> Response {
    match Form::of(request).get("token") {
        Some(token) => {
            org.sessions.end(token);
            Response::empty(StatusCode::OK)
        }
        None => Denied::new("invalid_request", "missing required parameter: token").response(),
    }
}

fn log_in(org: &mut Org, request: &Request) -> Result<Json, Denied> {
    if request.method != http::Method::POST {
        return Err(Denied::new("invalid_request", "must use HTTP POST"));
    }
    let form = Form::of(request);
    let now = org.now();
    match form.get("grant_type") {
        Some(JWT_BEARER) => {
            let text = form.get("assertion").unwrap_or_default();
            let assertion = assertion::read(text, &org.app_key)?;
            assertion.check(org, &request.base_url(), now)?;
            Ok(answer(org, request, now))
        }
        Some("client_credentials") => {
            client_credentials(org, request, &form)?;
            let mut answer = answer(org, request, now);
            let issued_at = now.timestamp_millis().to_string();
            let signed = format!("{}{issued_at}", answer["id"].as_str().unwrap_or_default());
            answer["signature"] = json!(signature(&signed, &org.app.client_secret));
            answer["issued_at"] = json!(issued_at);
            Ok(answer)
        }
        _ => Err(Denied::new(
            "unsupported_grant_type",
            "grant type not supported",
        )),
    }
}

/// The client credentials flow, which only an org's own host knows.
fn client_credentials(org: &Org, request: &Request, form: &Form) -> Result<(), Denied> {
    if request.is_at_login_host() {
        return Err(Denied::new(
            "invalid_grant",
            "request not supported on this domain",
        ));
    }
    let basic = basic_credentials(request);
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (form.get("client_id"), form.get("client_secret")),
    };
    if id != Some(&org.app.client_id) {
        return Err(Denied::new(
            "invalid_client_id",
            "client identifier invalid",
        ));
    }
    if secret != Some(&org.app.client_secret) {
        return Err(Denied::new("invalid_client", "invalid client credentials"));
    }
    if !org.app.approved {
        return Err(Denied::new(
            "invalid_grant",
            "no client credentials user enabled",
        ));
    }
    Ok(())
}

/// The client's id and secret from an `Authorization: Basic` header.
fn basic_credentials(request: &Request) -> Option<(String, String)> {
    let header = request.header("authorization")?;
    let decoded = STANDARD
        .decode(header.strip_prefix("Basic ")?.trim())
        .ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn answer(org: &mut Org, request: &Request, now: DateTime<Utc>) -> Json {
    let token = org.sessions.begin(&org.id, now);
    let base = request.base_url();
    json!({
        "access_token": token,
        "scope": SCOPE,
        "instance_url": base,
        "id": format!("{base}/id/{}/{}", org.id, org.users.api),
        "token_type": "Bearer",
    })
}

/// By which a client sees that the identity URL was not changed: an HMAC with
/// its secret.
fn signature(signed: &str, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256);
    let bytes = signature
        .ok()
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    STANDARD.encode(bytes.unwrap_or_default())
}

impl Denied {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    fn response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        Response::json(StatusCode::BAD_REQUEST, &body)
    }
}
