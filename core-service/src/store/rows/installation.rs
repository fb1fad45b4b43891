//! The row of an installation.

use serde::{Deserialize, Serialize};
use sfbridge_values::{AddressRange, Currency, Fingerprint, OrganizationId, ShortText};

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use super::attribution_model;
use crate::domain::{
    AttributionModelId, Country, Installation, LeadFieldMapping, OneOf, RatingItem, RatingItems,
    SenderRestriction, TimeZone,
};

/// A rating item as it stands in its JSON column.
#[derive(Debug, Serialize, Deserialize)]
struct RatingItemColumn {
    text: String,
    captures_value: bool,
    currency: Option<String>,
}

/// Reads an installation.
pub(in super::super) fn read(row: &impl Columns) -> Result<Installation, StoreError> {
    fn parsed<T, E: std::fmt::Display>(
        row: &impl Columns,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
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
        .collect::<Result<_, StoreError>>()?;
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
        attribution_models: attribution_model::from_row(row)?,
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
    row: &impl Columns,
    column: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<OneOf<T>, StoreError> {
    let texts: Vec<String> = columns::json(row, column)?;
    let values = texts
        .iter()
        .map(|text| parse(text).map_err(|invalid| unreadable(column, invalid)))
        .collect::<Result<_, StoreError>>()?;
    OneOf::new(values).map_err(|invalid| unreadable(column, invalid))
}

/// Writes what a sender must have one of; nothing takes no room.
pub(in super::super) fn one_of_to_json<T: ToString>(
    values: &OneOf<T>,
) -> Result<Option<String>, StoreError> {
    if values.is_empty() {
        return Ok(None);
    }
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    columns::to_json(&texts).map(Some)
}

/// Reads what an installation asks of those who send to it.
pub(in super::super) fn restriction(row: &impl Columns) -> Result<SenderRestriction, StoreError> {
    Ok(SenderRestriction {
        igrp: columns::igrp(row)?,
        address_ranges: one_of(row, "address_ranges", AddressRange::parse)?,
        client_certificates: one_of(row, "client_certificates", Fingerprint::parse)?,
    })
}

/// Writes rating items.
pub(in super::super) fn rating_items_to_json(items: &RatingItems) -> Result<String, StoreError> {
    let items: Vec<_> = items
        .iter()
        .map(|item| RatingItemColumn {
            text: item.text.as_str().to_owned(),
            captures_value: item.captures_value,
            currency: item.currency.map(|currency| currency.to_string()),
        })
        .collect();
    columns::to_json(&items)
}

/// Writes a lead field mapping.
pub(in super::super) fn lead_field_mapping_to_json(
    mapping: &LeadFieldMapping,
) -> Result<String, StoreError> {
    columns::to_json(&mapping.clone().into_fields())
}
