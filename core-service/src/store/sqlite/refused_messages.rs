//! Refused messages: a bounded list that strangers may add to.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params};
use sfbridge_values::{Igrp, OrganizationId, Timestamp};

use super::super::rows::refused_message;
use super::super::{Page, PageRequest, RefusedMessageFilter, StoreError};
use super::listing::{Conditions, Listing, igrp_in};
use crate::domain::{Coverage, Refusal, RefusedMessage, identity};
use crate::recording::new_record_id;

/// Takes note of refusals, and lets go what is too much by then.
pub(super) fn record(
    connection: &Connection,
    refusals: &[Refusal],
    now: Timestamp,
) -> Result<(), StoreError> {
    for refusal in refusals {
        put(connection, refusal, now)?;
    }
    // Once for all of them, because each time reads what may go.
    let organizations: BTreeSet<&str> = refusals.iter().map(organization_key).collect();
    for organization in organizations {
        let count = connection
            .prepare_cached("SELECT count(*) FROM refused_messages WHERE organization_key = ?1")?
            .query_row([organization], |row| row.get(0))?;
        let excess = excess(count, RefusedMessage::MOST_OF_ORGANIZATION);
        if excess > 0 {
            let_go_of_organization(connection, organization, excess)?;
        }
    }
    let count = connection
        .prepare_cached("SELECT count(*) FROM refused_messages")?
        .query_row([], |row| row.get(0))?;
    let excess = excess(count, RefusedMessage::MOST);
    if excess > 0 {
        let_go_of_any(connection, excess)?;
    }
    Ok(())
}

fn excess(count: i64, most: u32) -> i64 {
    count - i64::from(most)
}

fn organization_key(refusal: &Refusal) -> &str {
    let organization = refusal.organization_id.as_ref();
    organization.map_or("", OrganizationId::key)
}

/// Adds a row, or counts one up.
fn put(connection: &Connection, refusal: &Refusal, now: Timestamp) -> Result<(), StoreError> {
    let organization = refusal.organization_id.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO refused_messages (
                 refused_message_id, endpoint, organization_id, organization_key, status, reason,
                 parameter, line, \"column\", request_id, first_receive_time, last_receive_time,
                 count)
             VALUES (
                 :id, :endpoint, :organization_id, :organization_key, :status, :reason,
                 :parameter, :line, :column, :request_id, :first, :last, :count)
             ON CONFLICT (organization_key, endpoint, reason, parameter, line, \"column\")
             DO UPDATE SET
                 organization_id = excluded.organization_id, status = excluded.status,
                 -- A gateway may report late what it held back.
                 request_id = CASE WHEN excluded.last_receive_time < last_receive_time
                     THEN request_id ELSE excluded.request_id END,
                 first_receive_time = min(first_receive_time, excluded.first_receive_time),
                 last_receive_time = max(last_receive_time, excluded.last_receive_time),
                 count = min(count + excluded.count, 4294967295)",
        )?
        .execute(named_params! {
            ":id": new_record_id(now).as_bytes(),
            ":endpoint": refusal.endpoint,
            ":organization_id": organization.map_or("", OrganizationId::as_str),
            ":organization_key": organization_key(refusal),
            ":status": refusal.status.get(),
            ":reason": refusal.reason.as_str(),
            ":parameter": refusal.parameter.as_str(),
            ":line": refusal.place.map_or(0, |place| place.line),
            ":column": refusal.place.map_or(0, |place| place.column),
            ":request_id": refusal.request_id.as_str(),
            ":first": refusal.first_receive_time.micros(),
            ":last": refusal.last_receive_time.micros(),
            ":count": refusal.count,
        })?;
    Ok(())
}

/// Lets the oldest go of the kind that has the most: a flood of one kind
/// pushes out nothing of another.
fn let_go_of_organization(
    connection: &Connection,
    organization_key: &str,
    excess: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM refused_messages WHERE number IN (
                 SELECT number FROM (
                     SELECT number, row_number() OVER (
                         PARTITION BY endpoint, reason
                         ORDER BY last_receive_time DESC, number DESC) AS place
                     FROM refused_messages WHERE organization_key = ?1)
                 ORDER BY place DESC, number LIMIT ?2)",
        )?
        .execute(params![organization_key, excess])?;
    Ok(())
}

/// Lets those go that claim to be of an organisation that nobody linked, then
/// the oldest. Those without an organisation stay: they are few, and what an
/// honest one gets for a misspelt URL is among them.
fn let_go_of_any(connection: &Connection, excess: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM refused_messages WHERE number IN (
                 SELECT number FROM refused_messages AS refused
                 ORDER BY organization_key = '' OR EXISTS (
                         SELECT 1 FROM installations
                         WHERE installations.organization_key = refused.organization_key),
                     last_receive_time, number
                 LIMIT ?1)",
        )?
        .execute([excess])?;
    Ok(())
}

/// A page of refused messages.
pub(super) fn list(
    connection: &Connection,
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
            &format!(
                "organization_key IN (SELECT organization_key FROM installations WHERE {})",
                igrp_in(igrps)
            ),
            igrps.iter().copied().map(Igrp::get).map(Value::from),
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
    listing.page(connection, page, |row| refused_message::read(row))
}
