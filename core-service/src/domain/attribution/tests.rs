use std::collections::BTreeMap;

use proptest::prelude::*;
use sfbridge_values::{Igrp, ShortText, VisitorId};
use uuid::Uuid;

use super::*;
use crate::domain::AttributionModelId;

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

#[test]
fn a_custom_model_looks_at_its_channels_alone() {
    let model = |channels| {
        let new = NewAttributionModel {
            id: AttributionModelId::new(11).unwrap(),
            display_name: ShortText::default(),
            kind: ModelKind::Last,
            lookback_days: Some(60),
            first_weight: None,
            last_weight: None,
            channels,
        };
        AttributionModel::custom(new)
    };
    let chosen = |channels| {
        let journey = journey(&VISITS);
        let now = Timestamp::from_micros(NOW);
        let attribution = model(channels).unwrap();
        let attribution = attribution.attribute(&journey, now)?;
        Some((NOW - attribution.chosen()?.visit_time.micros()) / DAY)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(chosen(Channels::All), Some(1));
    assert_eq!(
        chosen(Channels::Include(names(&["Email", "seo"]))),
        Some(40)
    );
    assert_eq!(
        chosen(Channels::Exclude(names(&["DIRECT", " ppc "]))),
        Some(40)
    );
    assert_eq!(chosen(Channels::Include(names(&["seo"]))), None);
    assert_eq!(
        model(Channels::Include(names(&[]))),
        Err(InvalidAttributionModel::Channels)
    );
}

#[test]
fn a_custom_model_keeps_to_its_ranges() {
    let new = |id, lookback_days, first_weight| NewAttributionModel {
        id: AttributionModelId::new(id).unwrap(),
        display_name: ShortText::default(),
        kind: ModelKind::Spread,
        lookback_days,
        first_weight,
        last_weight: None,
        channels: Channels::All,
    };
    let refused = |new| AttributionModel::custom(new).unwrap_err();
    assert_eq!(
        refused(new(10, None, None)),
        InvalidAttributionModel::BuiltIn
    );
    for days in [0, 3_651, 65_537] {
        let refused = refused(new(11, Some(days), None));
        assert_eq!(refused, InvalidAttributionModel::Lookback);
    }
    for weight in [0, 1_001] {
        let refused = refused(new(11, None, Some(weight)));
        assert_eq!(refused, InvalidAttributionModel::Weight);
    }
    let model = AttributionModel::custom(new(11, None, None)).unwrap();
    let numbers = (
        model.lookback_days(),
        model.first_weight(),
        model.last_weight(),
    );
    assert_eq!(numbers, (90, 3, 3));
}

/// The rules once more, in the most obvious way: no sorted slices, no cleverness.
/// Returns the time and parts of each visit with a share.
fn obvious(model: usize, visits: &[(i64, &str)]) -> Vec<(i64, u32)> {
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

    let recent = |visit: &&(i64, &str)| visit.0 >= NOW - 90 * DAY;
    let direct = |visit: &&(i64, &str)| visit.1 == "direct";
    let ppc = |visit: &&(i64, &str)| visit.1 == "ppc";
    let one = |visit: Option<&(i64, &str)>| visit.map(|visit| (visit.0, WHOLE)).into_iter();
    let spread = |visits: Vec<i64>, first: u32, last: u32| {
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
    };
    let times = |pick: &dyn Fn(&&(i64, &str)) -> bool| -> Vec<i64> {
        known.iter().filter(pick).map(|visit| visit.0).collect()
    };
    match model {
        0 => one(known.last()).collect(),
        1 => one(known.iter().rfind(|v| !direct(v)).or(known.last())).collect(),
        2 => one(known.first()).collect(),
        3 => one(known.iter().find(recent)).collect(),
        4 => spread(times(&recent), 3, 1),
        5 => one(known
            .iter()
            .rfind(|v| recent(v) && !direct(v))
            .or(known.last()))
        .collect(),
        6 => spread(times(&recent), 1, 3),
        7 => spread(times(&recent), 1, 1),
        8 => spread(times(&recent), 3, 3),
        9 => spread(times(&|v| recent(v) && ppc(v)), 1, 1),
        10 => spread(times(&|v| recent(v) && ppc(v)), 3, 1),
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
