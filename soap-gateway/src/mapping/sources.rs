//! Where each value comes from, which all notifications of a message share.

use crate::parameters::{Fallback, NamedField, NamedLiteral, Parameters, Target, parameters_of};

/// The sources of all values, found once for each message.
#[derive(Debug)]
pub(super) struct Sources<'a>([Source<'a>; Target::COUNT]);

/// Where a value comes from: the field where it is populated, else the literal,
/// else the fallback.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) field: Option<&'a NamedField>,
    pub(super) literal: Option<&'a NamedLiteral>,
    pub(super) fallback: Fallback,
}

impl<'a> Sources<'a> {
    pub(super) fn of(parameters: &'a Parameters) -> Self {
        const NONE: Source<'static> = Source {
            field: None,
            literal: None,
            fallback: Fallback::Nothing,
        };

        let mut sources: [Source<'a>; Target::COUNT] = [NONE; Target::COUNT];
        for spec in parameters_of(parameters.endpoint()) {
            let fallback = &mut sources[spec.target.index()].fallback;
            if *fallback == Fallback::Nothing {
                *fallback = spec.fallback;
            }
        }
        for (target, field) in parameters.fields() {
            sources[target.index()].field = Some(field);
        }
        for (target, literal) in parameters.literals() {
            sources[target.index()].literal = Some(literal);
        }
        Self(sources)
    }

    /// Where a value comes from.
    pub(super) fn get(&self, target: Target) -> &Source<'a> {
        &self.0[target.index()]
    }
}
