//! Visits.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Client, GenericClient};
use sfbridge_values::{Igrp, LongText, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::columns::{self, Columns, unreadable};
use super::super::rows::visit;
use super::super::{Page, PageRequest, StoreError, VisitFilter};
use super::events::visitor_uuid;
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use super::statements::Statement;
use super::upserts::{Changed, Kept, Known};
use crate::domain::{NewVisit, Visit, VisitorHistory};
use crate::recording::Batch;

/// What a visit is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VisitKey {
    pub(super) igrp: Igrp,
    pub(super) visitor_id: VisitorId,
    visit_time: Timestamp,
    landing_page_hash: i64,
}

impl Known for NewVisit {
    type Key = VisitKey;

    fn key(&self, igrp: Igrp) -> VisitKey {
        VisitKey {
            igrp,
            visitor_id: self.visitor_id,
            visit_time: self.visit_time,
            landing_page_hash: self.landing_page_hash,
        }
    }

    fn content_hash(&self) -> [u8; 16] {
        self.fingerprint()
    }
}

/// What the visits of a batch are known by.
pub(super) fn keys(batch: &Batch<NewVisit>) -> impl Iterator<Item = VisitKey> {
    let items = batch.items.iter();
    items.filter_map(|item| Some(item.content.as_ref().ok()?.key(item.igrp?)))
}

/// Those that are there. They are locked, in one order.
pub(super) async fn find_known(
    transaction: &impl GenericClient,
    keys: &BTreeSet<VisitKey>,
) -> Result<BTreeMap<VisitKey, Kept>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = "SELECT igrp, visitor_id, visit_time, landing_page_hash, visit_id, content_hash
                  FROM visits
                  JOIN unnest($1::int8[], $2::uuid[], $3::int8[], $4::int8[])
                      AS new (igrp, visitor_id, visit_time, landing_page_hash)
                      USING (igrp, visitor_id, visit_time, landing_page_hash)
                  ORDER BY igrp, visitor_id, visit_time, landing_page_hash
                  FOR UPDATE OF visits";
    let statement = transaction.prepare_cached(select).await?;
    let igrps: Vec<i64> = keys.iter().map(|key| key.igrp.get()).collect();
    let visitors = keys.iter().map(|key| visitor_uuid(key.visitor_id));
    let visitors: Vec<Uuid> = visitors.collect();
    let times: Vec<i64> = keys.iter().map(|key| key.visit_time.micros()).collect();
    let hashes: Vec<i64> = keys.iter().map(|key| key.landing_page_hash).collect();
    let rows = transaction
        .query(&statement, &[&igrps, &visitors, &times, &hashes])
        .await?;
    let known = rows.iter().map(|row| {
        let key = VisitKey {
            igrp: columns::igrp(row)?,
            visitor_id: columns::visitor_id(row, "visitor_id")?
                .ok_or_else(|| unreadable("visitor_id", "is absent"))?,
            visit_time: columns::timestamp(row, "visit_time")?,
            landing_page_hash: Columns::get(row, "landing_page_hash")?,
        };
        let kept = Kept {
            id: columns::uuid(row, "visit_id")?,
            content_hash: Columns::get(row, "content_hash")?,
        };
        Ok((key, kept))
    });
    known.collect()
}

/// The statements that write visits, new ones and those that have changed. A new
/// one that somebody else has recorded since it was looked for is a conflict.
pub(super) fn writing(
    changes: &BTreeMap<VisitKey, Changed<NewVisit>>,
) -> Result<impl Iterator<Item = Statement<'_>>, StoreError> {
    let some = |is_new: bool| -> Vec<Change<'_>> {
        let changes = changes.iter();
        changes
            .filter(|(_, changed)| changed.is_new == is_new)
            .collect()
    };
    let new = some(true);
    let insertion = new_columns(content_columns(&new)?, &new).insertion("visits", "");
    let change = content_columns(&some(false))?.change(
        "visits",
        "channel_name = new.channel_name, channel_type = new.channel_type,
         source = new.source, campaign = new.campaign, ad_group = new.ad_group,
         term = new.term, match_type = new.match_type, network = new.network,
         landing_page = new.landing_page, referrer = new.referrer,
         page_title = new.page_title, pass_through = new.pass_through,
         variables = new.variables, content_hash = new.content_hash",
        "kept.igrp = new.igrp AND kept.visitor_id = new.visitor_id
         AND kept.visit_time = new.visit_time
         AND kept.landing_page_hash = new.landing_page_hash",
    );
    Ok(insertion.into_iter().chain(change))
}

type Change<'a> = (&'a VisitKey, &'a Changed<NewVisit>);

/// The columns by which a visit is known, and those that may change.
fn content_columns<'a>(changes: &[Change<'a>]) -> Result<Rows<'a>, StoreError> {
    let keys = || changes.iter().map(|(key, _)| *key);
    let text = |field: fn(&NewVisit) -> &LongText| {
        let visits = changes.iter().map(|(_, changed)| &changed.content);
        visits.map(move |visit| field(visit).as_str().to_owned())
    };
    let maps = |field: fn(&NewVisit) -> &BTreeMap<String, LongText>| {
        let visits = changes.iter().map(|(_, changed)| &changed.content);
        let texts = visits.map(|visit| visit::texts(field(visit)));
        texts.collect::<Result<Vec<_>, _>>()
    };
    Ok(Rows::default()
        .column("igrp", keys().map(|key| key.igrp.get()))
        .column("visitor_id", keys().map(|key| visitor_uuid(key.visitor_id)))
        .column("visit_time", keys().map(|key| key.visit_time.micros()))
        .column("landing_page_hash", keys().map(|key| key.landing_page_hash))
        .column("channel_name", text(|visit| &visit.channel_name))
        .column("channel_type", text(|visit| &visit.channel_type))
        .column("source", text(|visit| &visit.source))
        .column("campaign", text(|visit| &visit.campaign))
        .column("ad_group", text(|visit| &visit.ad_group))
        .column("term", text(|visit| &visit.term))
        .column("match_type", text(|visit| &visit.match_type))
        .column("network", text(|visit| &visit.network))
        .column("landing_page", text(|visit| &visit.landing_page))
        .column("referrer", text(|visit| &visit.referrer))
        .column("page_title", text(|visit| &visit.page_title))
        .column(
            "pass_through",
            maps(|visit| &visit.pass_through)?.into_iter(),
        )
        .column("variables", maps(|visit| &visit.variables)?.into_iter())
        .column(
            "content_hash",
            changes
                .iter()
                .map(|(_, changed)| Uuid::from_bytes(changed.content_hash)),
        ))
}

/// Adds the columns that never change.
fn new_columns<'a>(rows: Rows<'a>, changes: &[Change<'a>]) -> Rows<'a> {
    let all = || changes.iter().map(|(_, changed)| *changed);
    rows.column("visit_id", all().map(|changed| changed.id))
        .column(
            "receive_time",
            all().map(|changed| changed.receive_time.micros()),
        )
}

/// A page of visits.
pub(super) async fn list(
    client: &Client,
    filter: VisitFilter,
    page: PageRequest,
) -> Result<Page<Visit>, StoreError> {
    let VisitFilter {
        igrp,
        visitor_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if("visitor_id = ?", visitor_id.map(visitor_uuid));
    conditions.add_range("visit_time", time);
    let listing = Listing {
        select: "SELECT * FROM visits",
        conditions,
        key: "visit_time",
        number: "number",
    };
    listing.page(client, page, visit::read).await
}

/// The first visit of a visitor and the latest ones, at most
/// [`VisitorHistory::MAX_VISITS`] of these, in no certain order.
pub(super) async fn latest_of(
    client: &impl GenericClient,
    igrp: Igrp,
    visitor_id: VisitorId,
) -> Result<Vec<Visit>, StoreError> {
    let select = "(SELECT * FROM visits WHERE igrp = $1 AND visitor_id = $2
                   ORDER BY visit_time DESC LIMIT $3)
                  UNION
                  (SELECT * FROM visits WHERE igrp = $1 AND visitor_id = $2
                   ORDER BY visit_time LIMIT 1)";
    let statement = client.prepare_cached(select).await?;
    let most = i64::from(VisitorHistory::MAX_VISITS);
    let rows = client
        .query(&statement, &[&igrp.get(), &visitor_uuid(visitor_id), &most])
        .await?;
    rows.iter().map(visit::read).collect()
}
