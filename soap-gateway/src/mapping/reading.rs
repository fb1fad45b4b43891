//! Finding one notification's values.

use std::fmt;

use chrono_tz::Tz;
use sfbridge_proto::v1::{Rejection, RejectionReason};
use sfbridge_values::{Igrp, VariableName};

use super::default_fields::{Conflict, DefaultFields};
use super::rejection::{Fault, FirstFault};
use super::sources::Sources;
use crate::parameters::{Fallback, Identity, NamedField, NamedLiteral, Parameters, Target};
use crate::soap::SObject;

/// How many characters of a text are passed on at most. The core cuts long
/// texts here, with a warning, and refuses all others that are as long.
const LONGEST: usize = 4_000;

/// The reading of one notification: its values are found one by one, and what
/// is wrong or doubtful is collected.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    record: &'a SObject,
    parameters: &'a Parameters,
    sources: &'a Sources<'a>,
    defaults: &'a DefaultFields,
    findings: Vec<Finding<'a>>,
    first_fault: FirstFault,
    warnings: Vec<String>,
}

/// A value that was looked for.
#[derive(Debug)]
pub(super) struct Finding<'a> {
    pub(super) target: Target,
    /// The custom variable, where it is one.
    pub(super) variable: Option<&'a VariableName>,
    pub(super) found: Option<Found<'a>>,
    /// What is wrong with it, as the end of a sentence.
    pub(super) problem: Option<String>,
}

/// A value that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) text: &'a str,
    pub(super) from: GivenBy<'a>,
}

/// What gave a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenBy<'a> {
    /// The field that a parameter names.
    NamedField { parameter: &'a str, field: &'a str },
    /// A parameter's literal.
    Literal { parameter: &'a str },
    /// A field that no parameter names.
    DefaultField { field: &'a str },
    /// The default value.
    DefaultValue,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        record: &'a SObject,
        parameters: &'a Parameters,
        sources: &'a Sources<'a>,
        defaults: &'a DefaultFields,
    ) -> Self {
        /// As many values are looked for in a notification, custom variables
        /// aside.
        const USUAL: usize = 16;

        Self {
            record,
            parameters,
            sources,
            defaults,
            findings: Vec::with_capacity(USUAL),
            first_fault: FirstFault::default(),
            warnings: Vec::new(),
        }
    }

    /// Finds a value: the named field when it is populated, then the literal,
    /// then the default field, then the default value.
    pub(super) fn find(&mut self, target: Target) -> Option<Found<'a>> {
        let found = self.given(target).or_else(|| self.fallback(target));
        self.note(target, None, found)
    }

    /// Finds what the parameters give for a value.
    pub(super) fn find_given(&mut self, target: Target) -> Option<Found<'a>> {
        let found = self.given(target);
        self.note(target, None, found)
    }

    /// Whether the parameters give a value.
    pub(super) fn is_given(&self, target: Target) -> bool {
        self.given(target).is_some()
    }

    /// The text of a value as the core is to see it; empty when there is none.
    pub(super) fn text(&mut self, target: Target) -> String {
        self.find(target)
            .map_or_else(String::new, |found| passed_on(found.text))
    }

    /// The custom variables that have a value, by name without `c_`.
    pub(super) fn variables(&mut self) -> Vec<(&'a VariableName, Found<'a>)> {
        let parameters = self.parameters;
        let mut variables = Vec::new();
        for (name, variable) in parameters.variables() {
            let found = self.chosen(variable.field.as_ref(), variable.literal.as_ref());
            self.note(Target::Variable, Some(name), found);
            variables.extend(found.map(|found| (name, found)));
        }
        variables
    }

    /// The installation, or 0 and a fault.
    pub(super) fn igrp(&mut self) -> i64 {
        let Some(found) = self.find(Target::Igrp) else {
            self.reject(Fault {
                reason: RejectionReason::MissingIgrp,
                field: Target::Igrp.name().to_owned(),
                description: self.missing_igrp(),
            });
            return 0;
        };
        match Igrp::parse(found.text) {
            Ok(igrp) => igrp.get(),
            Err(invalid) => {
                self.reject_value(RejectionReason::InvalidIgrp, found, &invalid);
                0
            }
        }
    }

    pub(super) fn record(&self) -> &'a SObject {
        self.record
    }

    pub(super) fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    pub(super) fn zone(&self) -> Tz {
        self.parameters.zone()
    }

    pub(super) fn findings(&self) -> &[Finding<'a>] {
        &self.findings
    }

    /// Adds a sentence to what is doubtful.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// What was doubtful so far, for the item.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Adds a fault.
    pub(super) fn reject(&mut self, fault: Fault) {
        self.first_fault.add(fault);
    }

    /// Adds a fault in the value that was found last.
    pub(super) fn reject_value(
        &mut self,
        reason: RejectionReason,
        found: Found<'_>,
        why: &dyn fmt::Display,
    ) {
        self.problem(why.to_string());
        let field = match found.from {
            GivenBy::NamedField { field, .. } | GivenBy::DefaultField { field } => field,
            GivenBy::Literal { parameter } => parameter,
            GivenBy::DefaultValue => "",
        };
        self.reject(Fault {
            reason,
            field: field.to_owned(),
            description: format!("{} {why}.", found.from),
        });
    }

    /// Says what is wrong with the value that was looked for last.
    pub(super) fn problem(&mut self, problem: String) {
        if let Some(finding) = self.findings.last_mut() {
            finding.problem = Some(problem);
        }
    }

    /// The first fault, when there is one.
    pub(super) fn into_rejection(self) -> Option<Rejection> {
        self.first_fault.into_rejection()
    }

    fn given(&self, target: Target) -> Option<Found<'a>> {
        let source = self.sources.get(target);
        self.chosen(source.field, source.literal)
    }

    fn chosen(
        &self,
        field: Option<&'a NamedField>,
        literal: Option<&'a NamedLiteral>,
    ) -> Option<Found<'a>> {
        let of_field = |named: &'a NamedField| {
            let field = named.field.as_str();
            Some(Found {
                text: self.record.field(field)?,
                from: GivenBy::NamedField {
                    parameter: &named.parameter,
                    field,
                },
            })
        };
        let of_literal = |literal: &'a NamedLiteral| Found {
            text: &literal.text,
            from: GivenBy::Literal {
                parameter: &literal.parameter,
            },
        };
        field.and_then(of_field).or_else(|| literal.map(of_literal))
    }

    fn fallback(&mut self, target: Target) -> Option<Found<'a>> {
        match self.sources.get(target).fallback {
            Fallback::Nothing | Fallback::Words(_) => None,
            Fallback::Literal(text) => Some(Found {
                text,
                from: GivenBy::DefaultValue,
            }),
            Fallback::Field(field, _) => Some(Found {
                text: self.record.field(field)?,
                from: GivenBy::DefaultField { field },
            }),
            Fallback::DefaultFields(identity) => {
                let (field, text) = self.default_field(identity)?;
                Some(Found {
                    text,
                    from: GivenBy::DefaultField { field },
                })
            }
        }
    }

    fn default_field(&mut self, identity: Identity) -> Option<(&'a str, &'a str)> {
        match self.defaults.find(identity, self.record) {
            Ok(found) => found,
            Err(Conflict { first, second }) => {
                let description = format!(
                    "The fields `{first}` and `{second}` are equally good and hold different \
                     values; send one of them, or name the one that counts in the endpoint URL."
                );
                self.reject(Fault::malformed(second, description));
                None
            }
        }
    }

    fn note(
        &mut self,
        target: Target,
        variable: Option<&'a VariableName>,
        found: Option<Found<'a>>,
    ) -> Option<Found<'a>> {
        self.findings.push(Finding {
            target,
            variable,
            found,
            problem: None,
        });
        found
    }

    fn missing_igrp(&self) -> String {
        let named = self.sources.get(Target::Igrp).field.map_or_else(
            || "No field of the record is recognised as the IGRP id".to_owned(),
            |named| format!("The field `{}` is not populated", named.field),
        );
        format!(
            "{named}; add a field with the IGRP id to the outbound message, or `igrpField` or \
             `igrp` to the endpoint URL."
        )
    }
}

impl fmt::Display for GivenBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamedField { parameter, field } => {
                write!(f, "The field `{field}`, which `{parameter}` names,")
            }
            Self::Literal { parameter } => write!(f, "The value of `{parameter}`"),
            Self::DefaultField { field } => write!(f, "The field `{field}`"),
            Self::DefaultValue => f.write_str("The default value"),
        }
    }
}

/// A text as it is passed on: exactly, unless it is longer than any text may
/// be. Then it ends in `…`, so that no number is taken for another.
pub(super) fn passed_on(text: &str) -> String {
    // No character is shorter than a byte.
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use sfbridge_values::{Decimal, LongText};

    use super::*;

    #[test]
    fn a_text_is_passed_on_exactly_up_to_4_000_characters() {
        let text = format!(" {} ", "ü".repeat(3_998));
        assert_eq!(passed_on(&text), text);
    }

    #[test]
    fn of_a_longer_text_4_001_characters_are_passed_on() {
        let sent = "ü".repeat(100_000);
        let passed = passed_on(&sent);
        assert_eq!(passed.chars().count(), 4_001);
        assert_eq!(LongText::cut(passed), LongText::cut(sent));
    }

    #[test]
    fn a_number_that_is_cut_is_no_number() {
        let sent = format!("{}1", "0".repeat(5_000));
        assert!(Decimal::read(&sent).is_ok());
        assert!(Decimal::read(&passed_on(&sent)).is_err());
    }
}
