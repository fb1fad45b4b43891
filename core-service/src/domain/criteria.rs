//! Criteria: conditions on the fields of a visit, an event or a rating.
//!
//! This is the language of goals: a field, an operator and a value. All
//! criteria must hold. They are parsed once, so that whoever writes them learns
//! at once what is wrong, and each record costs no more than a look.

mod criterion;
mod field;
mod operator;
mod pattern;
mod test;

pub use criterion::{Criterion, InvalidCriterion, NewCriterion};
pub use field::{FieldValue, KnownFields};
pub use operator::{InvalidOperator, Operator};
pub(super) use test::folded;

/// Criteria that must all hold; none always do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria(Vec<Criterion>);

/// What is wrong with criteria.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCriteria {
    /// More than there may be.
    #[error("has more than {} criteria", Criteria::MAX)]
    TooMany,
    /// One of them can't be used.
    #[error("{invalid}")]
    Criterion {
        /// Its place, from 0 on.
        place: usize,
        /// What is wrong with it.
        invalid: InvalidCriterion,
    },
}

impl Criteria {
    /// The most criteria that are looked at together.
    pub const MAX: usize = 20;

    /// Reads criteria on certain fields.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub fn parse(
        given: &[NewCriterion],
        fields: &KnownFields,
    ) -> Result<Self, Vec<InvalidCriteria>> {
        if given.len() > Self::MAX {
            return Err(vec![InvalidCriteria::TooMany]);
        }
        let mut criteria = Vec::with_capacity(given.len());
        let mut faults = Vec::new();
        for (place, new) in given.iter().enumerate() {
            match Criterion::parse(new, fields) {
                Ok(criterion) => criteria.push(criterion),
                Err(invalid) => faults.push(InvalidCriteria::Criterion { place, invalid }),
            }
        }
        if faults.is_empty() {
            Ok(Self(criteria))
        } else {
            Err(faults)
        }
    }

    /// Whether all hold of what has these values; `None` is a field that is
    /// not set.
    pub fn hold<'a>(&self, value: impl Fn(&str) -> Option<FieldValue<'a>>) -> bool {
        self.0
            .iter()
            .all(|criterion| criterion.holds(value(criterion.field())))
    }

    /// The criteria in the order in which they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Criterion> {
        self.0.iter()
    }
}

impl InvalidCriteria {
    /// The field at fault within what holds the criteria, spelled as in the
    /// contract.
    pub fn field(&self) -> String {
        match self {
            Self::TooMany => "criteria".to_owned(),
            Self::Criterion { place, invalid } => format!("criteria[{place}].{}", invalid.part()),
        }
    }
}

#[cfg(test)]
mod tests;
