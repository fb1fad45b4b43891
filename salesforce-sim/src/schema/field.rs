//! Fields: what they hold, and who may write them.

use serde::{Deserialize, Serialize};

use super::InvalidField;

/// A field of an object.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// The API name.
    pub(crate) name: String,
    /// What people see.
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
    /// No record is without it.
    pub(crate) is_required: bool,
}

/// Who may write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody, at any time.
    Editable,
    /// Salesforce alone.
    ReadOnly,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Id,
    /// Another record.
    Reference {
        to: &'static [&'static str],
    },
    /// Lengths count UTF-16 units, as Java does.
    Text {
        length: usize,
    },
    TextArea {
        length: usize,
    },
    Email,
    Phone,
    Url,
    Picklist {
        values: Vec<String>,
        /// Other values are refused.
        is_restricted: bool,
    },
    Boolean,
    Integer {
        digits: u32,
    },
    Double {
        precision: u32,
        scale: u32,
    },
    Currency {
        precision: u32,
        scale: u32,
    },
    Date,
    DateTime,
    /// Several fields as one, read only.
    Address,
}

impl Kind {
    /// The type as `describe` names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Reference { .. } => "reference",
            Self::Text { .. } => "string",
            Self::TextArea { .. } => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Picklist { .. } => "picklist",
            Self::Boolean => "boolean",
            Self::Integer { .. } => "int",
            Self::Double { .. } => "double",
            Self::Currency { .. } => "currency",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Address => "address",
        }
    }

    /// The type in SOAP.
    pub(crate) fn soap_type(&self) -> &'static str {
        match self {
            Self::Id | Self::Reference { .. } => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Integer { .. } => "xsd:int",
            Self::Double { .. } | Self::Currency { .. } => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Address => "urn:address",
            _ => "xsd:string",
        }
    }

    /// The most UTF-16 units of a text; 0 where it is not a text.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Id | Self::Reference { .. } => 18,
            Self::Text { length } | Self::TextArea { length } => *length,
            Self::Email => 80,
            Self::Phone => 40,
            Self::Url | Self::Picklist { .. } => 255,
            _ => 0,
        }
    }

    /// Whether the value is a text that people write.
    pub(crate) fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Text { .. }
                | Self::TextArea { .. }
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::Picklist { .. }
        )
    }
}

impl Field {
    pub(crate) fn new(name: &str, label: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            access: Access::Editable,
            is_required: false,
        }
    }

    pub(crate) fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    pub(crate) fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// A field that a customer has added.
    pub(super) fn custom(custom: &CustomField) -> Result<Self, InvalidField> {
        let name = &custom.name;
        if !name.ends_with("__c") || !name.is_ascii() {
            return Err(InvalidField::NotCustom(name.clone()));
        }
        if custom.field_type == CustomType::Picklist && custom.values.is_empty() {
            return Err(InvalidField::NoValues(name.clone()));
        }
        let label = custom
            .label
            .clone()
            .unwrap_or_else(|| name.trim_end_matches("__c").replace('_', " "));
        let precision = custom.digits.unwrap_or(18);
        let scale = custom.scale.unwrap_or(0);
        let kind = match custom.field_type {
            CustomType::Text => Kind::Text {
                length: custom.length.unwrap_or(255),
            },
            CustomType::LongText => Kind::TextArea {
                length: custom.length.unwrap_or(32_768),
            },
            CustomType::Email => Kind::Email,
            CustomType::Phone => Kind::Phone,
            CustomType::Url => Kind::Url,
            CustomType::Picklist => Kind::Picklist {
                values: custom.values.clone(),
                is_restricted: custom.restricted,
            },
            CustomType::Checkbox => Kind::Boolean,
            CustomType::Number => Kind::Double { precision, scale },
            CustomType::Currency => Kind::Currency { precision, scale },
            CustomType::Date => Kind::Date,
            CustomType::DateTime => Kind::DateTime,
        };
        Ok(Self {
            is_required: custom.required,
            access: if custom.read_only {
                Access::ReadOnly
            } else {
                Access::Editable
            },
            ..Self::new(name, &label, kind)
        })
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }
}

/// A field that a data file adds to the Lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    /// The API name, which ends in `__c`.
    pub name: String,
    /// What people see; made from the name unless given.
    #[serde(default)]
    pub label: Option<String>,
    /// What it holds.
    #[serde(rename = "type")]
    pub field_type: CustomType,
    /// For texts: the most characters, in UTF-16 units.
    #[serde(default)]
    pub length: Option<usize>,
    /// For numbers: the most digits, with those after the point.
    #[serde(default)]
    pub digits: Option<u32>,
    /// For numbers: the digits after the point.
    #[serde(default)]
    pub scale: Option<u32>,
    /// For picklists: the values.
    #[serde(default)]
    pub values: Vec<String>,
    /// For picklists: other values are refused.
    #[serde(default)]
    pub restricted: bool,
    /// Records need it.
    #[serde(default)]
    pub required: bool,
    /// Nobody may write it, as with a formula or a missing permission.
    #[serde(default)]
    pub read_only: bool,
}

/// What a custom field can hold, as Setup names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomType {
    /// Text of up to 255 characters.
    Text,
    /// A long text area.
    LongText,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A web address.
    Url,
    /// One of several values.
    Picklist,
    /// True or false.
    Checkbox,
    /// A number.
    Number,
    /// An amount of money.
    Currency,
    /// A day.
    Date,
    /// An instant.
    #[serde(rename = "datetime")]
    DateTime,
}
