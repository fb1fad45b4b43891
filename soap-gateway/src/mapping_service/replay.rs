//! `ReplayQuarantinedNotifications`.

use prost::Message;
use sfbridge_proto::v1 as pb;
use tonic::Status;

use super::callers_core::{CallersCore, ItemResult};
use super::room::Room;
use super::{Settings, refusal};
use crate::Endpoint;
use crate::fault::{Fault, Reason};
use crate::mapping::{CoreRequest, Unmappable, map_kept};
use crate::parameters::Parameters;

/// The most notifications of one call.
const MAX_NOTIFICATIONS: usize = 100;

/// How much is mapped before it is recorded. One notification may be larger.
const MAX_BYTES: usize = 8 << 20;

/// Replays a page of quarantined notifications.
pub(super) async fn replay(
    settings: &Settings,
    core: &CallersCore,
    request: pb::ReplayQuarantinedNotificationsRequest,
) -> Result<pb::ReplayQuarantinedNotificationsResponse, Status> {
    let pb::ReplayQuarantinedNotificationsRequest {
        quarantined_notification_ids: ids,
        filter,
        query,
        validate_only,
        page_size,
        page_token,
    } = request;
    if let Some(query) = &query {
        let endpoint = filter
            .as_ref()
            .map_or("", |filter| filter.endpoint.as_str());
        check(query, endpoint)?;
    }
    let (which, next_page_token) = match (filter, ids.is_empty()) {
        (Some(filter), true) => {
            let page = core
                .list_quarantined(list_request(filter, page_size, page_token)?)
                .await?;
            let ids = page
                .quarantined_notifications
                .into_iter()
                .map(|kept| kept.quarantined_notification_id)
                .collect();
            (Which::Open(ids), page.next_page_token)
        }
        (None, false) => (Which::Named(named(core, ids).await?), String::new()),
        (Some(_), false) => {
            return Err(refusal::of_field(
                "filter",
                "comes instead of ids, not with them",
            ));
        }
        (None, true) => {
            let why = "is missing; name ids, or send a filter, which may be empty";
            return Err(refusal::of_field("filter", why));
        }
    };
    let page = Page {
        settings,
        core,
        query,
        validate_only,
    };
    Ok(pb::ReplayQuarantinedNotificationsResponse {
        results: page.replay(which).await?,
        next_page_token,
    })
}

/// The notifications of a page.
enum Which {
    /// These, whatever has become of them.
    Named(Vec<String>),
    /// Those of these that are still open.
    Open(Vec<String>),
}

/// Refuses a query that no notification could be mapped with.
fn check(query: &str, endpoint: &str) -> Result<(), Status> {
    let candidates = match endpoint {
        "" => Endpoint::ALL.to_vec(),
        name => vec![Endpoint::named(name).ok_or_else(|| {
            refusal::of_field(
                "filter.endpoint",
                "must be events, callRating or leadEnrich",
            )
        })?],
    };
    let mut first = None;
    for endpoint in candidates {
        match Parameters::parse(endpoint, query) {
            Ok(_) => return Ok(()),
            Err(invalid) => {
                first.get_or_insert(invalid);
            }
        }
    }
    match first {
        None => Ok(()),
        Some(invalid) => {
            let fault = Fault::new(Reason::InvalidParameter, invalid.to_string())
                .of_parameter(invalid.parameter());
            Err(refusal::of_fault("query", &fault))
        }
    }
}

fn list_request(
    filter: pb::ReplayFilter,
    page_size: i32,
    page_token: String,
) -> Result<pb::ListQuarantinedNotificationsRequest, Status> {
    let pb::ReplayFilter {
        igrp,
        organization_id,
        record_id,
        reason,
        endpoint,
        object_type,
        query,
    } = filter;
    let largest = i32::try_from(MAX_NOTIFICATIONS).unwrap_or(i32::MAX);
    if page_size < 0 {
        return Err(refusal::of_field(
            "page_size",
            "is negative; leave it out for 50",
        ));
    }
    Ok(pb::ListQuarantinedNotificationsRequest {
        igrp,
        page_size: page_size.min(largest),
        page_token,
        organization_id,
        notification_id: String::new(),
        record_id,
        reason,
        show_resolved: false,
        endpoint,
        object_type,
        query,
    })
}

/// Sees that all of these are there before any is replayed.
async fn named(core: &CallersCore, ids: Vec<String>) -> Result<Vec<String>, Status> {
    if ids.len() > MAX_NOTIFICATIONS {
        let why = format!("has more than {MAX_NOTIFICATIONS} ids; send several requests");
        return Err(refusal::of_field("quarantined_notification_ids", &why));
    }
    for id in &ids {
        core.quarantined(id).await?;
    }
    Ok(ids)
}

/// How one page is replayed.
struct Page<'a> {
    settings: &'a Settings,
    core: &'a CallersCore,
    query: Option<String>,
    validate_only: bool,
}

/// What waits to be recorded together.
#[derive(Default)]
struct Waiting {
    request: Option<CoreRequest>,
    /// Where in the answer each of its items belongs.
    places: Vec<usize>,
    bytes: usize,
}

impl Page<'_> {
    async fn replay(&self, which: Which) -> Result<Vec<pb::ReplayedNotification>, Status> {
        let (ids, must_be_open) = match which {
            Which::Named(ids) => (ids, false),
            Which::Open(ids) => (ids, true),
        };
        let mut results: Vec<pb::ReplayedNotification> = Vec::new();
        let mut waiting = Waiting::default();
        let mut room = Room::of_answer();
        for id in ids {
            let kept = self.core.quarantined(&id).await?;
            // Somebody may have resolved it since it was listed.
            if must_be_open && kept.state() != pb::QuarantineState::Open {
                continue;
            }
            let bytes = kept.encoded_len();
            let mapped = map_kept(kept, self.query.as_deref(), &self.settings.default_fields);
            let mut result = pb::ReplayedNotification {
                quarantined_notification_id: id,
                ..Default::default()
            };
            match mapped {
                Err(unmappable) => {
                    result.outcome = pb::Outcome::Rejected.into();
                    result.rejection = Some(rejection(&unmappable));
                }
                Ok(request) => {
                    if self.validate_only {
                        result.item = item(&request);
                        if !room.fits(&result) {
                            result.item = None;
                        }
                    }
                    if waiting.bytes + bytes > MAX_BYTES {
                        self.record(&mut waiting, &mut results).await?;
                    }
                    if let Err(other) = waiting.push(request, results.len(), bytes) {
                        self.record(&mut waiting, &mut results).await?;
                        let _ = waiting.push(other, results.len(), bytes);
                    }
                }
            }
            results.push(result);
        }
        self.record(&mut waiting, &mut results).await?;
        Ok(results)
    }

    /// Has what waits recorded, and notes what came of it.
    async fn record(
        &self,
        waiting: &mut Waiting,
        results: &mut [pb::ReplayedNotification],
    ) -> Result<(), Status> {
        let Waiting {
            request, places, ..
        } = std::mem::take(waiting);
        let Some(request) = request else {
            return Ok(());
        };
        let recorded = self.core.record(request, self.validate_only).await?;
        for (place, recorded) in places.into_iter().zip(recorded) {
            let ItemResult {
                outcome,
                record_id,
                rejection,
                ..
            } = recorded;
            if let Some(result) = results.get_mut(place) {
                result.outcome = outcome;
                result.resolved_record_id = record_id;
                result.rejection = rejection;
            }
        }
        Ok(())
    }
}

impl Waiting {
    /// Takes one more, unless it is for another endpoint than those before.
    fn push(&mut self, one: CoreRequest, place: usize, bytes: usize) -> Result<(), CoreRequest> {
        match &mut self.request {
            None => self.request = Some(one),
            Some(request) => request.append(one)?,
        }
        self.places.push(place);
        self.bytes += bytes;
        Ok(())
    }
}

fn rejection(unmappable: &Unmappable) -> pb::Rejection {
    pb::Rejection {
        reason: pb::RejectionReason::MalformedNotification.into(),
        field: unmappable.field().to_owned(),
        description: format!("It can't be replayed: {unmappable}"),
    }
}

/// The one item of a request.
fn item(request: &CoreRequest) -> Option<pb::replayed_notification::Item> {
    use pb::replayed_notification::Item;

    match request {
        CoreRequest::Events(paired) => paired.items.first().cloned().map(Item::Event),
        CoreRequest::Ratings(paired) => paired.items.first().cloned().map(Item::Rating),
        CoreRequest::Leads(paired) => paired.items.first().cloned().map(Item::Lead),
    }
}
