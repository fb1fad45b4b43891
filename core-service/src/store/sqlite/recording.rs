//! Recording a batch: the steps that all kinds of record share.

use rusqlite::Connection;
use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::StoreError;
use super::keys::{self, Seen};
use super::{columns, installations, quarantine};
use crate::domain::{Installation, Rejection, RejectionReason};
use crate::recording::{
    Admission, Batch, Item, ItemResult, RecordKind, admit, rejected_repeat_warning,
};

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
pub(super) struct Steps<F, R, I> {
    /// The kind.
    pub(super) kind: RecordKind,
    /// What tells a repeat of an item from one with other content.
    pub(super) fingerprint: F,
    /// Takes a repeat, with other content, of the record with this id; or says
    /// which fault only the store could find.
    pub(super) repeat: R,
    /// Inserts a new record and returns its id, or a fault that only the store
    /// could find.
    pub(super) insert: I,
}

/// What a record holds after a repeat with other content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// What it held before.
    Kept,
    /// The newer content.
    Replaced,
}

/// Records a batch in the present transaction; one result each, in order.
pub(super) fn record<T>(
    connection: &Connection,
    mut batch: Batch<T>,
    steps: &Steps<
        impl Fn(&T, Igrp) -> [u8; 16],
        impl Fn(Uuid, Admitted<'_, T>) -> Result<Result<Repeat, Rejection>, StoreError>,
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
            record_item(connection, &batch, item, &admission, steps)
        })
        .collect()
}

fn record_item<T>(
    connection: &Connection,
    batch: &Batch<T>,
    item: Item<T>,
    admission: &Result<Admission, Rejection>,
    steps: &Steps<
        impl Fn(&T, Igrp) -> [u8; 16],
        impl Fn(Uuid, Admitted<'_, T>) -> Result<Result<Repeat, Rejection>, StoreError>,
        impl Fn(Admitted<'_, T>) -> Result<Result<Uuid, Rejection>, StoreError>,
    >,
) -> Result<ItemResult, StoreError> {
    let now = batch.now;
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
    let held = quarantine::held(connection, &batch.coverage, digest.as_ref(), replay_of)?;

    // Admission has the item's own fault among its errors.
    let mut admitted = match (admission, content) {
        (Ok(admission), Ok(content)) => Ok(Admitted {
            content,
            installation: admission.installation(),
            receive_time: held.as_ref().map_or(now, |held| held.receive_time.min(now)),
            idempotency_key: idempotency_key.as_ref().map(|key| key.as_str().to_owned()),
        }),
        (Err(rejection), _) => Err(rejection.clone()),
        (Ok(_), Err(rejection)) => Err(rejection),
    };

    let seen = match &digest {
        Some(digest) => keys::find(connection, steps.kind, digest)?.map(|seen| (digest, seen)),
        None => None,
    };
    match seen {
        Some((_, seen)) if !batch.coverage.covers(seen.igrp) => admitted = Err(not_covered()),
        Some((digest, seen)) => {
            repeat_item(connection, (digest, &seen), admitted, admission, steps, now)?;
            if let Some(held) = &held {
                held.release(connection, seen.record_id, now)?;
            }
            return Ok(ItemResult::Duplicate(seen.record_id));
        }
        None => {
            // A replay under another key has made a record of it.
            if let Some(record_id) = held.as_ref().and_then(|held| held.resolved_record_id)
                && keys::has_record(connection, steps.kind, record_id)?
            {
                return Ok(ItemResult::Duplicate(record_id));
            }
        }
    }

    let rejection = match admitted {
        Err(rejection) => rejection,
        Ok(admitted) => {
            let hash = (steps.fingerprint)(&admitted.content, admitted.installation.igrp);
            let receive_time = admitted.receive_time;
            match (steps.insert)(admitted)? {
                Err(rejection) => rejection,
                Ok(record_id) => {
                    if let Ok(admission) = admission {
                        create_if_needed(connection, admission)?;
                    }
                    if let Some(digest) = &digest {
                        keys::put(connection, digest, record_id, &hash, receive_time)?;
                    }
                    if let Some(held) = &held {
                        held.release(connection, record_id, now)?;
                    }
                    return Ok(ItemResult::Recorded(record_id));
                }
            }
        }
    };
    let quarantined = match (notification, held) {
        (None, _) => None,
        // A replay that fails leaves what it replays as it is.
        (Some(_), Some(held)) if held.is_replay => Some(held.id),
        (Some(notification), held) => {
            let arrival = quarantine::Arrival {
                igrp: igrp.filter(|igrp| batch.coverage.covers(*igrp)),
                digest,
                notification,
                rejection: &rejection,
            };
            Some(quarantine::hold(connection, held.as_ref(), arrival, now)?)
        }
    };
    Ok(ItemResult::Rejected {
        rejection,
        quarantined,
    })
}

/// Takes an item whose key was seen before. The same content again changes
/// nothing.
fn repeat_item<T>(
    connection: &Connection,
    (digest, seen): (&[u8; 16], &Seen),
    admitted: Result<Admitted<'_, T>, Rejection>,
    admission: &Result<Admission, Rejection>,
    steps: &Steps<
        impl Fn(&T, Igrp) -> [u8; 16],
        impl Fn(Uuid, Admitted<'_, T>) -> Result<Result<Repeat, Rejection>, StoreError>,
        impl Fn(Admitted<'_, T>) -> Result<Result<Uuid, Rejection>, StoreError>,
    >,
    now: Timestamp,
) -> Result<(), StoreError> {
    let record_id = seen.record_id;
    let repeated = match admitted {
        Err(rejection) => Err(rejection),
        Ok(admitted) => {
            let hash = (steps.fingerprint)(&admitted.content, admitted.installation.igrp);
            if hash == seen.content_hash {
                return Ok(());
            }
            (steps.repeat)(record_id, admitted)?.map(|repeat| (repeat, hash))
        }
    };
    match (repeated, admission) {
        (Ok((Repeat::Replaced, hash)), Ok(admission)) => {
            // The newer content may name another installation.
            create_if_needed(connection, admission)?;
            keys::put(connection, digest, record_id, &hash, now)
        }
        (Ok(_), _) => Ok(()),
        (Err(rejection), _) => {
            let warning = rejected_repeat_warning(&rejection);
            columns::add_warning(connection, steps.kind, record_id, warning)
        }
    }
}

fn not_covered() -> Rejection {
    Rejection::new(
        RejectionReason::UnknownInstallation,
        "idempotency_key",
        "The key was used for a record of an installation that the API key does not cover.",
    )
}

/// Records a batch of things that are known by what they are rather than by a
/// key; one result each, in order.
pub(super) fn upsert<T>(
    connection: &Connection,
    mut batch: Batch<T>,
    put: impl Fn(Igrp, T) -> Result<ItemResult, StoreError>,
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
