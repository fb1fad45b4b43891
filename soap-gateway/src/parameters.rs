//! URL parameters: the query string becomes typed options, or an error that
//! says what to mend.

mod invalid;
mod markdown;
mod query;
mod seen;
mod table;
mod value_type;

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono_tz::Tz;
use sfbridge_proto::v1::{MatchMode, OverwritePolicy};
use sfbridge_values::{FieldName, MarketingAttribute, VariableName, nearest};

pub use invalid::InvalidParameter;
pub use markdown::markdown;
pub use query::{GivenToken, encode, token};
pub use table::{Fallback, Identity, ParameterSpec, Target, ValueKind, parameters_of};
pub use value_type::ValueType;

use invalid::Problem;
use table::{Known, NAME};
use value_type::Literal;

pub(crate) use query::without;
pub(crate) use seen::SeenQueries;

use crate::Endpoint;

/// The most custom variables of an event.
pub const MAX_VARIABLES: usize = 50;

/// The valid options of one endpoint URL.
///
/// The token is not among them: [`token`] reads it, before anything else.
#[derive(Clone, Debug)]
pub struct Parameters {
    endpoint: Endpoint,
    canonical_query: String,
    options: Options,
}

/// What the parameters say, by the value that they are about.
#[derive(Clone, Debug)]
struct Options {
    fields: BTreeMap<Target, NamedField>,
    literals: BTreeMap<Target, NamedLiteral>,
    variables: BTreeMap<VariableName, Variable>,
    field_mapping: BTreeMap<MarketingAttribute, FieldName>,
    zone: Tz,
    match_mode: MatchMode,
    overwrite: OverwritePolicy,
    attribution_model_id: Option<i32>,
}

/// A field to read, and the parameter that names it.
#[derive(Clone, Debug)]
pub(crate) struct NamedField {
    /// Its main name.
    pub(crate) parameter: String,
    pub(crate) field: FieldName,
}

/// A literal text, and the parameter that gives it.
#[derive(Clone, Debug)]
pub(crate) struct NamedLiteral {
    /// Its main name.
    pub(crate) parameter: String,
    pub(crate) text: String,
}

/// Where a custom variable comes from: by field, by literal, or both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variable {
    pub(crate) field: Option<NamedField>,
    pub(crate) literal: Option<NamedLiteral>,
}

impl Parameters {
    /// Reads the query string of an endpoint URL, as it is on the wire and
    /// without its `?`.
    ///
    /// # Errors
    ///
    /// [`InvalidParameter`] names the first parameter that is unknown, given
    /// twice, empty or invalid.
    pub fn parse(endpoint: Endpoint, raw_query: &str) -> Result<Self, InvalidParameter> {
        let mut options = Options::of_defaults(endpoint)?;
        let mut given = BTreeMap::new();

        for (raw_name, raw_value) in query::pairs(raw_query) {
            let name = query::decode(raw_name)
                .map_err(|why| InvalidParameter::new(raw_name, Problem::Undecodable(why)))?;
            let invalid = |problem| InvalidParameter::new(&name, problem);

            let known = known(endpoint, &name).map_err(invalid)?;
            let main = main_name(known, &name);
            if let Some(Given { first, .. }) = given.get(&main) {
                let (main, first) = (main.into_owned(), Cow::to_string(first));
                return Err(invalid(Problem::Twice { main, first }));
            }
            let value =
                query::decode(raw_value).map_err(|why| invalid(Problem::Undecodable(why)))?;
            if value.trim().is_empty() {
                return Err(invalid(Problem::Empty));
            }
            options.set(known, &value).map_err(invalid)?;

            let is_secret = known.spec.target == Target::Token;
            given.insert(
                main,
                Given {
                    first: name,
                    value: (!is_secret).then_some(value),
                },
            );
        }

        let canonical = given
            .iter()
            .filter_map(|(main, given)| Some((&**main, given.value.as_deref()?)));
        Ok(Self {
            endpoint,
            canonical_query: query::encode(canonical),
            options,
        })
    }

    /// The endpoint that they are for.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// All parameters but the token: aliases by their main names, decoded,
    /// sorted and encoded again, defaults not filled in. Two URLs that mean the
    /// same have the same one.
    pub fn canonical_query(&self) -> &str {
        &self.canonical_query
    }

    /// The fields that are named for values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Target, &NamedField)> {
        let fields = self.options.fields.iter();
        fields.map(|(target, field)| (*target, field))
    }

    /// The literal texts for values.
    pub(crate) fn literals(&self) -> impl Iterator<Item = (Target, &NamedLiteral)> {
        let literals = self.options.literals.iter();
        literals.map(|(target, literal)| (*target, literal))
    }

    /// The custom variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&VariableName, &Variable)> {
        self.options.variables.iter()
    }

    /// The Lead fields to write, by marketing attribute.
    pub(crate) fn field_mapping(&self) -> impl Iterator<Item = (&MarketingAttribute, &FieldName)> {
        self.options.field_mapping.iter()
    }

    /// The zone of a date without a time.
    pub(crate) fn zone(&self) -> Tz {
        self.options.zone
    }

    /// How an event is tied to a call.
    pub(crate) fn match_mode(&self) -> MatchMode {
        self.options.match_mode
    }

    /// What to do with a Lead field that holds something else.
    pub(crate) fn overwrite(&self) -> OverwritePolicy {
        self.options.overwrite
    }

    /// The attribution model, when one is asked for.
    pub(crate) fn attribution_model_id(&self) -> Option<i32> {
        self.options.attribution_model_id
    }
}

/// A parameter that was given.
struct Given<'a> {
    /// The name as sent, which may be an alias.
    first: Cow<'a, str>,
    /// None for the token, which is not kept.
    value: Option<Cow<'a, str>>,
}

impl Options {
    /// What counts when no parameter is given.
    fn of_defaults(endpoint: Endpoint) -> Result<Self, InvalidParameter> {
        let mut options = Self {
            fields: BTreeMap::new(),
            literals: BTreeMap::new(),
            variables: BTreeMap::new(),
            field_mapping: BTreeMap::new(),
            zone: Tz::UTC,
            match_mode: MatchMode::Unspecified,
            overwrite: OverwritePolicy::Unspecified,
            attribution_model_id: None,
        };
        for spec in parameters_of(endpoint) {
            if let (ValueKind::Literal(value_type), Fallback::Literal(text)) =
                (spec.value, spec.fallback)
            {
                let literal = value_type
                    .parse(text)
                    .map_err(|why| InvalidParameter::new(spec.name, Problem::Value(why)))?;
                options.mean(literal);
            }
        }
        Ok(options)
    }

    /// Takes one parameter with its decoded value.
    fn set(&mut self, known: Known<'_>, value: &str) -> Result<(), Problem> {
        let Known { spec, part } = known;
        let parameter = spec.name.replace(NAME, part);
        match spec.value {
            ValueKind::LeadField => {
                let attribute = MarketingAttribute::parse(part).map_err(Problem::Attribute)?;
                let field = FieldName::parse(value).map_err(Problem::FieldName)?;
                self.field_mapping.insert(attribute, field);
            }
            ValueKind::Field(_) => {
                let variable = self.variable(spec, part)?;
                let field = FieldName::parse(value).map_err(Problem::FieldName)?;
                let field = NamedField { parameter, field };
                match variable {
                    Some(variable) => variable.field = Some(field),
                    None => drop(self.fields.insert(spec.target, field)),
                }
            }
            ValueKind::Literal(value_type) => {
                let variable = self.variable(spec, part)?;
                let literal = value_type.parse(value).map_err(Problem::Value)?;
                if literal != Literal::Text {
                    self.mean(literal);
                } else if spec.target != Target::Token {
                    let text = value.to_owned();
                    let literal = NamedLiteral { parameter, text };
                    match variable {
                        Some(variable) => variable.literal = Some(literal),
                        None => drop(self.literals.insert(spec.target, literal)),
                    }
                }
            }
        }
        Ok(())
    }

    /// The entry of the custom variable that a parameter is about, if it is
    /// about one.
    fn variable(
        &mut self,
        spec: &ParameterSpec,
        name: &str,
    ) -> Result<Option<&mut Variable>, Problem> {
        if spec.target != Target::Variable {
            return Ok(None);
        }
        let name = VariableName::parse(name).map_err(Problem::VariableName)?;
        if self.variables.len() >= MAX_VARIABLES && !self.variables.contains_key(&name) {
            return Err(Problem::TooManyVariables);
        }
        Ok(Some(self.variables.entry(name).or_default()))
    }

    /// Takes a literal that is more than text.
    fn mean(&mut self, literal: Literal) {
        match literal {
            Literal::Text => {}
            Literal::Zone(zone) => self.zone = zone,
            Literal::MatchMode(mode) => self.match_mode = mode,
            Literal::Overwrite(policy) => self.overwrite = policy,
            Literal::AttributionModel(id) => self.attribution_model_id = Some(id),
        }
    }
}

/// The name that the canonical query has.
fn main_name<'a>(known: Known<'_>, name: &Cow<'a, str>) -> Cow<'a, str> {
    if known.spec.family().is_some() {
        name.clone()
    } else {
        Cow::Borrowed(known.spec.name)
    }
}

/// Looks a name up, or says what was probably meant.
fn known(endpoint: Endpoint, name: &str) -> Result<Known<'_>, Problem> {
    if name.trim().is_empty() {
        return Err(Problem::Nameless);
    }
    if let Some(known) = table::find(endpoint, name) {
        return Ok(known);
    }
    for (literal, whose, instead) in [
        ("vid", "visitor id", "vidField"),
        ("callRef", "call reference", "callRefField"),
    ] {
        if name == literal && table::find(endpoint, instead).is_some() {
            return Err(Problem::ConstantIdentity { whose, instead });
        }
    }
    let homes: Vec<_> = table::endpoints_of(name).collect();
    if !homes.is_empty() {
        return Err(Problem::Elsewhere { endpoint, homes });
    }
    Err(Problem::Unknown {
        endpoint,
        nearest: probably_meant(endpoint, name),
    })
}

/// The known name that was probably meant: but for its case, else with the
/// `Field` that is missing, else the nearest, else the family whose case is
/// wrong.
fn probably_meant(endpoint: Endpoint, name: &str) -> Option<&'static str> {
    let names = || {
        parameters_of(endpoint)
            .flat_map(|spec| std::iter::once(spec.name).chain(spec.aliases.iter().copied()))
    };
    let lacks_field = |known: &&str| {
        known
            .strip_suffix("Field")
            .is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    names()
        .find(|known| known.eq_ignore_ascii_case(name))
        .or_else(|| names().find(lacks_field))
        .or_else(|| nearest(name, names()))
        .or_else(|| {
            let name = name.to_ascii_lowercase();
            table::find(endpoint, &name).map(|known| known.spec.name)
        })
}

#[cfg(test)]
mod tests;
