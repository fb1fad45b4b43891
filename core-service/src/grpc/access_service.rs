//! `AccessService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_server::AccessService;
use sfbridge_values::{Igrp, OrganizationId, ShortText};
use tonic::{Request, Response, Status};

use super::caller::{self, Caller};
use super::page;
use super::routes::Services;
use super::time;
use crate::clock;
use crate::domain::{ApiKey, Coverage, NewApiKey, Role};
use crate::error::Error;

/// The most installations that a key lists.
const MAX_IGRPS: usize = 1_000;

#[tonic::async_trait]
impl AccessService for Services {
    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let key = request
            .into_inner()
            .api_key
            .ok_or_else(|| Error::invalid("api_key", "is missing"))?;
        let (key, text) = caller::make(read(key)?, clock::now());
        let written = write(key.clone());
        self.store.create_api_key(key).await.map_err(Error::from)?;
        self.keys.refresh().await.map_err(Error::from)?;
        Ok(Response::new(pb::CreateApiKeyResponse {
            api_key: Some(written),
            api_key_text: text,
        }))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let (filters, page) = page::asked("api_keys", &mut request.into_inner(), |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let page = self.store.api_keys(page).await.map_err(Error::from)?;
        Ok(Response::new(pb::ListApiKeysResponse {
            api_keys: page.rows.into_iter().map(write).collect(),
            next_page_token: filters.token(page.next),
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<pb::RevokeApiKeyRequest>,
    ) -> Result<Response<pb::RevokeApiKeyResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let pb::RevokeApiKeyRequest { api_key_id } = request.into_inner();
        if !caller::is_key_id(&api_key_id) {
            // It is not repeated: it may be the whole text of a key.
            return Err(Error::invalid(
                "api_key_id",
                "is not the id of an API key: 16 hexadecimal characters, the part of its text \
                 between the underscores",
            )
            .into());
        }
        let revoked = self.store.revoke_api_key(api_key_id.clone(), false).await;
        match revoked.map_err(Error::from)? {
            None => Err(Error::NotFound {
                kind: "API key",
                id: api_key_id,
            }
            .into()),
            Some(false) => Err(Error::LastMasterKey.into()),
            Some(true) => {
                self.keys.refresh().await.map_err(Error::from)?;
                Ok(Response::new(pb::RevokeApiKeyResponse {}))
            }
        }
    }

    async fn get_organization_access(
        &self,
        request: Request<pb::GetOrganizationAccessRequest>,
    ) -> Result<Response<pb::GetOrganizationAccessResponse>, Status> {
        Caller::of(&request)?.require(Role::Ingest)?;
        let pb::GetOrganizationAccessRequest { organization_id } = request.into_inner();
        let organization = OrganizationId::parse(&organization_id)
            .map_err(|invalid| Error::invalid("organization_id", invalid))?;
        let is_linked = self
            .store
            .is_linked(organization)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::GetOrganizationAccessResponse {
            is_linked,
        }))
    }
}

fn read(key: pb::ApiKey) -> Result<NewApiKey, Error> {
    let pb::ApiKey {
        api_key_id: _,
        display_name,
        roles,
        igrps,
        create_time: _,
    } = key;
    let display_name = ShortText::new(display_name.trim())
        .map_err(|invalid| Error::invalid("api_key.display_name", invalid))?;
    let roles: std::collections::BTreeSet<_> = roles
        .into_iter()
        .map(|role| match pb::Role::try_from(role) {
            Ok(pb::Role::Ingest) => Ok(Role::Ingest),
            Ok(pb::Role::Read) => Ok(Role::Read),
            Ok(pb::Role::Admin) => Ok(Role::Admin),
            Ok(pb::Role::Unspecified) | Err(_) => {
                Err(Error::invalid("api_key.roles", "has an unknown value"))
            }
        })
        .collect::<Result<_, _>>()?;
    if roles.is_empty() {
        return Err(Error::invalid(
            "api_key.roles",
            "is empty; a key needs at least one role",
        ));
    }
    if igrps.len() > MAX_IGRPS {
        return Err(Error::invalid(
            "api_key.igrps",
            format!("has more than {MAX_IGRPS}; leave it empty for all installations"),
        ));
    }
    let igrps: std::collections::BTreeSet<_> = igrps
        .into_iter()
        .map(Igrp::new)
        .collect::<Result<_, _>>()
        .map_err(|invalid| Error::invalid("api_key.igrps", invalid))?;
    let coverage = if igrps.is_empty() {
        Coverage::All
    } else {
        Coverage::Only(igrps)
    };
    Ok(NewApiKey {
        display_name,
        roles,
        coverage,
    })
}

fn write(key: ApiKey) -> pb::ApiKey {
    let ApiKey {
        api_key_id,
        display_name,
        roles,
        coverage,
        create_time,
        secret_hash: _,
    } = key;
    pb::ApiKey {
        api_key_id,
        display_name,
        roles: roles
            .into_iter()
            .map(|role| match role {
                Role::Ingest => pb::Role::Ingest.into(),
                Role::Read => pb::Role::Read.into(),
                Role::Admin => pb::Role::Admin.into(),
            })
            .collect(),
        igrps: match coverage {
            Coverage::All => Vec::new(),
            Coverage::Only(igrps) => igrps.into_iter().map(Igrp::get).collect(),
        },
        create_time: Some(time::write(create_time)),
    }
}
