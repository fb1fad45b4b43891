//! Events.

use deadpool_postgres::GenericClient;
use sfbridge_values::{Timestamp, VisitorId};
use uuid::Uuid;

use super::super::columns::{self, text};
use super::super::rows::event;
use super::super::{EventFilter, Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use super::statements::Statement;
use crate::domain::{Event, Origin, identity};

/// Reads events with what is known of their calls and visitors. Each of that is
/// looked up for one event at a time: without `LIMIT` the database may read all
/// visits and calls instead, when it takes them for few.
macro_rules! select {
    ($events:literal) => {
        concat!(
            "SELECT events.*,
    calls.number AS call_number, calls.visitor_id AS call_visitor_id,
    events.visitor_id IS NOT NULL AND COALESCE(
        (SELECT TRUE FROM visits
         WHERE visits.igrp = events.igrp AND visits.visitor_id = events.visitor_id LIMIT 1),
        (SELECT TRUE FROM calls AS others
         WHERE others.igrp = events.igrp AND others.visitor_id = events.visitor_id LIMIT 1),
        FALSE
    ) AS is_visitor_known
    FROM ",
            $events,
            " LEFT JOIN LATERAL (
        SELECT theirs.number, theirs.visitor_id FROM calls AS theirs
        WHERE theirs.igrp = events.igrp AND theirs.call_ref = events.call_ref LIMIT 1
    ) AS calls ON TRUE"
        )
    };
}

/// The columns of an event, and what is known of its call and visitor.
pub(super) const SELECT: &str = select!("events");

/// Of one visitor, `$2` of the installation `$1`: a call's visitor stands in for
/// the event's own. Either half goes by an index of its own, whatever the
/// database expects of the times asked for.
const OF_VISITOR: &str = select!(
    "(SELECT own.* FROM events AS own WHERE own.igrp = $1 AND own.visitor_id = $2
      UNION ALL
      SELECT own.* FROM calls AS theirs
      JOIN events AS own ON own.igrp = theirs.igrp AND own.call_ref = theirs.call_ref
      WHERE theirs.igrp = $1 AND theirs.visitor_id = $2
          AND own.visitor_id IS DISTINCT FROM $2) AS events"
);

/// The statement that adds events; none if there are none.
pub(super) fn insertion(events: &[Event]) -> Result<Option<Statement<'_>>, StoreError> {
    let origin = |field: fn(&Origin) -> Option<&str>| {
        events.iter().map(move |event| {
            let origin = event.origin.as_ref();
            origin.and_then(field)
        })
    };
    let attributes: Vec<_> = events
        .iter()
        .map(|event| columns::map(&event.attributes))
        .collect::<Result<_, _>>()?;
    let warnings: Vec<_> = events
        .iter()
        .map(|event| columns::warnings(&event.warnings))
        .collect::<Result<_, _>>()?;
    let all = || events.iter();
    Ok(Rows::default()
        .column("event_id", all().map(|event| event.event_id))
        .column("igrp", all().map(|event| event.igrp.get()))
        .column("action", all().map(|event| event.action.as_str()))
        .column(
            "action_folded",
            all().map(|event| event.action.to_lowercase()),
        )
        .column(
            "visitor_id",
            all().map(|event| event.visitor_id.map(visitor_uuid)),
        )
        .column("call_ref", all().map(|event| event.call_ref.as_deref()))
        .column("title", all().map(|event| event.title.as_str()))
        .column("value", all().map(|event| event.value.as_deref()))
        .column(
            "transaction_value",
            all().map(|event| event.transaction_value.as_deref()),
        )
        .column("currency", all().map(|event| event.currency.as_deref()))
        .column(
            "transaction_ref",
            all().map(|event| event.transaction_ref.as_deref()),
        )
        .column("event_time", all().map(|event| event.event_time.micros()))
        .column(
            "event_time_source",
            all().map(|event| columns::time_source_number(event.event_time_source)),
        )
        .column(
            "receive_time",
            all().map(|event| event.receive_time.micros()),
        )
        .column(
            "match_mode",
            all().map(|event| columns::match_mode_number(event.match_mode)),
        )
        .column(
            "source_phone_number",
            all().map(|event| event.source_phone_number.as_deref()),
        )
        .column(
            "call_start_time",
            all().map(|event| event.call_start_time.map(Timestamp::micros)),
        )
        .column("is_void", all().map(|event| event.is_void))
        .column("attributes", attributes.into_iter())
        .column("warnings", warnings.into_iter())
        .column(
            "idempotency_key",
            all().map(|event| event.idempotency_key.as_deref()),
        )
        .column(
            "organization_id",
            origin(|origin| text(origin.organization_id.as_ref())),
        )
        .column(
            "action_id",
            origin(|origin| text(origin.action_id.as_ref())),
        )
        .column(
            "notification_id",
            origin(|origin| text(origin.notification_id.as_ref())),
        )
        .column(
            "object_type",
            origin(|origin| text(origin.object_type.as_ref())),
        )
        .column(
            "record_id",
            origin(|origin| text(origin.record_id.as_ref())),
        )
        .column(
            "record_key",
            origin(|origin| text(origin.record_id.as_ref()).map(identity)),
        )
        .insertion("events", ""))
}

/// A visitor id as the type that 16 bytes have in the database.
pub(super) fn visitor_uuid(visitor_id: VisitorId) -> Uuid {
    Uuid::from_bytes(*visitor_id.as_bytes())
}

/// One event.
pub(super) async fn find(
    client: &impl GenericClient,
    event_id: Uuid,
) -> Result<Option<Event>, StoreError> {
    let select = format!("{SELECT} WHERE events.event_id = $1");
    let statement = client.prepare_cached(&select).await?;
    let row = client.query_opt(&statement, &[&event_id]).await?;
    row.map(|row| event::read(&row)).transpose()
}

/// A page of events.
pub(super) async fn list(
    client: &deadpool_postgres::Client,
    filter: EventFilter,
    page: PageRequest,
) -> Result<Page<Event>, StoreError> {
    let EventFilter {
        igrp,
        action,
        visitor_id,
        call_ref,
        record_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("events.igrp = ?", Some(igrp.get()));
    let select = match visitor_id {
        Some(visitor_id) => {
            conditions.bind(visitor_uuid(visitor_id));
            OF_VISITOR
        }
        None => SELECT,
    };
    conditions.add_if(
        "events.action_folded = ?",
        action.map(|action| action.to_lowercase()),
    );
    conditions.add_if(
        "events.call_ref = ?",
        call_ref.map(|call_ref| call_ref.as_str().to_owned()),
    );
    conditions.add_if(
        "events.record_key = ?",
        record_id.map(|id| identity(&id).to_owned()),
    );
    conditions.add_range("events.event_time", time);
    let listing = Listing {
        select,
        conditions,
        key: "events.event_time",
        number: "events.number",
    };
    listing.page(client, page, event::read).await
}
