//! The row of a visit.

use std::collections::BTreeMap;

use sfbridge_values::LongText;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::Visit;

/// Reads a visit.
pub(in super::super) fn read(row: &impl Columns) -> Result<Visit, StoreError> {
    Ok(Visit {
        visit_id: columns::uuid(row, "visit_id")?,
        igrp: columns::igrp(row)?,
        visitor_id: columns::visitor_id(row, "visitor_id")?
            .ok_or_else(|| unreadable("visitor_id", "is absent"))?,
        visit_time: columns::timestamp(row, "visit_time")?,
        channel_name: row.get("channel_name")?,
        channel_type: row.get("channel_type")?,
        source: row.get("source")?,
        campaign: row.get("campaign")?,
        ad_group: row.get("ad_group")?,
        term: row.get("term")?,
        match_type: row.get("match_type")?,
        network: row.get("network")?,
        landing_page: row.get("landing_page")?,
        referrer: row.get("referrer")?,
        page_title: row.get("page_title")?,
        pass_through: columns::json(row, "pass_through")?,
        variables: columns::json(row, "variables")?,
        receive_time: columns::timestamp(row, "receive_time")?,
    })
}

/// Writes names and texts; none take no room.
pub(in super::super) fn texts(
    map: &BTreeMap<String, LongText>,
) -> Result<Option<String>, StoreError> {
    let map = map
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
        .collect();
    columns::map(&map)
}
