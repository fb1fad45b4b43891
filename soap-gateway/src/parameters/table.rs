//! The table of all URL parameters.
//!
//! Validation, `docs/parameters.md` and `sfbridge url` are made from it, so a
//! new parameter, alias or default is one row here.

use super::value_type::ValueType;
use crate::Endpoint;

/// One URL parameter at one or more endpoints.
#[derive(Clone, Copy, Debug)]
pub struct ParameterSpec {
    /// The main name. In a family of parameters, such as `c_NAME`, it holds
    /// the word `NAME` in place of what each is about.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// Where it is accepted.
    pub endpoints: &'static [Endpoint],
    /// The value that it is about.
    pub target: Target,
    /// What is written after the `=`.
    pub value: ValueKind,
    /// What counts where neither it nor another parameter about the same value
    /// gives one.
    pub fallback: Fallback,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

/// What is written after a parameter's `=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// The API name of a Salesforce field, from which a value of this type is
    /// read.
    Field(ValueType),
    /// The value itself, the same for every notification.
    Literal(ValueType),
    /// The API name of the Lead field to write.
    LeadField,
}

/// The values that parameters are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The installation.
    Igrp,
    /// The visitor.
    VisitorId,
    /// The call.
    CallRef,
    /// The event's title.
    Title,
    /// The event's action.
    Action,
    /// The event's value.
    Value,
    /// The transaction's value, or the value captured with a rating.
    TransactionValue,
    /// The currency of the transaction value.
    Currency,
    /// The transaction's reference.
    TransactionRef,
    /// The event time, the rating time, or the moment to look back from.
    Time,
    /// The zone of a date without a time.
    Zone,
    /// How an event is tied to a call.
    MatchMode,
    /// The caller's number.
    SourcePhoneNumber,
    /// When the call started.
    CallStart,
    /// A custom variable.
    Variable,
    /// The call's rating.
    Rating,
    /// The attribution model.
    AttributionModel,
    /// Which Lead field a marketing attribute is written to.
    FieldMapping,
    /// What to do with a Lead field that holds something else.
    Overwrite,
    /// The secret of the URL.
    Token,
}

impl Target {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Token as usize + 1;

    /// A number of its own, below [`Target::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The value's name, as the contract spells it where it has the value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Igrp => "igrp",
            Self::VisitorId => "visitor_id",
            Self::CallRef => "call_ref",
            Self::Title => "title",
            Self::Action => "action",
            Self::Value => "value",
            Self::TransactionValue => "transaction_value",
            Self::Currency => "currency",
            Self::TransactionRef => "transaction_ref",
            Self::Time => "time",
            Self::Zone => "time_zone",
            Self::MatchMode => "match_mode",
            Self::SourcePhoneNumber => "source_phone_number",
            Self::CallStart => "call_start_time",
            Self::Variable => "attributes",
            Self::Rating => "rating",
            Self::AttributionModel => "attribution_model_id",
            Self::FieldMapping => "field_mapping",
            Self::Overwrite => "overwrite_policy",
            Self::Token => "token",
        }
    }
}

/// What stands in for a value that no parameter gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing.
    Nothing,
    /// The fields that are recognised as this identity.
    DefaultFields(Identity),
    /// This field where it is populated; then what the words say, which the
    /// core knows.
    Field(&'static str, &'static str),
    /// This value.
    Literal(&'static str),
    /// What the words say, which the core knows.
    Words(&'static str),
}

/// The identities that are recognised without any parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The installation.
    Igrp,
    /// The visitor.
    VisitorId,
    /// The call.
    CallRef,
}

/// What stands in a family's name for that which each of its parameters is
/// about.
pub(super) const NAME: &str = "NAME";

/// The parameters that an endpoint accepts, in the order of the docs.
pub fn parameters_of(endpoint: Endpoint) -> impl Iterator<Item = &'static ParameterSpec> {
    TABLE
        .iter()
        .filter(move |spec| spec.endpoints.contains(&endpoint))
}

/// What stands in for a value at an endpoint.
pub(super) fn fallback_of(endpoint: Endpoint, target: Target) -> Fallback {
    parameters_of(endpoint)
        .filter(|spec| spec.target == target)
        .map(|spec| spec.fallback)
        .find(|fallback| *fallback != Fallback::Nothing)
        .unwrap_or(Fallback::Nothing)
}

/// A name that an endpoint knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) spec: &'static ParameterSpec,
    /// What stands for `NAME`, in a family of parameters.
    pub(super) part: &'a str,
}

/// Looks a name up at an endpoint: single parameters first, then families in
/// the table's order.
pub(super) fn find(endpoint: Endpoint, name: &str) -> Option<Known<'_>> {
    let is_it = |spec: &&ParameterSpec| spec.name == name || spec.aliases.contains(&name);
    if let Some(spec) = parameters_of(endpoint)
        .filter(|spec| spec.family().is_none())
        .find(is_it)
    {
        return Some(Known { spec, part: "" });
    }
    parameters_of(endpoint).find_map(|spec| {
        let (before, after) = spec.family()?;
        let part = name.strip_prefix(before)?.strip_suffix(after)?;
        Some(Known { spec, part })
    })
}

/// The endpoints that know a name.
pub(super) fn endpoints_of(name: &str) -> impl Iterator<Item = Endpoint> {
    Endpoint::ALL
        .into_iter()
        .filter(move |endpoint| find(*endpoint, name).is_some())
}

impl ParameterSpec {
    /// What stands before and after `NAME`, in a family of parameters.
    pub fn family(&self) -> Option<(&'static str, &'static str)> {
        self.name.split_once(NAME)
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn or(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }
}

const ALL: &[Endpoint] = &Endpoint::ALL;
const EVENTS: &[Endpoint] = &[Endpoint::Events];
const RATINGS: &[Endpoint] = &[Endpoint::CallRating];
const LEADS: &[Endpoint] = &[Endpoint::LeadEnrich];
const EVENTS_AND_LEADS: &[Endpoint] = &[Endpoint::Events, Endpoint::LeadEnrich];

const fn row(
    name: &'static str,
    endpoints: &'static [Endpoint],
    target: Target,
    value: ValueKind,
    meaning: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        aliases: &[],
        endpoints,
        target,
        value,
        fallback: Fallback::Nothing,
        meaning,
    }
}

// Short names keep a row on one line.
use Fallback as F;
use Target as T;
use ValueKind::{Field, LeadField, Literal};
use ValueType as V;

#[rustfmt::skip]
static TABLE: &[ParameterSpec] = &[
    row("igrpField", ALL, T::Igrp, Field(V::Igrp), "The installation's IGRP id.").or(F::DefaultFields(Identity::Igrp)),
    row("igrp", ALL, T::Igrp, Literal(V::Igrp), "The installation's IGRP id."),
    row("vidField", EVENTS_AND_LEADS, T::VisitorId, Field(V::VisitorId), "The visitor id.").or(F::DefaultFields(Identity::VisitorId)),
    row("callRefField", EVENTS, T::CallRef, Field(V::CallRef), "The call reference.").or(F::DefaultFields(Identity::CallRef)),
    row("callRefField", RATINGS, T::CallRef, Field(V::CallRef), "The reference of the call being rated.").or(F::DefaultFields(Identity::CallRef)),
    row("callRefField", LEADS, T::CallRef, Field(V::CallRef), "The call reference, for a lead that came by phone: its call gives the visitor.").or(F::DefaultFields(Identity::CallRef)),
    row("titleField", EVENTS, T::Title, Field(V::LongText), "The event's title.").aliases(&["tField"]).or(F::Field("Name", "")),
    row("title", EVENTS, T::Title, Literal(V::LongText), "The event's title.").aliases(&["t"]),
    row("actField", EVENTS, T::Action, Field(V::Action), "The event's action.").or(F::Literal("sale")),
    row("act", EVENTS, T::Action, Literal(V::Action), "The event's action."),
    row("valueField", EVENTS, T::Value, Field(V::Decimal), "The event's value (margin)."),
    row("value", EVENTS, T::Value, Literal(V::Decimal), "The event's value (margin)."),
    row("ratingField", RATINGS, T::Rating, Field(V::ShortText), "The rating item's text, for instance `New Lead`.").aliases(&["callRatingField"]).or(F::Field("CallDisposition", "")),
    row("rating", RATINGS, T::Rating, Literal(V::ShortText), "The rating item's text, for instance `New Lead`."),
    row("txvField", EVENTS, T::TransactionValue, Field(V::Decimal), "The transaction value."),
    row("txv", EVENTS, T::TransactionValue, Literal(V::Decimal), "The transaction value."),
    row("txvField", RATINGS, T::TransactionValue, Field(V::Decimal), "The value captured with the rating."),
    row("txv", RATINGS, T::TransactionValue, Literal(V::Decimal), "The value captured with the rating."),
    row("txcField", EVENTS, T::Currency, Field(V::Currency), "The currency of the transaction value.").aliases(&["currencyField"]).or(F::Field("CurrencyIsoCode", "the installation's currency")),
    row("txc", EVENTS, T::Currency, Literal(V::Currency), "The currency of the transaction value.").aliases(&["currency"]),
    row("txcField", RATINGS, T::Currency, Field(V::Currency), "The currency of the captured value.").aliases(&["currencyField"]).or(F::Words("the rating item's currency, then the installation's")),
    row("txc", RATINGS, T::Currency, Literal(V::Currency), "The currency of the captured value.").aliases(&["currency"]),
    row("txrField", EVENTS, T::TransactionRef, Field(V::ShortText), "The transaction's unique reference; one that starts with `test` (any case) makes the event void."),
    row("txr", EVENTS, T::TransactionRef, Literal(V::ShortText), "The transaction's unique reference; one that starts with `test` (any case) makes the event void."),
    row("dtField", EVENTS, T::Time, Field(V::Time), "The event's date, or date and time.").or(F::Field("LastModifiedDate", "the moment of the first receipt")),
    row("dtField", RATINGS, T::Time, Field(V::Time), "When the call was rated.").or(F::Field("LastModifiedDate", "the moment of the first receipt")),
    row("dtField", LEADS, T::Time, Field(V::Time), "The moment to look back from; visits up to 5 minutes after it count.").or(F::Field("CreatedDate", "the moment of the first receipt")),
    row("tz", ALL, T::Zone, Literal(V::Zone), "The zone of a date without a time.").or(F::Literal("UTC")),
    row("matchMode", EVENTS, T::MatchMode, Literal(V::MatchMode), "How the event is tied to a call.").or(F::Literal("exact")),
    row("srcPhoneNumberField", EVENTS, T::SourcePhoneNumber, Field(V::PhoneNumber), "The caller's number, for intelligent matching."),
    row("callStartDtField", EVENTS, T::CallStart, Field(V::DateAndTime), "When the call started, for intelligent matching."),
    row("c_NAMEField", EVENTS, T::Variable, Field(V::LongText), "The custom variable NAME, kept as the event's attribute `c_NAME`."),
    row("c_NAME", EVENTS, T::Variable, Literal(V::LongText), "The custom variable NAME, kept as the event's attribute `c_NAME`."),
    row("attributionModelId", LEADS, T::AttributionModel, Literal(V::AttributionModel), "The attribution model that picks the visit.").or(F::Words("the installation's model")),
    row("map[NAME]", LEADS, T::FieldMapping, LeadField, "The Lead field to write the marketing attribute NAME into; repeatable for different NAMEs.").or(F::Words("the installation's mapping")),
    row("overwrite", LEADS, T::Overwrite, Literal(V::Overwrite), "What to do when the Lead field holds something else.").or(F::Words("`empty` for first-touch attributes, `always` for the others")),
    row("token", ALL, T::Token, Literal(V::Secret), "The secret that shows that the sender knows this URL."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_or_alias_means_two_things_at_an_endpoint() {
        for endpoint in Endpoint::ALL {
            let mut names = BTreeSet::new();
            for spec in parameters_of(endpoint) {
                for name in std::iter::once(&spec.name).chain(spec.aliases) {
                    assert!(names.insert(*name), "{endpoint} {name}");
                }
            }
        }
    }

    #[test]
    fn a_value_has_at_most_one_fallback_at_an_endpoint() {
        for endpoint in Endpoint::ALL {
            let mut targets = BTreeSet::new();
            for spec in parameters_of(endpoint) {
                if spec.fallback != Fallback::Nothing {
                    assert!(targets.insert(spec.target), "{endpoint} {}", spec.name);
                }
            }
        }
    }

    #[test]
    fn every_literal_default_is_a_valid_value_of_its_parameters() {
        for endpoint in Endpoint::ALL {
            for spec in parameters_of(endpoint) {
                let fallback = fallback_of(endpoint, spec.target);
                if let (Fallback::Literal(text), ValueKind::Literal(value_type)) =
                    (fallback, spec.value)
                {
                    assert!(value_type.parse(text).is_ok(), "{} {text}", spec.name);
                }
            }
        }
    }

    #[test]
    fn a_name_that_ends_in_field_names_a_field_and_only_such_a_name() {
        for spec in TABLE {
            let is_field = matches!(spec.value, ValueKind::Field(_));
            assert_eq!(spec.name.ends_with("Field"), is_field, "{}", spec.name);
        }
    }

    #[test]
    fn families_are_found_by_what_stands_around_their_name() {
        let found = |name| {
            find(Endpoint::Events, name)
                .or_else(|| find(Endpoint::LeadEnrich, name))
                .map(|known| (known.spec.name, known.part.to_owned()))
        };
        let expected = |name, part: &str| Some((name, part.to_owned()));
        assert_eq!(found("c_team"), expected("c_NAME", "team"));
        assert_eq!(found("c_teamField"), expected("c_NAMEField", "team"));
        assert_eq!(found("c_Field"), expected("c_NAMEField", ""));
        assert_eq!(found("map[src]"), expected("map[NAME]", "src"));
        assert_eq!(found("callRefField"), expected("callRefField", ""));
        assert_eq!(found("C_team"), None);
    }
}
