//! `ExplainMessage`.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use sfbridge_proto::v1 as pb;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tonic::Status;

use super::callers_core::{CallersCore, ItemResult};
use super::room::Room;
use super::{Settings, refusal};
use crate::body::too_large;
use crate::endpoint_url::{EndpointUrl, InvalidUrl};
use crate::fault::{Fault, Reason};
use crate::mapping::{self, CoreRequest, Explanation, Item, Paired};
use crate::media_type::MediaType;
use crate::message_reader;

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
    let is_rejected = |result: &ItemResult| result.outcome == i32::from(pb::Outcome::Rejected);
    if results.iter().any(is_rejected)
        && core.is_linked(&response.organization_id).await? == Some(false)
    {
        response.warnings.push(
            "No installation that you may see is linked to the organisation. Where unknown \
             installations are refused, the gateway answers the whole message with 403."
                .to_owned(),
        );
    }
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
    } = request;
    let url = EndpointUrl::parse(&endpoint_url)
        .map_err(|invalid| refusal::of_fault("endpoint_url", &invalid_url(&invalid)))?;
    let parameters = url.parameters();
    let charset =
        charset(&content_type).map_err(|fault| refusal::of_fault("content_type", &fault))?;
    let limit = settings.max_body_bytes;
    let message = if body.len() > limit {
        Err(too_large(limit))
    } else {
        message_reader::read(&body, charset.as_deref(), limit, &settings.xml)
    };
    let mut message = message.map_err(|fault| refusal::of_fault("body", &fault))?;

    let count = message.notifications.len();
    message.notifications.truncate(MAX_NOTIFICATIONS);
    let response = pb::ExplainMessageResponse {
        endpoint: parameters.endpoint().name().to_owned(),
        query: parameters.canonical_query().to_owned(),
        organization_id: message.organization_id.as_str().to_owned(),
        warnings: message.warnings.clone(),
        notification_count: i32::try_from(count).unwrap_or(i32::MAX),
        notifications: Vec::new(),
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

fn charset(content_type: &str) -> Result<Option<String>, Fault> {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        let value = HeaderValue::from_str(content_type).map_err(|_| {
            let sentence = "The Content-Type holds characters that no header has.";
            Fault::new(Reason::UnsupportedMediaType, sentence)
        })?;
        headers.insert(CONTENT_TYPE, value);
    }
    Ok(MediaType::of(&headers)?.charset)
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
