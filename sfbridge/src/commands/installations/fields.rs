//! What can be set of an installation.

use std::str::FromStr;

use clap::Args;
use sfbridge_proto::v1 as pb;
use sfbridge_values::{Currency, FieldName, MarketingAttribute};

use super::models::AttributionModels;
use super::senders::Senders;

/// The fields as flags. An empty text clears one.
#[derive(Debug, Default, Args)]
pub(crate) struct Fields {
    /// A name for people
    #[arg(long)]
    display_name: Option<String>,
    /// An IANA time zone for display, such as Europe/London; empty means UTC
    #[arg(long)]
    time_zone: Option<String>,
    /// The ISO 4217 currency of values that come without one
    #[arg(long)]
    currency: Option<String>,
    /// The ISO 3166 country that national phone numbers are read by, such as GB
    #[arg(long)]
    country: Option<String>,
    /// The attribution model for lead enrichment: 0 to 10, or one of its own
    #[arg(long, value_name = "ID")]
    attribution_model_id: Option<i32>,
    /// The linked Salesforce organisation, 15 or 18 characters
    #[arg(long)]
    organization_id: Option<String>,
    /// A rating that calls can be given, as `TEXT`, perhaps with `,captures-value` and `,CURRENCY`;
    /// repeat it for all of them, they replace what was there
    #[arg(long = "rating-item", value_name = "ITEM")]
    rating_items: Vec<RatingItem>,
    /// Take all rating items away: calls can then be given any text
    #[arg(long, conflicts_with = "rating_items")]
    no_rating_items: bool,
    /// Write a marketing attribute into a Lead field, as ATTRIBUTE=FIELD;
    /// repeat it for all of them, they replace what was there
    #[arg(long = "map", value_name = "ATTRIBUTE=FIELD")]
    lead_field_mapping: Vec<MappedField>,
    /// Take the lead field mapping away: the default one counts then
    #[arg(long, conflicts_with = "lead_field_mapping")]
    no_map: bool,
    #[command(flatten)]
    attribution_models: AttributionModels,
    #[command(flatten)]
    senders: Senders,
}

impl Fields {
    /// The names of the fields that are given, as the contract spells them.
    pub(super) fn mask(&self) -> Vec<String> {
        let Self {
            display_name,
            time_zone,
            currency,
            country,
            attribution_model_id,
            organization_id,
            rating_items,
            no_rating_items,
            lead_field_mapping,
            no_map,
            attribution_models,
            senders,
        } = self;
        [
            ("display_name", display_name.is_some()),
            ("time_zone", time_zone.is_some()),
            ("currency", currency.is_some()),
            ("country", country.is_some()),
            ("attribution_model_id", attribution_model_id.is_some()),
            ("organization_id", organization_id.is_some()),
            ("rating_items", !rating_items.is_empty() || *no_rating_items),
            (
                "lead_field_mapping",
                !lead_field_mapping.is_empty() || *no_map,
            ),
        ]
        .into_iter()
        .chain([attribution_models.mask()])
        .chain(senders.mask())
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| name.to_owned())
        .collect()
    }

    /// The installation with these fields; what is not given has its default.
    pub(super) fn into_installation(self, igrp: i64) -> pb::Installation {
        pb::Installation {
            igrp,
            display_name: self.display_name.unwrap_or_default(),
            time_zone: self.time_zone.unwrap_or_default(),
            currency: self.currency.unwrap_or_default(),
            country: self.country.unwrap_or_default(),
            attribution_model_id: self.attribution_model_id.unwrap_or_default(),
            organization_id: self.organization_id.unwrap_or_default(),
            rating_items: self
                .rating_items
                .into_iter()
                .map(|RatingItem(item)| item)
                .collect(),
            lead_field_mapping: self
                .lead_field_mapping
                .into_iter()
                .map(|MappedField { attribute, field }| (attribute, field))
                .collect(),
            attribution_models: self.attribution_models.into_models(),
            address_ranges: self.senders.address_ranges(),
            client_certificates: self.senders.client_certificates(),
            ..Default::default()
        }
    }
}

/// A rating item as a flag's value.
#[derive(Clone, Debug, PartialEq)]
struct RatingItem(pb::RatingItem);

impl FromStr for RatingItem {
    type Err = &'static str;

    /// The options are read from the end, so that the text may have commas.
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let mut item = pb::RatingItem::default();
        let mut text = value.trim();
        while let Some((rest, option)) = text.rsplit_once(',') {
            let option = option.trim();
            if option == "captures-value" && !item.captures_value {
                item.captures_value = true;
            } else if item.currency.is_empty() && is_currency(option) {
                option.clone_into(&mut item.currency);
            } else {
                break;
            }
            text = rest.trim_end();
        }
        if text.is_empty() {
            return Err("has no text; write TEXT, TEXT,captures-value or TEXT,captures-value,GBP");
        }
        text.clone_into(&mut item.text);
        Ok(Self(item))
    }
}

/// Whether a text is a currency in capitals, as codes are written: `Hot,for`
/// is a text with a comma.
fn is_currency(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase()) && Currency::parse(text).is_ok()
}

/// A mapping of one attribute as a flag's value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MappedField {
    attribute: String,
    field: String,
}

impl FromStr for MappedField {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let (attribute, field) = value
            .split_once('=')
            .ok_or("write ATTRIBUTE=FIELD, such as chName=Infinity_Channel__c")?;
        let (attribute, field) = (attribute.trim(), field.trim());
        MarketingAttribute::parse(attribute).map_err(|error| format!("`{attribute}` {error}"))?;
        FieldName::parse(field).map_err(|error| format!("`{field}` {error}"))?;
        Ok(Self {
            attribute: attribute.to_owned(),
            field: field.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, text: &str, captures_value: bool, currency: &str) {
        let item = pb::RatingItem {
            text: text.to_owned(),
            captures_value,
            currency: currency.to_owned(),
        };
        assert_eq!(value.parse(), Ok(RatingItem(item)), "{value}");
    }

    #[test]
    fn a_rating_item_has_a_text_and_options_after_it() {
        check("New Lead", "New Lead", false, "");
        check("New Lead,captures-value", "New Lead", true, "");
        check("New Lead,captures-value,GBP", "New Lead", true, "GBP");
        check("New Lead, GBP, captures-value", "New Lead", true, "GBP");
        check("Hot, warm", "Hot, warm", false, "");
        check("Hot, warm,captures-value", "Hot, warm", true, "");
        assert!("".parse::<RatingItem>().is_err());
        assert!(",captures-value".parse::<RatingItem>().is_err());
    }

    #[test]
    fn a_mapping_names_an_attribute_and_a_field() {
        let mapped: MappedField = "chName=Infinity_Channel__c".parse().unwrap();
        assert_eq!(mapped.attribute, "chName");
        for wrong in ["chName", "chNam=X", "chName=", "chName=1x"] {
            assert!(wrong.parse::<MappedField>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_given_is_changed() {
        let fields = Fields {
            currency: Some(String::new()),
            no_map: true,
            ..Default::default()
        };
        assert_eq!(fields.mask(), ["currency", "lead_field_mapping"]);
        assert!(Fields::default().mask().is_empty());
    }
}
