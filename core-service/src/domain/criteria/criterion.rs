//! One criterion.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::field::FieldKind;
use super::operator::Asks;
use super::test::{Alternatives, Operand, Order, Test, folded, time};
use super::{FieldValue, InvalidOperator, KnownFields, Operator, pattern};

/// A criterion as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCriterion {
    /// The field's edge name.
    pub field: String,
    /// The operator's name.
    pub op: String,
    /// What the operator works with.
    pub value: String,
}

/// A condition on a field, ready to be asked.
#[derive(Clone, Debug)]
pub struct Criterion {
    field: String,
    operator: Operator,
    value: String,
    test: Test,
}

/// Why a criterion is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCriterion {
    /// There is no such field here.
    #[error(
        "is not a field that is known here{}",
        .nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
    )]
    Field {
        /// The known name that was probably meant.
        nearest: Option<&'static str>,
    },
    /// There is no such operator.
    #[error(transparent)]
    Operator(#[from] InvalidOperator),
    /// The operator would hold of everything, or of nothing.
    #[error("is empty; this operator needs something to look for")]
    Empty,
    /// The value is too long.
    #[error("has more than {0} characters")]
    TooLong(usize),
    /// `bool` knows two values.
    #[error("is neither `set` nor `empty`")]
    NeitherSetNorEmpty,
    /// The field holds times, and this is none.
    #[error("is not a time such as 2024-05-01T09:30:00Z, or a day such as 2024-05-01")]
    Time,
    /// Not a regular expression.
    #[error("is not a regular expression: {0}")]
    Regex(String),
    /// Not a glob.
    #[error(
        "is not a glob: a `[` has no end, a range runs backwards, or a `\\` has nothing after it"
    )]
    Glob,
    /// The pattern would take too much memory.
    #[error("is a pattern that is too complex; use fewer or smaller repetitions")]
    TooComplex,
}

impl InvalidCriterion {
    /// The part at fault, spelled as in the contract.
    pub fn part(&self) -> &'static str {
        match self {
            Self::Field { .. } => "field",
            Self::Operator(_) => "op",
            Self::Empty
            | Self::TooLong(_)
            | Self::NeitherSetNorEmpty
            | Self::Time
            | Self::Regex(_)
            | Self::Glob
            | Self::TooComplex => "value",
        }
    }
}

impl Criterion {
    /// The most characters of a pattern.
    const MAX_PATTERN: usize = 1_000;
    /// The most characters of any other value, lists included.
    const MAX_VALUE: usize = 4_000;

    /// Reads a criterion on one of certain fields.
    ///
    /// # Errors
    ///
    /// [`InvalidCriterion`] says which part is wrong, and how.
    pub fn parse(new: &NewCriterion, fields: &KnownFields) -> Result<Self, InvalidCriterion> {
        let field = new.field.trim();
        let kind = fields
            .kind(field)
            .map_err(|nearest| InvalidCriterion::Field { nearest })?;
        let operator = Operator::parse(new.op.trim())?;
        Ok(Self {
            field: field.to_owned(),
            operator,
            value: new.value.clone(),
            test: test(operator, kind, &new.value)?,
        })
    }

    /// The field's edge name.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The operator.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The value as given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What one would ask for to have it.
    pub fn as_asked(&self) -> NewCriterion {
        NewCriterion {
            field: self.field.clone(),
            op: self.operator.as_str().to_owned(),
            value: self.value.clone(),
        }
    }

    /// Whether it holds of a field's value; `None` is a field that is not set.
    pub fn holds(&self, value: Option<FieldValue<'_>>) -> bool {
        let Operator {
            is_negated,
            folds_case,
            ..
        } = self.operator;
        self.test.holds(value, folds_case) != is_negated
    }
}

impl PartialEq for Criterion {
    /// The test follows from the rest.
    fn eq(&self, other: &Self) -> bool {
        let parts = |criterion: &Self| (criterion.operator, criterion.field.clone());
        parts(self) == parts(other) && self.value == other.value
    }
}

impl Eq for Criterion {}

/// Works the value into what the operator asks.
fn test(operator: Operator, kind: FieldKind, value: &str) -> Result<Test, InvalidCriterion> {
    let is_pattern = matches!(operator.asks, Asks::MatchesRegex | Asks::MatchesGlob);
    let limit = if is_pattern {
        Criterion::MAX_PATTERN
    } else {
        Criterion::MAX_VALUE
    };
    if value.chars().nth(limit).is_some() {
        return Err(InvalidCriterion::TooLong(limit));
    }
    let trimmed = value.trim();
    // Only equality with nothing means something.
    if trimmed.is_empty() && operator.asks != Asks::Equals {
        return Err(InvalidCriterion::Empty);
    }
    let part = || {
        let part = Cow::Borrowed(value);
        let part = if operator.folds_case {
            folded(part)
        } else {
            part
        };
        part.into_owned()
    };
    let compares = |strictly, or_equal| {
        let order = Order { strictly, or_equal };
        Ok(Test::Compares(operand(kind, trimmed)?, order))
    };
    match operator.asks {
        Asks::IsSet => is_set(trimmed),
        Asks::Equals => alternatives(operator, kind, [trimmed].into_iter()),
        Asks::OneOf => {
            let entries = || {
                trimmed
                    .split(',')
                    .map(str::trim)
                    .filter(|entry| !entry.is_empty())
            };
            if entries().next().is_none() {
                return Err(InvalidCriterion::Empty);
            }
            alternatives(operator, kind, entries())
        }
        Asks::Greater => compares(Ordering::Greater, false),
        Asks::Less => compares(Ordering::Less, false),
        Asks::GreaterOrEqual => compares(Ordering::Greater, true),
        Asks::LessOrEqual => compares(Ordering::Less, true),
        Asks::Includes => Ok(Test::Includes(part())),
        Asks::Begins => Ok(Test::Begins(part())),
        Asks::Ends => Ok(Test::Ends(part())),
        Asks::MatchesRegex => pattern::regex(value).map(Test::Matches),
        Asks::MatchesGlob => pattern::glob(trimmed).map(Test::Matches),
    }
}

fn is_set(value: &str) -> Result<Test, InvalidCriterion> {
    match value.to_ascii_lowercase().as_str() {
        "set" | "true" | "1" => Ok(Test::IsSet(true)),
        "empty" | "false" | "0" => Ok(Test::IsSet(false)),
        _ => Err(InvalidCriterion::NeitherSetNorEmpty),
    }
}

fn alternatives<'a>(
    operator: Operator,
    kind: FieldKind,
    entries: impl Iterator<Item = &'a str>,
) -> Result<Test, InvalidCriterion> {
    let mut alternatives = Alternatives::default();
    for entry in entries {
        match kind {
            // Nothing can be asked for of a time too.
            FieldKind::Time if !entry.is_empty() => {
                alternatives.add_time(time(entry).ok_or(InvalidCriterion::Time)?);
            }
            FieldKind::Time | FieldKind::Text => alternatives.add(entry, operator.folds_case),
        }
    }
    Ok(Test::OneOf(alternatives))
}

fn operand(kind: FieldKind, text: &str) -> Result<Operand, InvalidCriterion> {
    match kind {
        FieldKind::Time => time(text).map(Operand::Time).ok_or(InvalidCriterion::Time),
        FieldKind::Text => Ok(Operand::text(text)),
    }
}
