//! Refused messages: a bounded list that strangers may add to.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::{Client, Transaction};
use sfbridge_values::{OrganizationId, Timestamp};

use super::super::columns::{Columns, igrp_numbers};
use super::super::rows::refused_message;
use super::super::{Page, PageRequest, RefusedMessageFilter, StoreError};
use super::bounds::{self, BoundedList};
use super::listing::{Conditions, Listing, Value};
use super::rows::Rows;
use crate::domain::{Coverage, Refusal, RefusedMessage, identity};
use crate::recording::new_record_id;

/// Takes note of refusals, and lets go what is too much by then. Cores do so
/// one after the other, so that the list keeps its bounds.
pub(super) async fn record(
    transaction: &Transaction<'_>,
    refusals: &[Refusal],
    now: Timestamp,
) -> Result<(), StoreError> {
    bounds::lock(transaction, BoundedList::RefusedMessages).await?;
    put(transaction, &merged(refusals), now).await?;
    // Once for all of them, because each time reads what may go.
    let organizations: BTreeSet<&str> = refusals.iter().map(organization_key).collect();
    let organizations: Vec<&str> = organizations.into_iter().collect();
    let select = "SELECT organization_key, count(*) AS count FROM refused_messages
                  WHERE organization_key = ANY($1)
                  GROUP BY organization_key HAVING count(*) > $2";
    let statement = transaction.prepare_cached(select).await?;
    let most = i64::from(RefusedMessage::MOST_OF_ORGANIZATION);
    let crowded = transaction
        .query(&statement, &[&organizations, &most])
        .await?;
    for row in &crowded {
        let organization: String = Columns::get(row, "organization_key")?;
        let count: i64 = Columns::get(row, "count")?;
        let_go_of_organization(transaction, &organization, count - most).await?;
    }
    let count = bounds::count(transaction, BoundedList::RefusedMessages).await?;
    let excess = count - i64::from(RefusedMessage::MOST);
    if excess > 0 {
        let_go_of_any(transaction, excess).await?;
    }
    Ok(())
}

fn organization_key(refusal: &Refusal) -> &str {
    let organization = refusal.organization_id.as_ref();
    organization.map_or("", OrganizationId::key)
}

fn line_and_column(refusal: &Refusal) -> (u32, u32) {
    let place = refusal.place;
    place.map_or((0, 0), |place| (place.line, place.column))
}

/// Makes one of those that are alike, because a statement can't count one row
/// up twice. What comes of it is the same as of one after the other.
fn merged(refusals: &[Refusal]) -> Vec<Refusal> {
    let mut merged: Vec<Refusal> = Vec::new();
    let mut places = HashMap::new();
    for refusal in refusals {
        let alike = (
            organization_key(refusal),
            refusal.endpoint.as_str(),
            refusal.reason.as_str(),
            refusal.parameter.as_str(),
            line_and_column(refusal),
        );
        let place = *places.entry(alike).or_insert(merged.len());
        let Some(first) = merged.get_mut(place) else {
            merged.push(refusal.clone());
            continue;
        };
        first.organization_id.clone_from(&refusal.organization_id);
        first.status = refusal.status;
        if refusal.last_receive_time >= first.last_receive_time {
            first.request_id = refusal.request_id.clone();
        }
        first.first_receive_time = first.first_receive_time.min(refusal.first_receive_time);
        first.last_receive_time = first.last_receive_time.max(refusal.last_receive_time);
        first.count = first.count.saturating_add(refusal.count);
    }
    merged
}

/// Adds rows, or counts them up.
async fn put(
    transaction: &Transaction<'_>,
    refusals: &[Refusal],
    now: Timestamp,
) -> Result<(), StoreError> {
    let all = || refusals.iter();
    let organization = |part: fn(&OrganizationId) -> &str| {
        all().map(move |refusal| {
            let organization = refusal.organization_id.as_ref();
            organization.map_or("", part).to_owned()
        })
    };
    Rows::default()
        .column("refused_message_id", all().map(|_| new_record_id(now)))
        .column("endpoint", all().map(|refusal| refusal.endpoint.clone()))
        .column("organization_id", organization(OrganizationId::as_str))
        .column("organization_key", organization(OrganizationId::key))
        .column(
            "status",
            all().map(|refusal| i64::from(refusal.status.get())),
        )
        .column(
            "reason",
            all().map(|refusal| refusal.reason.as_str().to_owned()),
        )
        .column(
            "parameter",
            all().map(|refusal| refusal.parameter.as_str().to_owned()),
        )
        .column(
            "line",
            all().map(|refusal| i64::from(line_and_column(refusal).0)),
        )
        .column(
            "\"column\"",
            all().map(|refusal| i64::from(line_and_column(refusal).1)),
        )
        .column(
            "request_id",
            all().map(|refusal| refusal.request_id.as_str().to_owned()),
        )
        .column(
            "first_receive_time",
            all().map(|refusal| refusal.first_receive_time.micros()),
        )
        .column(
            "last_receive_time",
            all().map(|refusal| refusal.last_receive_time.micros()),
        )
        .column("count", all().map(|refusal| i64::from(refusal.count)))
        .insert(
            transaction,
            "refused_messages AS kept",
            "ON CONFLICT (organization_key, endpoint, reason, parameter, line, \"column\")
             DO UPDATE SET
                 organization_id = excluded.organization_id, status = excluded.status,
                 -- A gateway may report late what it held back.
                 request_id = CASE WHEN excluded.last_receive_time < kept.last_receive_time
                     THEN kept.request_id ELSE excluded.request_id END,
                 first_receive_time =
                     least(kept.first_receive_time, excluded.first_receive_time),
                 last_receive_time =
                     greatest(kept.last_receive_time, excluded.last_receive_time),
                 count = least(kept.count + excluded.count, 4294967295)",
        )
        .await?;
    Ok(())
}

/// Lets the oldest go of the kind that has the most: a flood of one kind
/// pushes out nothing of another.
async fn let_go_of_organization(
    transaction: &Transaction<'_>,
    organization_key: &str,
    excess: i64,
) -> Result<(), StoreError> {
    let delete = "DELETE FROM refused_messages WHERE number IN (
                      SELECT number FROM (
                          SELECT number, row_number() OVER (
                              PARTITION BY endpoint, reason
                              ORDER BY last_receive_time DESC, number DESC) AS place
                          FROM refused_messages WHERE organization_key = $1) AS refused
                      ORDER BY place DESC, number LIMIT $2)";
    let statement = transaction.prepare_cached(delete).await?;
    transaction
        .execute(&statement, &[&organization_key, &excess])
        .await?;
    Ok(())
}

/// Lets those go that claim to be of an organisation that nobody linked, then
/// the oldest. Those without an organisation stay: they are few, and what an
/// honest one gets for a misspelt URL is among them.
async fn let_go_of_any(transaction: &Transaction<'_>, excess: i64) -> Result<(), StoreError> {
    let delete = "DELETE FROM refused_messages WHERE number IN (
                      SELECT number FROM refused_messages AS refused
                      ORDER BY organization_key = '' OR EXISTS (
                              SELECT 1 FROM installations
                              WHERE installations.organization_key = refused.organization_key),
                          last_receive_time, number
                      LIMIT $1)";
    let statement = transaction.prepare_cached(delete).await?;
    transaction.execute(&statement, &[&excess]).await?;
    Ok(())
}

/// A page of refused messages.
pub(super) async fn list(
    client: &Client,
    filter: RefusedMessageFilter,
    page: PageRequest,
) -> Result<Page<RefusedMessage>, StoreError> {
    let RefusedMessageFilter {
        coverage,
        organization_id,
        reason,
        endpoint,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    if let Coverage::Only(igrps) = &coverage {
        conditions.add(
            "organization_key IN (
                 SELECT organization_key FROM installations WHERE igrp = ANY(?))",
            [Box::new(igrp_numbers(igrps)) as Value],
        );
    }
    let key = organization_id.map(|id| identity(&id).to_owned());
    conditions.add_if("organization_key = ?", key);
    conditions.add_if("reason = ?", reason.map(|reason| reason.to_string()));
    conditions.add_if("endpoint = ?", endpoint);
    conditions.add_range("last_receive_time", time);
    let listing = Listing {
        select: "SELECT * FROM refused_messages",
        conditions,
        key: "last_receive_time",
        number: "number",
    };
    listing.page(client, page, refused_message::read).await
}
