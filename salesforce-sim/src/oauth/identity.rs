//! Who has logged in.

use serde_json::{Value as Json, json};

use crate::org::Org;

/// `GET /id/ORGANIZATION/USER`.
pub(crate) fn identity(org: &Org, base_url: &str) -> Json {
    let (id, user) = (&org.id, &org.users.api);
    let rest = format!("{base_url}/services/data/v{{version}}/");
    json!({
        "id": format!("{base_url}/id/{id}/{user}"),
        "asserted_user": true,
        "user_id": user.as_str(),
        "organization_id": id.as_str(),
        "username": org.users.username,
        "display_name": "Integration User",
        "email": org.users.username,
        "first_name": "Integration",
        "last_name": "User",
        "timezone": "Europe/London",
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_GB",
        "utcOffset": 0,
        "urls": {
            "rest": rest,
            "sobjects": format!("{rest}sobjects/"),
            "query": format!("{rest}query/"),
        },
        "last_modified_date": "2026-01-01T00:00:00Z",
        "is_app_installed": true,
    })
}

/// `GET /services/oauth2/userinfo`.
pub(crate) fn user_info(org: &Org, base_url: &str) -> Json {
    let (id, user) = (&org.id, &org.users.api);
    json!({
        "sub": format!("{base_url}/id/{id}/{user}"),
        "user_id": user.as_str(),
        "organization_id": id.as_str(),
        "preferred_username": org.users.username,
        "name": "Integration User",
        "email": org.users.username,
        "email_verified": true,
        "zoneinfo": "Europe/London",
        "locale": "en_GB",
        "active": true,
    })
}
