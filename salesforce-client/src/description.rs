//! What an organisation says of its Leads.

use serde::Deserialize;
use sfbridge_values::FieldName;

/// The Lead object of an organisation, as the app's user may see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadDescription {
    /// The fields, in Salesforce's order.
    pub fields: Vec<FieldDescription>,
}

/// A field of the Lead object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDescription {
    /// The API name as the organisation spells it.
    pub name: String,
    /// What it holds.
    pub field_type: FieldType,
    /// The longest text, in UTF-16 units; 0 for what is no text.
    pub length: u32,
    /// The digits of a number in all; 0 for what is none.
    pub precision: u32,
    /// The digits of a number after the point.
    pub scale: u32,
    /// The digits of a whole number; 0 for what is none.
    pub digits: u32,
    /// Whether the user may write it.
    pub is_updateable: bool,
    /// Whether it may be empty.
    pub is_nillable: bool,
    /// The values that it takes and no others, if there is such a list.
    pub restricted_values: Option<Vec<String>>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are Salesforce's own names")]
pub enum FieldType {
    String,
    TextArea,
    Email,
    Phone,
    Url,
    Picklist,
    MultiPicklist,
    Combobox,
    EncryptedString,
    Int,
    Double,
    Currency,
    Percent,
    Boolean,
    Date,
    DateTime,
    Time,
    Id,
    Reference,
    Address,
    Location,
    Base64,
    AnyType,
    /// One that was not known when this was written.
    Other(String),
}

impl LeadDescription {
    /// The field of this name.
    pub fn field(&self, name: &FieldName) -> Option<&FieldDescription> {
        let name = name.as_str();
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Reads the answer to a describe call.
    pub(crate) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let described: Described = serde_json::from_slice(body)?;
        let fields = described.fields.into_iter().map(FieldDescription::from);
        Ok(Self {
            fields: fields.collect(),
        })
    }
}

#[derive(Deserialize)]
struct Described {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    r#type: String,
    #[serde(default)]
    length: u32,
    #[serde(default)]
    precision: u32,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    digits: u32,
    updateable: bool,
    #[serde(default)]
    nillable: bool,
    #[serde(default)]
    restricted_picklist: bool,
    #[serde(default)]
    picklist_values: Option<Vec<PicklistValue>>,
}

#[derive(Deserialize)]
struct PicklistValue {
    #[serde(default)]
    active: bool,
    value: Option<String>,
}

impl From<Field> for FieldDescription {
    fn from(field: Field) -> Self {
        let Field {
            name,
            r#type,
            length,
            precision,
            scale,
            digits,
            updateable,
            nillable,
            restricted_picklist,
            picklist_values,
        } = field;
        let restricted_values = restricted_picklist.then(|| {
            let values = picklist_values.unwrap_or_default().into_iter();
            values
                .filter(|value| value.active)
                .filter_map(|value| value.value)
                .collect()
        });
        Self {
            name,
            field_type: FieldType::from(r#type),
            length,
            precision,
            scale,
            digits,
            is_updateable: updateable,
            is_nillable: nillable,
            restricted_values,
        }
    }
}

impl From<String> for FieldType {
    fn from(name: String) -> Self {
        match name.as_str() {
            "string" => Self::String,
            "textarea" => Self::TextArea,
            "email" => Self::Email,
            "phone" => Self::Phone,
            "url" => Self::Url,
            "picklist" => Self::Picklist,
            "multipicklist" => Self::MultiPicklist,
            "combobox" => Self::Combobox,
            "encryptedstring" => Self::EncryptedString,
            "int" => Self::Int,
            "double" => Self::Double,
            "currency" => Self::Currency,
            "percent" => Self::Percent,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "time" => Self::Time,
            "id" => Self::Id,
            "reference" => Self::Reference,
            "address" => Self::Address,
            "location" => Self::Location,
            "base64" => Self::Base64,
            "anyType" => Self::AnyType,
            _ => Self::Other(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_with_what_it_says_and_no_more() {
        let body = br#"{"name": "Lead", "fields": [
            {"name": "Region__c", "type": "picklist", "length": 255, "updateable": true,
             "nillable": true, "restrictedPicklist": true, "picklistValues": [
                {"value": "North", "active": true}, {"value": "Old", "active": false}]},
            {"name": "Score__c", "type": "newtype", "precision": 18, "scale": 2,
             "updateable": false, "picklistValues": null}]}"#;
        let description = LeadDescription::read(body).unwrap();
        let field = |name| description.field(&FieldName::parse(name).unwrap());
        let region = field("region__C").unwrap();
        assert_eq!(region.field_type, FieldType::Picklist);
        assert_eq!(
            region.restricted_values.as_deref(),
            Some(&["North".to_owned()][..])
        );
        let score = field("Score__c").unwrap();
        assert_eq!(score.field_type, FieldType::Other("newtype".to_owned()));
        assert_eq!(
            (score.precision, score.scale, score.is_updateable),
            (18, 2, false)
        );
        assert_eq!(score.restricted_values, None);
        assert_eq!(field("Other__c"), None);
        assert!(LeadDescription::read(b"[]").is_err());
    }
}
