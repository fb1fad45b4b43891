//! Why one item of a batch is not recorded.

/// Why one item is rejected, or its notification quarantined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The rule that it breaks.
    pub reason: RejectionReason,
    /// The field at fault; empty when it is the whole item.
    pub field: String,
    /// One sentence for people: what is wrong and what to do about it.
    pub description: String,
}

impl Rejection {
    /// A rejection with its sentence.
    pub fn new(reason: RejectionReason, field: &str, description: impl Into<String>) -> Self {
        Self {
            reason,
            field: field.to_owned(),
            description: description.into(),
        }
    }

    /// A rejection whose sentence is the field's name and what is wrong with
    /// it, as the `Invalid…` errors of the values say it.
    pub fn of_field(reason: RejectionReason, field: &str, invalid: impl std::fmt::Display) -> Self {
        Self::new(reason, field, format!("{field} {invalid}"))
    }

    /// Where it stands among an item's faults.
    pub fn rank(&self) -> Rank {
        self.reason.rank()
    }
}

/// The rule that a rejected item breaks. The contract explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the contract explains each value, and the names are the same"
)]
pub enum RejectionReason {
    MissingIgrp,
    InvalidIgrp,
    UnknownInstallation,
    OrganizationNotLinked,
    InvalidVisitorId,
    InvalidCallRef,
    MissingCallRef,
    MissingVisitor,
    InvalidTimestamp,
    InvalidDecimal,
    InvalidCurrency,
    InvalidAction,
    ReservedAction,
    MissingRating,
    UnknownRating,
    UnsupportedObject,
    FieldTooLong,
    RecordGone,
    MalformedNotification,
}

impl RejectionReason {
    /// All reasons.
    pub const ALL: [Self; 19] = [
        Self::MissingIgrp,
        Self::InvalidIgrp,
        Self::UnknownInstallation,
        Self::OrganizationNotLinked,
        Self::InvalidVisitorId,
        Self::InvalidCallRef,
        Self::MissingCallRef,
        Self::MissingVisitor,
        Self::InvalidTimestamp,
        Self::InvalidDecimal,
        Self::InvalidCurrency,
        Self::InvalidAction,
        Self::ReservedAction,
        Self::MissingRating,
        Self::UnknownRating,
        Self::UnsupportedObject,
        Self::FieldTooLong,
        Self::RecordGone,
        Self::MalformedNotification,
    ];

    /// The name that the contract, the store, metrics and logs share.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingIgrp => "MISSING_IGRP",
            Self::InvalidIgrp => "INVALID_IGRP",
            Self::UnknownInstallation => "UNKNOWN_INSTALLATION",
            Self::OrganizationNotLinked => "ORGANIZATION_NOT_LINKED",
            Self::InvalidVisitorId => "INVALID_VISITOR_ID",
            Self::InvalidCallRef => "INVALID_CALL_REF",
            Self::MissingCallRef => "MISSING_CALL_REF",
            Self::MissingVisitor => "MISSING_VISITOR",
            Self::InvalidTimestamp => "INVALID_TIMESTAMP",
            Self::InvalidDecimal => "INVALID_DECIMAL",
            Self::InvalidCurrency => "INVALID_CURRENCY",
            Self::InvalidAction => "INVALID_ACTION",
            Self::ReservedAction => "RESERVED_ACTION",
            Self::MissingRating => "MISSING_RATING",
            Self::UnknownRating => "UNKNOWN_RATING",
            Self::UnsupportedObject => "UNSUPPORTED_OBJECT",
            Self::FieldTooLong => "FIELD_TOO_LONG",
            Self::RecordGone => "RECORD_GONE",
            Self::MalformedNotification => "MALFORMED_NOTIFICATION",
        }
    }

    /// The reason of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Where it stands among an item's faults.
    pub fn rank(self) -> Rank {
        match self {
            Self::RecordGone => Rank::Gone,
            Self::MalformedNotification => Rank::Malformed,
            Self::UnsupportedObject => Rank::UnsupportedObject,
            Self::MissingIgrp | Self::InvalidIgrp | Self::UnknownInstallation => Rank::Installation,
            Self::OrganizationNotLinked => Rank::Organization,
            Self::InvalidVisitorId
            | Self::InvalidCallRef
            | Self::MissingCallRef
            | Self::MissingVisitor => Rank::VisitorOrCall,
            Self::InvalidTimestamp => Rank::Time,
            Self::InvalidDecimal | Self::InvalidCurrency | Self::FieldTooLong => Rank::Numbers,
            Self::InvalidAction
            | Self::ReservedAction
            | Self::MissingRating
            | Self::UnknownRating => Rank::ActionOrRating,
        }
    }
}

/// The order of an item's faults: the first is its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Rank {
    Gone,
    Malformed,
    UnsupportedObject,
    Installation,
    Organization,
    VisitorOrCall,
    Time,
    Numbers,
    ActionOrRating,
}

/// Collects an item's faults and keeps the one that comes first.
#[derive(Debug, Default)]
pub struct Faults {
    first: Option<Rejection>,
}

impl Faults {
    /// Takes note of a fault.
    pub fn add(&mut self, fault: Rejection) {
        if self
            .first
            .as_ref()
            .is_none_or(|first| fault.rank() < first.rank())
        {
            self.first = Some(fault);
        }
    }

    /// The value, or nothing and its fault taken note of.
    pub fn keep<T>(&mut self, parsed: Result<T, Rejection>) -> Option<T> {
        parsed.map_err(|fault| self.add(fault)).ok()
    }

    /// The fault that comes first.
    pub fn into_first(self) -> Option<Rejection> {
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        for reason in RejectionReason::ALL {
            assert_eq!(RejectionReason::named(reason.name()), Some(reason));
        }
    }

    #[test]
    fn the_first_in_the_order_of_faults_is_the_reason() {
        let mut faults = Faults::default();
        for reason in [
            RejectionReason::UnknownRating,
            RejectionReason::InvalidCallRef,
            RejectionReason::InvalidVisitorId,
            RejectionReason::InvalidDecimal,
        ] {
            faults.add(Rejection::new(reason, "", ""));
        }
        let first = faults.into_first().map(|fault| fault.reason);
        assert_eq!(first, Some(RejectionReason::InvalidCallRef));
    }
}
