//! Installations: tracked business units.

use std::collections::BTreeMap;

use super::AttributionModelId;
use sfbridge_values::{
    Currency, FieldName, Igrp, MarketingAttribute, OrganizationId, ShortText, Timestamp,
};

use super::sender::{AddressRanges, ClientCertificates};

/// One tracked business unit.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Its id.
    pub igrp: Igrp,
    /// A name for people.
    pub display_name: ShortText,
    /// For display and for formatting Lead fields only.
    pub time_zone: TimeZone,
    /// For values that come without a currency.
    pub currency: Option<Currency>,
    /// For reading national phone numbers.
    pub country: Option<Country>,
    /// The model for lead enrichment.
    pub attribution_model_id: AttributionModelId,
    /// The linked Salesforce organisation.
    pub organization_id: Option<OrganizationId>,
    /// The ratings that calls can be given.
    pub rating_items: RatingItems,
    /// Where marketing attributes are written.
    pub lead_field_mapping: LeadFieldMapping,
    /// Where its organisation may send from.
    pub address_ranges: AddressRanges,
    /// What its organisation must show when it sends.
    pub client_certificates: ClientCertificates,
    /// Whether open mode made it.
    pub is_provisional: bool,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl Installation {
    /// The installation that open mode makes when something names it first.
    pub fn provisional(
        igrp: Igrp,
        organization_id: Option<OrganizationId>,
        now: Timestamp,
    ) -> Self {
        Self {
            igrp,
            display_name: ShortText::default(),
            time_zone: TimeZone::default(),
            currency: None,
            country: None,
            attribution_model_id: AttributionModelId::default(),
            organization_id,
            rating_items: RatingItems::default(),
            lead_field_mapping: LeadFieldMapping::default(),
            address_ranges: AddressRanges::default(),
            client_certificates: ClientCertificates::default(),
            is_provisional: true,
            create_time: now,
            update_time: now,
        }
    }
}

/// Why a setting of an installation is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInstallation {
    /// Not a time zone.
    #[error("is not an IANA time zone such as Europe/London; case counts")]
    TimeZone,
    /// Not a country.
    #[error("is not an ISO 3166 country code of two letters such as GB")]
    Country,
    /// Not an attribution model.
    #[error("is not an attribution model; the built-in ones are 0 to 10")]
    AttributionModel,
    /// Too many rating items.
    #[error("has more than 1,000 items")]
    TooManyRatingItems,
    /// A rating item without text.
    #[error("has an item without a text; a rating item has 1 to 255 characters")]
    RatingItemText,
    /// Two rating items of one text.
    #[error("has the item {0:?} twice; case does not count")]
    RatingItemTwice(String),
    /// A mapping to something that is not a field.
    #[error("maps {attribute} to something that {invalid}")]
    LeadField {
        /// The attribute.
        attribute: String,
        /// What is wrong with its field.
        invalid: sfbridge_values::InvalidFieldName,
    },
    /// A mapping of something that is not an attribute.
    #[error("has the name {name:?} that {invalid}")]
    Attribute {
        /// The name.
        name: String,
        /// What is wrong with it.
        invalid: sfbridge_values::InvalidMarketingAttribute,
    },
}

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// Reads a zone's name; case counts.
    ///
    /// # Errors
    ///
    /// [`InvalidInstallation::TimeZone`] when there is none of this name.
    pub fn parse(text: &str) -> Result<Self, InvalidInstallation> {
        text.parse()
            .map(Self)
            .map_err(|_| InvalidInstallation::TimeZone)
    }

    /// The zone's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What clocks in the zone show at an instant.
    pub fn local(self, time: Timestamp) -> chrono::NaiveDateTime {
        time.to_utc().with_timezone(&self.0).naive_local()
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(chrono_tz::Tz::UTC)
    }
}

/// An ISO 3166 country code of two letters, in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country(String);

impl Country {
    /// Reads a country code, in any case.
    ///
    /// # Errors
    ///
    /// [`InvalidInstallation::Country`] unless it is two ASCII letters.
    pub fn parse(text: &str) -> Result<Self, InvalidInstallation> {
        let text = text.trim();
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(InvalidInstallation::Country)
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A rating that calls can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatingItem {
    /// The text, in its canonical form.
    pub text: ShortText,
    /// Whether a value is captured with it.
    pub captures_value: bool,
    /// For captured values that come without a currency.
    pub currency: Option<Currency>,
}

/// The ratings that calls can be given; none means free text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RatingItems(Vec<RatingItem>);

impl RatingItems {
    const MAX: usize = 1_000;

    /// Takes items whose texts differ by more than case.
    ///
    /// # Errors
    ///
    /// [`InvalidInstallation`] for an empty text, one that is there twice, or
    /// more than 1,000 items.
    pub fn new(items: Vec<RatingItem>) -> Result<Self, InvalidInstallation> {
        // They are read again for each rating.
        if items.len() > Self::MAX {
            return Err(InvalidInstallation::TooManyRatingItems);
        }
        let mut seen = std::collections::HashSet::new();
        for item in &items {
            let text = item.text.as_str();
            if text.trim().is_empty() {
                return Err(InvalidInstallation::RatingItemText);
            }
            if !seen.insert(text.trim().to_lowercase()) {
                return Err(InvalidInstallation::RatingItemTwice(text.to_owned()));
            }
        }
        Ok(Self(items))
    }

    /// Whether any text may be a rating.
    pub fn is_free_text(&self) -> bool {
        self.0.is_empty()
    }

    /// The item of this text; case does not count.
    pub fn find(&self, text: &str) -> Option<&RatingItem> {
        let text = text.trim().to_lowercase();
        self.0
            .iter()
            .find(|item| item.text.as_str().trim().to_lowercase() == text)
    }

    /// The items in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &RatingItem> {
        self.0.iter()
    }
}

/// Marketing attribute to Lead field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadFieldMapping(BTreeMap<MarketingAttribute, FieldName>);

impl LeadFieldMapping {
    /// Reads a mapping.
    ///
    /// # Errors
    ///
    /// [`InvalidInstallation`] names the attribute or field at fault.
    pub fn parse<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidInstallation> {
        fields
            .into_iter()
            .map(|(name, field)| {
                let attribute = MarketingAttribute::parse(name).map_err(|invalid| {
                    // A stranger's text may be long.
                    let name = name.chars().take(64).collect();
                    InvalidInstallation::Attribute { name, invalid }
                })?;
                let field =
                    FieldName::parse(field).map_err(|invalid| InvalidInstallation::LeadField {
                        attribute: attribute.to_string(),
                        invalid,
                    })?;
                Ok((attribute, field))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether nothing is mapped, so that the default mapping counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes and their fields, by the attributes' names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&MarketingAttribute, &FieldName)> {
        self.0.iter()
    }

    /// The names of attributes and fields.
    pub fn into_fields(self) -> BTreeMap<String, String> {
        self.0
            .into_iter()
            .map(|(name, field)| (name.to_string(), field.to_string()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> RatingItem {
        RatingItem {
            text: ShortText::new(text).unwrap(),
            captures_value: false,
            currency: None,
        }
    }

    #[test]
    fn a_rating_item_is_found_whatever_its_case_and_kept_as_spelled() {
        let items = RatingItems::new(vec![item("New Lead"), item("Größe")]).unwrap();
        assert_eq!(items.find(" nEW lead ").unwrap().text.as_str(), "New Lead");
        assert_eq!(items.find("GRÖSSE"), None);
        assert_eq!(items.find("GRÖßE").unwrap().text.as_str(), "Größe");
        assert!(items.find("New").is_none());
    }

    #[test]
    fn rating_items_differ_by_more_than_case() {
        let twice = RatingItems::new(vec![item("New Lead"), item("new lead")]);
        assert_eq!(
            twice,
            Err(InvalidInstallation::RatingItemTwice("new lead".to_owned()))
        );
        assert_eq!(
            RatingItems::new(vec![item(" ")]),
            Err(InvalidInstallation::RatingItemText)
        );
    }

    #[test]
    fn a_mapping_names_what_is_wrong_with_it() {
        let error = LeadFieldMapping::parse([("chNam", "A__c")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("chNam") && error.contains("`chName`"),
            "{error}"
        );
        let error = LeadFieldMapping::parse([("chName", "A b")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("chName"), "{error}");
    }
}
