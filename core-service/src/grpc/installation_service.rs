//! `InstallationService`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::installation_service_server::InstallationService;
use sfbridge_values::{Igrp, OrganizationId};
use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::installation_message;
use super::page;
use super::routes::Services;
use crate::clock;
use crate::domain::Role;
use crate::error::Error;
use crate::store::InstallationFilter;

#[tonic::async_trait]
impl InstallationService for Services {
    async fn create_installation(
        &self,
        request: Request<pb::CreateInstallationRequest>,
    ) -> Result<Response<pb::CreateInstallationResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Admin)?;
        let installation = required(request.into_inner().installation)?;
        let installation = installation_message::read(installation, clock::now())?;
        caller.require_for(Role::Admin, installation.igrp)?;
        installation_message::check_default_model(&installation)?;
        let igrp = installation.igrp.get();
        let kept = installation.clone();
        if !self
            .store
            .create_installation(installation)
            .await
            .map_err(Error::from)?
        {
            return Err(Error::InstallationExists(igrp).into());
        }
        let installation = Some(installation_message::write(kept));
        Ok(Response::new(pb::CreateInstallationResponse {
            installation,
        }))
    }

    async fn get_installation(
        &self,
        request: Request<pb::GetInstallationRequest>,
    ) -> Result<Response<pb::GetInstallationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let igrp = super::installation(&caller, Role::Read, request.into_inner().igrp)?;
        let installation = self
            .store
            .installation(igrp)
            .await
            .map_err(Error::from)?
            .ok_or_else(|| not_found(igrp))?;
        let installation = Some(installation_message::write(installation));
        Ok(Response::new(pb::GetInstallationResponse { installation }))
    }

    async fn list_installations(
        &self,
        request: Request<pb::ListInstallationsRequest>,
    ) -> Result<Response<pb::ListInstallationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Read)?;
        let mut request = request.into_inner();
        let (filters, page) = page::asked("installations", &mut request, |request| {
            (&mut request.page_size, &mut request.page_token)
        })?;
        let pb::ListInstallationsRequest {
            page_size: _,
            page_token: _,
            organization_id,
        } = request;
        let organization_id = match organization_id.trim() {
            "" => None,
            id => Some(
                OrganizationId::parse(id)
                    .map_err(|invalid| Error::invalid("organization_id", invalid))?,
            ),
        };
        let filter = InstallationFilter {
            coverage: caller.coverage(),
            organization_id,
        };
        let page = self
            .store
            .installations(filter, page)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(pb::ListInstallationsResponse {
            installations: page
                .rows
                .into_iter()
                .map(installation_message::write)
                .collect(),
            next_page_token: filters.token(page.next),
        }))
    }

    async fn update_installation(
        &self,
        request: Request<pb::UpdateInstallationRequest>,
    ) -> Result<Response<pb::UpdateInstallationResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.require(Role::Admin)?;
        let pb::UpdateInstallationRequest {
            installation,
            update_mask,
        } = request.into_inner();
        let mask = installation_message::read_mask(update_mask)?;
        let new = installation_message::read(required(installation)?, clock::now())?;
        let igrp = new.igrp;
        caller.require_for(Role::Admin, igrp)?;
        let changed = self
            .store
            .update_installation(igrp, move |kept| {
                installation_message::merge(kept, new, &mask)
            })
            .await
            .map_err(Error::from)?;
        let installation = changed.ok_or_else(|| not_found(igrp))??;
        let installation = Some(installation_message::write(installation));
        Ok(Response::new(pb::UpdateInstallationResponse {
            installation,
        }))
    }

    async fn delete_installation(
        &self,
        request: Request<pb::DeleteInstallationRequest>,
    ) -> Result<Response<pb::DeleteInstallationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::DeleteInstallationRequest { igrp, force } = request.into_inner();
        let igrp = super::installation(&caller, Role::Admin, igrp)?;
        match self
            .store
            .delete_installation(igrp, force)
            .await
            .map_err(Error::from)?
        {
            None => Err(not_found(igrp).into()),
            Some(false) => Err(Error::InstallationHasRecords(igrp.get()).into()),
            Some(true) => Ok(Response::new(pb::DeleteInstallationResponse {})),
        }
    }
}

fn required(installation: Option<pb::Installation>) -> Result<pb::Installation, Error> {
    installation.ok_or_else(|| Error::invalid("installation", "is missing"))
}

fn not_found(igrp: Igrp) -> Error {
    Error::NotFound {
        kind: "installation",
        id: igrp.to_string(),
    }
}
