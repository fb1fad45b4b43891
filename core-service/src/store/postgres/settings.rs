//! Settings, marketing data, and other small writes.

use std::sync::Arc;

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::super::StoreError;
use super::database::transact;
use super::recording::Work;
use super::{
    PostgresStore, api_keys, installations, quarantine, refused_messages, salesforce_connections,
    url_tokens,
};
use crate::domain::{
    ApiKey, Installation, NewCall, NewVisit, QuarantineState, Refusal, SalesforceConnection,
    UrlToken, UrlTokenId,
};
use crate::recording::{Batch, ItemResult};

/// A change that can be made once. Its row is locked first, so nobody else's
/// transaction can have it made again, short of a failure of the database.
struct Once<T>(Option<T>);

/// A change that can be made once was to be made again.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was lost after the change had been made")]
struct MadeBefore;

impl<T> Once<T> {
    fn take(&mut self) -> Result<T, StoreError> {
        let change = self.0.take();
        change.ok_or_else(|| StoreError::Contended(Arc::new(MadeBefore)))
    }
}

impl PostgresStore {
    pub(in super::super) async fn record_visits(
        &self,
        batch: Batch<NewVisit>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer.record(Work::Visits(batch)).await
    }

    pub(in super::super) async fn record_calls(
        &self,
        batch: Batch<NewCall>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer.record(Work::Calls(batch)).await
    }

    pub(in super::super) async fn resolve_quarantined(
        &self,
        ids: Vec<Uuid>,
        state: QuarantineState,
        now: Timestamp,
    ) -> Result<Result<u32, Uuid>, StoreError> {
        transact!(self.database, |transaction| {
            quarantine::resolve(&transaction, &ids, state, now).await
        })
    }

    pub(in super::super) async fn record_refused_messages(
        &self,
        refusals: Vec<Refusal>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transact!(self.database, |transaction| {
            refused_messages::record(&transaction, &refusals, now).await
        })
    }

    pub(in super::super) async fn create_installation(
        &self,
        installation: Installation,
    ) -> Result<bool, StoreError> {
        transact!(self.database, |transaction| {
            let found = installations::find(&transaction, installation.igrp).await?;
            if found.is_none() {
                installations::create(&transaction, &installation).await?;
            }
            Ok::<_, StoreError>(found.is_none())
        })
    }

    pub(in super::super) async fn update_installation<E: Send + 'static>(
        &self,
        igrp: Igrp,
        change: impl FnOnce(Installation) -> Result<Installation, E> + Send + 'static,
    ) -> Result<Option<Result<Installation, E>>, StoreError> {
        let mut change = Once(Some(change));
        transact!(self.database, |transaction| async {
            let Some(installation) = installations::lock(&transaction, igrp).await? else {
                return Ok(None);
            };
            let changed = change.take()?(installation);
            if let Ok(installation) = &changed {
                installations::put(&transaction, installation).await?;
            }
            Ok::<_, StoreError>(Some(changed))
        }
        .await)
    }

    pub(in super::super) async fn delete_installation(
        &self,
        igrp: Igrp,
        force: bool,
    ) -> Result<Option<bool>, StoreError> {
        transact!(self.database, |transaction| {
            installations::delete(&transaction, igrp, force).await
        })
    }

    pub(in super::super) async fn set_salesforce_connection(
        &self,
        new: SalesforceConnection,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        transact!(self.database, |transaction| {
            salesforce_connections::set(&transaction, &new).await
        })
    }

    pub(in super::super) async fn update_salesforce_connection(
        &self,
        igrp: Igrp,
        change: impl FnOnce(&SalesforceConnection) -> Option<SalesforceConnection> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let mut change = Once(Some(change));
        transact!(self.database, |transaction| async {
            let Some(kept) = salesforce_connections::lock(&transaction, igrp).await? else {
                return Ok(false);
            };
            let Some(changed) = change.take()?(&kept) else {
                return Ok(false);
            };
            salesforce_connections::put(&transaction, &changed).await?;
            Ok::<_, StoreError>(true)
        }
        .await)
    }

    pub(in super::super) async fn delete_salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<bool>, StoreError> {
        transact!(self.database, |transaction| {
            salesforce_connections::delete(&transaction, igrp).await
        })
    }

    pub(in super::super) async fn create_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        transact!(self.database, |transaction| {
            api_keys::insert(&transaction, &key).await
        })
    }

    pub(in super::super) async fn revoke_api_key(
        &self,
        api_key_id: String,
        even_last: bool,
    ) -> Result<Option<bool>, StoreError> {
        transact!(self.database, |transaction| {
            api_keys::revoke(&transaction, &api_key_id, even_last).await
        })
    }

    pub(in super::super) async fn create_url_token(
        &self,
        token: UrlToken,
    ) -> Result<bool, StoreError> {
        transact!(self.database, |transaction| {
            url_tokens::insert(&transaction, &token).await
        })
    }

    pub(in super::super) async fn revoke_url_token(
        &self,
        url_token_id: UrlTokenId,
        forget: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        transact!(self.database, |transaction| {
            url_tokens::revoke(&transaction, url_token_id, forget, now).await
        })
    }
}
