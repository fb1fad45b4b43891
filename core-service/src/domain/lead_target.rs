//! Which marketing attributes go into which Lead fields.

use std::collections::BTreeMap;

use sfbridge_values::{FieldName, MarketingAttribute};

use super::LeadFieldMapping;

/// A marketing attribute and the Lead field that it is written into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadTarget {
    /// The attribute.
    pub attribute: MarketingAttribute,
    /// The field.
    pub field: FieldName,
    /// Whether nobody asked for it: organisations without the field do without.
    pub is_default: bool,
}

/// What is written where as long as an installation has no mapping of its own.
const DEFAULT: [(&str, &str); 19] = [
    ("chName", "Infinity_Channel__c"),
    ("chType", "Infinity_Channel_Type__c"),
    ("src", "Infinity_Source__c"),
    ("campaign", "Infinity_Campaign__c"),
    ("adGroup", "Infinity_Ad_Group__c"),
    ("term", "Infinity_Keyword__c"),
    ("matchType", "Infinity_Match_Type__c"),
    ("network", "Infinity_Network__c"),
    ("href", "Infinity_Landing_Page__c"),
    ("ref", "Infinity_Referrer__c"),
    ("triggerDatetime", "Infinity_Visit_Time__c"),
    ("first.chName", "Infinity_First_Channel__c"),
    ("first.src", "Infinity_First_Source__c"),
    ("first.campaign", "Infinity_First_Campaign__c"),
    ("path", "Infinity_Path__c"),
    ("visitorFirstDatetime", "Infinity_First_Visit__c"),
    ("visitorVisitCount", "Infinity_Visits__c"),
    ("callRef", "Infinity_Call_Reference__c"),
    ("callRating", "Infinity_Call_Rating__c"),
];

impl LeadTarget {
    /// What is written where: the request's mapping goes before the
    /// installation's, which stands in place of the default one. Of two
    /// attributes for one field, the one that was asked for more closely
    /// counts, else the first by name.
    pub fn resolve(installation: &LeadFieldMapping, request: &LeadFieldMapping) -> Vec<Self> {
        let asked = |mapping: &LeadFieldMapping| {
            let target = |(attribute, field): (&MarketingAttribute, &FieldName)| Self {
                attribute: attribute.clone(),
                field: field.clone(),
                is_default: false,
            };
            mapping.iter().map(target).collect::<Vec<_>>()
        };
        let own = asked(installation);
        let own = if own.is_empty() {
            Self::defaults()
        } else {
            own
        };

        let mut targets: Vec<Self> = Vec::new();
        for target in asked(request).into_iter().chain(own) {
            let is_taken = targets
                .iter()
                .any(|known| known.attribute == target.attribute || known.field == target.field);
            if !is_taken {
                targets.push(target);
            }
        }
        targets
    }

    /// The default mapping.
    pub fn defaults() -> Vec<Self> {
        let target = |(attribute, field): (&str, &str)| {
            Some(Self {
                attribute: MarketingAttribute::parse(attribute).ok()?,
                field: FieldName::parse(field).ok()?,
                is_default: true,
            })
        };
        DEFAULT.into_iter().filter_map(target).collect()
    }

    /// Whether the attribute tells of the visitor's first contact, which later
    /// ones do not change.
    pub fn is_first_touch(&self) -> bool {
        let name = self.attribute.as_str();
        name.starts_with("first.") || name == "visitorFirstDatetime"
    }
}

/// Texts by field name; names are compared as Salesforce does, without regard
/// to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldTexts(BTreeMap<String, String>);

impl FieldTexts {
    /// Takes texts by field name.
    pub fn new(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let folded = |(name, text): (String, String)| (name.to_ascii_lowercase(), text);
        Self(texts.into_iter().map(folded).collect())
    }

    /// The text of a field. `None` when the field is not there.
    pub fn get(&self, field: &FieldName) -> Option<&str> {
        let text = self.0.get(&field.as_str().to_ascii_lowercase());
        text.map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(installation: &[(&str, &str)], request: &[(&str, &str)]) -> Vec<String> {
        let mapping =
            |pairs: &[(&str, &str)]| LeadFieldMapping::parse(pairs.iter().copied()).unwrap();
        LeadTarget::resolve(&mapping(installation), &mapping(request))
            .iter()
            .map(|target| format!("{}={}", target.attribute, target.field))
            .collect()
    }

    #[test]
    fn the_default_mapping_is_whole_and_counts_until_there_is_another() {
        let defaults = LeadTarget::defaults();
        assert_eq!(defaults.len(), DEFAULT.len());
        assert!(defaults.iter().all(|target| target.is_default));
        assert_eq!(resolved(&[], &[]).len(), DEFAULT.len());
        assert_eq!(resolved(&[("src", "Source__c")], &[]), ["src=Source__c"]);
    }

    #[test]
    fn a_request_overrides_the_mapping_for_its_attributes() {
        let own = [("src", "Source__c"), ("term", "Term__c")];
        let targets = resolved(&own, &[("src", "LeadSource")]);
        assert_eq!(targets, ["src=LeadSource", "term=Term__c"]);
        assert_eq!(resolved(&[], &[("src", "LeadSource")]).len(), DEFAULT.len());
    }

    #[test]
    fn a_field_takes_one_attribute() {
        let targets = resolved(&[("src", "a__c"), ("term", "B__c")], &[("chName", "A__c")]);
        assert_eq!(targets, ["chName=A__c", "term=B__c"]);
    }

    fn metadata(path: &str) -> String {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/salesforce-metadata/force-app/main/default/"
        );
        std::fs::read_to_string(format!("{folder}{path}")).unwrap()
    }

    #[test]
    fn the_metadata_to_deploy_has_each_field_of_the_default_mapping() {
        let permissions =
            metadata("permissionsets/Infinity_Lead_Enrichment.permissionset-meta.xml");
        for (attribute, field) in DEFAULT {
            let text = metadata(&format!("objects/Lead/fields/{field}.field-meta.xml"));
            assert!(
                text.contains(&format!("<fullName>{field}</fullName>")),
                "{field}"
            );
            let kind = if attribute.ends_with("Datetime") {
                "<type>DateTime</type>"
            } else if attribute.ends_with("Count") {
                "<type>Number</type>"
            } else {
                "Text"
            };
            assert!(text.contains(kind), "{field} is no {kind}");
            let writes = format!("<editable>true</editable>\n        <field>Lead.{field}</field>");
            assert!(permissions.contains(&writes), "{field} can't be written");
        }
    }
}
