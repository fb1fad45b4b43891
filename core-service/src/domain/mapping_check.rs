//! Whether the Lead fields of a mapping can hold what is to be written into
//! them.

use std::fmt;

use sfbridge_values::{FieldName, MarketingAttribute};

use super::{LeadField, LeadFieldKind, LeadTarget};

/// A field of a mapping that will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingFinding {
    /// What is to be written.
    pub attribute: MarketingAttribute,
    /// The field, as the mapping spells it.
    pub field: FieldName,
    /// Whether nobody asked for it: organisations without the field do without.
    pub is_default: bool,
    /// What is wrong with the field.
    pub problem: MappingProblem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappingProblem {
    /// The organisation does not have it, or the user does not see it.
    Missing,
    /// The user may not write it.
    ReadOnly,
    /// It can't hold such values.
    WrongType {
        /// What would hold them.
        needed: &'static str,
    },
    /// It holds too few characters.
    TooShort {
        /// How many it holds.
        length: u32,
        /// How many there may be.
        needed: u32,
    },
}

/// What the values of an attribute are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Instants.
    Time,
    /// Whole numbers.
    Count,
    /// Words, of which the longest that must not be cut has this many
    /// characters.
    Words(u32),
    /// A text of which only its owner knows whether it is a number.
    Anything,
}

/// How long a time is as text: `2026-05-01 12:00:00`.
const TIME_CHARS: u32 = 19;

/// How long a number of visits, calls or seconds may well be as text.
const COUNT_CHARS: u32 = 5;

impl Content {
    fn of(attribute: &MarketingAttribute) -> Self {
        let name = attribute.as_str();
        match name.strip_prefix("first.").unwrap_or(name) {
            "triggerDatetime" | "visitorFirstDatetime" | "visitorLastDatetime" => Self::Time,
            "visitorVisitCount" | "visitorCallCount" | "callDuration" => Self::Count,
            // `affiliate`; half a channel type is none.
            "chType" => Self::Words(9),
            // `phrase`.
            "matchType" => Self::Words(6),
            // A plus sign and 15 digits: half a number is another number.
            "dialledPhoneNumber" => Self::Words(16),
            "chName" | "src" | "network" | "href" | "ref" | "pageTitle" | "path" | "callRating" => {
                Self::Words(1)
            }
            // Ids and numbers of advertisers, variables of sites.
            _ => Self::Anything,
        }
    }

    fn problem_with(self, kind: LeadFieldKind) -> Option<MappingProblem> {
        use LeadFieldKind as Kind;
        let is_right = match (self, kind) {
            (_, Kind::Text(length)) => return self.too_short(length),
            (Self::Time, Kind::Date | Kind::DateTime)
            | (Self::Count | Self::Anything, Kind::Integer | Kind::Decimal) => true,
            (Self::Time | Self::Words(_), Kind::Integer | Kind::Decimal)
            | (Self::Count | Self::Anything | Self::Words(_), Kind::Date | Kind::DateTime)
            | (_, Kind::Other) => false,
        };
        let needed = match self {
            Self::Time => "a date and time, a date, or a text of 19 characters",
            Self::Count => "a number or a text",
            Self::Words(_) => "a text, a picklist or a URL",
            Self::Anything => "a text, a picklist, a URL or a number",
        };
        (!is_right).then_some(MappingProblem::WrongType { needed })
    }

    fn too_short(self, length: u32) -> Option<MappingProblem> {
        let needed = match self {
            Self::Time => TIME_CHARS,
            Self::Count => COUNT_CHARS,
            Self::Words(needed) => needed,
            Self::Anything => 1,
        };
        (length < needed).then_some(MappingProblem::TooShort { length, needed })
    }
}

/// Which fields of a mapping will not do, in an organisation with these.
pub fn check_mapping(
    targets: &[LeadTarget],
    field_of: impl Fn(&FieldName) -> Option<LeadField>,
) -> Vec<MappingFinding> {
    targets
        .iter()
        .filter_map(|target| {
            let problem = match field_of(&target.field) {
                None => Some(MappingProblem::Missing),
                Some(field) => {
                    let content = Content::of(&target.attribute);
                    // What is of the wrong type can't be mended by permissions.
                    content
                        .problem_with(field.kind)
                        .or_else(|| (!field.is_updateable).then_some(MappingProblem::ReadOnly))
                }
            };
            Some(MappingFinding {
                attribute: target.attribute.clone(),
                field: target.field.clone(),
                is_default: target.is_default,
                problem: problem?,
            })
        })
        .collect()
}

impl fmt::Display for MappingFinding {
    /// A sentence that names attribute and field, and says what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attribute, field, ..
        } = self;
        match self.problem {
            MappingProblem::Missing if self.is_default => write!(
                f,
                "{attribute} is left out: the organisation's Leads have no field {field} that the \
                 user sees; make it, or map {attribute} to another field"
            ),
            MappingProblem::Missing => write!(
                f,
                "{attribute} is mapped to {field}, which the organisation's Leads do not have, or \
                 the user does not see; make the field, give the user access to it, or map \
                 {attribute} to another one"
            ),
            MappingProblem::ReadOnly => write!(
                f,
                "{attribute} is mapped to {field}, which the user may not write; give the user \
                 edit access to the field, or map {attribute} to another one"
            ),
            MappingProblem::WrongType { needed } => write!(
                f,
                "{attribute} is mapped to {field}, whose type can't hold it; map {attribute} to \
                 {needed}"
            ),
            MappingProblem::TooShort { length, needed } => write!(
                f,
                "{attribute} is mapped to {field}, which holds {length} characters of the {needed} \
                 that it needs; make the field longer, or map {attribute} to another one"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sfbridge_values::Timestamp;

    use super::super::{AttributeValue, LeadFieldMapping, TimeZone};
    use super::*;

    fn field(kind: LeadFieldKind) -> LeadField {
        LeadField {
            name: "X__c".to_owned(),
            kind,
            is_updateable: true,
        }
    }

    fn targets(attribute: &str) -> Vec<LeadTarget> {
        let mapping = LeadFieldMapping::parse([(attribute, "X__c")]).unwrap();
        LeadTarget::resolve(&mapping, &LeadFieldMapping::default())
    }

    fn found(attribute: &str, field: Option<&LeadField>) -> Option<MappingProblem> {
        let findings = check_mapping(&targets(attribute), |_| field.cloned());
        findings.first().map(|finding| {
            let text = finding.to_string();
            assert!(text.contains(attribute) && text.contains("X__c"), "{text}");
            finding.problem
        })
    }

    #[track_caller]
    fn fits(attribute: &str, kind: LeadFieldKind, fits: bool) {
        let problem = found(attribute, Some(&field(kind)));
        assert_eq!(problem.is_none(), fits, "{attribute} {kind:?} {problem:?}");
    }

    #[test]
    fn a_field_must_be_there_and_be_writable() {
        assert_eq!(found("chName", None), Some(MappingProblem::Missing));
        let read_only = LeadField {
            is_updateable: false,
            ..field(LeadFieldKind::Text(80))
        };
        assert_eq!(
            found("chName", Some(&read_only)),
            Some(MappingProblem::ReadOnly)
        );
    }

    #[test]
    fn a_field_must_be_of_a_type_that_holds_the_attribute() {
        use LeadFieldKind::{Date, DateTime, Decimal, Integer, Other, Text};
        for kind in [Date, DateTime] {
            fits("triggerDatetime", kind, true);
            fits("first.triggerDatetime", kind, true);
            fits("visitorVisitCount", kind, false);
            fits("chName", kind, false);
            fits("c_team", kind, false);
        }
        for kind in [Integer, Decimal] {
            fits("triggerDatetime", kind, false);
            fits("callDuration", kind, true);
            fits("path", kind, false);
            fits("pt_gclid", kind, true);
            fits("campaign", kind, true);
        }
        for name in ["triggerDatetime", "callDuration", "chName", "c_team"] {
            fits(name, Other, false);
            fits(name, Text(255), true);
        }
    }

    #[test]
    fn a_text_must_be_long_enough_where_a_part_would_mean_something_else() {
        for (name, needed) in [
            ("chType", 9),
            ("first.chType", 9),
            ("triggerDatetime", 19),
            ("visitorVisitCount", 5),
            ("dialledPhoneNumber", 16),
        ] {
            fits(name, LeadFieldKind::Text(needed), true);
            let short = found(name, Some(&field(LeadFieldKind::Text(needed - 1))));
            let length = needed - 1;
            assert_eq!(short, Some(MappingProblem::TooShort { length, needed }));
        }
        // What is merely cut is told when it happens.
        fits("href", LeadFieldKind::Text(20), true);
    }

    #[test]
    fn fields_of_the_default_mapping_are_told_apart() {
        let findings = check_mapping(&LeadTarget::defaults(), |_| None);
        assert_eq!(findings.len(), LeadTarget::defaults().len());
        assert!(findings.iter().all(|finding| finding.is_default));
        let wide = |_: &FieldName| Some(field(LeadFieldKind::Text(255)));
        assert_eq!(check_mapping(&LeadTarget::defaults(), wide), []);
    }

    proptest! {
        /// The check and what is written later agree.
        #[test]
        fn what_is_found_good_takes_every_value_of_its_kind(
            count in any::<u32>(),
            micros in 0..4_000_000_000_000_000_i64,
            length in 0..40_u32,
            kind in 0..6_u8,
        ) {
            let kind = match kind {
                0 => LeadFieldKind::Text(length),
                1 => LeadFieldKind::Integer,
                2 => LeadFieldKind::Decimal,
                3 => LeadFieldKind::Date,
                4 => LeadFieldKind::DateTime,
                _ => LeadFieldKind::Other,
            };
            let zone = TimeZone::default();
            for (name, value) in [
                ("triggerDatetime", AttributeValue::Time(Timestamp::from_micros(micros))),
                ("callDuration", AttributeValue::Count(u64::from(count % 100_000))),
                ("chType", AttributeValue::Text("affiliate".to_owned())),
                ("dialledPhoneNumber", AttributeValue::Text("+442079460000123".to_owned())),
            ] {
                if found(name, Some(&field(kind))).is_none() {
                    let formatted = kind.format(&value, zone);
                    prop_assert!(formatted.is_ok_and(|formatted| !formatted.is_cut), "{name} {kind:?}");
                }
            }
        }
    }
}
