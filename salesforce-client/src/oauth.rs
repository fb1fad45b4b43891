//! What is asked of the token endpoint, and what it answers.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::login::{Credentials, Login};

/// What a token endpoint grants. There is no time of expiry: a session ends
/// when Salesforce says so.
#[derive(Deserialize)]
pub(crate) struct Granted {
    pub(crate) access_token: String,
    pub(crate) instance_url: String,
    /// A URL that ends in the ids of the organisation and the user.
    #[serde(default)]
    pub(crate) id: String,
}

/// What a JWT claims.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: String,
    /// In seconds since 1970.
    exp: i64,
}

/// Salesforce takes 3 minutes at most, and clocks differ.
const JWT_LIFE: TimeDelta = TimeDelta::seconds(150);

/// The form to post.
pub(crate) fn form(
    login: &Login,
    now: DateTime<Utc>,
) -> Result<String, jsonwebtoken::errors::Error> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    match login.credentials() {
        Credentials::JwtBearer {
            client_id,
            username,
            private_key,
        } => {
            let claims = Claims {
                iss: client_id,
                sub: username,
                aud: login.url().audience(),
                exp: (now + JWT_LIFE).timestamp(),
            };
            let header = Header::new(Algorithm::RS256);
            let assertion = jsonwebtoken::encode(&header, &claims, private_key.key())?;
            form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                .append_pair("assertion", &assertion);
        }
        Credentials::ClientCredentials {
            client_id,
            client_secret,
        } => {
            form.append_pair("grant_type", "client_credentials")
                .append_pair("client_id", client_id)
                .append_pair("client_secret", client_secret.expose_secret());
        }
    }
    Ok(form.finish())
}
