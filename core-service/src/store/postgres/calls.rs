//! Calls.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Client, GenericClient};
use sfbridge_values::{CallRef, Igrp, ShortText};
use uuid::Uuid;

use super::super::columns::{self, Columns, unreadable};
use super::super::rows::call;
use super::super::{CallFilter, Page, PageRequest, StoreError};
use super::events::visitor_uuid;
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use super::statements::Statement;
use super::upserts::{Changed, Kept, Known};
use crate::domain::{Call, NewCall};
use crate::recording::Batch;

/// What a call is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallKey {
    pub(super) igrp: Igrp,
    pub(super) call_ref: CallRef,
}

impl Known for NewCall {
    type Key = CallKey;

    fn key(&self, igrp: Igrp) -> CallKey {
        CallKey {
            igrp,
            call_ref: self.call_ref.clone(),
        }
    }

    fn content_hash(&self) -> [u8; 16] {
        self.fingerprint()
    }
}

/// What the calls of a batch are known by.
pub(super) fn keys(batch: &Batch<NewCall>) -> impl Iterator<Item = CallKey> {
    let items = batch.items.iter();
    items.filter_map(|item| Some(item.content.as_ref().ok()?.key(item.igrp?)))
}

/// Those that are there. They are locked, in one order.
pub(super) async fn find_known(
    transaction: &impl GenericClient,
    keys: &BTreeSet<CallKey>,
) -> Result<BTreeMap<CallKey, Kept>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = "SELECT igrp, call_ref, call_id, content_hash FROM calls
                  JOIN unnest($1::int8[], $2::text[]) AS new (igrp, call_ref)
                      USING (igrp, call_ref)
                  ORDER BY igrp, call_ref FOR UPDATE OF calls";
    let statement = transaction.prepare_cached(select).await?;
    let igrps: Vec<i64> = keys.iter().map(|key| key.igrp.get()).collect();
    let references: Vec<&str> = keys.iter().map(|key| key.call_ref.as_str()).collect();
    let rows = transaction
        .query(&statement, &[&igrps, &references])
        .await?;
    let known = rows.iter().map(|row| {
        let call_ref: String = Columns::get(row, "call_ref")?;
        let key = CallKey {
            igrp: columns::igrp(row)?,
            call_ref: CallRef::parse(&call_ref)
                .map_err(|invalid| unreadable("call_ref", invalid))?,
        };
        let kept = Kept {
            id: columns::uuid(row, "call_id")?,
            content_hash: Columns::get(row, "content_hash")?,
        };
        Ok((key, kept))
    });
    known.collect()
}

/// The statements that write calls, new ones and those that have changed. A new
/// one that somebody else has recorded since it was looked for is a conflict.
pub(super) fn writing(
    changes: &BTreeMap<CallKey, Changed<NewCall>>,
) -> impl Iterator<Item = Statement<'_>> {
    let some = |is_new: bool| -> Vec<Change<'_>> {
        let changes = changes.iter();
        changes
            .filter(|(_, changed)| changed.is_new == is_new)
            .collect()
    };
    let new = some(true);
    let insertion = new_columns(content_columns(&new), &new).insertion("calls", "");
    let change = content_columns(&some(false)).change(
        "calls",
        "visitor_id = new.visitor_id, start_time = new.start_time,
         source_phone_number = new.source_phone_number,
         dialled_phone_number = new.dialled_phone_number,
         destination_phone_number = new.destination_phone_number,
         ring_seconds = new.ring_seconds, call_seconds = new.call_seconds,
         bridge_seconds = new.bridge_seconds, state = new.state,
         content_hash = new.content_hash",
        "kept.igrp = new.igrp AND kept.call_ref = new.call_ref",
    );
    insertion.into_iter().chain(change)
}

type Change<'a> = (&'a CallKey, &'a Changed<NewCall>);

/// The columns by which a call is known, and those that may change.
fn content_columns<'a>(changes: &[Change<'a>]) -> Rows<'a> {
    let all = || changes.iter().map(|(_, changed)| &changed.content);
    let text =
        |field: fn(&NewCall) -> &ShortText| all().map(move |call| field(call).as_str().to_owned());
    let seconds = |field: fn(&NewCall) -> u32| all().map(move |call| i64::from(field(call)));
    Rows::default()
        .column("igrp", changes.iter().map(|(key, _)| key.igrp.get()))
        .column(
            "call_ref",
            all().map(|call| call.call_ref.as_str().to_owned()),
        )
        .column(
            "visitor_id",
            all().map(|call| call.visitor_id.map(visitor_uuid)),
        )
        .column("start_time", all().map(|call| call.start_time.micros()))
        .column(
            "source_phone_number",
            text(|call| &call.source_phone_number),
        )
        .column(
            "dialled_phone_number",
            text(|call| &call.dialled_phone_number),
        )
        .column(
            "destination_phone_number",
            text(|call| &call.destination_phone_number),
        )
        .column("ring_seconds", seconds(|call| call.ring_seconds))
        .column("call_seconds", seconds(|call| call.call_seconds))
        .column("bridge_seconds", seconds(|call| call.bridge_seconds))
        .column("state", text(|call| &call.state))
        .column(
            "content_hash",
            changes
                .iter()
                .map(|(_, changed)| Uuid::from_bytes(changed.content_hash)),
        )
}

/// Adds the columns that never change.
fn new_columns<'a>(rows: Rows<'a>, changes: &[Change<'a>]) -> Rows<'a> {
    let all = || changes.iter().map(|(_, changed)| *changed);
    rows.column("call_id", all().map(|changed| changed.id))
        .column(
            "receive_time",
            all().map(|changed| changed.receive_time.micros()),
        )
}

/// One call.
pub(super) async fn find(
    client: &impl GenericClient,
    igrp: Igrp,
    call_ref: &str,
) -> Result<Option<Call>, StoreError> {
    let select = "SELECT * FROM calls WHERE igrp = $1 AND call_ref = $2";
    let statement = client.prepare_cached(select).await?;
    let row = client
        .query_opt(&statement, &[&igrp.get(), &call_ref])
        .await?;
    row.map(|row| call::read(&row)).transpose()
}

/// A page of calls.
pub(super) async fn list(
    client: &Client,
    filter: CallFilter,
    page: PageRequest,
) -> Result<Page<Call>, StoreError> {
    let CallFilter {
        igrp,
        visitor_id,
        time,
    } = filter;
    let mut conditions = Conditions::default();
    conditions.add_if("igrp = ?", Some(igrp.get()));
    conditions.add_if("visitor_id = ?", visitor_id.map(visitor_uuid));
    conditions.add_range("start_time", time);
    let listing = Listing {
        select: "SELECT * FROM calls",
        conditions,
        key: "start_time",
        number: "number",
    };
    listing.page(client, page, call::read).await
}
