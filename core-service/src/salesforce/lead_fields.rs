//! Lead fields as Salesforce describes them, in the domain's words.

use salesforce_client::{FieldDescription, FieldType, LeadDescription};

use crate::domain::{LeadField, LeadFieldKind, LeadTarget, MappingFinding, check_mapping};

/// A field as the domain knows it.
pub(crate) fn lead_field(described: &FieldDescription) -> LeadField {
    LeadField {
        name: described.name.clone(),
        kind: kind(described),
        is_updateable: described.is_updateable,
    }
}

fn kind(described: &FieldDescription) -> LeadFieldKind {
    match &described.field_type {
        FieldType::String
        | FieldType::TextArea
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Picklist
        | FieldType::MultiPicklist
        | FieldType::Combobox
        | FieldType::EncryptedString => LeadFieldKind::Text(described.length),
        FieldType::Int => LeadFieldKind::Integer,
        // Salesforce would round a fraction, and what it holds would never be
        // what was written.
        FieldType::Double | FieldType::Currency | FieldType::Percent if described.scale == 0 => {
            LeadFieldKind::Integer
        }
        FieldType::Double | FieldType::Currency | FieldType::Percent => LeadFieldKind::Decimal,
        FieldType::Date => LeadFieldKind::Date,
        FieldType::DateTime => LeadFieldKind::DateTime,
        FieldType::Boolean
        | FieldType::Time
        | FieldType::Id
        | FieldType::Reference
        | FieldType::Address
        | FieldType::Location
        | FieldType::Base64
        | FieldType::AnyType
        | FieldType::Other(_) => LeadFieldKind::Other,
    }
}

/// Which fields of a mapping will not do in an organisation.
pub(crate) fn findings(targets: &[LeadTarget], leads: &LeadDescription) -> Vec<MappingFinding> {
    check_mapping(targets, |name| leads.field(name).map(lead_field))
}
