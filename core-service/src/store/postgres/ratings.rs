//! Call ratings.
//!
//! The ratings of a call stand in the order of their rating time, among equals
//! of their receipt. The last is current; one that says the same as the one
//! before it is unchanged. Both are worked out when a rating is read, so that
//! cores which write ratings of one call need not wait for each other.

use deadpool_postgres::{Client, GenericClient};
use sfbridge_values::Igrp;
use uuid::Uuid;

use super::super::columns::{self, text};
use super::super::rows::call_rating;
use super::super::{CallRatingFilter, Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use super::statements::Statement;
use crate::domain::{CallRating, Origin, identity};
use crate::recording::PlacedRating;

const SELECT: &str = "SELECT call_ratings.*,
    EXISTS (SELECT 1 FROM calls
            WHERE calls.igrp = call_ratings.igrp AND calls.call_ref = call_ratings.call_ref)
    AS is_call_known,
    NOT EXISTS (SELECT 1 FROM call_ratings AS later
                WHERE later.igrp = call_ratings.igrp AND later.call_ref = call_ratings.call_ref
                    AND (later.rating_time, later.number)
                        > (call_ratings.rating_time, call_ratings.number))
    AS is_current,
    COALESCE((SELECT before.rating = call_ratings.rating
                  AND before.transaction_value IS NOT DISTINCT FROM call_ratings.transaction_value
                  AND before.currency IS NOT DISTINCT FROM call_ratings.currency
              FROM call_ratings AS before
              WHERE before.igrp = call_ratings.igrp AND before.call_ref = call_ratings.call_ref
                  AND (before.rating_time, before.number)
                      < (call_ratings.rating_time, call_ratings.number)
              ORDER BY before.rating_time DESC, before.number DESC LIMIT 1), FALSE)
    AS is_unchanged
    FROM call_ratings";

/// The statements that write ratings, each in the place of the older one with
/// its id if there is one.
pub(super) fn placing(
    placed: &[PlacedRating],
) -> Result<impl Iterator<Item = Statement<'_>>, StoreError> {
    let replaced = placed.iter().filter(|placed| placed.replaces);
    let replaced: Vec<Uuid> = replaced
        .map(|placed| placed.rating.call_rating_id)
        .collect();
    let removal = (!replaced.is_empty()).then(|| Statement {
        sql: "DELETE FROM call_ratings WHERE call_rating_id = ANY($1)".to_owned(),
        values: vec![Box::new(replaced)],
    });
    let all = || placed.iter().map(|placed| &placed.rating);
    let origin = |field: fn(&Origin) -> Option<&str>| {
        all().map(move |rating| {
            let origin = rating.origin.as_ref();
            origin.and_then(field)
        })
    };
    let warnings: Vec<_> = all()
        .map(|rating| columns::warnings(&rating.warnings))
        .collect::<Result<_, _>>()?;
    let insertion = Rows::default()
        .column("call_rating_id", all().map(|rating| rating.call_rating_id))
        .column("igrp", all().map(|rating| rating.igrp.get()))
        .column("call_ref", all().map(|rating| rating.call_ref.as_str()))
        .column("rating", all().map(|rating| rating.rating.as_str()))
        .column(
            "rating_folded",
            all().map(|rating| rating.rating.to_lowercase()),
        )
        .column(
            "transaction_value",
            all().map(|rating| rating.transaction_value.as_deref()),
        )
        .column("currency", all().map(|rating| rating.currency.as_deref()))
        .column(
            "rating_time",
            all().map(|rating| rating.rating_time.micros()),
        )
        .column(
            "rating_time_source",
            all().map(|rating| columns::time_source_number(rating.rating_time_source)),
        )
        .column(
            "receive_time",
            all().map(|rating| rating.receive_time.micros()),
        )
        .column("warnings", warnings.into_iter())
        .column(
            "idempotency_key",
            all().map(|rating| rating.idempotency_key.as_deref()),
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
        .insertion("call_ratings", "");
    Ok(removal.into_iter().chain(insertion))
}

/// The current rating of a call.
pub(super) async fn current(
    client: &impl GenericClient,
    igrp: Igrp,
    call_ref: &str,
) -> Result<Option<CallRating>, StoreError> {
    let select = format!(
        "{SELECT} WHERE igrp = $1 AND call_ref = $2 ORDER BY rating_time DESC, number DESC LIMIT 1"
    );
    let statement = client.prepare_cached(&select).await?;
    let row = client
        .query_opt(&statement, &[&igrp.get(), &call_ref])
        .await?;
    row.map(|row| call_rating::read(&row)).transpose()
}

/// One rating.
pub(super) async fn find(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<CallRating>, StoreError> {
    let select = format!("{SELECT} WHERE call_rating_id = $1");
    let statement = client.prepare_cached(&select).await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    row.map(|row| call_rating::read(&row)).transpose()
}

/// A page of ratings.
pub(super) async fn list(
    client: &Client,
    filter: CallRatingFilter,
    page: PageRequest,
) -> Result<Page<CallRating>, StoreError> {
    let CallRatingFilter {
        igrp,
        call_ref,
        rating,
        record_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if(
        "call_ref = ?",
        call_ref.map(|call_ref| call_ref.as_str().to_owned()),
    );
    conditions.add_if(
        "rating_folded = ?",
        rating.map(|rating| rating.trim().to_lowercase()),
    );
    conditions.add_if(
        "record_key = ?",
        record_id.map(|id| identity(&id).to_owned()),
    );
    conditions.add_range("rating_time", time);
    let listing = Listing {
        select: SELECT,
        conditions,
        key: "rating_time",
        number: "number",
    };
    listing.page(client, page, call_rating::read).await
}
