//! Each notification and the URL's options become an event, a rating or a
//! lead, in the contract's words.
//!
//! Values stay text where the contract has text: the core parses them. What
//! can't be mapped goes along as far as it is known, with its rejection.

mod default_fields;
mod end_of_day;
mod event;
mod event_time;
mod explanation;
mod idempotency_key;
mod kept;
mod lead;
mod rating;
mod reading;
mod rejection;
mod sources;
mod time_text;

use sfbridge_proto::v1 as pb;
use sfbridge_values::OrganizationId;

pub use default_fields::{DefaultFields, InvalidDefaultFields};
pub use explanation::{ExplainedValue, Explanation, Item, Source};
pub(crate) use kept::{Unmappable, map_kept};

use crate::Endpoint;
use crate::parameters::Parameters;
use crate::soap::{Content, Notification, OutboundMessage, SObject, is_blank};
use idempotency_key::KeyMaker;
use reading::{Reading, passed_on};
use rejection::Fault;
use sources::Sources;

/// What the core is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum CoreRequest {
    /// To record events.
    Events(Paired<pb::Event>),
    /// To rate calls.
    Ratings(Paired<pb::CallRating>),
    /// To enrich leads.
    Leads(Paired<pb::LeadToEnrich>),
}

/// Items, each with the notification that it was made from: same order, same
/// length.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired<T> {
    /// What the notifications became, as far as they could be mapped.
    pub items: Vec<T>,
    /// The raw notifications, with a rejection where one could not be mapped.
    pub notifications: Vec<pb::Notification>,
}

impl CoreRequest {
    /// Adds the items of another request for the same endpoint.
    ///
    /// # Errors
    ///
    /// The other request, when it is for another endpoint.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), Self> {
        match (self, other) {
            (Self::Events(events), Self::Events(more)) => events.append(more),
            (Self::Ratings(ratings), Self::Ratings(more)) => ratings.append(more),
            (Self::Leads(leads), Self::Leads(more)) => leads.append(more),
            (_, other) => return Err(other),
        }
        Ok(())
    }
}

impl<T> Paired<T> {
    fn append(&mut self, more: Self) {
        self.items.extend(more.items);
        self.notifications.extend(more.notifications);
    }
}

/// Maps all notifications of a message.
pub fn map(
    message: OutboundMessage,
    parameters: &Parameters,
    defaults: &DefaultFields,
) -> CoreRequest {
    let (mapping, notifications) = Mapping::of(message, parameters, defaults);
    match parameters.endpoint() {
        Endpoint::Events => CoreRequest::Events(mapping.pair(notifications, event::event)),
        Endpoint::CallRating => CoreRequest::Ratings(mapping.pair(notifications, rating::rating)),
        Endpoint::LeadEnrich => CoreRequest::Leads(mapping.pair(notifications, lead::lead)),
    }
}

/// Says for each notification of a message what it would become, and where
/// each value comes from. It runs the same code as [`map`].
pub fn explain(
    message: OutboundMessage,
    parameters: &Parameters,
    defaults: &DefaultFields,
) -> Vec<Explanation> {
    let (mapping, notifications) = Mapping::of(message, parameters, defaults);
    let explained = |notification| match parameters.endpoint() {
        Endpoint::Events => mapping.explained(notification, event::event, Item::Event),
        Endpoint::CallRating => mapping.explained(notification, rating::rating, Item::Rating),
        Endpoint::LeadEnrich => mapping.explained(notification, lead::lead, Item::Lead),
    };
    notifications.into_iter().map(explained).collect()
}

/// What all notifications of a message share.
struct Mapping<'a> {
    organization_id: OrganizationId,
    action_id: String,
    warnings: Vec<String>,
    parameters: &'a Parameters,
    sources: Sources<'a>,
    defaults: &'a DefaultFields,
    keys: KeyMaker,
}

/// What every item says of its origin.
struct Origin {
    idempotency_key: String,
    salesforce: pb::SalesforceOrigin,
}

impl<'a> Mapping<'a> {
    fn of(
        message: OutboundMessage,
        parameters: &'a Parameters,
        defaults: &'a DefaultFields,
    ) -> (Self, Vec<Notification>) {
        let mapping = Self {
            keys: KeyMaker::new(&message.organization_id, parameters),
            organization_id: message.organization_id,
            action_id: message.action_id,
            warnings: message.warnings,
            parameters,
            sources: Sources::of(parameters),
            defaults,
        };
        (mapping, message.notifications)
    }

    fn pair<T>(
        &self,
        notifications: Vec<Notification>,
        make: impl Fn(&mut Reading<'_>, Origin) -> T,
    ) -> Paired<T> {
        let mut paired = Paired {
            items: Vec::with_capacity(notifications.len()),
            notifications: Vec::with_capacity(notifications.len()),
        };
        for notification in notifications {
            let (item, notification, ()) = self.one(notification, &make, |_| ());
            paired.items.push(item);
            paired.notifications.push(notification);
        }
        paired
    }

    fn explained<T>(
        &self,
        notification: Notification,
        make: impl Fn(&mut Reading<'_>, Origin) -> T,
        item: impl Fn(Box<T>) -> Item,
    ) -> Explanation {
        let (mapped, notification, values) = self.one(notification, make, explanation::values);
        Explanation {
            item: item(Box::new(mapped)),
            notification,
            values,
        }
    }

    /// Maps one notification, and lets `look` see how its values were found.
    fn one<T, L>(
        &self,
        notification: Notification,
        make: impl Fn(&mut Reading<'_>, Origin) -> T,
        look: impl Fn(&Reading<'_>) -> L,
    ) -> (T, pb::Notification, L) {
        let (record, fault) = taken_apart(notification.content);
        let salesforce = pb::SalesforceOrigin {
            organization_id: self.organization_id.as_str().to_owned(),
            action_id: passed_on(&self.action_id),
            notification_id: passed_on(&notification.id),
            object_type: passed_on(&record.object_type),
            record_id: passed_on(record.record_id()),
        };
        let origin = Origin {
            idempotency_key: self.keys.key(&notification.id, &self.action_id, &record),
            salesforce: salesforce.clone(),
        };

        let mut reading = Reading::new(&record, self.parameters, &self.sources, self.defaults);
        for warning in self.warnings.iter().cloned().chain(notification.warnings) {
            reading.warn(warning);
        }
        if let Some(fault) = fault {
            reading.reject(fault);
        }
        if is_deleted(&record) {
            reading.reject(Fault::deleted());
        }
        let item = make(&mut reading, origin);
        let looked = look(&reading);
        let rejection = reading.into_rejection();

        let mut fields = record.fields;
        fields.retain(|(_, text)| !is_blank(text));
        let notification = pb::Notification {
            endpoint: self.parameters.endpoint().name().to_owned(),
            query: self.parameters.canonical_query().to_owned(),
            salesforce: Some(salesforce),
            fields: fields.into_iter().collect(),
            rejection,
            replay_of: String::new(),
        };
        (item, notification, looked)
    }
}

/// What can be read of a notification's record, and what is wrong with it.
fn taken_apart(content: Content) -> (SObject, Option<Fault>) {
    match content {
        Content::Record(record) => (record, None),
        Content::Gone { object_type } => {
            let record = SObject {
                object_type,
                fields: Vec::new(),
            };
            (record, Some(Fault::gone()))
        }
        Content::Malformed {
            record,
            field,
            description,
        } => (record, Some(Fault::malformed(&field, description))),
    }
}

/// Whether a record that was sent all the same is in the recycle bin. A boolean
/// of XML Schema is `true` or `1`.
fn is_deleted(record: &SObject) -> bool {
    record
        .field("IsDeleted")
        .is_some_and(|text| matches!(text.trim(), "true" | "1"))
}

#[cfg(test)]
mod tests;
