//! What it costs to attribute a long journey: 10,000 visits of one visitor.
//!
//! `cargo bench -p sfbridge-bench --bench attribution`

#![expect(
    clippy::panic,
    reason = "a benchmark that can not be set up has nobody to tell but its log"
)]

use std::collections::BTreeMap;

use core_service::domain::{
    AttributionModel, AttributionModelId, Channels, Journey, ModelKind, NewAttributionModel,
    NewCriterion, Visit,
};
use divan::Bencher;
use sfbridge_values::{Igrp, ShortText, Timestamp, VisitorId};
use uuid::Uuid;

fn main() {
    divan::main();
}

const VISITS: i64 = 10_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;
const NOW: i64 = 20_000 * DAY;

/// Visits of the last 80 days, so that every model looks at all of them.
fn visits() -> Vec<Visit> {
    let channels = [
        ("Paid Search", "ppc"),
        ("Organic Search", "seo"),
        ("Direct", "direct"),
        ("Newsletter", "email"),
    ];
    let igrp = Igrp::new(1_001).unwrap_or_else(|error| panic!("{error}"));
    (0..VISITS)
        .map(|n| {
            let (name, kind) = channels[usize::try_from(n).unwrap_or(0) % channels.len()];
            let time = Timestamp::from_micros(NOW - (n + 1) * (80 * DAY / VISITS));
            Visit {
                visit_id: Uuid::from_u128(u128::try_from(n).unwrap_or(0)),
                igrp,
                visitor_id: VisitorId::from_bytes([7; 16]),
                visit_time: time,
                channel_name: name.to_owned(),
                channel_type: kind.to_owned(),
                source: "Google".to_owned(),
                campaign: format!("UK-{}-Shoes-{n}", n % 10),
                ad_group: "Running".to_owned(),
                term: "buy running shoes online".to_owned(),
                match_type: "broad".to_owned(),
                network: "search".to_owned(),
                landing_page: format!(
                    "https://www.example.com/shop/shoes/running/{n}.html?utm_source=google\
                     &utm_medium=cpc&gclid=EAIaIQobChMI{n}"
                ),
                referrer: "https://www.google.com/".to_owned(),
                page_title: "Running shoes".to_owned(),
                pass_through: BTreeMap::from([("gclid".to_owned(), format!("EAIaIQobChMI{n}"))]),
                variables: BTreeMap::new(),
                receive_time: time,
            }
        })
        .collect()
}

/// A model that spreads, which has to look at every visit.
fn spread(channels: Channels, criteria: &[(&str, &str, &str)]) -> AttributionModel {
    let criteria = criteria.iter().map(|(field, op, value)| NewCriterion {
        field: (*field).to_owned(),
        op: (*op).to_owned(),
        value: (*value).to_owned(),
    });
    let model = AttributionModelId::new(11)
        .ok()
        .zip(ShortText::new("Bench").ok())
        .and_then(|(id, display_name)| {
            AttributionModel::custom(NewAttributionModel {
                id,
                display_name,
                kind: ModelKind::Spread,
                lookback_days: None,
                first_weight: None,
                last_weight: None,
                channels,
                criteria: criteria.collect(),
            })
            .ok()
        });
    model.unwrap_or_else(|| panic!("the model is refused"))
}

fn attribute(bencher: Bencher<'_, '_>, model: &AttributionModel) {
    let journey = Journey::new(visits());
    let now = Timestamp::from_micros(NOW);
    bencher.bench_local(|| {
        let attribution = model.attribute(&journey, now);
        attribution.map(|attribution| attribution.shares.len())
    });
}

/// Puts the visits in order, which comes before any model.
#[divan::bench]
fn order(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(visits).bench_local_values(Journey::new);
}

#[divan::bench(args = 0..11)]
fn built_in(bencher: Bencher<'_, '_>, id: usize) {
    let models = AttributionModel::built_in();
    attribute(bencher, &models[id]);
}

#[divan::bench]
fn exclude_two_channels(bencher: Bencher<'_, '_>) {
    let names = ["Direct", "NEWSLETTER"].map(str::to_owned).into();
    attribute(bencher, &spread(Channels::Exclude(names), &[]));
}

/// One criterion of each kind of work.
#[divan::bench(args = [
    ("campaign", "eq", "UK-1-Shoes-1"),
    ("campaign", "beginsi", "uk-1"),
    ("href", "inci", "GCLID="),
    ("term", "in", "boots,running shoes,buy running shoes online"),
    ("pt_gclid", "bool", "set"),
    ("triggerDatetime", "ge", "2024-08-01"),
    ("href", "glob", "*/shop/*.html?*"),
    ("campaign", "re", r"^(?i)uk-[0-4]-(shoes|boots)-\d+$"),
    ("href", "re", r"gclid=\w+$"),
    ("href", "nre", r"(?i)[?&]utm_(source|medium)=(bing|yahoo)"),
])]
fn criterion(bencher: Bencher<'_, '_>, criterion: (&str, &str, &str)) {
    attribute(bencher, &spread(Channels::All, &[criterion]));
}

#[divan::bench]
fn channels_and_four_criteria(bencher: Bencher<'_, '_>) {
    let channels = Channels::Exclude(["direct"].map(str::to_owned).into());
    let criteria = [
        ("chType", "ini", "ppc,seo,email"),
        ("campaign", "re", r"^(?i)uk-[0-8]-"),
        ("href", "glob", "*/shop/*"),
        ("triggerDatetime", "ge", "2024-01-01"),
    ];
    attribute(bencher, &spread(channels, &criteria));
}
