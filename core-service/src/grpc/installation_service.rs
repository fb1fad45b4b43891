//! `InstallationService`.

use std::collections::BTreeMap;

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::installation_service_server::InstallationService;
use sfbridge_values::{Igrp, OrganizationId};
use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::page;
use super::routes::Services;
use super::salesforce_message::Viewer;
use super::{installation_message, salesforce_message};
use crate::clock;
use crate::domain::{ConnectionReport, Coverage, Installation, Role, SalesforceConnection};
use crate::error::Error;
use crate::salesforce::{MappingCheck, NoSurvey, Resealed, WhyNoLogin};
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
        // What was just made has no credentials yet.
        let warnings = if kept.lead_field_mapping.is_empty() {
            Vec::new()
        } else {
            vec![unchecked(&WhyNoLogin::NotSet)]
        };
        let installation = Some(installation_message::write(kept, None));
        Ok(Response::new(pb::CreateInstallationResponse {
            installation,
            warnings,
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
        let installation = Some(self.shown(installation, &caller).await?);
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
            installations: self.all_shown(page.rows, &caller).await?,
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
        let (mut warnings, report) = self.check_mapping(&new, &mask).await?;
        let changed = self
            .store
            .update_installation(igrp, move |kept| {
                installation_message::merge(kept, new, &mask)
            })
            .await
            .map_err(Error::from)?;
        let installation = changed.ok_or_else(|| not_found(igrp))??;
        let is_checked = report.is_some();
        if let Some(report) = report {
            let noted = self.connections.note(igrp, report, clock::now()).await;
            noted.map_err(Error::from)?;
        }
        let installation = self.shown(installation, &caller).await?;
        let connection = installation.salesforce_connection.as_ref();
        if let Some(connection) = connection.filter(|_| is_checked) {
            warnings.extend(connection.warnings.iter().cloned());
        }
        Ok(Response::new(pb::UpdateInstallationResponse {
            installation: Some(installation),
            warnings,
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

    async fn set_salesforce_credentials(
        &self,
        request: Request<pb::SetSalesforceCredentialsRequest>,
    ) -> Result<Response<pb::SetSalesforceCredentialsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::SetSalesforceCredentialsRequest {
            igrp,
            login_url,
            credentials,
        } = request.into_inner();
        let igrp = super::installation(&caller, Role::Admin, igrp)?;
        let extra_hosts = self.connections.client().extra_hosts();
        let login = salesforce_message::read(&login_url, credentials, extra_hosts)?;
        let installation = self.found(igrp).await?;
        let tried = self
            .connections
            .set(&installation, login, clock::now())
            .await?
            .ok_or_else(|| not_found(igrp))?;
        let warnings = match &tried.surveyed {
            Err(NoSurvey::NotNow(why)) => vec![format!(
                "the credentials are kept and could not be tried: {why}; TestSalesforceConnection \
                 tries again"
            )],
            Ok(_) | Err(NoSurvey::Refused(_)) => Vec::new(),
        };
        let connection = self.connection_shown(tried.connection, &caller);
        Ok(Response::new(pb::SetSalesforceCredentialsResponse {
            salesforce_connection: Some(connection),
            warnings,
        }))
    }

    async fn test_salesforce_connection(
        &self,
        request: Request<pb::TestSalesforceConnectionRequest>,
    ) -> Result<Response<pb::TestSalesforceConnectionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let igrp = super::installation(&caller, Role::Admin, request.into_inner().igrp)?;
        let installation = self.found(igrp).await?;
        let tried = self.connections.test(&installation).await;
        let tried = tried.map_err(Error::from)?;
        let tried = tried.map_err(|why| Error::NoLogin(why.to_string()))?;
        let linked = installation.organization_id.as_ref();
        let (failure, is_linked_organization, findings) = match &tried.surveyed {
            Ok(survey) => (
                String::new(),
                linked.is_some() && survey.stranger(linked).is_none(),
                survey.findings(&installation.lead_field_mapping),
            ),
            Err(NoSurvey::NotNow(why)) => (why.clone(), false, Vec::new()),
            Err(NoSurvey::Refused(_)) => (String::new(), false, Vec::new()),
        };
        let lead_field_findings = findings.iter().map(salesforce_message::write_finding);
        Ok(Response::new(pb::TestSalesforceConnectionResponse {
            failure,
            is_linked_organization,
            lead_field_findings: lead_field_findings.collect(),
            salesforce_connection: Some(self.connection_shown(tried.connection, &caller)),
        }))
    }

    async fn delete_salesforce_credentials(
        &self,
        request: Request<pb::DeleteSalesforceCredentialsRequest>,
    ) -> Result<Response<pb::DeleteSalesforceCredentialsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let igrp = super::installation(&caller, Role::Admin, request.into_inner().igrp)?;
        match self.connections.remove(igrp).await.map_err(Error::from)? {
            None => Err(not_found(igrp).into()),
            Some(false) => Err(Error::NotFound {
                kind: "set of Salesforce credentials for installation",
                id: igrp.to_string(),
            }
            .into()),
            Some(true) => Ok(Response::new(pb::DeleteSalesforceCredentialsResponse {})),
        }
    }

    async fn reseal_salesforce_credentials(
        &self,
        request: Request<pb::ResealSalesforceCredentialsRequest>,
    ) -> Result<Response<pb::ResealSalesforceCredentialsResponse>, Status> {
        Caller::of(&request)?.require_for_all(Role::Admin)?;
        let Resealed {
            key_id,
            anew,
            locked,
        } = self.connections.reseal().await?;
        let numbers = |igrps: Vec<Igrp>| igrps.into_iter().map(Igrp::get).collect();
        Ok(Response::new(pb::ResealSalesforceCredentialsResponse {
            secret_key_id: key_id.to_string(),
            resealed_igrps: numbers(anew),
            locked_igrps: numbers(locked),
        }))
    }
}

impl Services {
    /// An installation that must be there.
    async fn found(&self, igrp: Igrp) -> Result<Installation, Error> {
        let installation = self.store.installation(igrp).await?;
        installation.ok_or_else(|| not_found(igrp))
    }

    /// Looks whether the Lead fields will do that an update maps anew; what to
    /// say about it, and what to note once the update is kept.
    async fn check_mapping(
        &self,
        new: &Installation,
        mask: &[String],
    ) -> Result<(Vec<String>, Option<ConnectionReport>), Error> {
        let kept = self.found(new.igrp).await?;
        let mapping_before = kept.lead_field_mapping.clone();
        let changed = installation_message::merge(kept, new.clone(), mask)?;
        if changed.lead_field_mapping == mapping_before {
            return Ok((Vec::new(), None));
        }
        match self.connections.check_mapping(&changed).await? {
            MappingCheck::Good(report) => Ok((Vec::new(), Some(report))),
            MappingCheck::Bad(findings) => Err(Error::bad_mapping(&findings, "")),
            MappingCheck::Unchecked(_) if changed.lead_field_mapping.is_empty() => {
                Ok((Vec::new(), None))
            }
            MappingCheck::Unchecked(why) => Ok((vec![unchecked(&why)], None)),
        }
    }

    /// An installation as a caller sees it.
    async fn shown(
        &self,
        installation: Installation,
        caller: &Caller,
    ) -> Result<pb::Installation, Error> {
        let connection = self.store.salesforce_connection(installation.igrp).await?;
        let connection = connection.map(|connection| self.connection_shown(connection, caller));
        Ok(installation_message::write(installation, connection))
    }

    /// A page of installations as a caller sees them.
    async fn all_shown(
        &self,
        installations: Vec<Installation>,
        caller: &Caller,
    ) -> Result<Vec<pb::Installation>, Error> {
        let igrps = installations.iter().map(|one| one.igrp).collect();
        let connections = self
            .store
            .salesforce_connections(Coverage::Only(igrps))
            .await?;
        let mut connections: BTreeMap<Igrp, SalesforceConnection> = connections
            .into_iter()
            .map(|connection| (connection.igrp, connection))
            .collect();
        Ok(installations
            .into_iter()
            .map(|installation| {
                let connection = connections.remove(&installation.igrp);
                let connection = connection.map(|one| self.connection_shown(one, caller));
                installation_message::write(installation, connection)
            })
            .collect())
    }

    fn connection_shown(
        &self,
        connection: SalesforceConnection,
        caller: &Caller,
    ) -> pb::SalesforceConnection {
        let viewer = if caller.require_for(Role::Admin, connection.igrp).is_ok() {
            Viewer::Admin
        } else {
            Viewer::Reader
        };
        let locked = self.connections.lock_of(&connection);
        salesforce_message::write(connection, locked, viewer)
    }
}

fn required(installation: Option<pb::Installation>) -> Result<pb::Installation, Error> {
    installation.ok_or_else(|| Error::invalid("installation", "is missing"))
}

/// Says that nobody could look whether a mapping will do.
fn unchecked(why: &impl std::fmt::Display) -> String {
    format!(
        "the fields of lead_field_mapping were not checked: {why}. They are when the connection \
         works; its warnings name those that will not do"
    )
}

fn not_found(igrp: Igrp) -> Error {
    Error::NotFound {
        kind: "installation",
        id: igrp.to_string(),
    }
}
