//! Installations of the contract.

use std::collections::{BTreeMap, HashMap};

use sfbridge_proto::v1 as pb;
use sfbridge_values::{
    AddressRange, Currency, Fingerprint, Igrp, OrganizationId, ShortText, Timestamp,
};

use super::time;
use crate::domain::{
    AttributionModelId, Country, Installation, LeadFieldMapping, OneOf, RatingItem, RatingItems,
    TimeZone,
};
use crate::error::{Error, Violation};

/// The fields that an update may name.
const CHANGEABLE: [&str; 10] = [
    "display_name",
    "time_zone",
    "currency",
    "country",
    "attribution_model_id",
    "organization_id",
    "rating_items",
    "lead_field_mapping",
    "address_ranges",
    "client_certificates",
];

/// Reads an installation, and names every field at fault.
pub(super) fn read(installation: pb::Installation, now: Timestamp) -> Result<Installation, Error> {
    let pb::Installation {
        igrp,
        display_name,
        time_zone,
        currency,
        country,
        attribution_model_id,
        organization_id,
        rating_items,
        lead_field_mapping,
        is_provisional: _,
        create_time: _,
        update_time: _,
        address_ranges,
        client_certificates,
        salesforce_connection: _,
    } = installation;

    let mut reading = Reading::default();
    let igrp = reading.keep("igrp", Igrp::new(igrp));
    let display_name = reading.keep("display_name", ShortText::new(display_name.trim()));
    let time_zone = reading.optional("time_zone", &time_zone, TimeZone::parse);
    let currency = reading.optional("currency", &currency, Currency::parse);
    let country = reading.optional("country", &country, Country::parse);
    let attribution_model_id = reading.keep(
        "attribution_model_id",
        AttributionModelId::new(attribution_model_id),
    );
    let organization_id =
        reading.optional("organization_id", &organization_id, OrganizationId::parse);
    let items = rating_items
        .into_iter()
        .enumerate()
        .filter_map(|(n, item)| {
            let pb::RatingItem {
                text,
                captures_value,
                currency,
            } = item;
            let field = format!("rating_items[{n}].text");
            let text = reading.keep(&field, ShortText::new(text.trim()))?;
            let field = format!("rating_items[{n}].currency");
            let currency = reading.optional(&field, &currency, Currency::parse);
            Some(RatingItem {
                text,
                captures_value,
                currency,
            })
        })
        .collect();
    let rating_items = reading.keep("rating_items", RatingItems::new(items));
    let lead_field_mapping = read_mapping(&mut reading, &lead_field_mapping);
    let address_ranges = reading.one_of("address_ranges", &address_ranges, AddressRange::parse);
    let client_certificates = reading.one_of(
        "client_certificates",
        &client_certificates,
        Fingerprint::parse,
    );

    match (
        igrp,
        display_name,
        attribution_model_id,
        rating_items,
        lead_field_mapping,
        address_ranges,
        client_certificates,
    ) {
        (
            Some(igrp),
            Some(display_name),
            Some(attribution_model_id),
            Some(rating_items),
            Some(lead_field_mapping),
            Some(address_ranges),
            Some(client_certificates),
        ) if reading.violations.is_empty() => Ok(Installation {
            igrp,
            display_name,
            time_zone: time_zone.unwrap_or_default(),
            currency,
            country,
            attribution_model_id,
            organization_id,
            rating_items,
            lead_field_mapping,
            address_ranges,
            client_certificates,
            is_provisional: false,
            create_time: now,
            update_time: now,
        }),
        _ => Err(Error::Invalid(reading.violations)),
    }
}

fn read_mapping(
    reading: &mut Reading,
    mapping: &HashMap<String, String>,
) -> Option<LeadFieldMapping> {
    // Sorted, so that the same request always gets the same answer.
    let mapping: BTreeMap<_, _> = mapping
        .iter()
        .map(|(name, field)| (name.as_str(), field.as_str()))
        .collect();
    for (name, field) in &mapping {
        reading.keep(
            "lead_field_mapping",
            LeadFieldMapping::parse([(*name, *field)]),
        );
    }
    LeadFieldMapping::parse(mapping).ok()
}

/// Which fields to change; all that can be when no mask is given.
pub(super) fn read_mask(mask: Option<prost_types::FieldMask>) -> Result<Vec<String>, Error> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    if paths.is_empty() || paths == ["*"] {
        return Ok(CHANGEABLE.map(str::to_owned).to_vec());
    }
    let violations: Vec<_> = paths
        .iter()
        .filter(|path| !CHANGEABLE.contains(&path.as_str()))
        .map(|path| {
            let path: String = path.chars().take(64).collect();
            Violation {
                field: "update_mask".to_owned(),
                description: format!(
                    "update_mask names {path:?}, which can't be changed; it may name {}",
                    CHANGEABLE.join(", ")
                ),
            }
        })
        .collect();
    if violations.is_empty() {
        Ok(paths)
    } else {
        Err(Error::Invalid(violations))
    }
}

/// Takes the masked fields of `new` into `kept`.
pub(super) fn merge(kept: Installation, new: Installation, mask: &[String]) -> Installation {
    let takes = |field: &str| mask.iter().any(|path| path == field);
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
        is_provisional: _,
        create_time: _,
        update_time,
    } = new;
    Installation {
        igrp,
        display_name: if takes("display_name") {
            display_name
        } else {
            kept.display_name
        },
        time_zone: if takes("time_zone") {
            time_zone
        } else {
            kept.time_zone
        },
        currency: if takes("currency") {
            currency
        } else {
            kept.currency
        },
        country: if takes("country") {
            country
        } else {
            kept.country
        },
        attribution_model_id: if takes("attribution_model_id") {
            attribution_model_id
        } else {
            kept.attribution_model_id
        },
        organization_id: if takes("organization_id") {
            organization_id
        } else {
            kept.organization_id
        },
        rating_items: if takes("rating_items") {
            rating_items
        } else {
            kept.rating_items
        },
        lead_field_mapping: if takes("lead_field_mapping") {
            lead_field_mapping
        } else {
            kept.lead_field_mapping
        },
        address_ranges: if takes("address_ranges") {
            address_ranges
        } else {
            kept.address_ranges
        },
        client_certificates: if takes("client_certificates") {
            client_certificates
        } else {
            kept.client_certificates
        },
        is_provisional: false,
        create_time: kept.create_time,
        update_time,
    }
}

/// Writes an installation, with its connection to Salesforce if it has one.
pub(super) fn write(
    installation: Installation,
    salesforce_connection: Option<pb::SalesforceConnection>,
) -> pb::Installation {
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
    let code = |currency: Option<Currency>| currency.map(|c| c.to_string()).unwrap_or_default();
    pb::Installation {
        igrp: igrp.get(),
        display_name: display_name.to_string(),
        time_zone: time_zone.name().to_owned(),
        currency: code(currency),
        country: country
            .map(|country| country.as_str().to_owned())
            .unwrap_or_default(),
        attribution_model_id: attribution_model_id.get(),
        organization_id: organization_id.map(|id| id.to_string()).unwrap_or_default(),
        rating_items: rating_items
            .iter()
            .map(|item| pb::RatingItem {
                text: item.text.to_string(),
                captures_value: item.captures_value,
                currency: code(item.currency),
            })
            .collect(),
        lead_field_mapping: lead_field_mapping.into_fields().into_iter().collect(),
        is_provisional,
        create_time: Some(time::write(create_time)),
        update_time: Some(time::write(update_time)),
        address_ranges: write_one_of(&address_ranges),
        client_certificates: write_one_of(&client_certificates),
        salesforce_connection,
    }
}

/// Writes what a sender must have one of.
pub(super) fn write_one_of<T: ToString>(values: &OneOf<T>) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

/// Collects every field at fault.
#[derive(Default)]
struct Reading {
    violations: Vec<Violation>,
}

impl Reading {
    fn keep<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.violations.push(Violation {
                    field: format!("installation.{field}"),
                    description: format!("{field} {invalid}"),
                });
                None
            }
        }
    }

    /// Reads what a sender must have one of, and names each entry at fault.
    fn one_of<T: PartialEq, E: std::fmt::Display>(
        &mut self,
        field: &str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<OneOf<T>> {
        let values = texts
            .iter()
            .enumerate()
            // One more than there may be is too many, however many follow.
            .take(OneOf::<T>::MAX + 1)
            .filter_map(|(n, text)| self.keep(&format!("{field}[{n}]"), parse(text)))
            .collect();
        self.keep(field, OneOf::new(values))
    }

    fn optional<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            None
        } else {
            self.keep(field, parse(text))
        }
    }
}
