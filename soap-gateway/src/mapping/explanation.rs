//! What notifications would become, and why.

use sfbridge_proto::v1 as pb;

use super::reading::{Finding, Found, GivenBy, Reading, passed_on};
use crate::Endpoint;
use crate::parameters::{Target, ValueKind, ValueType, parameters_of};

/// What one notification would become.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The item that the core would be asked for.
    pub item: Item,
    /// The notification beside it; with a rejection if it could not be mapped.
    pub notification: pb::Notification,
    /// The values in the order in which they are looked for.
    pub values: Vec<ExplainedValue>,
}

/// An item of any endpoint.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event to record.
    Event(Box<pb::Event>),
    /// A rating of a call.
    Rating(Box<pb::CallRating>),
    /// A lead to enrich.
    Lead(Box<pb::LeadToEnrich>),
}

/// Where one value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedValue {
    /// The value's name, as the contract spells it; `c_NAME` for a custom
    /// variable.
    pub name: String,
    /// Its exact text; empty when there is none.
    pub text: String,
    /// What gave it.
    pub source: Source,
    /// What is wrong with it, as the end of a sentence that begins with its
    /// name. Only what its text alone tells: whether an installation or a
    /// rating item exists is for the core to say.
    pub problem: Option<String>,
}

/// What gave a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The field that a parameter names.
    NamedField {
        /// The parameter's main name.
        parameter: String,
        /// The field.
        field: String,
    },
    /// A parameter's literal.
    Literal {
        /// The parameter's main name.
        parameter: String,
    },
    /// A field that counts without being named.
    DefaultField {
        /// The field.
        field: String,
    },
    /// The default value.
    DefaultValue,
    /// Nothing: it has no value.
    Nothing,
}

impl Explanation {
    /// What the mapping alone knows, in the contract's words. What would become
    /// of it is for the core to add.
    pub fn message(&self) -> pb::ExplainedNotification {
        use pb::explained_notification::Item as Message;

        let (item, warnings) = match &self.item {
            Item::Event(event) => (Message::Event((**event).clone()), &event.warnings),
            Item::Rating(rating) => (Message::Rating((**rating).clone()), &rating.warnings),
            Item::Lead(lead) => (Message::Lead((**lead).clone()), &lead.warnings),
        };
        pb::ExplainedNotification {
            salesforce: self.notification.salesforce.clone(),
            warnings: warnings.clone(),
            item: Some(item),
            values: self.values.iter().map(ExplainedValue::message).collect(),
            rejections: self.notification.rejection.clone().into_iter().collect(),
            ..Default::default()
        }
    }
}

impl ExplainedValue {
    fn message(&self) -> pb::ExplainedValue {
        let (source, parameter, field) = match &self.source {
            Source::NamedField { parameter, field } => (
                pb::ValueSource::NamedField,
                parameter.as_str(),
                field.as_str(),
            ),
            Source::Literal { parameter } => (pb::ValueSource::Literal, parameter.as_str(), ""),
            Source::DefaultField { field } => (pb::ValueSource::DefaultField, "", field.as_str()),
            Source::DefaultValue => (pb::ValueSource::DefaultValue, "", ""),
            Source::Nothing => (pb::ValueSource::Nothing, "", ""),
        };
        pb::ExplainedValue {
            name: self.name.clone(),
            text: passed_on(&self.text),
            source: source.into(),
            parameter: parameter.to_owned(),
            field: field.to_owned(),
            problem: self.problem.clone().unwrap_or_default(),
        }
    }
}

/// Explains what was found in a reading.
pub(super) fn values(reading: &Reading<'_>) -> Vec<ExplainedValue> {
    let endpoint = reading.parameters().endpoint();
    let explain = |finding: &Finding<'_>| explained(endpoint, finding);
    reading.findings().iter().map(explain).collect()
}

fn explained(endpoint: Endpoint, finding: &Finding<'_>) -> ExplainedValue {
    let text = finding.found.map_or("", |found| found.text);
    let problem = finding
        .problem
        .clone()
        .or_else(|| problem_of(endpoint, finding));
    ExplainedValue {
        name: match finding.variable {
            Some(variable) => format!("c_{variable}"),
            None => finding.target.name().to_owned(),
        },
        text: text.to_owned(),
        source: source(finding.found),
        problem,
    }
}

/// What the core will find wrong with the text.
fn problem_of(endpoint: Endpoint, finding: &Finding<'_>) -> Option<String> {
    let found = finding.found?;
    let is_stand_in = matches!(found.from, GivenBy::DefaultField { .. });
    if finding.target == Target::Currency && is_stand_in {
        // Organisations may make up currencies, and the core keeps them.
        return None;
    }
    let problem = value_type(endpoint, finding.target)?.problem_of(found.text)?;
    Some(problem.to_string())
}

fn value_type(endpoint: Endpoint, target: Target) -> Option<ValueType> {
    parameters_of(endpoint)
        .filter(|spec| spec.target == target)
        .find_map(|spec| match spec.value {
            ValueKind::Field(value_type) | ValueKind::Literal(value_type) => Some(value_type),
            ValueKind::LeadField => None,
        })
}

fn source(found: Option<Found<'_>>) -> Source {
    match found.map(|found| found.from) {
        None => Source::Nothing,
        Some(GivenBy::NamedField { parameter, field }) => Source::NamedField {
            parameter: parameter.to_owned(),
            field: field.to_owned(),
        },
        Some(GivenBy::Literal { parameter }) => Source::Literal {
            parameter: parameter.to_owned(),
        },
        Some(GivenBy::DefaultField { field }) => Source::DefaultField {
            field: field.to_owned(),
        },
        Some(GivenBy::DefaultValue) => Source::DefaultValue,
    }
}
