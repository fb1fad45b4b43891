//! Who plays in the demo: an installation, two people, and how they came.

use prost_types::Timestamp;
use serde_json::{Map, Value as Json, json};
use sfbridge_proto::v1 as pb;

/// The installation.
pub(super) const IGRP: i64 = 1001;
/// Last Click: the latest visit that did not come directly.
pub(super) const LAST_CLICK: i32 = 5;
/// Who came by several channels and then filled in a form.
pub(super) const ADA: &str = "b5bb14cc-7cf6-49ff-a131-538d85bd143d";
/// Whose visit is recorded only after the form.
pub(super) const BEN: &str = "6f3a1c52-9d0e-4d43-8a57-0c2f1b7e94aa";

const DAY: i64 = 24 * 60 * 60;

/// The installation, linked to an organisation.
pub(super) fn installation(organization_id: &str) -> pb::Installation {
    pb::Installation {
        igrp: IGRP,
        display_name: "Demonstration".to_owned(),
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        country: "GB".to_owned(),
        attribution_model_id: LAST_CLICK,
        organization_id: organization_id.to_owned(),
        ..Default::default()
    }
}

/// How Ada came, seen from a second of Unix time: a search, a newsletter, an advertisement, and at last
/// directly.
pub(super) fn journey_of_ada(now: i64) -> Vec<pb::Visit> {
    let search = pb::Visit {
        channel_name: "SEO".to_owned(),
        channel_type: "seo".to_owned(),
        source: "google".to_owned(),
        landing_page: "https://www.example.com/call-tracking".to_owned(),
        referrer: "https://www.google.com/".to_owned(),
        ..visit(ADA, now, 32 * DAY)
    };
    let newsletter = pb::Visit {
        channel_name: "Email".to_owned(),
        channel_type: "email".to_owned(),
        source: "newsletter".to_owned(),
        campaign: "May news".to_owned(),
        landing_page: "https://www.example.com/news/may".to_owned(),
        ..visit(ADA, now, 9 * DAY)
    };
    let directly = pb::Visit {
        channel_name: "Direct".to_owned(),
        channel_type: "direct".to_owned(),
        landing_page: "https://www.example.com/contact".to_owned(),
        ..visit(ADA, now, 5 * 60)
    };
    vec![search, newsletter, advertisement(ADA, now, DAY), directly]
}

/// How Ben came: by the advertisement, a minute before his form.
pub(super) fn visit_of_ben(now: i64) -> pb::Visit {
    advertisement(BEN, now, 60)
}

fn advertisement(visitor_id: &str, now: i64, seconds_ago: i64) -> pb::Visit {
    pb::Visit {
        channel_name: "PPC".to_owned(),
        channel_type: "ppc".to_owned(),
        source: "google".to_owned(),
        campaign: "Call tracking UK".to_owned(),
        ad_group: "Exact".to_owned(),
        term: "call tracking software".to_owned(),
        match_type: "exact".to_owned(),
        network: "search".to_owned(),
        landing_page: "https://www.example.com/offer?gclid=pretended".to_owned(),
        pass_through: [("gclid".to_owned(), "pretended".to_owned())].into(),
        ..visit(visitor_id, now, seconds_ago)
    }
}

fn visit(visitor_id: &str, now: i64, seconds_ago: i64) -> pb::Visit {
    pb::Visit {
        igrp: IGRP,
        visitor_id: visitor_id.to_owned(),
        visit_time: Some(Timestamp {
            seconds: now - seconds_ago,
            nanos: 0,
        }),
        ..Default::default()
    }
}

/// The Lead that a web form makes.
pub(super) fn lead(first_name: &str, company: &str, visitor_id: &str) -> Map<String, Json> {
    let fields = json!({
        "FirstName": first_name,
        "LastName": "Example",
        "Company": company,
        "Email": format!("{}@example.com", first_name.to_lowercase()),
        "LeadSource": "Web",
        "Infinity_Visitor_ID__c": visitor_id,
    });
    match fields {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}
