//! Visits of the contract.

use std::collections::{BTreeMap, HashMap};

use sfbridge_proto::v1 as pb;
use sfbridge_values::LongText;
use sha2::{Digest, Sha256};

use super::batch::Draft;
use super::event_message::keep_time;
use super::time;
use crate::domain::{NewVisit, Rejection, RejectionReason, Visit};
use crate::recording::Item;

/// The most names of a map, and the most characters of a name.
const MAX_NAMES: usize = 100;
const MAX_NAME_CHARS: usize = 255;

pub(super) fn read(visit: pb::Visit) -> Item<NewVisit> {
    let pb::Visit {
        igrp,
        visitor_id,
        visit_time,
        channel_name,
        channel_type,
        source,
        campaign,
        ad_group,
        term,
        match_type,
        network,
        landing_page,
        referrer,
        page_title,
        pass_through,
        variables,
        visit_id: _,
        receive_time: _,
    } = visit;

    let mut draft = Draft::new(igrp, None, Vec::new());
    if visitor_id.trim().is_empty() {
        draft.reject(Rejection::new(
            RejectionReason::MissingVisitor,
            "visitor_id",
            "The visit has no visitor: set visitor_id.",
        ));
    }
    let visitor_id = draft.visitor_id(&visitor_id);
    let visit_time = match visit_time {
        Some(visit_time) => {
            let visit_time = time::read(visit_time);
            keep_time(&mut draft, "visit_time", visit_time)
        }
        None => {
            draft.reject(Rejection::new(
                RejectionReason::InvalidTimestamp,
                "visit_time",
                "The visit has no time: set visit_time.",
            ));
            None
        }
    };
    let digest = Sha256::digest(landing_page.as_bytes());
    let landing_page_hash = i64::from_be_bytes(std::array::from_fn(|n| digest[n]));
    let pass_through = read_names(&mut draft, "pass_through", pass_through);
    let variables = read_names(&mut draft, "variables", variables);
    let text = |text: String| LongText::cut(text).0;

    let content = match (visitor_id, visit_time) {
        (Some(visitor_id), Some(visit_time)) => Some(NewVisit {
            visitor_id,
            visit_time,
            landing_page_hash,
            channel_name: text(channel_name),
            channel_type: text(channel_type),
            source: text(source),
            campaign: text(campaign),
            ad_group: text(ad_group),
            term: text(term),
            match_type: text(match_type),
            network: text(network),
            landing_page: text(landing_page),
            referrer: text(referrer),
            page_title: text(page_title),
            pass_through,
            variables,
        }),
        // What is missing has left its fault.
        _ => None,
    };
    draft.finish(None, "", content)
}

fn read_names(
    draft: &mut Draft,
    field: &str,
    map: HashMap<String, String>,
) -> BTreeMap<String, LongText> {
    if map.len() > MAX_NAMES || map.keys().any(|name| name.chars().count() > MAX_NAME_CHARS) {
        draft.reject(Rejection::new(
            RejectionReason::FieldTooLong,
            field,
            format!("{field} has more than {MAX_NAMES} names, or one of more than {MAX_NAME_CHARS} characters"),
        ));
        return BTreeMap::new();
    }
    map.into_iter()
        .map(|(name, value)| (name, LongText::cut(value).0))
        .collect()
}

pub(super) fn write(visit: Visit) -> pb::Visit {
    let Visit {
        visit_id,
        igrp,
        visitor_id,
        visit_time,
        channel_name,
        channel_type,
        source,
        campaign,
        ad_group,
        term,
        match_type,
        network,
        landing_page,
        referrer,
        page_title,
        pass_through,
        variables,
        receive_time,
    } = visit;
    pb::Visit {
        igrp: igrp.get(),
        visitor_id: visitor_id.to_string(),
        visit_time: Some(time::write(visit_time)),
        channel_name,
        channel_type,
        source,
        campaign,
        ad_group,
        term,
        match_type,
        network,
        landing_page,
        referrer,
        page_title,
        pass_through: pass_through.into_iter().collect(),
        variables: variables.into_iter().collect(),
        visit_id: visit_id.to_string(),
        receive_time: Some(time::write(receive_time)),
    }
}
