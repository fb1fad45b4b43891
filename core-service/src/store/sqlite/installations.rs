//! Installations.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use sfbridge_values::{AddressRange, Currency, Fingerprint, Igrp, OrganizationId, ShortText};

use super::super::{InstallationFilter, Page, PageRequest, StoreError};
use super::columns::{self, unreadable};
use super::listing::{Conditions, Listing};
use crate::domain::{
    AttributionModelId, Country, Coverage, Installation, LeadFieldMapping, OneOf,
    OrganizationAccess, RatingItem, RatingItems, SenderRestriction, TimeZone,
};

/// A rating item as it stands in its JSON column.
#[derive(Debug, Serialize, Deserialize)]
struct RatingItemColumn {
    text: String,
    captures_value: bool,
    currency: Option<String>,
}

/// One installation.
pub(super) fn find(
    connection: &Connection,
    igrp: Igrp,
) -> Result<Option<Installation>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM installations WHERE igrp = ?1")?
        .query_row([igrp.get()], read)
        .optional()?)
}

/// Whether an organisation may send, and from where, as far as these
/// installations say.
pub(super) fn organization_access(
    connection: &Connection,
    organization: &OrganizationId,
    coverage: &Coverage,
) -> Result<OrganizationAccess, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT igrp, address_ranges, client_certificates FROM installations
         WHERE organization_key = ?1 ORDER BY igrp",
    )?;
    let mut rows = statement.query([organization.key()])?;
    let mut access = OrganizationAccess {
        is_linked: false,
        restrictions: Vec::new(),
    };
    while let Some(row) = rows.next()? {
        let restriction = SenderRestriction {
            igrp: columns::igrp(row)?,
            address_ranges: one_of(row, "address_ranges", AddressRange::parse)?,
            client_certificates: one_of(row, "client_certificates", Fingerprint::parse)?,
        };
        if coverage.covers(restriction.igrp) {
            access.is_linked = true;
            if !restriction.is_empty() {
                access.restrictions.push(restriction);
            }
        }
    }
    Ok(access)
}

/// Adds an installation, or replaces the one with its id.
pub(super) fn put(connection: &Connection, installation: &Installation) -> Result<(), StoreError> {
    let Installation {
        igrp,
        display_name,
        time_zone,
        currency,
        country,
        attribution_model_id,
        organization_id,
        rating_items,
        lead_field_mapping,
        address_ranges,
        client_certificates,
        is_provisional,
        create_time,
        update_time,
    } = installation;
    let rating_items: Vec<_> = rating_items
        .iter()
        .map(|item| RatingItemColumn {
            text: item.text.as_str().to_owned(),
            captures_value: item.captures_value,
            currency: item.currency.map(|currency| currency.to_string()),
        })
        .collect();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO installations (
                 igrp, display_name, time_zone, currency, country, attribution_model_id,
                 organization_id, organization_key, rating_items, lead_field_mapping,
                 address_ranges, client_certificates, is_provisional, create_time, update_time)
             VALUES (
                 :igrp, :display_name, :time_zone, :currency, :country, :attribution_model_id,
                 :organization_id, :organization_key, :rating_items, :lead_field_mapping,
                 :address_ranges, :client_certificates, :is_provisional, :create_time, :update_time)",
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
            ":rating_items": columns::to_json(&rating_items)?,
            ":lead_field_mapping": columns::to_json(&lead_field_mapping.clone().into_fields())?,
            ":address_ranges": one_of_to_json(address_ranges)?,
            ":client_certificates": one_of_to_json(client_certificates)?,
            ":is_provisional": is_provisional,
            ":create_time": create_time.micros(),
            ":update_time": update_time.micros(),
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
            &columns::igrp_in(igrps),
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
    listing.page(connection, page, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Installation> {
    fn parsed<T, E: std::fmt::Display>(
        row: &Row<'_>,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| parse(&text))
            .transpose()
            .map_err(|invalid| unreadable(column, invalid))
    }

    let items: Vec<RatingItemColumn> = columns::json(row, "rating_items")?;
    let items = items
        .into_iter()
        .map(|item| {
            Ok(RatingItem {
                text: ShortText::new(&item.text)
                    .map_err(|invalid| unreadable("rating_items", invalid))?,
                captures_value: item.captures_value,
                currency: item
                    .currency
                    .map(|code| Currency::parse_unlisted(&code))
                    .transpose()
                    .map_err(|invalid| unreadable("rating_items", invalid))?,
            })
        })
        .collect::<rusqlite::Result<_>>()?;
    let mapping: std::collections::BTreeMap<String, String> =
        columns::json(row, "lead_field_mapping")?;
    let mapping = mapping
        .iter()
        .map(|(name, field)| (name.as_str(), field.as_str()));
    Ok(Installation {
        igrp: columns::igrp(row)?,
        display_name: parsed(row, "display_name", ShortText::new)?.unwrap_or_default(),
        time_zone: parsed(row, "time_zone", TimeZone::parse)?.unwrap_or_default(),
        currency: parsed(row, "currency", Currency::parse_unlisted)?,
        country: parsed(row, "country", Country::parse)?,
        attribution_model_id: AttributionModelId::new(row.get("attribution_model_id")?)
            .map_err(|invalid| unreadable("attribution_model_id", invalid))?,
        organization_id: parsed(row, "organization_id", OrganizationId::parse)?,
        rating_items: RatingItems::new(items)
            .map_err(|invalid| unreadable("rating_items", invalid))?,
        lead_field_mapping: LeadFieldMapping::parse(mapping)
            .map_err(|invalid| unreadable("lead_field_mapping", invalid))?,
        address_ranges: one_of(row, "address_ranges", AddressRange::parse)?,
        client_certificates: one_of(row, "client_certificates", Fingerprint::parse)?,
        is_provisional: row.get("is_provisional")?,
        create_time: columns::timestamp(row, "create_time")?,
        update_time: columns::timestamp(row, "update_time")?,
    })
}

/// Reads what a sender must have one of.
fn one_of<T: PartialEq, E: std::fmt::Display>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> rusqlite::Result<OneOf<T>> {
    let texts: Vec<String> = columns::json(row, column)?;
    let values = texts
        .iter()
        .map(|text| parse(text).map_err(|invalid| unreadable(column, invalid)))
        .collect::<rusqlite::Result<_>>()?;
    OneOf::new(values).map_err(|invalid| unreadable(column, invalid))
}

/// Writes what a sender must have one of; nothing takes no room.
fn one_of_to_json<T: ToString>(values: &OneOf<T>) -> Result<Option<String>, StoreError> {
    if values.is_empty() {
        return Ok(None);
    }
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    columns::to_json(&texts).map(Some)
}
