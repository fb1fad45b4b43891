//! Installations.

use std::collections::BTreeSet;
use std::iter::once as one;
use std::sync::Arc;

use deadpool_postgres::{Client, GenericClient, Transaction};
use sfbridge_values::{Currency, Igrp, OrganizationId};

use super::super::columns::igrp_numbers;
use super::super::rows::{attribution_model, installation};
use super::super::{InstallationFilter, Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing, Value};
use super::rows::Rows;
use crate::domain::{Country, Coverage, Installation, OrganizationAccess};
use crate::recording::ChangedInstallation;

/// One installation.
pub(super) async fn find(
    client: &impl GenericClient,
    igrp: Igrp,
) -> Result<Option<Installation>, StoreError> {
    let select = "SELECT * FROM installations WHERE igrp = $1";
    let statement = client.prepare_cached(select).await?;
    let row = client.query_opt(&statement, &[&igrp.get()]).await?;
    row.map(|row| installation::read(&row)).transpose()
}

/// The kind of advisory locks that installations have: "igrp" in ASCII.
const LOCKS: i32 = 0x6967_7270;

/// The number of an installation's advisory lock. Those that share one wait for
/// each other's deletion, and for nothing else.
fn lock_number(igrp: Igrp) -> i32 {
    let folded = igrp.get() ^ (igrp.get() >> 32);
    let [first, second, third, fourth, ..] = folded.to_le_bytes();
    i32::from_le_bytes([first, second, third, fourth])
}

/// Keeps installations from being deleted until the transaction ends, without a
/// write to their rows, which everybody who records would make.
///
/// Whoever reads them has to do so in a later statement: one that waited here
/// would see them as they were before it waited.
pub(super) async fn keep(
    client: &impl GenericClient,
    igrps: &BTreeSet<Igrp>,
) -> Result<(), StoreError> {
    if igrps.is_empty() {
        return Ok(());
    }
    let select =
        "SELECT pg_advisory_xact_lock_shared($1, number) FROM unnest($2::int4[]) AS number";
    let statement = client.prepare_cached(select).await?;
    let numbers: BTreeSet<i32> = igrps.iter().copied().map(lock_number).collect();
    let numbers: Vec<i32> = numbers.into_iter().collect();
    client.query(&statement, &[&LOCKS, &numbers]).await?;
    Ok(())
}

/// Installations that records which no job waits for are about to be recorded
/// in, and that are [kept](keep).
pub(super) async fn find_all(
    client: &impl GenericClient,
    igrps: &BTreeSet<Igrp>,
) -> Result<Vec<Installation>, StoreError> {
    select_all(
        client,
        igrps,
        "SELECT * FROM installations WHERE igrp = ANY($1)",
    )
    .await
}

/// Installations that visits and calls are about to be recorded in. A job that
/// has found nothing begins to wait either before they are recorded, and is
/// woken, or after, and finds them. None of the installations can be deleted
/// before that has ended.
pub(super) async fn find_shared(
    client: &impl GenericClient,
    igrps: &BTreeSet<Igrp>,
) -> Result<Vec<Installation>, StoreError> {
    select_all(
        client,
        igrps,
        "SELECT * FROM installations WHERE igrp = ANY($1) ORDER BY igrp FOR SHARE",
    )
    .await
}

async fn select_all(
    client: &impl GenericClient,
    igrps: &BTreeSet<Igrp>,
    select: &str,
) -> Result<Vec<Installation>, StoreError> {
    if igrps.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(select).await?;
    let rows = client.query(&statement, &[&igrp_numbers(igrps)]).await?;
    rows.iter().map(installation::read).collect()
}

/// Whether there is an installation. It can't be deleted before the transaction
/// ends.
pub(super) async fn hold(transaction: &Transaction<'_>, igrp: Igrp) -> Result<bool, StoreError> {
    let select = "SELECT igrp FROM installations WHERE igrp = $1 FOR KEY SHARE";
    let statement = transaction.prepare_cached(select).await?;
    let row = transaction.query_opt(&statement, &[&igrp.get()]).await?;
    Ok(row.is_some())
}

/// One installation, which nobody else changes before the transaction ends.
/// What is recorded in it meanwhile does not wait.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    igrp: Igrp,
) -> Result<Option<Installation>, StoreError> {
    let select = "SELECT * FROM installations WHERE igrp = $1 FOR NO KEY UPDATE";
    let statement = transaction.prepare_cached(select).await?;
    let row = transaction.query_opt(&statement, &[&igrp.get()]).await?;
    row.map(|row| installation::read(&row)).transpose()
}

/// Whether an organisation may send, and from where, as far as these
/// installations say.
pub(super) async fn organization_access(
    client: &impl GenericClient,
    organization: &OrganizationId,
    coverage: &Coverage,
) -> Result<OrganizationAccess, StoreError> {
    let select = "SELECT igrp, address_ranges, client_certificates FROM installations
                  WHERE organization_key = $1 ORDER BY igrp";
    let statement = client.prepare_cached(select).await?;
    let rows = client.query(&statement, &[&organization.key()]).await?;
    let restrictions = rows.iter().map(installation::restriction);
    let restrictions = restrictions.collect::<Result<Vec<_>, _>>()?;
    Ok(OrganizationAccess::of(restrictions, coverage))
}

/// Replaces the installation with its id.
pub(super) async fn put(
    transaction: &Transaction<'_>,
    kept: &Installation,
) -> Result<(), StoreError> {
    columns(kept)?
        .update(
            transaction,
            "installations",
            "display_name = new.display_name, time_zone = new.time_zone,
             currency = new.currency, country = new.country,
             attribution_model_id = new.attribution_model_id,
             attribution_models = new.attribution_models,
             organization_id = new.organization_id, organization_key = new.organization_key,
             rating_items = new.rating_items, lead_field_mapping = new.lead_field_mapping,
             address_ranges = new.address_ranges,
             client_certificates = new.client_certificates,
             is_provisional = new.is_provisional, create_time = new.create_time,
             update_time = new.update_time",
            "kept.igrp = new.igrp",
        )
        .await?;
    Ok(())
}

/// Adds an installation. One that is there by now is a conflict of transactions.
pub(super) async fn create(
    transaction: &impl GenericClient,
    new: &Installation,
) -> Result<(), StoreError> {
    columns(new)?
        .insert(transaction, "installations", "")
        .await?;
    Ok(())
}

/// An installation was created or linked by somebody else at the same time.
#[derive(Debug, thiserror::Error)]
#[error("installation {0} was linked to an organisation meanwhile")]
struct Linked(Igrp);

/// Creates an installation, or links one that is linked to nobody. Whoever does
/// so first is right; for anybody else that is a conflict of transactions.
pub(super) async fn create_or_link(
    transaction: &impl GenericClient,
    changed: &ChangedInstallation,
) -> Result<(), StoreError> {
    let kept = &changed.installation;
    if changed.is_new {
        return create(transaction, kept).await;
    }
    let linked = Rows::default()
        .column("igrp", one(kept.igrp.get()))
        .column(
            "organization_id",
            organization(kept, OrganizationId::as_str),
        )
        .column("organization_key", organization(kept, OrganizationId::key))
        .column("update_time", one(kept.update_time.micros()))
        .update(
            transaction,
            "installations",
            "organization_id = new.organization_id, organization_key = new.organization_key,
             update_time = new.update_time",
            "kept.igrp = new.igrp AND kept.organization_id IS NULL",
        )
        .await?;
    if linked == 0 {
        return Err(StoreError::Contended(Arc::new(Linked(kept.igrp))));
    }
    Ok(())
}

fn organization(
    kept: &Installation,
    part: fn(&OrganizationId) -> &str,
) -> impl Iterator<Item = Option<String>> {
    let part = kept.organization_id.as_ref().map(part);
    one(part.map(str::to_owned))
}

fn columns(kept: &Installation) -> Result<Rows<'_>, StoreError> {
    let Installation {
        igrp,
        display_name,
        time_zone,
        currency,
        country,
        attribution_model_id,
        attribution_models,
        organization_id: _,
        rating_items,
        lead_field_mapping,
        address_ranges,
        client_certificates,
        is_provisional,
        create_time,
        update_time,
    } = kept;
    let owned = |text: Option<&str>| one(text.map(str::to_owned));
    Ok(Rows::default()
        .column("igrp", one(igrp.get()))
        .column("display_name", one(display_name.as_str().to_owned()))
        .column("time_zone", one(time_zone.name().to_owned()))
        .column("currency", owned(currency.as_ref().map(Currency::as_str)))
        .column("country", owned(country.as_ref().map(Country::as_str)))
        .column(
            "attribution_model_id",
            one(i64::from(attribution_model_id.get())),
        )
        .column(
            "attribution_models",
            one(attribution_model::to_json(attribution_models)?),
        )
        .column(
            "organization_id",
            organization(kept, OrganizationId::as_str),
        )
        .column("organization_key", organization(kept, OrganizationId::key))
        .column(
            "rating_items",
            one(installation::rating_items_to_json(rating_items)?),
        )
        .column(
            "lead_field_mapping",
            one(installation::lead_field_mapping_to_json(
                lead_field_mapping,
            )?),
        )
        .column(
            "address_ranges",
            one(installation::one_of_to_json(address_ranges)?),
        )
        .column(
            "client_certificates",
            one(installation::one_of_to_json(client_certificates)?),
        )
        .column("is_provisional", one(*is_provisional))
        .column("create_time", one(create_time.micros()))
        .column("update_time", one(update_time.micros())))
}

/// Deletes an installation, with `force` its records too. `None` when there is
/// none, `false` when it has records that stay.
pub(super) async fn delete(
    transaction: &Transaction<'_>,
    igrp: Igrp,
    force: bool,
) -> Result<Option<bool>, StoreError> {
    // Their idempotency keys count as unused without them.
    const RECORDS: [&str; 6] = [
        "events",
        "call_ratings",
        "lead_enrichments",
        "visits",
        "calls",
        "quarantined_notifications",
    ];

    // Waits for those who record in it, and lets nobody begin.
    let select = "SELECT pg_advisory_xact_lock($1, $2)";
    let statement = transaction.prepare_cached(select).await?;
    transaction
        .query(&statement, &[&LOCKS, &lock_number(igrp)])
        .await?;
    let select = "SELECT igrp FROM installations WHERE igrp = $1 FOR UPDATE";
    let statement = transaction.prepare_cached(select).await?;
    let igrp = igrp.get();
    if transaction.query_opt(&statement, &[&igrp]).await?.is_none() {
        return Ok(None);
    }
    if !force {
        for table in RECORDS {
            let select = format!("SELECT igrp FROM {table} WHERE igrp = $1 LIMIT 1");
            let statement = transaction.prepare_cached(&select).await?;
            if transaction.query_opt(&statement, &[&igrp]).await?.is_some() {
                return Ok(Some(false));
            }
        }
    }
    // Many records take as long as they take.
    transaction
        .batch_execute("SET LOCAL statement_timeout = 0")
        .await?;
    // Settings that have a table of their own follow the records.
    let settings = ["known_leads", "salesforce_connections", "installations"];
    for table in RECORDS.into_iter().chain(settings) {
        let delete = format!("DELETE FROM {table} WHERE igrp = $1");
        let statement = transaction.prepare_cached(&delete).await?;
        transaction.execute(&statement, &[&igrp]).await?;
    }
    Ok(Some(true))
}

/// A page of installations.
pub(super) async fn list(
    client: &Client,
    filter: &InstallationFilter,
    page: PageRequest,
) -> Result<Page<Installation>, StoreError> {
    let InstallationFilter {
        coverage,
        organization_id,
    } = filter;
    let mut conditions = Conditions::default();
    if let Coverage::Only(igrps) = coverage {
        conditions.add("igrp = ANY(?)", [Box::new(igrp_numbers(igrps)) as Value]);
    }
    conditions.add_if(
        "organization_key = ?",
        organization_id
            .as_ref()
            .map(|organization| organization.key().to_owned()),
    );
    let listing = Listing {
        select: "SELECT * FROM installations",
        conditions,
        key: "create_time",
        number: "igrp",
    };
    listing.page(client, page, installation::read).await
}
