//! Visits: how visitors arrived on tracked sites.

use std::collections::BTreeMap;

use sfbridge_values::{Igrp, LongText, Timestamp, VisitorId};
use uuid::Uuid;

use super::{FieldValue, Fingerprint, KnownFields};

/// A visit as it came in, every value parsed.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct NewVisit {
    pub visitor_id: VisitorId,
    pub visit_time: Timestamp,
    /// Tells visits of one instant apart: a hash of the landing page as sent.
    pub landing_page_hash: i64,
    pub channel_name: LongText,
    pub channel_type: LongText,
    pub source: LongText,
    pub campaign: LongText,
    pub ad_group: LongText,
    pub term: LongText,
    pub match_type: LongText,
    pub network: LongText,
    pub landing_page: LongText,
    pub referrer: LongText,
    pub page_title: LongText,
    pub pass_through: BTreeMap<String, LongText>,
    pub variables: BTreeMap<String, LongText>,
}

impl NewVisit {
    /// What tells a repeat of this visit from one with other content.
    pub fn fingerprint(&self) -> [u8; 16] {
        let pairs = |pairs: &BTreeMap<String, LongText>| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
                .collect()
        };
        let (pass_through, variables) = (pairs(&self.pass_through), pairs(&self.variables));
        [
            &self.channel_name,
            &self.channel_type,
            &self.source,
            &self.campaign,
            &self.ad_group,
            &self.term,
            &self.match_type,
            &self.network,
            &self.landing_page,
            &self.referrer,
            &self.page_title,
        ]
        .into_iter()
        .fold(Fingerprint::default(), |hash, text| {
            hash.text(text.as_str())
        })
        .pairs(
            pass_through
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
        .pairs(
            variables
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
        .finish()
    }
}

/// A visit as it is kept.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct Visit {
    pub visit_id: Uuid,
    pub igrp: Igrp,
    pub visitor_id: VisitorId,
    pub visit_time: Timestamp,
    pub channel_name: String,
    pub channel_type: String,
    pub source: String,
    pub campaign: String,
    pub ad_group: String,
    pub term: String,
    pub match_type: String,
    pub network: String,
    pub landing_page: String,
    pub referrer: String,
    pub page_title: String,
    pub pass_through: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
    pub receive_time: Timestamp,
}

impl Visit {
    /// The fields that criteria on visits may name, as [`Visit::value`] has
    /// them.
    pub const FIELDS: KnownFields = KnownFields {
        texts: &[
            "chName",
            "chType",
            "src",
            "campaign",
            "adGroup",
            "term",
            "matchType",
            "network",
            "href",
            "ref",
            "pageTitle",
        ],
        times: &["triggerDatetime"],
        prefixes: &["pt_", "c_"],
    };

    /// The value of a field by its edge name. `None` when the visit has none.
    pub fn value(&self, name: &str) -> Option<FieldValue<'_>> {
        let text = match name {
            "chName" => &self.channel_name,
            "chType" => &self.channel_type,
            "src" => &self.source,
            "campaign" => &self.campaign,
            "adGroup" => &self.ad_group,
            "term" => &self.term,
            "matchType" => &self.match_type,
            "network" => &self.network,
            "href" => &self.landing_page,
            "ref" => &self.referrer,
            "pageTitle" => &self.page_title,
            "triggerDatetime" => return Some(FieldValue::Time(self.visit_time)),
            _ => match name.strip_prefix("pt_") {
                Some(name) => self.pass_through.get(name)?,
                None => self.variables.get(name.strip_prefix("c_")?)?,
            },
        };
        Some(FieldValue::Text(text))
    }
}
