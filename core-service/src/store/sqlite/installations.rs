//! Installations.

use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use sfbridge_values::{Currency, Igrp, OrganizationId};

use super::super::rows::{attribution_model, installation};
use super::super::{InstallationFilter, Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing, igrp_in};
use super::row::{all, one};
use crate::domain::{Country, Coverage, Installation, OrganizationAccess};

/// One installation.
pub(super) fn find(
    connection: &Connection,
    igrp: Igrp,
) -> Result<Option<Installation>, StoreError> {
    let select = "SELECT * FROM installations WHERE igrp = ?1";
    let statement = connection.prepare_cached(select)?;
    one(statement, [igrp.get()], |row| installation::read(row))
}

/// Whether an organisation may send, and from where, as far as these
/// installations say.
pub(super) fn organization_access(
    connection: &Connection,
    organization: &OrganizationId,
    coverage: &Coverage,
) -> Result<OrganizationAccess, StoreError> {
    let statement = connection.prepare_cached(
        "SELECT igrp, address_ranges, client_certificates FROM installations
         WHERE organization_key = ?1 ORDER BY igrp",
    )?;
    let restrictions = all(statement, [organization.key()], |row| {
        installation::restriction(row)
    })?;
    Ok(OrganizationAccess::of(restrictions, coverage))
}

/// Adds an installation, or replaces the one with its id.
pub(super) fn put(connection: &Connection, kept: &Installation) -> Result<(), StoreError> {
    let Installation {
        igrp,
        display_name,
        time_zone,
        currency,
        country,
        attribution_model_id,
        attribution_models,
        organization_id,
        rating_items,
        lead_field_mapping,
        address_ranges,
        client_certificates,
        is_provisional,
        create_time,
        update_time,
    } = kept;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO installations (
                 igrp, display_name, time_zone, currency, country, attribution_model_id,
                 organization_id, organization_key, rating_items, lead_field_mapping,
                 address_ranges, client_certificates, is_provisional, create_time, update_time,
                 attribution_models)
             VALUES (
                 :igrp, :display_name, :time_zone, :currency, :country, :attribution_model_id,
                 :organization_id, :organization_key, :rating_items, :lead_field_mapping,
                 :address_ranges, :client_certificates, :is_provisional, :create_time, :update_time,
                 :attribution_models)",
        )?
        .execute(named_params! {
            ":igrp": igrp.get(),
            ":display_name": display_name.as_str(),
            ":time_zone": time_zone.name(),
            ":currency": currency.as_ref().map(Currency::as_str),
            ":country": country.as_ref().map(Country::as_str),
            ":attribution_model_id": attribution_model_id.get(),
            ":organization_id": organization_id.as_ref().map(OrganizationId::as_str),
            ":organization_key": organization_id.as_ref().map(OrganizationId::key),
            ":rating_items": installation::rating_items_to_json(rating_items)?,
            ":lead_field_mapping": installation::lead_field_mapping_to_json(lead_field_mapping)?,
            ":address_ranges": installation::one_of_to_json(address_ranges)?,
            ":client_certificates": installation::one_of_to_json(client_certificates)?,
            ":is_provisional": is_provisional,
            ":create_time": create_time.micros(),
            ":update_time": update_time.micros(),
            ":attribution_models": attribution_model::to_json(attribution_models)?,
        })?;
    Ok(())
}

/// Deletes an installation, with `force` its records too. `None` when there is
/// none, `false` when it has records that stay.
pub(super) fn delete(
    connection: &Connection,
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

    if find(connection, igrp)?.is_none() {
        return Ok(None);
    }
    for table in RECORDS {
        let has_records = connection
            .prepare_cached(&format!("SELECT 1 FROM {table} WHERE igrp = ?1"))?
            .exists([igrp.get()])?;
        if has_records && !force {
            return Ok(Some(false));
        }
    }
    for table in RECORDS {
        connection.execute(
            &format!("DELETE FROM {table} WHERE igrp = ?1"),
            [igrp.get()],
        )?;
    }
    // Settings that have a table of their own.
    for table in ["known_leads", "salesforce_connections", "installations"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE igrp = ?1"),
            [igrp.get()],
        )?;
    }
    Ok(Some(true))
}

/// A page of installations.
pub(super) fn list(
    connection: &Connection,
    filter: &InstallationFilter,
    page: PageRequest,
) -> Result<Page<Installation>, StoreError> {
    let InstallationFilter {
        coverage,
        organization_id,
    } = filter;
    let mut conditions = Conditions::default();
    if let Coverage::Only(igrps) = coverage {
        conditions.add(
            &igrp_in(igrps),
            igrps.iter().map(|igrp| Value::from(igrp.get())),
        );
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
    listing.page(connection, page, |row| installation::read(row))
}
