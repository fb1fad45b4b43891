//! `QuarantineService`.

use std::convert::Infallible;

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::quarantine_service_server::QuarantineService;
use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::page;
use super::routes::Services;
use super::{batch, notification_message, refused_message, time};
use crate::clock;
use crate::domain::{QuarantineState, RefusalReason, Role};
use crate::error::Error;
use crate::recording::{Item, RecordKind};
use crate::store::{QuarantineFilter, RefusedMessageFilter};

/// The most ids of a resolution.
const MAX_IDS: usize = 1_000;

/// The most refused messages of a report.
const MAX_REFUSED: usize = 256;

#[tonic::async_trait]
impl QuarantineService for Services {
    async fn quarantine_notifications(
        &self,
        request: Request<pb::QuarantineNotificationsRequest>,
    ) -> Result<Response<pb::QuarantineNotificationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::QuarantineNotificationsRequest { notifications } = request.into_inner();
        let (items, raw) = notifications
            .into_iter()
            .map(split)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .unzip();
        let batch = batch::read(
            &caller,
            batch::Purpose::Record,
            self.rule,
            ("notifications", items),
            raw,
            0,
            |item, raw| {
                let (igrp, key) = item;
                // The rejection is there: it was asked for.
                let item: Item<Infallible> =
                    batch::Draft::new(igrp, raw, Vec::new()).finish(None, &key, None);
                item
            },
        )?;
        let results = self.store.quarantine(batch).await.map_err(Error::from)?;
        let results = batch::answer(&self.metrics, "quarantined_notification", results)
            .map(|answer| pb::QuarantineNotificationResult {
                outcome: answer.outcome,
                quarantined_notification_id: answer.id,
                rejection: answer.rejection,
            })
            .collect();
        Ok(Response::new(pb::QuarantineNotificationsResponse {
            results,
        }))
    }

    async fn get_quarantined_notification(
        &self,
        request: Request<pb::GetQuarantinedNotificationRequest>,
    ) -> Result<Response<pb::GetQuarantinedNotificationResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let pb::GetQuarantinedNotificationRequest {
            quarantined_notification_id: id,
        } = request.into_inner();
        let not_found = || Error::NotFound {
            kind: "quarantined notification",
            id: id.trim().to_owned(),
        };
        let found = super::record_id("quarantined_notification_id", &id)?;
        let found = self.store.quarantined(found).await.map_err(Error::from)?;
        let notification = found.ok_or_else(not_found)?;
        match notification.igrp {
            Some(igrp) if !caller.coverage().covers(igrp) => return Err(not_found().into()),
            Some(_) => {}
            // Nobody knows whose it is, so only a key of all installations may look.
            None => caller
                .require_for_all(Role::Read)
                .map_err(|_| not_found())?,
        }
        let quarantined_notification = Some(notification_message::write_quarantined(notification));
        Ok(Response::new(pb::GetQuarantinedNotificationResponse {
            quarantined_notification,
        }))
    }

    async fn list_quarantined_notifications(
        &self,
        request: Request<pb::ListQuarantinedNotificationsRequest>,
    ) -> Result<Response<pb::ListQuarantinedNotificationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let mut request = request.into_inner();
        let (filters, page) = page::asked("quarantined_notifications", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListQuarantinedNotificationsRequest {
            igrp,
            page_size: _,
            page_token: _,
            organization_id,
            notification_id,
            record_id,
            reason,
            show_resolved,
            endpoint,
            object_type,
            query,
        } = request;
        let igrp = match igrp {
            0 => None,
            igrp => Some(super::installation(&caller, Role::Read, igrp)?),
        };
        let reason = match reason {
            0 => None,
            reason => Some(
                notification_message::read_reason(reason)
                    .ok_or_else(|| Error::invalid("reason", "has an unknown value"))?,
            ),
        };
        let filter = QuarantineFilter {
            coverage: caller.coverage(),
            igrp,
            organization_id: super::given(organization_id.trim()),
            notification_id: super::given(notification_id.trim()),
            record_id: super::given(record_id.trim()),
            reason,
            endpoint: super::given(endpoint.trim()),
            object_type: super::given(object_type.trim()),
            query,
            show_resolved,
        };
        let page = self
            .store
            .quarantined_notifications(filter, page)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::ListQuarantinedNotificationsResponse {
            quarantined_notifications: page
                .rows
                .into_iter()
                .map(notification_message::write_quarantined)
                .collect(),
            next_page_token: filters.token(page.next),
        }))
    }

    async fn resolve_quarantined_notifications(
        &self,
        request: Request<pb::ResolveQuarantinedNotificationsRequest>,
    ) -> Result<Response<pb::ResolveQuarantinedNotificationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        // Whose a notification is may be what nobody knows.
        caller.require_for_all(Role::Admin)?;
        let pb::ResolveQuarantinedNotificationsRequest {
            quarantined_notification_ids: ids,
            state,
        } = request.into_inner();
        let state = match pb::QuarantineState::try_from(state) {
            Ok(pb::QuarantineState::Replayed) => QuarantineState::Replayed,
            Ok(pb::QuarantineState::Discarded) => QuarantineState::Discarded,
            _ => return Err(Error::invalid("state", "must be REPLAYED or DISCARDED").into()),
        };
        let field = "quarantined_notification_ids";
        if ids.len() > MAX_IDS {
            return Err(Error::invalid(field, format!("has more than {MAX_IDS} ids")).into());
        }
        let ids = ids
            .iter()
            .map(|id| super::record_id(field, id))
            .collect::<Result<_, _>>()?;
        let resolved = self
            .store
            .resolve_quarantined(ids, state, clock::now())
            .await
            .map_err(Error::from)?
            .map_err(|id| Error::NotFound {
                kind: "quarantined notification",
                id: id.to_string(),
            })?;
        let resolved_count = i32::try_from(resolved).unwrap_or(i32::MAX);
        Ok(Response::new(pb::ResolveQuarantinedNotificationsResponse {
            resolved_count,
        }))
    }

    async fn record_refused_messages(
        &self,
        request: Request<pb::RecordRefusedMessagesRequest>,
    ) -> Result<Response<pb::RecordRefusedMessagesResponse>, Status> {
        let caller = Caller::of(&request)?;
        // Nobody knows whose installation a refused message was for.
        caller.require_for_all(Role::Ingest)?;
        let pb::RecordRefusedMessagesRequest { refused_messages } = request.into_inner();
        let field = "refused_messages";
        if refused_messages.len() > MAX_REFUSED {
            let invalid = format!("has more than {MAX_REFUSED} messages");
            return Err(Error::invalid(field, invalid).into());
        }
        let now = clock::now();
        let refusals = refused_messages
            .into_iter()
            .map(|message| refused_message::read(message, now))
            .collect::<Result<_, _>>()?;
        self.store
            .record_refused_messages(refusals, now)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::RecordRefusedMessagesResponse {}))
    }

    async fn list_refused_messages(
        &self,
        request: Request<pb::ListRefusedMessagesRequest>,
    ) -> Result<Response<pb::ListRefusedMessagesResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let mut request = request.into_inner();
        let (filters, page) = page::asked("refused_messages", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListRefusedMessagesRequest {
            organization_id,
            page_size: _,
            page_token: _,
            reason,
            endpoint,
            start_time,
            end_time,
        } = request;
        let filter = RefusedMessageFilter {
            coverage: caller.coverage(),
            organization_id: super::given(organization_id.trim()),
            reason: super::filter("reason", reason.trim(), RefusalReason::parse)?,
            endpoint: refused_message::endpoint_filter(&endpoint)?,
            time: time::read_range(start_time, end_time)?,
        };
        let page = self
            .store
            .refused_messages(filter, page)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::ListRefusedMessagesResponse {
            refused_messages: page.rows.into_iter().map(refused_message::write).collect(),
            next_page_token: filters.token(page.next),
        }))
    }
}

/// Takes a notification apart into what batches share; it must say why it is
/// here and which endpoint it came to.
fn split(item: pb::NotificationToQuarantine) -> Result<((i64, String), pb::Notification), Error> {
    let pb::NotificationToQuarantine {
        igrp,
        notification,
        idempotency_key,
    } = item;
    let notification =
        notification.ok_or_else(|| Error::invalid("notifications.notification", "is missing"))?;
    if notification.rejection.is_none() {
        return Err(Error::invalid(
            "notifications.notification.rejection",
            "is missing",
        ));
    }
    if RecordKind::of_endpoint(&notification.endpoint).is_none() {
        return Err(Error::invalid(
            "notifications.notification.endpoint",
            "must be events, callRating or leadEnrich",
        ));
    }
    Ok(((igrp, idempotency_key), notification))
}
