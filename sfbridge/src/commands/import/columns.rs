//! The columns of import files: one table for each kind of record.

use std::collections::HashMap;

use prost_types::Timestamp;
use sfbridge_proto::v1 as pb;
use sfbridge_values::nearest;

/// A column, or a key of a JSON object.
pub(super) struct Column<M: 'static> {
    /// Its name in the contract.
    pub(super) name: &'static str,
    /// Other names for it, that users of call tracking know.
    pub(super) also: &'static [&'static str],
    /// What is done with a value.
    pub(super) take: Take<M>,
    /// What it means, for the documentation, which a test holds against it.
    #[cfg_attr(not(test), expect(dead_code, reason = "documentation"))]
    pub(super) meaning: &'static str,
}

/// What is done with a value.
pub(super) enum Take<M: 'static> {
    /// It is an installation.
    Igrp(fn(&mut M) -> &mut i64),
    /// It is kept as it is.
    Text(fn(&mut M) -> &mut String),
    /// It is a time.
    Time(fn(&mut M) -> &mut Option<Timestamp>),
    /// It is a number of seconds.
    Seconds(fn(&mut M) -> &mut i32),
    /// It is an object of texts. Columns whose names begin so hold one each.
    Names(&'static str, fn(&mut M) -> &mut HashMap<String, String>),
    /// It is not for imports: the core makes it, or an import wrote it.
    Nothing,
}

/// Where the values of a column go.
pub(super) enum Place<M: 'static> {
    /// To this column.
    Column(&'static Column<M>),
    /// Under this name of a column that holds several.
    Name(fn(&mut M) -> &mut HashMap<String, String>, String),
    /// Nowhere.
    Nowhere,
}

impl<M> Clone for Place<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Column(column) => Self::Column(column),
            Self::Name(names, name) => Self::Name(*names, name.clone()),
            Self::Nowhere => Self::Nowhere,
        }
    }
}

impl<M> Place<M> {
    /// Finds where the values of a column go, by its name in any case.
    ///
    /// # Errors
    ///
    /// The nearest known name, if any is near.
    pub(super) fn find(
        columns: &'static [Column<M>],
        name: &str,
    ) -> Result<Self, Option<&'static str>> {
        let folded = fold(name);
        for column in columns {
            let mut names = [column.name].into_iter().chain(column.also.iter().copied());
            if names.any(|known| fold(known) == folded) {
                return Ok(match column.take {
                    Take::Nothing => Self::Nowhere,
                    _ => Self::Column(column),
                });
            }
        }
        for column in columns {
            if let Take::Names(prefix, names) = column.take
                && let Some((start, rest)) = name.trim().split_at_checked(prefix.len())
                && start.eq_ignore_ascii_case(prefix)
                && !rest.is_empty()
            {
                return Ok(Self::Name(names, rest.to_owned()));
            }
        }
        let known = columns
            .iter()
            .filter(|column| !matches!(column.take, Take::Nothing))
            .flat_map(|column| [column.name].into_iter().chain(column.also.iter().copied()));
        Err(nearest(name.trim(), known))
    }

    /// What only one column of a file may fill.
    pub(super) fn key(&self) -> Option<String> {
        match self {
            Self::Column(column) => Some(column.name.to_owned()),
            Self::Name(_, name) => Some(format!("name {name}")),
            Self::Nowhere => None,
        }
    }
}

/// A name as names are compared: `landing_page`, `Landing Page` and
/// `landingPage` are one.
fn fold(name: &str) -> String {
    name.trim()
        .chars()
        .filter(|character| !matches!(character, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The line that a rejected record came from.
pub(super) const REJECTED_LINE: &str = "rejected_line";
/// Why a record was rejected.
pub(super) const REJECTED_BECAUSE: &str = "rejected_because";

macro_rules! column {
    ($name:ident, [$($also:literal),*], $take:expr, $meaning:literal) => {
        Column { name: stringify!($name), also: &[$($also),*], take: $take, meaning: $meaning }
    };
}

macro_rules! text {
    ($name:ident, [$($also:literal),*], $meaning:literal) => {
        column!($name, [$($also),*], Take::Text(|record| &mut record.$name), $meaning)
    };
}

macro_rules! nothing {
    ($name:ident, $meaning:literal) => {
        column!($name, [], Take::Nothing, $meaning)
    };
}

/// The columns of visits.
pub(super) const VISITS: &[Column<pb::Visit>] = &[
    column!(
        igrp,
        [],
        Take::Igrp(|visit| &mut visit.igrp),
        "The installation. Where it is empty, that of `--igrp`."
    ),
    text!(
        visitor_id,
        ["vid"],
        "The visitor: a UUID, perhaps after `vid~`. Required."
    ),
    column!(
        visit_time,
        ["triggerDatetime"],
        Take::Time(|visit| &mut visit.visit_time),
        "When the visitor arrived. Required."
    ),
    text!(
        channel_name,
        ["chName", "channel"],
        "The channel's name, for instance `PPC`."
    ),
    text!(
        channel_type,
        ["chType"],
        "The channel's type, for instance `ppc`."
    ),
    text!(source, ["src"], "The source, for instance `Google`."),
    text!(campaign, [], "The campaign of an ad."),
    text!(ad_group, [], "The ad group."),
    text!(term, ["keyword"], "The keyword or search term."),
    text!(match_type, [], "The ad platform's match type."),
    text!(network, [], "The ad platform's network."),
    text!(landing_page, ["href"], "The landing page's URL."),
    text!(referrer, ["ref", "referer"], "The referrer's URL."),
    text!(page_title, [], "The landing page's title."),
    column!(
        pass_through,
        [],
        Take::Names("pt_", |visit| &mut visit.pass_through),
        "URL parameters by name, as a JSON object; or a column `pt_NAME` for each."
    ),
    column!(
        variables,
        [],
        Take::Names("c_", |visit| &mut visit.variables),
        "Custom variables by name, as a JSON object; or a column `c_NAME` for each."
    ),
    nothing!(visit_id, "Made by the core; passed over."),
    nothing!(receive_time, "Made by the core; passed over."),
    nothing!(rejected_line, "In files of rejected records; passed over."),
    nothing!(
        rejected_because,
        "In files of rejected records; passed over."
    ),
];

/// The columns of calls.
pub(super) const CALLS: &[Column<pb::Call>] = &[
    column!(
        igrp,
        [],
        Take::Igrp(|call| &mut call.igrp),
        "The installation. Where it is empty, that of `--igrp`."
    ),
    text!(call_ref, [], "The call's reference. Required."),
    text!(
        visitor_id,
        ["vid"],
        "The visitor who called: a UUID, perhaps after `vid~`."
    ),
    column!(
        start_time,
        ["callStartDt", "triggerDatetime"],
        Take::Time(|call| &mut call.start_time),
        "When the call started. Required."
    ),
    text!(
        source_phone_number,
        ["srcPhoneNumber"],
        "The caller's number, or `anonymous`."
    ),
    text!(dialled_phone_number, [], "The number that was called."),
    text!(
        destination_phone_number,
        ["destPhoneNumber"],
        "The number that the call was put through to."
    ),
    column!(
        ring_seconds,
        ["ringTime"],
        Take::Seconds(|call| &mut call.ring_seconds),
        "How long it rang, in whole seconds."
    ),
    column!(
        call_seconds,
        ["callDuration"],
        Take::Seconds(|call| &mut call.call_seconds),
        "How long it lasted in all, in whole seconds."
    ),
    column!(
        bridge_seconds,
        ["bridgeDuration"],
        Take::Seconds(|call| &mut call.bridge_seconds),
        "How long the two parties spoke, in whole seconds."
    ),
    text!(
        state,
        ["callState"],
        "How the call ended, for instance `answered`."
    ),
    nothing!(call_id, "Made by the core; passed over."),
    nothing!(receive_time, "Made by the core; passed over."),
    nothing!(rejected_line, "In files of rejected records; passed over."),
    nothing!(
        rejected_because,
        "In files of rejected records; passed over."
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    #[track_caller]
    fn check<M>(columns: &'static [Column<M>], name: &str, expected: Result<&str, Option<&str>>) {
        let found = Place::find(columns, name);
        let found = found.map(|place| place.key().unwrap_or_default());
        assert_eq!(found, expected.map(str::to_owned), "{name}");
    }

    #[test]
    fn columns_are_found_by_any_of_their_names_in_any_case() {
        for name in [
            "landing_page",
            "Landing Page",
            "landingPage",
            "HREF",
            " href ",
        ] {
            check(VISITS, name, Ok("landing_page"));
        }
        check(VISITS, "triggerDatetime", Ok("visit_time"));
        check(VISITS, "pt_gclid", Ok("name gclid"));
        check(VISITS, "C_Stage", Ok("name Stage"));
        check(VISITS, "visit_id", Ok(""));
        check(CALLS, "callRef", Ok("call_ref"));
        check(CALLS, "callDuration", Ok("call_seconds"));
    }

    #[test]
    fn an_unknown_column_has_a_nearest_one_if_any_is_near() {
        check(VISITS, "chanel_name", Err(Some("channel_name")));
        check(VISITS, "Cmapaign", Err(Some("campaign")));
        check(VISITS, "pt_", Err(None));
        check(CALLS, "c_colour", Err(None));
        check(CALLS, "shoe size", Err(None));
    }

    #[test]
    fn no_name_means_two_columns() {
        fn names<M>(columns: &'static [Column<M>]) {
            let mut seen = BTreeSet::new();
            for column in columns {
                for name in [column.name].iter().chain(column.also) {
                    assert!(seen.insert(fold(name)), "{name}");
                }
            }
            assert!(seen.contains(&fold(REJECTED_LINE)) && seen.contains(&fold(REJECTED_BECAUSE)));
        }
        names(VISITS);
        names(CALLS);
    }

    /// The table of the documentation.
    fn documented<M>(columns: &'static [Column<M>]) -> String {
        let mut table = "| column | also | meaning |\n|---|---|---|\n".to_owned();
        for column in columns {
            let also: Vec<_> = column.also.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(
                table,
                "| `{}` | {} | {} |",
                column.name,
                also.join(", "),
                column.meaning
            );
        }
        table
    }

    #[test]
    fn the_documentation_lists_every_column() {
        let text = include_str!("../../../../docs/importing.md");
        for table in [documented(VISITS), documented(CALLS)] {
            assert!(
                text.contains(&table),
                "docs/importing.md lacks this:\n{table}"
            );
        }
    }
}
