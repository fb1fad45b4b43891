//! Recording a batch: the steps that all kinds of record share.

use rusqlite::Connection;
use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::super::StoreError;
use super::{installations, keys, quarantine};
use crate::domain::{Installation, Rejection};
use crate::recording::{Admission, Batch, Item, ItemResult, RecordKind, admit};

/// An item that may be recorded.
pub(super) struct Admitted<'a, T> {
    /// Its content.
    pub(super) content: T,
    /// Its installation.
    pub(super) installation: &'a Installation,
    /// When it was first received: now, or when it was first quarantined.
    pub(super) receive_time: Timestamp,
    /// Its key.
    pub(super) idempotency_key: Option<String>,
}

/// What one kind of record does with items.
pub(super) struct Steps<R, I> {
    /// The kind.
    pub(super) kind: RecordKind,
    /// Takes a repeat of the record with this id: what its content is now, or
    /// why that is not accepted.
    pub(super) repeat: R,
    /// Inserts a new record and returns its id, or a fault that only the store
    /// could find.
    pub(super) insert: I,
}

/// Records a batch in the present transaction; one result each, in order.
pub(super) fn record<T>(
    connection: &Connection,
    mut batch: Batch<T>,
    steps: &Steps<
        impl Fn(Uuid, Result<Admitted<'_, T>, Rejection>) -> Result<(), StoreError>,
        impl Fn(Admitted<'_, T>) -> Result<Result<Uuid, Rejection>, StoreError>,
    >,
) -> Result<Vec<ItemResult>, StoreError> {
    let items = std::mem::take(&mut batch.items);
    items
        .into_iter()
        .map(|item| {
            let installation = match item.igrp {
                Some(igrp) => installations::find(connection, igrp)?,
                None => None,
            };
            let admission = admit(&batch, &item, installation);
            record_item(connection, batch.now, item, &admission, steps)
        })
        .collect()
}

fn record_item<T>(
    connection: &Connection,
    now: Timestamp,
    item: Item<T>,
    admission: &Result<Admission, Rejection>,
    steps: &Steps<
        impl Fn(Uuid, Result<Admitted<'_, T>, Rejection>) -> Result<(), StoreError>,
        impl Fn(Admitted<'_, T>) -> Result<Result<Uuid, Rejection>, StoreError>,
    >,
) -> Result<ItemResult, StoreError> {
    let Item {
        igrp,
        organization_id: _,
        content,
        idempotency_key,
        notification,
    } = item;
    let digest = idempotency_key.as_ref().map(|key| key.digest(steps.kind));
    let replay_of = notification
        .as_ref()
        .and_then(|notification| notification.replay_of);
    let held = quarantine::held(connection, digest.as_ref(), replay_of)?;
    let receive_time = held.as_ref().map_or(now, |held| held.receive_time.min(now));
    let key = || idempotency_key.as_ref().map(|key| key.as_str().to_owned());

    // Admission has the item's own fault among its errors.
    let admitted = match (admission, content) {
        (Ok(admission), Ok(content)) => Ok(Admitted {
            content,
            installation: admission.installation(),
            receive_time,
            idempotency_key: key(),
        }),
        (Err(rejection), _) => Err(rejection.clone()),
        (Ok(_), Err(rejection)) => Err(rejection),
    };

    if let Some(digest) = &digest
        && let Some(record_id) = keys::find(connection, digest)?
    {
        (steps.repeat)(record_id, admitted)?;
        if let Some(held) = &held {
            held.release(connection, replay_of.is_some(), record_id, now)?;
        }
        return Ok(ItemResult::Duplicate(record_id));
    }

    let rejection = match admitted {
        Err(rejection) => rejection,
        Ok(admitted) => match (steps.insert)(admitted)? {
            Err(rejection) => rejection,
            Ok(record_id) => {
                if let Ok(admission) = admission {
                    create_if_needed(connection, admission)?;
                }
                if let Some(digest) = &digest {
                    keys::put(connection, digest, record_id, receive_time)?;
                }
                if let Some(held) = &held {
                    held.release(connection, replay_of.is_some(), record_id, now)?;
                }
                return Ok(ItemResult::Recorded(record_id));
            }
        },
    };
    let quarantined = match notification {
        // A replay that fails leaves what it replays as it is.
        Some(_) if replay_of.is_some() => held.map(|held| held.id),
        Some(notification) => Some(quarantine::hold(
            connection,
            held.as_ref(),
            quarantine::Arrival {
                igrp,
                digest,
                notification,
                rejection: &rejection,
            },
            now,
        )?),
        None => None,
    };
    Ok(ItemResult::Rejected {
        rejection,
        quarantined,
    })
}

/// Records a batch of things that are known by what they are rather than by a
/// key; one result each, in order.
pub(super) fn upsert<T>(
    connection: &Connection,
    mut batch: Batch<T>,
    put: impl Fn(sfbridge_values::Igrp, T) -> Result<ItemResult, StoreError>,
) -> Result<Vec<ItemResult>, StoreError> {
    let items = std::mem::take(&mut batch.items);
    items
        .into_iter()
        .map(|item| {
            let installation = match item.igrp {
                Some(igrp) => installations::find(connection, igrp)?,
                None => None,
            };
            let admission = admit(&batch, &item, installation);
            let rejection = match (admission, item.content) {
                (Ok(admission), Ok(content)) => {
                    create_if_needed(connection, &admission)?;
                    return put(admission.installation().igrp, content);
                }
                (Err(rejection), _) | (Ok(_), Err(rejection)) => rejection,
            };
            Ok(ItemResult::Rejected {
                rejection,
                quarantined: None,
            })
        })
        .collect()
}

/// Creates or links the installation of an item that was admitted by that.
fn create_if_needed(connection: &Connection, admission: &Admission) -> Result<(), StoreError> {
    match admission {
        Admission::Known(_) => Ok(()),
        Admission::Create(installation) => {
            tracing::info!(
                igrp = installation.igrp.get(),
                "open mode created installation {}",
                installation.igrp
            );
            installations::put(connection, installation)
        }
        Admission::Link(installation) => {
            tracing::info!(
                igrp = installation.igrp.get(),
                "open mode linked installation {} to the organisation that first used it",
                installation.igrp
            );
            installations::put(connection, installation)
        }
    }
}
