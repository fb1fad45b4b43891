//! The operators of criteria.

use std::fmt;

use sfbridge_values::nearest;

/// What a criterion asks of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    name: &'static str,
    pub(super) asks: Asks,
    /// Whether it holds where its opposite does not.
    pub(super) is_negated: bool,
    /// Whether case does not count.
    pub(super) folds_case: bool,
}

/// A text is not the name of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an operator{}; the operators are {}",
    .nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default(),
    Operator::names()
)]
pub struct InvalidOperator {
    /// The known name that was probably meant.
    pub nearest: Option<&'static str>,
}

/// The question of an operator, its opposite and its case aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    IsSet,
    Equals,
    OneOf,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Includes,
    Begins,
    Ends,
    MatchesRegex,
    MatchesGlob,
}

const OPERATORS: [Operator; 26] = [
    operator("bool", Asks::IsSet),
    operator("eq", Asks::Equals),
    operator("ne", Asks::Equals).negated(),
    operator("eqi", Asks::Equals).folding(),
    operator("nei", Asks::Equals).negated().folding(),
    operator("gt", Asks::Greater),
    operator("lt", Asks::Less),
    operator("ge", Asks::GreaterOrEqual),
    operator("le", Asks::LessOrEqual),
    operator("inc", Asks::Includes),
    operator("ninc", Asks::Includes).negated(),
    operator("inci", Asks::Includes).folding(),
    operator("ninci", Asks::Includes).negated().folding(),
    operator("begins", Asks::Begins),
    operator("beginsi", Asks::Begins).folding(),
    operator("nbegins", Asks::Begins).negated(),
    operator("nbeginsi", Asks::Begins).negated().folding(),
    operator("ends", Asks::Ends),
    operator("endsi", Asks::Ends).folding(),
    operator("re", Asks::MatchesRegex),
    operator("nre", Asks::MatchesRegex).negated(),
    operator("in", Asks::OneOf),
    operator("nin", Asks::OneOf).negated(),
    operator("ini", Asks::OneOf).folding(),
    operator("nini", Asks::OneOf).negated().folding(),
    operator("glob", Asks::MatchesGlob),
];

const fn operator(name: &'static str, asks: Asks) -> Operator {
    Operator {
        name,
        asks,
        is_negated: false,
        folds_case: false,
    }
}

impl Operator {
    /// Reads an operator's name; case counts.
    ///
    /// # Errors
    ///
    /// [`InvalidOperator`] names the nearest, if any is near.
    pub fn parse(text: &str) -> Result<Self, InvalidOperator> {
        let known = OPERATORS.iter().find(|operator| operator.name == text);
        known.copied().ok_or_else(|| InvalidOperator {
            nearest: nearest(text, OPERATORS.iter().map(|operator| operator.name)),
        })
    }

    /// All operators.
    pub fn all() -> impl Iterator<Item = Self> {
        OPERATORS.into_iter()
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.name
    }

    fn names() -> String {
        OPERATORS.map(|operator| operator.name).join(" ")
    }

    const fn negated(self) -> Self {
        Self {
            is_negated: true,
            ..self
        }
    }

    const fn folding(self) -> Self {
        Self {
            folds_case: true,
            ..self
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
