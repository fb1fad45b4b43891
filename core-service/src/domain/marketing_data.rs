//! Marketing data: what is known about how a visitor or caller came.

use sfbridge_values::{MarketingAttribute, Timestamp};

use super::{Call, CallRating, Considered, FieldValue, Visit};

/// What is known, as seen at some time.
#[derive(Clone, Debug)]
pub struct MarketingData<'a> {
    /// The visits that count, the earliest first.
    pub considered: Considered<'a>,
    /// The visit that the model chose.
    pub chosen: Option<&'a Visit>,
    /// How many calls of the visitor count.
    pub call_count: usize,
    /// The last of them.
    pub last_call: Option<&'a Call>,
    /// The present rating of that call.
    pub call_rating: Option<&'a CallRating>,
}

/// The value of a marketing attribute, before it is put into the form of some
/// field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// A text, not blank.
    Text(String),
    /// An instant.
    Time(Timestamp),
    /// A number of things, or of seconds.
    Count(u64),
}

impl MarketingData<'_> {
    /// The value of an attribute. `None` when nothing is known of it.
    pub fn value(&self, attribute: &MarketingAttribute) -> Option<AttributeValue> {
        let name = attribute.as_str();
        if let Some(name) = name.strip_prefix("first.") {
            return of_a_visit(self.considered.visits().first()?, name);
        }
        self.of_the_visitor(name)
            .or_else(|| of_a_visit(self.chosen?, name))
    }

    fn of_the_visitor(&self, name: &str) -> Option<AttributeValue> {
        let visits = self.considered.visits();
        let seconds = |seconds: u32| AttributeValue::Count(seconds.into());
        match name {
            "path" => text(&path(visits)),
            "visitorFirstDatetime" => Some(AttributeValue::Time(visits.first()?.visit_time)),
            "visitorLastDatetime" => Some(AttributeValue::Time(visits.last()?.visit_time)),
            "visitorVisitCount" => count(visits.len()),
            "visitorCallCount" => count(self.call_count),
            "callRef" => text(&self.last_call?.call_ref),
            "dialledPhoneNumber" => text(&self.last_call?.dialled_phone_number),
            "callDuration" => Some(seconds(self.last_call?.call_seconds)),
            "callRating" => text(&self.call_rating?.rating),
            _ => None,
        }
    }
}

fn of_a_visit(visit: &Visit, name: &str) -> Option<AttributeValue> {
    match visit.value(name)? {
        FieldValue::Text(value) => text(value),
        FieldValue::Time(time) => Some(AttributeValue::Time(time)),
    }
}

fn text(text: &str) -> Option<AttributeValue> {
    let text = text.trim();
    (!text.is_empty()).then(|| AttributeValue::Text(text.to_owned()))
}

fn count(count: usize) -> Option<AttributeValue> {
    Some(AttributeValue::Count(u64::try_from(count).ok()?))
}

/// The names of the channels in order, repeats folded: `SEO > PPC > Direct`.
fn path(visits: &[Visit]) -> String {
    let mut path = String::new();
    let mut last = "";
    for visit in visits {
        let name = match visit.channel_name.trim() {
            "" => visit.channel_type.trim(),
            name => name,
        };
        if name.is_empty() || name == last {
            continue;
        }
        if !path.is_empty() {
            path.push_str(" > ");
        }
        path.push_str(name);
        last = name;
    }
    path
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sfbridge_values::{Igrp, VisitorId};
    use uuid::Uuid;

    use super::super::Journey;
    use super::*;

    fn visit(time: i64, channel_name: &str) -> Visit {
        let variables = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
        Visit {
            visit_id: Uuid::now_v7(),
            igrp: Igrp::new(1).unwrap(),
            visitor_id: VisitorId::parse("3f2504e0-4f89-41d3-9a0c-0305e82c3301").unwrap(),
            visit_time: Timestamp::from_micros(time),
            channel_name: channel_name.to_owned(),
            channel_type: channel_name.to_lowercase(),
            source: format!("source {time}"),
            campaign: " ".to_owned(),
            ad_group: String::new(),
            term: String::new(),
            match_type: String::new(),
            network: String::new(),
            landing_page: String::new(),
            referrer: String::new(),
            page_title: String::new(),
            pass_through: BTreeMap::from([("gclid".to_owned(), format!("click {time}"))]),
            variables,
            receive_time: Timestamp::from_micros(time),
        }
    }

    fn value(attribute: &str) -> Option<AttributeValue> {
        let channels = ["SEO", "PPC", "PPC", "", "Direct", "PPC"];
        let visits = (1..).zip(channels).map(|(time, name)| visit(time, name));
        let journey = Journey::new(visits.collect());
        let data = MarketingData {
            considered: journey.as_of(Timestamp::from_micros(10)),
            chosen: journey.visits().get(1),
            call_count: 0,
            last_call: None,
            call_rating: None,
        };
        let attribute = MarketingAttribute::parse(attribute).unwrap();
        data.value(&attribute)
    }

    #[track_caller]
    fn check(attribute: &str, expected: &AttributeValue) {
        assert_eq!(value(attribute).as_ref(), Some(expected), "{attribute}");
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::Text(text.to_owned())
    }

    #[test]
    fn an_attribute_is_that_of_the_chosen_visit_or_of_the_first() {
        check("chName", &text("PPC"));
        check("chType", &text("ppc"));
        check("src", &text("source 2"));
        check("pt_gclid", &text("click 2"));
        check("c_team", &text("blue"));
        check("first.chName", &text("SEO"));
        check("first.pt_gclid", &text("click 1"));
        let time = |time| AttributeValue::Time(Timestamp::from_micros(time));
        check("triggerDatetime", &time(2));
        check("first.triggerDatetime", &time(1));
        check("visitorFirstDatetime", &time(1));
        check("visitorLastDatetime", &time(6));
    }

    #[test]
    fn repeats_in_the_path_are_folded() {
        check("path", &text("SEO > PPC > Direct > PPC"));
    }

    #[test]
    fn what_is_blank_or_unknown_has_no_value() {
        for unknown in ["campaign", "pt_msclkid", "callRef", "callRating"] {
            assert_eq!(value(unknown), None, "{unknown}");
        }
        check("visitorCallCount", &AttributeValue::Count(0));
        check("visitorVisitCount", &AttributeValue::Count(6));
    }
}
