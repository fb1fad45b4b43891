//! What the core's store is asked to record for the messages that are sent, for
//! measuring the store alone.

use std::collections::BTreeMap;

use core_service::domain::{
    Coverage, GivenCurrency, GivenTime, MatchMode, NewEvent, Origin, TimeSource,
};
use core_service::recording::{Batch, IdempotencyKey, Item, UnknownInstallations};
use sfbridge_values::{
    Action, Currency, Decimal, Igrp, LongText, OrganizationId, ShortText, Timestamp, VisitorId,
};

use crate::shape;

/// The events of so many notifications, from this number on: what a message of
/// them comes to in the core.
///
/// # Errors
///
/// When a value is none of the domain's.
pub fn batch(
    igrp: u32,
    first: u64,
    notifications: u32,
    now: Timestamp,
) -> anyhow::Result<Batch<NewEvent>> {
    let items = (first..first + u64::from(notifications)).map(|number| item(igrp, number));
    Ok(Batch {
        items: items.collect::<Result<_, _>>()?,
        unknown_installations: UnknownInstallations::Create,
        coverage: Coverage::All,
        now,
    })
}

fn item(igrp: u32, number: u64) -> anyhow::Result<Item<NewEvent>> {
    let organization = shape::organization(igrp);
    let notification = format!("04l5g{number:010}");
    let key = format!("{organization}/{notification}/events/{igrp:032x}");
    // 2026-11-28T10:20:30Z, as the message has it.
    let modified = Timestamp::from_micros(1_795_861_230_000_000);
    let event = NewEvent {
        action: Action::parse("sale")?,
        visitor_id: Some(VisitorId::from_bytes(shape::visitor(number).into_bytes())),
        call_ref: None,
        title: LongText::cut("Example & Sons: Renewal 2027".to_owned()).0,
        value: None,
        transaction_value: Some(Decimal::read("1250.5")?.decimal),
        currency: GivenCurrency::Fallback(Currency::parse("GBP")?),
        transaction_ref: None,
        time: GivenTime::new(modified, TimeSource::LastModifiedDate),
        match_mode: MatchMode::Exact,
        source_phone_number: None,
        call_start_time: None,
        attributes: BTreeMap::new(),
        warnings: Vec::new(),
        origin: Some(Origin {
            organization_id: Some(ShortText::new(&format!("{organization}EAA"))?),
            action_id: Some(ShortText::new("04k5g0000000077AAA")?),
            notification_id: Some(ShortText::new(&format!("{notification}AAA"))?),
            object_type: Some(ShortText::new("Opportunity")?),
            record_id: Some(ShortText::new(&format!("0065g{number:010}AAA"))?),
        }),
    };
    Ok(Item {
        igrp: Some(Igrp::new(igrp.into())?),
        organization_id: Some(OrganizationId::parse(&organization)?),
        content: Ok(event),
        idempotency_key: Some(IdempotencyKey::of_notification(ShortText::new(&key)?)),
        notification: None,
    })
}
