//! `ExplainMessage`.

use std::sync::Arc;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use sfbridge_proto::v1 as pb;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tonic::Status;

use super::callers_core::{CallersCore, ItemResult};
use super::room::Room;
use super::{Settings, refusal};
use crate::body::{decompressed, too_large};
use crate::endpoint_url::{EndpointUrl, InvalidUrl};
use crate::fault::{Fault, Reason};
use crate::mapping::{self, CoreRequest, Explanation, Item, Paired};
use crate::media_type::MediaType;
use crate::message_reader;
use crate::soap::{self, OutboundMessage};

/// The most notifications that are explained.
const MAX_NOTIFICATIONS: usize = 1_000;

/// Says what would become of a message.
pub(super) async fn explain(
    settings: &Arc<Settings>,
    core: &CallersCore,
    request: pb::ExplainMessageRequest,
    turn: OwnedSemaphorePermit,
) -> Result<pb::ExplainMessageResponse, Status> {
    let settings = Arc::clone(settings);
    // A message may be large, and nobody else is to wait for it. The turn goes
    // along: this work ends only when it is done, also when its caller has gone.
    let mapped = spawn_blocking(move || (map(&settings, request), turn)).await;
    let (mapped, _turn) = mapped.map_err(|panic| refusal::of_defect(&panic))?;
    let Mapped {
        mut response,
        notifications,
        request,
    } = mapped?;

    let results = match request {
        Some(request) => core.record(request, true).await?,
        None => Vec::new(),
    };
    response.is_organization_linked = core.is_linked(&response.organization_id).await?;
    let mut room = Room::of_answer();
    response.notifications = notifications
        .into_iter()
        .zip(results)
        .map(|(notification, result)| judged(notification, result))
        .map_while(|notification| fitted(notification, &mut room))
        .collect();
    Ok(response)
}

/// A message that was read and mapped.
struct Mapped {
    /// The answer without its notifications.
    response: pb::ExplainMessageResponse,
    /// What the mapping knows of each.
    notifications: Vec<pb::ExplainedNotification>,
    /// What is to be asked of the core, if anything.
    request: Option<CoreRequest>,
}

fn map(settings: &Settings, request: pb::ExplainMessageRequest) -> Result<Mapped, Status> {
    let pb::ExplainMessageRequest {
        endpoint_url,
        body,
        content_type,
        content_encoding,
    } = request;
    let url = EndpointUrl::parse(&endpoint_url)
        .map_err(|invalid| refusal::of_fault("endpoint_url", &invalid_url(&invalid)))?;
    let parameters = url.parameters();
    let media_type = media_type(&content_type, &content_encoding)?;
    let limit = settings.max_body_bytes;
    let mut message = read(&body, &media_type, limit, &settings.xml)
        .map_err(|fault| refusal::of_fault("body", &fault))?;

    let count = message.notifications.len();
    message.notifications.truncate(MAX_NOTIFICATIONS);
    let response = pb::ExplainMessageResponse {
        endpoint: parameters.endpoint().name().to_owned(),
        query: parameters.canonical_query().to_owned(),
        organization_id: message.organization_id.as_str().to_owned(),
        warnings: message.warnings.clone(),
        notification_count: i32::try_from(count).unwrap_or(i32::MAX),
        notifications: Vec::new(),
        is_organization_linked: false,
    };
    let explanations = mapping::explain(message, parameters, &settings.default_fields);
    Ok(Mapped {
        response,
        notifications: explanations.iter().map(Explanation::message).collect(),
        request: core_request(explanations),
    })
}

fn invalid_url(invalid: &InvalidUrl) -> Fault {
    match invalid {
        InvalidUrl::NotAUrl | InvalidUrl::UnknownPath => {
            Fault::new(Reason::UnknownPath, invalid.to_string())
        }
        InvalidUrl::Parameter(parameter) => {
            Fault::new(Reason::InvalidParameter, parameter.to_string())
                .of_parameter(parameter.parameter())
        }
    }
}

/// The message in a body that may be compressed.
fn read(
    body: &[u8],
    media_type: &MediaType,
    limit: usize,
    limits: &soap::Limits,
) -> Result<OutboundMessage, Fault> {
    if body.len() > limit {
        return Err(too_large(limit));
    }
    let charset = media_type.charset.as_deref();
    if media_type.is_gzip {
        message_reader::read(&decompressed(body, limit)?, charset, limit, limits)
    } else {
        message_reader::read(body, charset, limit, limits)
    }
}

/// What the gateway would make of these headers.
fn media_type(content_type: &str, content_encoding: &str) -> Result<MediaType, Status> {
    let refused = |fault: &Fault| {
        let field = match fault.reason() {
            Reason::UnsupportedContentEncoding => "content_encoding",
            _ => "content_type",
        };
        refusal::of_fault(field, fault)
    };
    let mut headers = HeaderMap::new();
    for (name, text, reason) in [
        (CONTENT_TYPE, content_type, Reason::UnsupportedMediaType),
        (
            CONTENT_ENCODING,
            content_encoding,
            Reason::UnsupportedContentEncoding,
        ),
    ] {
        if !text.is_empty() {
            let value = header_value(&name, text, reason).map_err(|fault| refused(&fault))?;
            headers.insert(name, value);
        }
    }
    MediaType::of(&headers).map_err(|fault| refused(&fault))
}

fn header_value(name: &HeaderName, text: &str, reason: Reason) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_| {
        let sentence = format!("The {name} holds characters that no header has.");
        Fault::new(reason, sentence)
    })
}

/// What the core would be asked for. All explanations are of one endpoint.
fn core_request(explanations: Vec<Explanation>) -> Option<CoreRequest> {
    let requests = explanations.into_iter().map(|explanation| {
        let notifications = vec![explanation.notification];
        match explanation.item {
            Item::Event(event) => CoreRequest::Events(Paired {
                items: vec![*event],
                notifications,
            }),
            Item::Rating(rating) => CoreRequest::Ratings(Paired {
                items: vec![*rating],
                notifications,
            }),
            Item::Lead(lead) => CoreRequest::Leads(Paired {
                items: vec![*lead],
                notifications,
            }),
        }
    });
    requests.reduce(|mut all, one| {
        // The endpoint is the same, so it is always taken.
        let _ = all.append(one);
        all
    })
}

/// Adds what the core says.
fn judged(
    mut notification: pb::ExplainedNotification,
    result: ItemResult,
) -> pb::ExplainedNotification {
    notification.outcome = result.outcome;
    notification.duplicate_of = result.record_id;
    notification.r#match = result.tie;
    if !result.warnings.is_empty() {
        // The mapping's are among them.
        notification.warnings = result.warnings;
    }
    if let Some(rejection) = result.rejection {
        let others = std::mem::take(&mut notification.rejections);
        let others = others
            .into_iter()
            .filter(|other| other.reason != rejection.reason)
            .collect::<Vec<_>>();
        notification.rejections = std::iter::once(rejection).chain(others).collect();
    }
    notification
}

/// As much of a notification as there is room for, if there is any.
fn fitted(
    notification: pb::ExplainedNotification,
    room: &mut Room,
) -> Option<pb::ExplainedNotification> {
    if room.fits(&notification) {
        return Some(notification);
    }
    let short = pb::ExplainedNotification {
        item: None,
        values: Vec::new(),
        warnings: Vec::new(),
        is_shortened: true,
        ..notification
    };
    room.fits(&short).then_some(short)
}
