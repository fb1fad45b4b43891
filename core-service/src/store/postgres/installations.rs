//! Installations.

use std::collections::BTreeSet;
use std::iter::once as one;
use std::sync::Arc;

use deadpool_postgres::{GenericClient, Transaction};
use sfbridge_values::{Currency, Igrp, OrganizationId};

use super::super::StoreError;
use super::super::columns::igrp_numbers;
use super::super::rows::{attribution_model, installation};
use super::rows::Rows;
use crate::domain::{Country, Installation};
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

/// Installations that something is about to be recorded in. None of them can be
/// deleted before that has ended.
pub(super) async fn find_all(
    transaction: &Transaction<'_>,
    igrps: &BTreeSet<Igrp>,
) -> Result<Vec<Installation>, StoreError> {
    if igrps.is_empty() {
        return Ok(Vec::new());
    }
    let select = "SELECT * FROM installations WHERE igrp = ANY($1)
                  ORDER BY igrp FOR KEY SHARE";
    let statement = transaction.prepare_cached(select).await?;
    let rows = transaction
        .query(&statement, &[&igrp_numbers(igrps)])
        .await?;
    rows.iter().map(|row| installation::read(row)).collect()
}

/// Adds an installation, or replaces the one with its id.
pub(super) async fn put(
    transaction: &Transaction<'_>,
    kept: &Installation,
) -> Result<(), StoreError> {
    columns(kept)?
        .insert(
            transaction,
            "installations",
            "ON CONFLICT (igrp) DO UPDATE SET
                 display_name = excluded.display_name, time_zone = excluded.time_zone,
                 currency = excluded.currency, country = excluded.country,
                 attribution_model_id = excluded.attribution_model_id,
                 attribution_models = excluded.attribution_models,
                 organization_id = excluded.organization_id,
                 organization_key = excluded.organization_key,
                 rating_items = excluded.rating_items,
                 lead_field_mapping = excluded.lead_field_mapping,
                 address_ranges = excluded.address_ranges,
                 client_certificates = excluded.client_certificates,
                 is_provisional = excluded.is_provisional, create_time = excluded.create_time,
                 update_time = excluded.update_time",
        )
        .await?;
    Ok(())
}

/// Adds an installation. One that is there by now is a conflict of transactions.
pub(super) async fn create(
    transaction: &Transaction<'_>,
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
    transaction: &Transaction<'_>,
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

fn columns(kept: &Installation) -> Result<Rows, StoreError> {
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
