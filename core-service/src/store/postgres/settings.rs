//! Settings, marketing data, and other small writes.

use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};
use uuid::Uuid;

use super::super::StoreError;
use super::database::transact;
use super::{PostgresStore, installations, quarantine};
use crate::domain::{
    ApiKey, Installation, NewCall, NewVisit, QuarantineState, Refusal, SalesforceConnection,
    UrlToken, UrlTokenId,
};
use crate::recording::{Batch, ItemResult};

impl PostgresStore {
    pub(in super::super) async fn record_visits(
        &self,
        batch: Batch<NewVisit>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn record_calls(
        &self,
        batch: Batch<NewCall>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
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
        Err(StoreError::Closed) // PLACEHOLDER
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
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn delete_installation(
        &self,
        igrp: Igrp,
        force: bool,
    ) -> Result<Option<bool>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn set_salesforce_connection(
        &self,
        new: SalesforceConnection,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn update_salesforce_connection(
        &self,
        igrp: Igrp,
        change: impl FnOnce(&SalesforceConnection) -> Option<SalesforceConnection> + Send + 'static,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn delete_salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<bool>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn create_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn revoke_api_key(
        &self,
        api_key_id: String,
        even_last: bool,
    ) -> Result<Option<bool>, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn create_url_token(
        &self,
        token: UrlToken,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }

    pub(in super::super) async fn revoke_url_token(
        &self,
        url_token_id: UrlTokenId,
        forget: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Closed) // PLACEHOLDER
    }
}
