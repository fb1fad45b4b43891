//! Settings, and who may do what.

use sfbridge_values::{Igrp, Timestamp};

use super::{Store, StoreError, on_backend};
use crate::domain::{ApiKey, Installation, SalesforceConnection, UrlToken, UrlTokenId};

impl Store {
    /// Creates an installation; `false` when there is one with its id.
    pub async fn create_installation(
        &self,
        installation: Installation,
    ) -> Result<bool, StoreError> {
        on_backend!(self, store => store.create_installation(installation).await)
    }

    /// Changes an installation in one step; `None` when there is none, or what
    /// `change` returned.
    pub async fn update_installation<E: Send + 'static>(
        &self,
        igrp: Igrp,
        change: impl FnOnce(Installation) -> Result<Installation, E> + Send + 'static,
    ) -> Result<Option<Result<Installation, E>>, StoreError> {
        on_backend!(self, store => store.update_installation(igrp, change).await)
    }

    /// Deletes an installation, with `force` its records too. `None` when
    /// there is none, `false` when it has records that stay.
    pub async fn delete_installation(
        &self,
        igrp: Igrp,
        force: bool,
    ) -> Result<Option<bool>, StoreError> {
        on_backend!(self, store => store.delete_installation(igrp, force).await)
    }

    /// Keeps a connection with new credentials in place of the one that there
    /// was, and returns it as kept. `None` when there is no such installation.
    pub async fn set_salesforce_connection(
        &self,
        new: SalesforceConnection,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        on_backend!(self, store => store.set_salesforce_connection(new).await)
    }

    /// Changes a connection in one step; `change` returns nothing when it
    /// leaves it as it is. Whether it was changed.
    pub async fn update_salesforce_connection(
        &self,
        igrp: Igrp,
        change: impl FnOnce(&SalesforceConnection) -> Option<SalesforceConnection> + Send + 'static,
    ) -> Result<bool, StoreError> {
        on_backend!(self, store => store.update_salesforce_connection(igrp, change).await)
    }

    /// Deletes a connection. `None` when there is no such installation, `false`
    /// when it has none.
    pub async fn delete_salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<bool>, StoreError> {
        on_backend!(self, store => store.delete_salesforce_connection(igrp).await)
    }

    /// Adds an API key.
    pub async fn create_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        on_backend!(self, store => store.create_api_key(key).await)
    }

    /// Removes an API key. `None` when there is none; `false` when it is the
    /// last one that could make others, and `even_last` is not set.
    pub async fn revoke_api_key(
        &self,
        api_key_id: String,
        even_last: bool,
    ) -> Result<Option<bool>, StoreError> {
        on_backend!(self, store => store.revoke_api_key(api_key_id, even_last).await)
    }

    /// Adds a URL token; `false` when there are as many as there can be.
    pub async fn create_url_token(&self, token: UrlToken) -> Result<bool, StoreError> {
        on_backend!(self, store => store.create_url_token(token).await)
    }

    /// Revokes a URL token, with `forget` removes it; `false` when there is
    /// none. One that was revoked before keeps that time.
    pub async fn revoke_url_token(
        &self,
        url_token_id: UrlTokenId,
        forget: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        on_backend!(self, store => store.revoke_url_token(url_token_id, forget, now).await)
    }
}
