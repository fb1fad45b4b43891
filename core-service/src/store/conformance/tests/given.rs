//! Items and batches for rules, and short ways to look at what became of them.

use std::collections::BTreeMap;

use sfbridge_values::{
    Action, CallRef, Decimal, Igrp, LongText, OrganizationId, SalesforceId, ShortText, Timestamp,
    VisitorId,
};
use uuid::Uuid;

use crate::domain::{
    Call, CallRating, Coverage, Event, GivenCurrency, GivenTime, LeadEnrichment, LeadFieldMapping,
    LeadToEnrich, MatchMode, NewCall, NewCallRating, NewEvent, NewVisit, Notification, Origin,
    QuarantinedNotification, Rejection, RejectionReason, TimeSource,
};
use crate::recording::{Batch, IdempotencyKey, Item, ItemResult, UnknownInstallations};
use crate::store::{
    CallFilter, CallRatingFilter, EventFilter, LeadEnrichmentFilter, PageRequest, QuarantineFilter,
    Store, TimeRange,
};

/// The organisation that sends unless a rule says otherwise.
pub(in crate::store) const OURS: &str = "00D000000000062EAA";
pub(in crate::store) const OTHERS: &str = "00D000000000063EAA";

pub(in crate::store) fn igrp(id: i64) -> Igrp {
    Igrp::new(id).unwrap()
}

/// The installation of items unless a rule says otherwise.
pub(in crate::store) fn seven() -> Igrp {
    igrp(7)
}

/// A moment, in seconds.
pub(in crate::store) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(in crate::store) fn visitor(n: u8) -> VisitorId {
    VisitorId::from_bytes([n; 16])
}

pub(in crate::store) fn call_ref(text: &str) -> CallRef {
    CallRef::parse(text).unwrap()
}

pub(in crate::store) fn short(text: &str) -> ShortText {
    ShortText::new(text).unwrap()
}

pub(in crate::store) fn organization(id: &str) -> OrganizationId {
    OrganizationId::parse(id).unwrap()
}

/// A plain event with this title, without a time of its own.
pub(in crate::store) fn event(title: &str) -> NewEvent {
    NewEvent {
        action: Action::sale(),
        visitor_id: None,
        call_ref: None,
        title: LongText::cut(title.to_owned()).0,
        value: None,
        transaction_value: None,
        currency: GivenCurrency::Absent,
        transaction_ref: None,
        time: GivenTime::RECEIVED,
        match_mode: MatchMode::Exact,
        source_phone_number: None,
        call_start_time: None,
        attributes: BTreeMap::new(),
        warnings: Vec::new(),
        origin: None,
    }
}

/// A rating of a call at a time of its own.
pub(in crate::store) fn rating(call: &str, text: &str, seconds: i64) -> NewCallRating {
    NewCallRating {
        call_ref: call_ref(call),
        rating: short(text),
        transaction_value: None,
        currency: None,
        time: GivenTime::new(at(seconds), TimeSource::Given),
        warnings: Vec::new(),
        origin: None,
    }
}

pub(in crate::store) fn decimal(text: &str) -> Decimal {
    Decimal::read(text).unwrap().decimal
}

/// A request for the lead of this number.
pub(in crate::store) fn lead(number: u32) -> LeadToEnrich {
    LeadToEnrich {
        visitor_id: Some(visitor(1)),
        call_ref: None,
        organization_id: organization(OURS),
        record_id: SalesforceId::parse(&format!("00Q{number:012}")).unwrap(),
        as_of_time: None,
        attribution_model_id: None,
        field_mapping: LeadFieldMapping::default(),
        overwrite_policy: None,
        known_values: BTreeMap::new(),
        warnings: Vec::new(),
        origin: None,
    }
}

pub(in crate::store) fn visit(visitor_id: VisitorId, seconds: i64) -> NewVisit {
    let text = LongText::default;
    NewVisit {
        visitor_id,
        visit_time: at(seconds),
        landing_page_hash: 0,
        channel_name: text(),
        channel_type: text(),
        source: text(),
        campaign: text(),
        ad_group: text(),
        term: text(),
        match_type: text(),
        network: text(),
        landing_page: text(),
        referrer: text(),
        page_title: text(),
        pass_through: BTreeMap::new(),
        variables: BTreeMap::new(),
    }
}

pub(in crate::store) fn call(
    reference: &str,
    visitor_id: Option<VisitorId>,
    seconds: i64,
) -> NewCall {
    NewCall {
        call_ref: call_ref(reference),
        visitor_id,
        start_time: at(seconds),
        source_phone_number: ShortText::default(),
        dialled_phone_number: ShortText::default(),
        destination_phone_number: ShortText::default(),
        ring_seconds: 0,
        call_seconds: 0,
        bridge_seconds: 0,
        state: ShortText::default(),
    }
}

/// Where a Salesforce record of this number came from.
pub(in crate::store) fn origin(record: u32) -> Origin {
    Origin {
        organization_id: Some(short(OURS)),
        action_id: Some(short("04k000000000001EAA")),
        notification_id: Some(short(&format!("04l{record:012}EAA"))),
        object_type: Some(short("Opportunity")),
        record_id: Some(short(&format!("006{record:012}EAA"))),
    }
}

/// A notification to `events`.
pub(in crate::store) fn notification() -> Notification {
    Notification {
        endpoint: "events".to_owned(),
        query: String::new(),
        origin: origin(1),
        fields: BTreeMap::from([("Name".to_owned(), "Deal".to_owned())]).into(),
        replay_of: None,
    }
}

pub(in crate::store) fn item<T>(content: T) -> Item<T> {
    Item {
        igrp: Some(seven()),
        organization_id: None,
        content: Ok(content),
        idempotency_key: None,
        notification: None,
    }
}

/// An item that could not be read, for this reason.
pub(in crate::store) fn bad<T>(reason: RejectionReason) -> Item<T> {
    Item {
        igrp: Some(seven()),
        organization_id: None,
        content: Err(Rejection::new(reason, "field", "It is bad.")),
        idempotency_key: None,
        notification: None,
    }
}

/// How rules dress items.
impl<T> Item<T> {
    pub(in crate::store) fn of(self, igrp: Igrp) -> Self {
        Self {
            igrp: Some(igrp),
            ..self
        }
    }

    pub(in crate::store) fn from(self, id: &str) -> Self {
        Self {
            organization_id: Some(organization(id)),
            ..self
        }
    }

    /// With a caller's own key.
    pub(in crate::store) fn keyed(self, key: &str) -> Self {
        let key = IdempotencyKey::in_installation(short(key), self.igrp.unwrap());
        Self {
            idempotency_key: Some(key),
            ..self
        }
    }

    /// With the notification of this key.
    pub(in crate::store) fn notified(self, key: &str) -> Self {
        Self {
            idempotency_key: Some(IdempotencyKey::of_notification(short(key))),
            notification: Some(notification()),
            ..self
        }
    }

    /// With a notification that replays another.
    pub(in crate::store) fn replaying(self, key: &str, id: Uuid) -> Self {
        let notification = Notification {
            replay_of: Some(id),
            ..notification()
        };
        Self {
            notification: Some(notification),
            ..self.notified(key)
        }
    }
}

/// A batch of a caller who may do everything, in open mode.
pub(in crate::store) fn batch<T>(
    seconds: i64,
    items: impl IntoIterator<Item = Item<T>>,
) -> Batch<T> {
    Batch {
        items: items.into_iter().collect(),
        unknown_installations: UnknownInstallations::Create,
        coverage: Coverage::All,
        now: at(seconds),
    }
}

impl<T> Batch<T> {
    pub(in crate::store) fn covering(self, igrps: impl IntoIterator<Item = Igrp>) -> Self {
        Self {
            coverage: Coverage::Only(igrps.into_iter().collect()),
            ..self
        }
    }

    pub(in crate::store) fn strict(self) -> Self {
        Self {
            unknown_installations: UnknownInstallations::Reject,
            ..self
        }
    }
}

/// Short ways to look at a result.
impl ItemResult {
    #[track_caller]
    pub(in crate::store) fn recorded(&self) -> Uuid {
        match self {
            Self::Recorded(id) => *id,
            other => panic!("not recorded: {other:?}"),
        }
    }

    #[track_caller]
    pub(in crate::store) fn duplicate(&self) -> Uuid {
        match self {
            Self::Duplicate(id) => *id,
            other => panic!("no duplicate: {other:?}"),
        }
    }

    #[track_caller]
    pub(in crate::store) fn rejected(&self) -> (RejectionReason, Option<Uuid>) {
        match self {
            Self::Rejected {
                rejection,
                quarantined,
            } => (rejection.reason, *quarantined),
            other => panic!("not rejected: {other:?}"),
        }
    }

    /// Its quarantine record.
    #[track_caller]
    pub(in crate::store) fn quarantined(&self) -> Uuid {
        self.rejected().1.expect("not quarantined")
    }
}

pub(in crate::store) async fn record(
    store: &Store,
    seconds: i64,
    item: Item<NewEvent>,
) -> ItemResult {
    let results = store.record_events(batch(seconds, [item])).await;
    results.unwrap().remove(0)
}

pub(in crate::store) async fn rate(
    store: &Store,
    seconds: i64,
    item: Item<NewCallRating>,
) -> ItemResult {
    let results = store.rate_calls(batch(seconds, [item])).await;
    results.unwrap().remove(0)
}

pub(in crate::store) async fn enrich(
    store: &Store,
    seconds: i64,
    item: Item<LeadToEnrich>,
) -> ItemResult {
    let results = store.enrich_leads(batch(seconds, [item])).await;
    results.unwrap().remove(0)
}

pub(in crate::store) fn all_events(igrp: Igrp) -> EventFilter {
    EventFilter {
        igrp,
        action: None,
        visitor_id: None,
        call_ref: None,
        record_id: None,
        time: TimeRange::default(),
    }
}

pub(in crate::store) fn all_ratings(igrp: Igrp) -> CallRatingFilter {
    CallRatingFilter {
        igrp,
        call_ref: None,
        rating: None,
        record_id: None,
        time: TimeRange::default(),
    }
}

pub(in crate::store) fn all_enrichments(igrp: Igrp) -> LeadEnrichmentFilter {
    LeadEnrichmentFilter {
        igrp,
        state: None,
        visitor_id: None,
        call_ref: None,
        record_id: None,
        time: TimeRange::default(),
    }
}

pub(in crate::store) fn whole_quarantine() -> QuarantineFilter {
    QuarantineFilter {
        coverage: Coverage::All,
        igrp: None,
        organization_id: None,
        notification_id: None,
        record_id: None,
        reason: None,
        endpoint: None,
        object_type: None,
        query: None,
        show_resolved: true,
    }
}

pub(in crate::store) async fn events(store: &Store, igrp: Igrp) -> Vec<Event> {
    let page = store.events(all_events(igrp), PageRequest::ALL).await;
    page.unwrap().rows
}

pub(in crate::store) async fn ratings(store: &Store, igrp: Igrp) -> Vec<CallRating> {
    let page = store
        .call_ratings(all_ratings(igrp), PageRequest::ALL)
        .await;
    page.unwrap().rows
}

pub(in crate::store) async fn enrichments(store: &Store, igrp: Igrp) -> Vec<LeadEnrichment> {
    let filter = all_enrichments(igrp);
    let page = store.lead_enrichments(filter, PageRequest::ALL).await;
    page.unwrap().rows
}

pub(in crate::store) async fn calls(store: &Store, igrp: Igrp) -> Vec<Call> {
    let filter = CallFilter {
        igrp,
        visitor_id: None,
        time: TimeRange::default(),
    };
    store.calls(filter, PageRequest::ALL).await.unwrap().rows
}

pub(in crate::store) async fn quarantine(store: &Store) -> Vec<QuarantinedNotification> {
    let filter = whole_quarantine();
    let page = store.quarantined_notifications(filter, PageRequest::ALL);
    page.await.unwrap().rows
}
