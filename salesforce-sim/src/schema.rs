//! What objects the org has, and what fields they have.

mod describe;
mod field;
mod lead;
mod opportunity;
mod task;

use std::fmt;

use serde_json::Value as Json;

pub(crate) use field::{Access, Field, Kind};
pub use field::{CustomField, CustomType};

/// The objects that this org knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectType {
    /// Somebody who may buy.
    Lead,
    /// A sale that may come.
    Opportunity,
    /// Something to do or done, such as a call.
    Task,
}

impl ObjectType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lead, Self::Opportunity, Self::Task];

    /// The API name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Opportunity => "Opportunity",
            Self::Task => "Task",
        }
    }

    /// The object of an API name, whose case does not matter.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|object| object.name().eq_ignore_ascii_case(name))
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Lead => "Leads",
            Self::Opportunity => "Opportunities",
            Self::Task => "Tasks",
        }
    }

    /// How ids of its records begin.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Lead => "00Q",
            Self::Opportunity => "006",
            Self::Task => "00T",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Lead => 0,
            Self::Opportunity => 1,
            Self::Task => 2,
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The fields of all objects.
#[derive(Debug)]
pub(crate) struct Schema {
    fields: [Vec<Field>; 3],
}

/// A field can't be added to the org, or taken from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// Its name is no custom field's.
    #[error("the field `{0}` can't be added; a custom field's name ends in __c")]
    NotCustom(String),
    /// There is one of that name.
    #[error("there is a field `{0}` already")]
    Twice(String),
    /// There is none of that name.
    #[error("there is no field `{0}` that could be left out")]
    Missing(String),
    /// Records can't do without it.
    #[error("the field `{0}` can't be left out; every record has it")]
    Needed(String),
    /// A picklist needs values.
    #[error("the picklist `{0}` has no values")]
    NoValues(String),
}

impl Schema {
    /// The standard objects with the fields of sfbridge's default mapping,
    /// the Lead with these more and without those.
    pub(crate) fn new(more: &[CustomField], without: &[String]) -> Result<Self, InvalidField> {
        let mut leads = lead::fields();
        for name in without {
            let field = leads.iter().position(|field| field.is_named(name));
            let Some(index) = field else {
                return Err(InvalidField::Missing(name.clone()));
            };
            if !leads[index].is_custom() && leads[index].access == Access::ReadOnly {
                return Err(InvalidField::Needed(name.clone()));
            }
            leads.remove(index);
        }
        for custom in more {
            if leads.iter().any(|field| field.is_named(&custom.name)) {
                return Err(InvalidField::Twice(custom.name.clone()));
            }
            leads.push(Field::custom(custom)?);
        }
        Ok(Self {
            fields: [leads, opportunity::fields(), task::fields()],
        })
    }

    /// The fields of an object.
    pub(crate) fn fields(&self, object: ObjectType) -> &[Field] {
        &self.fields[object.index()]
    }

    /// The field of a name, whose case does not matter.
    pub(crate) fn field(&self, object: ObjectType, name: &str) -> Option<&Field> {
        let mut fields = self.fields(object).iter();
        fields.find(|field| field.is_named(name))
    }

    /// What `describe` says of an object.
    pub(crate) fn describe(&self, object: ObjectType, version: &str) -> Json {
        describe::object(object, self.fields(object), version)
    }

    /// What the list of objects says of one.
    pub(crate) fn summary(object: ObjectType, version: &str) -> Json {
        describe::summary(object, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_whatever_their_case() {
        let schema = Schema::new(&[], &[]).unwrap();
        let field = schema.field(ObjectType::Lead, "infinity_channel__C");
        assert_eq!(field.unwrap().name, "Infinity_Channel__c");
        assert!(schema.field(ObjectType::Lead, "Nonsense__c").is_none());
        assert_eq!(ObjectType::named("lead"), Some(ObjectType::Lead));
    }

    #[test]
    fn no_object_has_a_field_twice() {
        let schema = Schema::new(&[], &[]).unwrap();
        for object in ObjectType::ALL {
            for field in schema.fields(object) {
                let same = schema.fields(object).iter();
                let same = same.filter(|other| other.is_named(&field.name)).count();
                assert_eq!(same, 1, "{object}.{}", field.name);
            }
        }
    }

    #[test]
    fn a_lead_can_do_without_some_fields_only() {
        let without = |name: &str| Schema::new(&[], &[name.to_owned()]).err();
        assert_eq!(without("Infinity_Path__c"), None);
        assert_eq!(without("Fax"), None);
        let name = "LastModifiedDate".to_owned();
        assert_eq!(without(&name), Some(InvalidField::Needed(name)));
        let name = "Nonsense__c".to_owned();
        assert_eq!(without(&name), Some(InvalidField::Missing(name)));
    }
}
