//! What `describe` answers.

use serde_json::{Value as Json, json};

use super::ObjectType;
use super::field::{Access, Field, Kind};

/// An object with all its fields.
pub(super) fn object(object: ObjectType, fields: &[Field], version: &str) -> Json {
    let fields: Vec<Json> = fields.iter().map(field).collect();
    let mut described = summary(object, version);
    if let Some(described) = described.as_object_mut() {
        described.insert("actionOverrides".to_owned(), json!([]));
        described.insert("childRelationships".to_owned(), json!([]));
        described.insert("fields".to_owned(), Json::Array(fields));
        described.insert("namedLayoutInfos".to_owned(), json!([]));
        described.insert("recordTypeInfos".to_owned(), json!([]));
        described.insert("supportedScopes".to_owned(), json!([]));
    }
    described
}

/// What the list of objects says of one.
pub(super) fn summary(object: ObjectType, version: &str) -> Json {
    let name = object.name();
    let url = format!("/services/data/{version}/sobjects/{name}");
    json!({
        "activateable": false,
        "createable": true,
        "custom": false,
        "customSetting": false,
        "deletable": true,
        "deprecatedAndHidden": false,
        "feedEnabled": true,
        "keyPrefix": object.prefix(),
        "label": name,
        "labelPlural": object.plural(),
        "layoutable": true,
        "mergeable": object == ObjectType::Lead,
        "mruEnabled": true,
        "name": name,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": true,
        "triggerable": true,
        "undeletable": true,
        "updateable": true,
        "urls": {
            "sobject": url,
            "describe": format!("{url}/describe"),
            "rowTemplate": format!("{url}/{{ID}}"),
        },
    })
}

fn field(field: &Field) -> Json {
    let is_editable = field.access == Access::Editable;
    let length = field.kind.length();
    let is_defaulted = matches!(field.kind, Kind::Boolean) || field.name == "OwnerId";
    let (precision, scale, digits) = match field.kind {
        Kind::Integer { digits } => (0, 0, digits),
        Kind::Double { precision, scale } | Kind::Currency { precision, scale } => {
            (precision, scale, 0)
        }
        _ => (0, 0, 0),
    };
    let mut described = json!({
        "aggregatable": !matches!(field.kind, Kind::TextArea { .. } | Kind::Address),
        "byteLength": length * 3,
        "compoundFieldName": compound(field),
        "createable": is_editable,
        "custom": field.is_custom(),
        "defaultValue": matches!(field.kind, Kind::Boolean).then_some(false),
        "defaultedOnCreate": is_defaulted || !is_editable,
        "digits": digits,
        "filterable": !matches!(field.kind, Kind::TextArea { length } if length > 255),
        "groupable": field.kind.is_text() && length <= 255,
        "idLookup": matches!(field.kind, Kind::Id),
        "label": field.label,
        "length": length,
        "name": field.name,
        "nameField": field.name == "Name" || field.name == "Subject",
        "nillable": !field.is_required,
        "permissionable": field.is_custom() && !field.is_required,
        "picklistValues": picklist_values(&field.kind),
        "polymorphicForeignKey": matches!(field.kind, Kind::Reference { to } if to.len() > 1),
        "precision": precision,
        "referenceTo": references(&field.kind),
        "restrictedPicklist": matches!(field.kind, Kind::Picklist { is_restricted: true, .. }),
        "scale": scale,
        "soapType": field.kind.soap_type(),
        "sortable": !matches!(field.kind, Kind::TextArea { .. } | Kind::Address),
        "type": field.kind.name(),
        "updateable": is_editable,
    });
    if let (Some(described), Some(always)) = (described.as_object_mut(), always().as_object_mut()) {
        described.append(always);
    }
    described
}

/// What is the same for all fields of this org.
fn always() -> Json {
    json!({
        "autoNumber": false,
        "calculated": false,
        "calculatedFormula": null,
        "caseSensitive": false,
        "controllerName": null,
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "encrypted": false,
        "externalId": false,
        "extraTypeInfo": null,
        "htmlFormatted": false,
        "inlineHelpText": null,
        "mask": null,
        "maskType": null,
        "namePointing": false,
        "queryByDistance": false,
        "relationshipName": null,
        "restrictedDelete": false,
        "unique": false,
        "writeRequiresMasterRead": false,
    })
}

fn compound(field: &Field) -> Option<&'static str> {
    match field.name.as_str() {
        "FirstName" | "LastName" | "Salutation" => Some("Name"),
        "Street" | "City" | "State" | "PostalCode" | "Country" | "Latitude" | "Longitude" => {
            Some("Address")
        }
        _ => None,
    }
}

fn picklist_values(kind: &Kind) -> Vec<Json> {
    let Kind::Picklist { values, .. } = kind else {
        return Vec::new();
    };
    values
        .iter()
        .map(|value| {
            json!({
                "active": true,
                "defaultValue": false,
                "label": value,
                "validFor": null,
                "value": value,
            })
        })
        .collect()
}

fn references(kind: &Kind) -> Vec<&'static str> {
    match kind {
        Kind::Reference { to } => to.to_vec(),
        _ => Vec::new(),
    }
}
