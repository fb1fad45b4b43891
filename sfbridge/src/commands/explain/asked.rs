//! Where an explanation comes from: the core, or this command alone.

use std::borrow::Cow;

use anyhow::Context as _;
use core_service::check::{self, Checked};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::mapping_service_client::MappingServiceClient;
use soap_gateway::mapping::{self, Explanation, Item};
use soap_gateway::{EndpointUrl, encoding, soap};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::client::{Refused, connect};
use crate::config::Config;
use crate::failure::Failure;

/// An explanation.
pub(super) struct Explained {
    pub(super) response: pb::ExplainMessageResponse,
    /// Why the core was not asked, if it was not.
    pub(super) not_asked: Option<String>,
}

/// Asks the core when there is one, else explains alone.
pub(super) async fn explained(
    config: &Config,
    url: &EndpointUrl,
    body: Vec<u8>,
) -> Result<Explained, Failure> {
    let core = match connect(config).await {
        Ok(core) => core,
        Err(Failure::Failed(error)) => return alone(config, url, &body, error.to_string()),
        Err(failure) => return Err(failure),
    };
    let parameters = url.parameters();
    // Made anew, so that a token in the URL stays here.
    let endpoint_url = format!(
        "{}?{}",
        parameters.endpoint().path(),
        parameters.canonical_query()
    );
    let request = pb::ExplainMessageRequest {
        endpoint_url,
        body: body.clone(),
        content_type: String::new(),
        content_encoding: if encoding::is_gzip(&body) {
            "gzip".to_owned()
        } else {
            String::new()
        },
    };
    match MappingServiceClient::new(core)
        .explain_message(request)
        .await
    {
        Ok(answer) => Ok(Explained {
            response: answer.into_inner(),
            not_asked: None,
        }),
        Err(status) if status.code() == Code::Unimplemented => {
            let why = "it is of an older release, which explains nothing".to_owned();
            alone(config, url, &body, why)
        }
        Err(status) => Err(refused(status)),
    }
}

/// The core's refusal; that of the message says where in it.
fn refused(status: Status) -> Failure {
    let details = status.get_error_details();
    let metadata = details.error_info().map(|info| &info.metadata);
    let place = metadata.and_then(|metadata| metadata.get("line").zip(metadata.get("column")));
    let is_about_the_key = matches!(
        status.code(),
        Code::Unauthenticated | Code::PermissionDenied
    );
    let refusal = anyhow::Error::new(Refused(status));
    Failure::Failed(match place {
        Some((line, column)) => refusal.context(would_be_refused(line, column)),
        None if is_about_the_key => {
            refusal.context("the core explains nothing to this caller; --offline goes without it")
        }
        None => refusal,
    })
}

fn would_be_refused(line: impl std::fmt::Display, column: impl std::fmt::Display) -> String {
    format!("the gateway would refuse this message with 400, at line {line}, column {column}")
}

/// Explains without a core.
pub(super) fn alone(
    config: &Config,
    url: &EndpointUrl,
    body: &[u8],
    why: String,
) -> Result<Explained, Failure> {
    let limit = config.gateway.max_body_bytes;
    let body = if encoding::is_gzip(body) {
        let content = encoding::decompress(body, limit);
        Cow::Owned(content.context("the gateway would refuse this message with 413 or 400")?)
    } else {
        Cow::Borrowed(body)
    };
    let text = encoding::decode(&body, None)
        .context("the gateway would refuse this message with 415 or 400")?;
    let message = soap::read(&text, &config.gateway.xml).map_err(|error| {
        let place = would_be_refused(error.line(), error.column());
        anyhow::Error::new(error).context(place)
    })?;
    let parameters = url.parameters();
    let mut response = pb::ExplainMessageResponse {
        endpoint: parameters.endpoint().name().to_owned(),
        query: parameters.canonical_query().to_owned(),
        organization_id: message.organization_id.as_str().to_owned(),
        warnings: message.warnings.clone(),
        notification_count: i32::try_from(message.notifications.len()).unwrap_or(i32::MAX),
        notifications: Vec::new(),
        is_organization_linked: false,
    };
    let explained = mapping::explain(message, parameters, &config.gateway.default_fields);
    response.notifications = explained.iter().map(checked).collect();
    Ok(Explained {
        response,
        not_asked: Some(why),
    })
}

/// Adds what the core would say by the item's values alone. The outcome stays
/// open.
fn checked(explanation: &Explanation) -> pb::ExplainedNotification {
    let mut message = explanation.message();
    let Checked {
        rejection,
        warnings,
    } = match &explanation.item {
        Item::Event(event) => check::event((**event).clone()),
        Item::Rating(rating) => check::rating((**rating).clone()),
        Item::Lead(lead) => check::lead((**lead).clone()),
    };
    for warning in warnings {
        if !message.warnings.contains(&warning) {
            message.warnings.push(warning);
        }
    }
    if let Some(rejection) = rejection {
        let known = &message.rejections;
        if known.iter().all(|known| known.reason != rejection.reason) {
            message.rejections.push(rejection);
        }
    }
    message
}
