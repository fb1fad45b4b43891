//! `AccessService`.

use prost::Message as _;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_server::AccessService;
use sfbridge_values::{Igrp, OrganizationId, ShortText};
use tonic::{Request, Response, Status};

use super::caller::{self, Caller};
use super::installation_message;
use super::page;
use super::routes::Services;
use super::time;
use super::url_token_message;
use crate::clock;
use crate::domain::{
    ApiKey, Coverage, NewApiKey, OrganizationAccess, Role, SenderRestriction, UrlTokenId,
};
use crate::error::Error;
use crate::store::{Page, PageRequest, Position};

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

    async fn create_url_token(
        &self,
        request: Request<pb::CreateUrlTokenRequest>,
    ) -> Result<Response<pb::CreateUrlTokenResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let token = request
            .into_inner()
            .url_token
            .ok_or_else(|| Error::invalid("url_token", "is missing"))?;
        let (token, text) = url_token_message::make(url_token_message::read(token)?, clock::now());
        let written = url_token_message::write(token.clone());
        let is_created = self.store.create_url_token(token).await;
        if !is_created.map_err(Error::from)? {
            return Err(Error::TooManyUrlTokens.into());
        }
        Ok(Response::new(pb::CreateUrlTokenResponse {
            url_token: Some(written),
            url_token_text: text,
        }))
    }

    async fn list_url_tokens(
        &self,
        request: Request<pb::ListUrlTokensRequest>,
    ) -> Result<Response<pb::ListUrlTokensResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let mut request = request.into_inner();
        let (filters, page) = page::asked("url_tokens", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let organization = super::filter(
            "organization_id",
            &request.organization_id,
            OrganizationId::parse,
        )?;
        let page = self.store.url_tokens(organization, page).await;
        let page = page.map_err(Error::from)?;
        Ok(Response::new(pb::ListUrlTokensResponse {
            url_tokens: page
                .rows
                .into_iter()
                .map(url_token_message::write)
                .collect(),
            next_page_token: filters.token(page.next),
        }))
    }

    async fn revoke_url_token(
        &self,
        request: Request<pb::RevokeUrlTokenRequest>,
    ) -> Result<Response<pb::RevokeUrlTokenResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let pb::RevokeUrlTokenRequest {
            url_token_id,
            forget,
        } = request.into_inner();
        let id = UrlTokenId::parse(&url_token_id)
            .map_err(|invalid| Error::invalid("url_token_id", invalid))?;
        let is_there = self.store.revoke_url_token(id, forget, clock::now()).await;
        if !is_there.map_err(Error::from)? {
            return Err(Error::NotFound {
                kind: "URL token",
                id: id.to_string(),
            }
            .into());
        }
        Ok(Response::new(pb::RevokeUrlTokenResponse {}))
    }

    async fn get_organization_access(
        &self,
        request: Request<pb::GetOrganizationAccessRequest>,
    ) -> Result<Response<pb::GetOrganizationAccessResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Ingest)?;
        let mut request = request.into_inner();
        let (filters, page) = page::asked("organization_access", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::GetOrganizationAccessRequest {
            organization_id,
            page_size: _,
            page_token: _,
        } = request;
        let organization = OrganizationId::parse(&organization_id)
            .map_err(|invalid| Error::invalid("organization_id", invalid))?;
        let OrganizationAccess {
            is_linked,
            restrictions,
        } = self
            .store
            .organization_access(organization, caller.coverage())
            .await
            .map_err(Error::from)?;
        let Page { rows, next } = restrictions_page(restrictions, page);
        Ok(Response::new(pb::GetOrganizationAccessResponse {
            is_linked,
            restrictions: rows,
            next_page_token: filters.token(next),
        }))
    }

    async fn get_sender_rules(
        &self,
        request: Request<pb::GetSenderRulesRequest>,
    ) -> Result<Response<pb::GetSenderRulesResponse>, Status> {
        Caller::of(&request)?.require(Role::Ingest)?;
        let pb::GetSenderRulesRequest { known_revision } = request.into_inner();
        let tokens = self
            .store
            .url_tokens(None, PageRequest::ALL)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(url_token_message::write_rules(
            tokens.rows,
            &known_revision,
        )))
    }
}

/// One page of restrictions, which are in the order of their installations. A
/// position is the last installation of the page before.
fn restrictions_page(
    restrictions: Vec<SenderRestriction>,
    page: PageRequest,
) -> Page<pb::SenderRestriction> {
    let PageRequest { size, bytes, after } = page;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let is_after = |igrp: i64| after == Position::START || igrp > after.number;
    let mut rows = Vec::new();
    let mut encoded = 0;
    let restrictions = restrictions.into_iter().map(write_restriction);
    for restriction in restrictions.filter(|restriction| is_after(restriction.igrp)) {
        if rows.len() == size || encoded >= bytes {
            let next = rows.last().map(position);
            return Page { rows, next };
        }
        encoded += restriction.encoded_len();
        rows.push(restriction);
    }
    Page { rows, next: None }
}

fn position(last: &pb::SenderRestriction) -> Position {
    Position {
        key: 0,
        number: last.igrp,
    }
}

fn write_restriction(restriction: SenderRestriction) -> pb::SenderRestriction {
    let SenderRestriction {
        igrp,
        address_ranges,
        client_certificates,
    } = restriction;
    pb::SenderRestriction {
        igrp: igrp.get(),
        address_ranges: installation_message::write_one_of(&address_ranges),
        client_certificates: installation_message::write_one_of(&client_certificates),
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
