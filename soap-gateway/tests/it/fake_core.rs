//! A core that does as it is told.

use std::sync::{Arc, Mutex};

use sfbridge_proto::v1 as pb;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use pb::access_service_server::{AccessService, AccessServiceServer};
use pb::call_rating_service_server::{CallRatingService, CallRatingServiceServer};
use pb::event_service_server::{EventService, EventServiceServer};
use pb::lead_enrichment_service_server::{LeadEnrichmentService, LeadEnrichmentServiceServer};
use pb::quarantine_service_server::{QuarantineService, QuarantineServiceServer};

/// The core, and what tests see of it.
#[derive(Clone, Debug)]
pub(crate) struct FakeCore {
    heard: Arc<Mutex<Heard>>,
    conduct: watch::Sender<Conduct>,
    senders: watch::Sender<Senders>,
    waiting: watch::Sender<usize>,
}

/// What was asked.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) events: Vec<pb::RecordEventsRequest>,
    pub(crate) ratings: Vec<pb::RateCallsRequest>,
    pub(crate) leads: Vec<pb::EnrichLeadsRequest>,
    pub(crate) access: Vec<String>,
    pub(crate) refused: Vec<pb::RefusedMessage>,
    /// The revisions that were known to those who asked for sender rules.
    pub(crate) known_revisions: Vec<String>,
    /// The `authorization` and `grpc-timeout` metadata of each message.
    pub(crate) authorizations: Vec<Option<String>>,
    pub(crate) timeouts: Vec<Option<String>>,
}

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Conduct {
    /// Each item gets the outcome that its title or rating names, if it names
    /// one, else it is recorded.
    Record,
    /// Every call fails like this.
    Fail(Status),
    /// No message is answered until the conduct changes.
    Wait,
    /// Nor is any question about organisations.
    Silence,
    /// One result is missing.
    Forget,
}

/// What it knows of senders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Senders {
    pub(crate) url_tokens: Vec<pb::UrlTokenRule>,
    pub(crate) restrictions: Vec<pb::SenderRestriction>,
    /// Whether it can't tell which tokens there are.
    pub(crate) failure: Option<Status>,
    /// Whether it does not answer that question until this changes.
    pub(crate) is_slow: bool,
}

impl FakeCore {
    pub(crate) fn new() -> Self {
        Self {
            heard: Arc::default(),
            conduct: watch::Sender::new(Conduct::Record),
            senders: watch::Sender::default(),
            waiting: watch::Sender::new(0),
        }
    }

    pub(crate) fn routes(&self) -> Routes {
        const LARGE: usize = 64 * 1024 * 1024;

        let events = EventServiceServer::new(self.clone()).max_decoding_message_size(LARGE);
        let ratings = CallRatingServiceServer::new(self.clone());
        let leads = LeadEnrichmentServiceServer::new(self.clone());
        Routes::new(events)
            .add_service(ratings.max_decoding_message_size(LARGE))
            .add_service(leads.max_decoding_message_size(LARGE))
            .add_service(AccessServiceServer::new(self.clone()))
            .add_service(QuarantineServiceServer::new(self.clone()))
            .prepare()
    }

    pub(crate) fn conduct(&self, conduct: Conduct) {
        self.conduct.send_replace(conduct);
    }

    /// Changes what it knows of senders.
    pub(crate) fn senders(&self, change: impl FnOnce(&mut Senders)) {
        self.senders.send_modify(change);
    }

    /// Looks at what was asked.
    pub(crate) fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap())
    }

    /// How many calls wait for their answer.
    pub(crate) fn waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    /// Waits until so many calls wait for their answer.
    pub(crate) async fn until_waiting(&self, count: usize) {
        let mut waiting = self.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting >= count).await.unwrap();
    }

    /// Notes a request, and waits until it may be answered.
    async fn hear<T>(
        &self,
        request: Request<T>,
        note: impl FnOnce(&mut Heard, T),
    ) -> Result<Conduct, Status> {
        let metadata = |name| {
            let value = request.metadata().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let (authorization, timeout) = (metadata("authorization"), metadata("grpc-timeout"));
        {
            let mut heard = self.heard.lock().unwrap();
            heard.authorizations.push(authorization);
            heard.timeouts.push(timeout);
            note(&mut heard, request.into_inner());
        }
        self.obey(|conduct| !matches!(conduct, Conduct::Wait | Conduct::Silence))
            .await
    }

    /// Waits until the conduct lets it answer.
    async fn obey(&self, answers: impl Fn(&Conduct) -> bool) -> Result<Conduct, Status> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let mut conduct = self.conduct.subscribe();
        let conduct = conduct.wait_for(|now| answers(now)).await.unwrap().clone();
        self.waiting.send_modify(|waiting| *waiting -= 1);
        match conduct {
            Conduct::Fail(status) => Err(status),
            conduct => Ok(conduct),
        }
    }
}

/// Outcome, rejection and quarantine record for an item with this text.
fn result(text: &str) -> (i32, Option<pb::Rejection>, String) {
    let rejection = pb::Rejection {
        reason: pb::RejectionReason::InvalidVisitorId.into(),
        ..pb::Rejection::default()
    };
    match text {
        "duplicate" => (pb::Outcome::Duplicate.into(), None, String::new()),
        "quarantined" => (
            pb::Outcome::Rejected.into(),
            Some(rejection),
            "q1".to_owned(),
        ),
        "lost" => (pb::Outcome::Rejected.into(), Some(rejection), String::new()),
        "unspecified" => (pb::Outcome::Unspecified.into(), None, String::new()),
        _ => (pb::Outcome::Recorded.into(), None, String::new()),
    }
}

fn finished<T>(conduct: &Conduct, mut results: Vec<T>) -> Vec<T> {
    if matches!(conduct, Conduct::Forget) {
        results.pop();
    }
    results
}

#[tonic::async_trait]
impl EventService for FakeCore {
    type StreamEventsStream = tonic::codegen::BoxStream<pb::StreamEventsResponse>;

    async fn record_events(
        &self,
        request: Request<pb::RecordEventsRequest>,
    ) -> Result<Response<pb::RecordEventsResponse>, Status> {
        let events = request.get_ref().events.clone();
        let conduct = self
            .hear(request, |heard, request| heard.events.push(request))
            .await?;
        let results = events.iter().map(|event| {
            let (outcome, rejection, quarantined_notification_id) = result(&event.title);
            pb::RecordEventResult {
                outcome,
                event_id: "e1".to_owned(),
                rejection,
                quarantined_notification_id,
                ..Default::default()
            }
        });
        let results = finished(&conduct, results.collect());
        Ok(Response::new(pb::RecordEventsResponse { results }))
    }

    async fn get_event(
        &self,
        _: Request<pb::GetEventRequest>,
    ) -> Result<Response<pb::GetEventResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_events(
        &self,
        _: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn stream_events(
        &self,
        _: Request<pb::StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl CallRatingService for FakeCore {
    async fn rate_calls(
        &self,
        request: Request<pb::RateCallsRequest>,
    ) -> Result<Response<pb::RateCallsResponse>, Status> {
        let ratings = request.get_ref().ratings.clone();
        let conduct = self
            .hear(request, |heard, request| heard.ratings.push(request))
            .await?;
        let results = ratings.iter().map(|rating| {
            let (outcome, rejection, quarantined_notification_id) = result(&rating.rating);
            pb::RateCallResult {
                outcome,
                call_rating_id: "r1".to_owned(),
                rejection,
                quarantined_notification_id,
                ..Default::default()
            }
        });
        let results = finished(&conduct, results.collect());
        Ok(Response::new(pb::RateCallsResponse { results }))
    }

    async fn get_call_rating(
        &self,
        _: Request<pb::GetCallRatingRequest>,
    ) -> Result<Response<pb::GetCallRatingResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_call_ratings(
        &self,
        _: Request<pb::ListCallRatingsRequest>,
    ) -> Result<Response<pb::ListCallRatingsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl LeadEnrichmentService for FakeCore {
    async fn enrich_leads(
        &self,
        request: Request<pb::EnrichLeadsRequest>,
    ) -> Result<Response<pb::EnrichLeadsResponse>, Status> {
        let count = request.get_ref().leads.len();
        let conduct = self
            .hear(request, |heard, request| heard.leads.push(request))
            .await?;
        let accepted = pb::EnrichLeadResult {
            outcome: pb::Outcome::Recorded.into(),
            ..pb::EnrichLeadResult::default()
        };
        let results = finished(&conduct, vec![accepted; count]);
        Ok(Response::new(pb::EnrichLeadsResponse { results }))
    }

    async fn get_lead_enrichment(
        &self,
        _: Request<pb::GetLeadEnrichmentRequest>,
    ) -> Result<Response<pb::GetLeadEnrichmentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_lead_enrichments(
        &self,
        _: Request<pb::ListLeadEnrichmentsRequest>,
    ) -> Result<Response<pb::ListLeadEnrichmentsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn retry_lead_enrichment(
        &self,
        _: Request<pb::RetryLeadEnrichmentRequest>,
    ) -> Result<Response<pb::RetryLeadEnrichmentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn cancel_lead_enrichment(
        &self,
        _: Request<pb::CancelLeadEnrichmentRequest>,
    ) -> Result<Response<pb::CancelLeadEnrichmentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn preview_lead_enrichment(
        &self,
        _: Request<pb::PreviewLeadEnrichmentRequest>,
    ) -> Result<Response<pb::PreviewLeadEnrichmentResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl QuarantineService for FakeCore {
    async fn record_refused_messages(
        &self,
        request: Request<pb::RecordRefusedMessagesRequest>,
    ) -> Result<Response<pb::RecordRefusedMessagesResponse>, Status> {
        let refused = request.get_ref().refused_messages.clone();
        self.hear(request, |_, _| ()).await?;
        self.heard.lock().unwrap().refused.extend(refused);
        Ok(Response::new(pb::RecordRefusedMessagesResponse {}))
    }

    async fn quarantine_notifications(
        &self,
        _: Request<pb::QuarantineNotificationsRequest>,
    ) -> Result<Response<pb::QuarantineNotificationsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_quarantined_notification(
        &self,
        _: Request<pb::GetQuarantinedNotificationRequest>,
    ) -> Result<Response<pb::GetQuarantinedNotificationResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_quarantined_notifications(
        &self,
        _: Request<pb::ListQuarantinedNotificationsRequest>,
    ) -> Result<Response<pb::ListQuarantinedNotificationsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn resolve_quarantined_notifications(
        &self,
        _: Request<pb::ResolveQuarantinedNotificationsRequest>,
    ) -> Result<Response<pb::ResolveQuarantinedNotificationsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_refused_messages(
        &self,
        _: Request<pb::ListRefusedMessagesRequest>,
    ) -> Result<Response<pb::ListRefusedMessagesResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Organisations with a `2` are linked.
#[tonic::async_trait]
impl AccessService for FakeCore {
    async fn get_organization_access(
        &self,
        request: Request<pb::GetOrganizationAccessRequest>,
    ) -> Result<Response<pb::GetOrganizationAccessResponse>, Status> {
        let pb::GetOrganizationAccessRequest {
            organization_id: id,
            page_size: _,
            page_token,
        } = request.into_inner();
        let is_linked = id.contains('2');
        self.heard.lock().unwrap().access.push(id);
        self.obey(|conduct| !matches!(conduct, Conduct::Silence))
            .await?;
        let restrictions = self.senders.borrow().restrictions.clone();
        // One on each page, whose token is its place.
        let at = page_token.parse().unwrap_or(0);
        let is_last = at + 1 >= restrictions.len();
        Ok(Response::new(pb::GetOrganizationAccessResponse {
            is_linked,
            restrictions: restrictions.into_iter().skip(at).take(1).collect(),
            next_page_token: if is_last {
                String::new()
            } else {
                (at + 1).to_string()
            },
        }))
    }

    async fn get_sender_rules(
        &self,
        request: Request<pb::GetSenderRulesRequest>,
    ) -> Result<Response<pb::GetSenderRulesResponse>, Status> {
        let pb::GetSenderRulesRequest { known_revision } = request.into_inner();
        let known = known_revision.clone();
        self.heard.lock().unwrap().known_revisions.push(known);
        let mut senders = self.senders.subscribe();
        let senders = senders.wait_for(|senders| !senders.is_slow).await.unwrap();
        if let Some(status) = &senders.failure {
            return Err(status.clone());
        }
        let url_tokens = senders.url_tokens.clone();
        let revision = format!("{url_tokens:?}");
        let is_unchanged = revision == known_revision;
        Ok(Response::new(pb::GetSenderRulesResponse {
            revision,
            is_unchanged,
            url_tokens: if is_unchanged { Vec::new() } else { url_tokens },
        }))
    }

    async fn create_api_key(
        &self,
        _: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_api_keys(
        &self,
        _: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn revoke_api_key(
        &self,
        _: Request<pb::RevokeApiKeyRequest>,
    ) -> Result<Response<pb::RevokeApiKeyResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn create_url_token(
        &self,
        _: Request<pb::CreateUrlTokenRequest>,
    ) -> Result<Response<pb::CreateUrlTokenResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_url_tokens(
        &self,
        _: Request<pb::ListUrlTokensRequest>,
    ) -> Result<Response<pb::ListUrlTokensResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn revoke_url_token(
        &self,
        _: Request<pb::RevokeUrlTokenRequest>,
    ) -> Result<Response<pb::RevokeUrlTokenResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
