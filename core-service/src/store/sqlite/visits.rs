//! Visits.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, named_params, params};
use sfbridge_values::{Igrp, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::rows::visit;
use super::super::{Page, PageRequest, StoreError, VisitFilter};
use super::alarm::Alarm;
use super::listing::{Conditions, Listing};
use super::row::all;
use super::{lead_enrichments, recording};
use crate::domain::{NewVisit, Visit, VisitorHistory};
use crate::recording::{Batch, ItemResult, new_record_id};

/// Records a batch in the present transaction.
pub(super) fn record(
    connection: &Connection,
    batch: Batch<NewVisit>,
    alarm: &Alarm,
) -> Result<Vec<ItemResult>, StoreError> {
    let now = batch.now;
    recording::upsert(connection, batch, |igrp, visit| {
        let result = put(connection, igrp, &visit, now)?;
        if matches!(result, ItemResult::Recorded(_)) {
            lead_enrichments::wake_by_visitor(connection, igrp, visit.visitor_id, now, alarm)?;
        }
        Ok(result)
    })
}

fn put(
    connection: &Connection,
    igrp: Igrp,
    new: &NewVisit,
    now: Timestamp,
) -> Result<ItemResult, StoreError> {
    let fingerprint = new.fingerprint();
    let known: Option<([u8; 16], [u8; 16])> = connection
        .prepare_cached(
            "SELECT visit_id, content_hash FROM visits
             WHERE igrp = ?1 AND visitor_id = ?2 AND visit_time = ?3 AND landing_page_hash = ?4",
        )?
        .query_row(
            params![
                igrp.get(),
                new.visitor_id.as_bytes(),
                new.visit_time.micros(),
                new.landing_page_hash
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let visit_id = match known {
        Some((id, hash)) if hash == fingerprint => {
            return Ok(ItemResult::Duplicate(Uuid::from_bytes(id)));
        }
        Some((id, _)) => Uuid::from_bytes(id),
        None => new_record_id(now),
    };
    connection
        .prepare_cached(
            "INSERT INTO visits (
                 visit_id, igrp, visitor_id, visit_time, landing_page_hash, channel_name,
                 channel_type, source, campaign, ad_group, term, match_type, network, landing_page,
                 referrer, page_title, pass_through, variables, receive_time, content_hash)
             VALUES (
                 :visit_id, :igrp, :visitor_id, :visit_time, :landing_page_hash, :channel_name,
                 :channel_type, :source, :campaign, :ad_group, :term, :match_type, :network,
                 :landing_page, :referrer, :page_title, :pass_through, :variables, :receive_time,
                 :content_hash)
             ON CONFLICT (igrp, visitor_id, visit_time, landing_page_hash) DO UPDATE SET
                 channel_name = excluded.channel_name, channel_type = excluded.channel_type,
                 source = excluded.source, campaign = excluded.campaign,
                 ad_group = excluded.ad_group, term = excluded.term,
                 match_type = excluded.match_type, network = excluded.network,
                 landing_page = excluded.landing_page, referrer = excluded.referrer,
                 page_title = excluded.page_title, pass_through = excluded.pass_through,
                 variables = excluded.variables, content_hash = excluded.content_hash",
        )?
        .execute(named_params! {
            ":visit_id": visit_id.as_bytes(),
            ":igrp": igrp.get(),
            ":visitor_id": new.visitor_id.as_bytes(),
            ":visit_time": new.visit_time.micros(),
            ":landing_page_hash": new.landing_page_hash,
            ":channel_name": new.channel_name.as_str(),
            ":channel_type": new.channel_type.as_str(),
            ":source": new.source.as_str(),
            ":campaign": new.campaign.as_str(),
            ":ad_group": new.ad_group.as_str(),
            ":term": new.term.as_str(),
            ":match_type": new.match_type.as_str(),
            ":network": new.network.as_str(),
            ":landing_page": new.landing_page.as_str(),
            ":referrer": new.referrer.as_str(),
            ":page_title": new.page_title.as_str(),
            ":pass_through": visit::texts(&new.pass_through)?,
            ":variables": visit::texts(&new.variables)?,
            ":receive_time": now.micros(),
            ":content_hash": fingerprint,
        })?;
    Ok(ItemResult::Recorded(visit_id))
}

/// A page of visits.
pub(super) fn list(
    connection: &Connection,
    filter: &VisitFilter,
    page: PageRequest,
) -> Result<Page<Visit>, StoreError> {
    let VisitFilter {
        igrp,
        visitor_id,
        time,
    } = *filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if(
        "visitor_id = ?",
        visitor_id.map(|visitor_id| Value::from(visitor_id.as_bytes().to_vec())),
    );
    conditions.add_range("visit_time", time);
    let listing = Listing {
        select: "SELECT * FROM visits",
        conditions,
        key: "visit_time",
        number: "number",
    };
    listing.page(connection, page, |row| visit::read(row))
}

/// The first visit of a visitor and the latest ones, at most
/// [`VisitorHistory::MAX_VISITS`] of these, in no certain order.
pub(super) fn latest_of(
    connection: &Connection,
    igrp: Igrp,
    visitor_id: VisitorId,
) -> Result<Vec<Visit>, StoreError> {
    let statement = connection.prepare_cached(
        "SELECT * FROM (
             SELECT * FROM visits WHERE igrp = ?1 AND visitor_id = ?2
             ORDER BY visit_time DESC LIMIT ?3)
         UNION
         SELECT * FROM (
             SELECT * FROM visits WHERE igrp = ?1 AND visitor_id = ?2
             ORDER BY visit_time LIMIT 1)",
    )?;
    let visitor = params![
        igrp.get(),
        visitor_id.as_bytes(),
        VisitorHistory::MAX_VISITS
    ];
    all(statement, visitor, |row| visit::read(row))
}
