use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sfbridge_values::{Igrp, ShortText, VisitorId};
use uuid::Uuid;

use super::*;
use crate::domain::{AttributionModelId, NewCriterion};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;
const MINUTE: i64 = 60 * 1_000_000;
/// Far enough from the beginning of time to look back from.
const NOW: i64 = 20_000 * DAY;

fn visit(time: i64, channel_type: &str) -> Visit {
    Visit {
        visit_id: Uuid::now_v7(),
        igrp: Igrp::new(1).unwrap(),
        visitor_id: VisitorId::parse("3f2504e0-4f89-41d3-9a0c-0305e82c3301").unwrap(),
        visit_time: Timestamp::from_micros(time),
        channel_name: channel_type.to_uppercase(),
        channel_type: channel_type.to_owned(),
        source: String::new(),
        campaign: String::new(),
        ad_group: String::new(),
        term: String::new(),
        match_type: String::new(),
        network: String::new(),
        landing_page: format!("https://example.com/{time}"),
        referrer: String::new(),
        page_title: String::new(),
        pass_through: BTreeMap::new(),
        variables: BTreeMap::new(),
        receive_time: Timestamp::from_micros(time),
    }
}

/// Visits so many days before now.
fn journey(visits: &[(i64, &str)]) -> Journey {
    let visits = visits
        .iter()
        .map(|(days, channel)| visit(NOW - days * DAY, channel));
    Journey::new(visits.collect())
}

/// What a model makes of visits so many days ago: days ago, and parts.
#[track_caller]
fn check(model: usize, visits: &[(i64, &str)], expected: &[(i64, u32)]) {
    let journey = journey(visits);
    let models = AttributionModel::built_in();
    let shares: Vec<_> = models[model]
        .attribute(&journey, Timestamp::from_micros(NOW))
        .map(|attribution| attribution.shares)
        .unwrap_or_default()
        .iter()
        .map(|share| ((NOW - share.visit.visit_time.micros()) / DAY, share.parts))
        .collect();
    assert_eq!(shares, expected, "model {model}");
}

const VISITS: [(i64, &str); 5] = [
    (200, "seo"),
    (80, "ppc"),
    (40, "email"),
    (10, "ppc"),
    (1, "direct"),
];

#[test]
fn each_built_in_model_picks_what_its_name_says() {
    check(0, &VISITS, &[(1, WHOLE)]);
    check(1, &VISITS, &[(10, WHOLE)]);
    check(2, &VISITS, &[(200, WHOLE)]);
    check(3, &VISITS, &[(80, WHOLE)]);
    check(
        4,
        &VISITS,
        &[(80, 500_000), (40, 166_666), (10, 166_667), (1, 166_667)],
    );
    check(5, &VISITS, &[(10, WHOLE)]);
    check(
        6,
        &VISITS,
        &[(80, 166_666), (40, 166_666), (10, 166_667), (1, 500_001)],
    );
    check(
        7,
        &VISITS,
        &[(80, 250_000), (40, 250_000), (10, 250_000), (1, 250_000)],
    );
    check(
        8,
        &VISITS,
        &[(80, 375_000), (40, 125_000), (10, 125_000), (1, 375_000)],
    );
    check(9, &VISITS, &[(80, 500_000), (10, 500_000)]);
    check(10, &VISITS, &[(80, 750_000), (10, 250_000)]);
}

#[test]
fn where_all_visits_are_direct_the_latest_counts() {
    let visits = [(120, "direct"), (30, "Direct"), (2, "DIRECT")];
    check(1, &visits, &[(2, WHOLE)]);
    check(5, &visits, &[(2, WHOLE)]);
    check(5, &[(120, "seo"), (2, "direct")], &[(2, WHOLE)]);
}

#[test]
fn a_model_may_select_no_visit() {
    check(3, &[(91, "seo")], &[]);
    check(7, &[(91, "seo")], &[]);
    check(9, &[(1, "seo")], &[]);
    check(2, &[], &[]);
    check(3, &[(90, "seo")], &[(90, WHOLE)]);
}

#[test]
fn visits_up_to_5_minutes_after_the_time_count() {
    let now = Timestamp::from_micros(NOW);
    let last = |visits: Vec<Visit>| {
        let journey = Journey::new(visits);
        let attribution = AttributionModel::built_in()[0]
            .attribute(&journey, now)
            .unwrap();
        let chosen = attribution.chosen().unwrap().visit_time.micros() - NOW;
        (chosen, attribution.is_late)
    };
    let at = |time: i64| visit(NOW + time, "seo");
    assert_eq!(last(vec![at(-DAY), at(5 * MINUTE)]), (5 * MINUTE, false));
    assert_eq!(last(vec![at(-DAY), at(5 * MINUTE + 1)]), (-DAY, false));
    // Tracked late: better than nothing, but it is said.
    let late = 5 * MINUTE + 1;
    assert_eq!(last(vec![at(DAY), at(late)]), (late, true));
}

#[test]
fn the_latest_of_equal_shares_is_chosen() {
    let journey = journey(&VISITS);
    let chosen = |model: usize| {
        let models = AttributionModel::built_in();
        let attribution = models[model].attribute(&journey, Timestamp::from_micros(NOW));
        let chosen = attribution.unwrap().chosen().unwrap();
        (NOW - chosen.visit_time.micros()) / DAY
    };
    assert_eq!([4, 6, 7, 8, 9, 10].map(chosen), [80, 1, 1, 1, 10, 80]);
}

fn new_model(id: i32, kind: ModelKind) -> NewAttributionModel {
    NewAttributionModel {
        id: AttributionModelId::new(id).unwrap(),
        display_name: ShortText::new("Ours").unwrap(),
        kind,
        lookback_days: None,
        first_weight: None,
        last_weight: None,
        channels: Channels::All,
        criteria: Vec::new(),
    }
}

fn new_criterion(field: &str, op: &str, value: &str) -> NewCriterion {
    NewCriterion {
        field: field.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// How many days ago the visit was that a model chooses.
fn chosen(new: NewAttributionModel, visits: &[(i64, &str)]) -> Option<i64> {
    let journey = journey(visits);
    let model = AttributionModel::custom(new).unwrap();
    let attribution = model.attribute(&journey, Timestamp::from_micros(NOW))?;
    Some((NOW - attribution.chosen()?.visit_time.micros()) / DAY)
}

#[test]
fn a_custom_model_looks_at_its_channels_alone() {
    let chosen = |channels| {
        let new = NewAttributionModel {
            lookback_days: Some(60),
            channels,
            ..new_model(11, ModelKind::Last)
        };
        chosen(new, &VISITS)
    };
    assert_eq!(chosen(Channels::All), Some(1));
    let include = |of: &[&str]| Channels::Include(names(of));
    assert_eq!(chosen(include(&["Email", "seo"])), Some(40));
    let exclude = Channels::Exclude(names(&["DIRECT", " ppc "]));
    assert_eq!(chosen(exclude), Some(40));
    assert_eq!(chosen(include(&["seo"])), None);
}

#[test]
fn a_custom_model_looks_at_visits_of_which_its_criteria_hold() {
    let chosen = |criteria: &[(&str, &str, &str)]| {
        let criteria = criteria.iter();
        let new = NewAttributionModel {
            criteria: criteria
                .map(|(field, op, value)| new_criterion(field, op, value))
                .collect(),
            ..new_model(11, ModelKind::InfiniteLast)
        };
        chosen(new, &VISITS)
    };
    assert_eq!(chosen(&[]), Some(1));
    assert_eq!(chosen(&[("chType", "ini", "SEO, email")]), Some(40));
    assert_eq!(chosen(&[("chName", "re", "^(PPC|SEO)$")]), Some(10));
    let year = Timestamp::from_micros(NOW - 50 * DAY).to_string();
    let old_and_paid = [
        ("triggerDatetime", "lt", year.as_str()),
        ("chType", "eq", "ppc"),
    ];
    assert_eq!(chosen(&old_and_paid), Some(80));
    assert_eq!(chosen(&[("pt_gclid", "bool", "set")]), None);
}

#[test]
fn a_custom_model_keeps_to_its_ranges() {
    let new = |id, lookback_days, first_weight| NewAttributionModel {
        lookback_days,
        first_weight,
        ..new_model(id, ModelKind::Spread)
    };
    let refused = |new| AttributionModel::custom(new).unwrap_err();
    assert_eq!(
        refused(new(10, None, None)),
        [InvalidAttributionModel::BuiltIn]
    );
    for days in [0, 3_651, 65_537] {
        let refused = refused(new(11, Some(days), None));
        assert_eq!(refused, [InvalidAttributionModel::Lookback]);
    }
    for weight in [0, 1_001] {
        let refused = refused(new(11, None, Some(weight)));
        assert_eq!(refused, [InvalidAttributionModel::FirstWeight]);
    }
    let model = AttributionModel::custom(new(11, None, None)).unwrap();
    let numbers = (
        model.lookback_days(),
        model.first_weight(),
        model.last_weight(),
    );
    assert_eq!(numbers, (90, 3, 3));
}

#[test]
fn all_that_is_wrong_with_a_custom_model_is_named() {
    let wrong = NewAttributionModel {
        display_name: ShortText::default(),
        lookback_days: Some(0),
        first_weight: Some(0),
        last_weight: Some(0),
        channels: Channels::Include(names(&[" "])),
        criteria: vec![
            new_criterion("chType", "eq", "ppc"),
            new_criterion("chTyp", "eq", "ppc"),
            new_criterion("chType", "eqals", "ppc"),
        ],
        ..new_model(3, ModelKind::Spread)
    };
    let faults = AttributionModel::custom(wrong).unwrap_err();
    let fields: Vec<_> = faults.iter().map(InvalidAttributionModel::field).collect();
    let expected = [
        "id",
        "display_name",
        "lookback_days",
        "first_weight",
        "last_weight",
        "channels",
        "criteria[1].field",
        "criteria[2].op",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn an_installations_models_have_ids_of_their_own() {
    let model = |id| CustomModel::new(new_model(id, ModelKind::Last)).unwrap();
    let models = AttributionModels::new(vec![model(11), model(12)]).unwrap();
    let found = models.find(AttributionModelId::new(12).unwrap()).unwrap();
    assert_eq!(found.ready().unwrap().id().get(), 12);
    // What was left open is filled in where it means something.
    assert_eq!(found.as_asked().lookback_days, Some(90));
    assert_eq!(found.as_asked().first_weight, None);
    let twice = AttributionModels::new(vec![model(11), model(12), model(11)]);
    assert_eq!(twice, Err(InvalidAttributionModels::Twice(11)));
    let many = (11..=111).map(model).collect();
    let many = AttributionModels::new(many);
    assert_eq!(many, Err(InvalidAttributionModels::TooMany));
}

/// What is known at the time of asking, in order, in the most obvious way.
fn known<'a>(visits: &[(i64, &'a str)]) -> Vec<(i64, &'a str)> {
    let mut known: Vec<(i64, &str)> = Vec::new();
    for visit in visits {
        if visit.0 <= NOW + 5 * MINUTE {
            known.push(*visit);
        }
    }
    if known.is_empty()
        && let Some(first) = visits.iter().min()
    {
        known.push(*first);
    }
    known.sort_unstable();
    known
}

/// Shares among visits at these times, by the weights of first and last.
fn spread(visits: &[i64], first: u32, last: u32) -> Vec<(i64, u32)> {
    let count = visits.len();
    let weight = |n: usize| match n {
        0 if n + 1 == count => first.max(last),
        0 => first,
        n if n + 1 == count => last,
        _ => 1,
    };
    let sum: u32 = (0..count).map(weight).sum();
    // Exactly: the whole part of each quotient, then the rest from behind.
    let part = |n| u128::from(WHOLE) * u128::from(weight(n)) / u128::from(sum);
    let mut shares: Vec<_> = (0..count)
        .map(|n| (visits[n], u32::try_from(part(n)).unwrap()))
        .collect();
    let mut place = count;
    while count > 0 && shares.iter().map(|share| share.1).sum::<u32>() < WHOLE {
        place = if place == 0 { count } else { place } - 1;
        shares[place].1 += 1;
    }
    shares
}

/// The rules of the built-in models once more, in the most obvious way: no
/// sorted slices, no cleverness. Returns the time and parts of each visit with
/// a share.
fn obvious(model: usize, visits: &[(i64, &str)]) -> Vec<(i64, u32)> {
    let known = known(visits);
    let recent = |visit: &&(i64, &str)| visit.0 >= NOW - 90 * DAY;
    let direct = |visit: &&(i64, &str)| visit.1 == "direct";
    let ppc = |visit: &&(i64, &str)| visit.1 == "ppc";
    let one = |visit: Option<&(i64, &str)>| visit.map(|visit| (visit.0, WHOLE)).into_iter();
    let times = |pick: &dyn Fn(&&(i64, &str)) -> bool| -> Vec<i64> {
        known.iter().filter(pick).map(|visit| visit.0).collect()
    };
    match model {
        0 => one(known.last()).collect(),
        1 => one(known.iter().rfind(|v| !direct(v)).or(known.last())).collect(),
        2 => one(known.first()).collect(),
        3 => one(known.iter().find(recent)).collect(),
        4 => spread(&times(&recent), 3, 1),
        5 => one(known
            .iter()
            .rfind(|v| recent(v) && !direct(v))
            .or(known.last()))
        .collect(),
        6 => spread(&times(&recent), 1, 3),
        7 => spread(&times(&recent), 1, 1),
        8 => spread(&times(&recent), 3, 3),
        9 => spread(&times(&|v| recent(v) && ppc(v)), 1, 1),
        10 => spread(&times(&|v| recent(v) && ppc(v)), 3, 1),
        other => panic!("{other}"),
    }
}

fn any_visits() -> impl Strategy<Value = Vec<(i64, &'static str)>> {
    let channel = prop::sample::select(vec!["direct", "ppc", "seo", "email"]);
    let near = NOW - 91 * DAY..NOW + 10 * MINUTE;
    let far = NOW - 400 * DAY..NOW + 400 * DAY;
    let time = prop_oneof![near, far];
    // Visits of one instant and one landing page are one visit.
    prop::collection::btree_map(time, channel, 0..40)
        .prop_map(|visits| visits.into_iter().collect())
}

proptest! {
    #[test]
    fn the_models_agree_with_an_obvious_one(visits in any_visits(), model in 0_usize..11) {
        let journey = Journey::new(visits.iter().map(|(time, channel)| visit(*time, channel)).collect());
        let models = AttributionModel::built_in();
        let attribution = models[model].attribute(&journey, Timestamp::from_micros(NOW));
        let shares: Vec<_> = attribution
            .map(|attribution| attribution.shares)
            .unwrap_or_default()
            .iter()
            .map(|share| (share.visit.visit_time.micros(), share.parts))
            .collect();
        prop_assert_eq!(shares, obvious(model, &visits));
    }

    #[test]
    fn shares_add_up_to_the_whole(visits in any_visits(), model in 0_usize..11) {
        let journey = Journey::new(visits.iter().map(|(time, channel)| visit(*time, channel)).collect());
        let models = AttributionModel::built_in();
        if let Some(attribution) = models[model].attribute(&journey, Timestamp::from_micros(NOW)) {
            let sum: u32 = attribution.shares.iter().map(|share| share.parts).sum();
            prop_assert_eq!(sum, WHOLE);
        }
    }

    #[test]
    fn the_first_visit_gets_all_under_first_click(visits in any_visits()) {
        prop_assume!(!visits.is_empty());
        let journey = Journey::new(visits.iter().map(|(time, channel)| visit(*time, channel)).collect());
        let models = AttributionModel::built_in();
        let attribution = models[2].attribute(&journey, Timestamp::from_micros(NOW)).unwrap();
        prop_assert_eq!(attribution.shares.len(), 1);
        prop_assert_eq!(attribution.shares[0].visit.visit_time.micros(), visits[0].0);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (visits, shuffled) in any_visits()
            .prop_map(|visits| visits.iter().map(|(time, channel)| visit(*time, channel)).collect::<Vec<_>>())
            .prop_flat_map(|visits| (Just(visits.clone()), Just(visits).prop_shuffle())),
        model in 0_usize..11,
    ) {
        let (one, other) = (Journey::new(visits), Journey::new(shuffled));
        let models = AttributionModel::built_in();
        let now = Timestamp::from_micros(NOW);
        prop_assert_eq!(models[model].attribute(&one, now), models[model].attribute(&other, now));
    }
}

/// A condition on a visit: a criterion of the language, and the same in Rust.
type Condition = (
    &'static str,
    &'static str,
    &'static str,
    fn(i64, &str) -> bool,
);

const CONDITIONS: [Condition; 9] = [
    ("chType", "eq", "ppc", |_, channel| channel == "ppc"),
    ("chName", "nei", "Direct", |_, channel| channel != "direct"),
    ("chType", "in", "seo, email", |_, channel| {
        channel == "seo" || channel == "email"
    }),
    ("chType", "re", "^[ps]", |_, channel| {
        channel == "ppc" || channel == "seo"
    }),
    ("chType", "glob", "*e*", |_, channel| channel != "ppc"),
    ("href", "ends", "7", |time, _| time % 10 == 7),
    ("c_even", "bool", "set", |time, _| time % 2 == 0),
    ("pt_last", "gt", "4", |time, _| time % 10 > 4),
    ("triggerDatetime", "ge", "2024-09-01", |time, _| {
        time >= 19_967 * DAY
    }),
];

/// A custom model as a test asks for it: kind, look-back, weights, channels
/// that are taken, whether all others are meant, and conditions.
#[derive(Clone, Debug)]
struct Asked {
    kind: ModelKind,
    lookback_days: Option<u32>,
    first_weight: Option<u32>,
    last_weight: Option<u32>,
    channels: BTreeSet<&'static str>,
    excludes: bool,
    conditions: BTreeSet<usize>,
}

impl Asked {
    fn model(&self) -> AttributionModel {
        // Case does not count, nor whether it is a name or a type.
        let channels = self.channels.iter().map(|name| match *name {
            "ppc" => " PPC".to_owned(),
            name => name.to_owned(),
        });
        let channels = match self.excludes {
            _ if self.channels.is_empty() => Channels::All,
            false => Channels::Include(channels.collect()),
            true => Channels::Exclude(channels.collect()),
        };
        let criteria = self.conditions.iter().map(|n| {
            let (field, op, value, _) = CONDITIONS[*n];
            new_criterion(field, op, value)
        });
        let new = NewAttributionModel {
            lookback_days: self.lookback_days,
            first_weight: self.first_weight,
            last_weight: self.last_weight,
            channels,
            criteria: criteria.collect(),
            ..new_model(11, self.kind)
        };
        AttributionModel::custom(new).unwrap()
    }

    /// What the model must make of visits, in the most obvious way.
    fn obvious(&self, visits: &[(i64, &'static str)]) -> Vec<(i64, u32)> {
        let mut seen = known(visits);
        seen.retain(|(time, channel)| {
            let is_infinite = matches!(
                self.kind,
                ModelKind::InfiniteFirst | ModelKind::InfiniteLast
            );
            let start = NOW - i64::from(self.lookback_days.unwrap_or(90)) * DAY;
            let is_admitted =
                self.channels.is_empty() || self.channels.contains(channel) != self.excludes;
            let mut conditions = self.conditions.iter();
            let hold = conditions.all(|n| CONDITIONS[*n].3(*time, channel));
            (is_infinite || *time >= start) && is_admitted && hold
        });
        let mut times = seen.iter().map(|visit| visit.0);
        match self.kind {
            ModelKind::InfiniteFirst | ModelKind::First => {
                times.next().map(|time| (time, WHOLE)).into_iter().collect()
            }
            ModelKind::InfiniteLast | ModelKind::Last => times
                .next_back()
                .map(|time| (time, WHOLE))
                .into_iter()
                .collect(),
            ModelKind::Spread => spread(
                &times.collect::<Vec<_>>(),
                self.first_weight.unwrap_or(3),
                self.last_weight.unwrap_or(3),
            ),
        }
    }
}

fn any_asked() -> impl Strategy<Value = Asked> {
    use ModelKind::{First, InfiniteFirst, InfiniteLast, Last, Spread};

    let number = |greatest| prop::option::of(1..=greatest);
    let channel = prop::sample::select(vec!["direct", "ppc", "seo", "email"]);
    (
        prop::sample::select(vec![InfiniteFirst, InfiniteLast, First, Last, Spread]),
        number(400_u32),
        number(1_000_u32),
        number(1_000_u32),
        prop::collection::btree_set(channel, 0..4),
        any::<bool>(),
        prop::collection::btree_set(0..CONDITIONS.len(), 0..3),
    )
        .prop_map(
            |(kind, lookback_days, first_weight, last_weight, channels, excludes, conditions)| {
                Asked {
                    kind,
                    lookback_days,
                    first_weight,
                    last_weight,
                    channels,
                    excludes,
                    conditions,
                }
            },
        )
}

/// A visit with what the conditions look at.
fn marked(time: i64, channel: &str) -> Visit {
    let mut visit = visit(time, channel);
    let last = (time % 10).to_string();
    visit.pass_through.insert("last".to_owned(), last);
    let even = if time % 2 == 0 { "yes" } else { " " };
    visit.variables.insert("even".to_owned(), even.to_owned());
    visit
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn custom_models_agree_with_an_obvious_one(visits in any_visits(), asked in any_asked()) {
        let journey = visits.iter().map(|(time, channel)| marked(*time, channel));
        let journey = Journey::new(journey.collect());
        let attribution = asked.model().attribute(&journey, Timestamp::from_micros(NOW));
        let shares: Vec<_> = attribution
            .map(|attribution| attribution.shares)
            .unwrap_or_default()
            .iter()
            .map(|share| (share.visit.visit_time.micros(), share.parts))
            .collect();
        prop_assert_eq!(shares, asked.obvious(&visits));
    }

    #[test]
    fn a_model_is_what_was_asked_for(asked in any_asked()) {
        let asked = asked.model().as_asked();
        let again = CustomModel::new(asked.clone()).unwrap();
        prop_assert_eq!(again.as_asked(), &asked);
        prop_assert_eq!(again.ready().unwrap().as_asked(), asked);
    }
}
