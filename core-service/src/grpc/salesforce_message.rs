//! Connections to Salesforce of the contract.

use salesforce_client::ExtraHosts;
use secrecy::SecretString;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::SalesforceConnectionState as State;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;

use super::time;
use crate::domain::{
    ApiUsage, ConnectedPeer, ConnectionState, LoginFlow, MappingFinding, MappingProblem,
    SalesforceConnection, SealedLogin,
};
use crate::error::Error;
use crate::salesforce::{GivenFlow, NewLogin};
use crate::sealing::CantOpen;

/// Reads how to log in, and names every field at fault.
pub(super) fn read(
    login_url: &str,
    credentials: Option<Credentials>,
    extra_hosts: &ExtraHosts,
) -> Result<NewLogin, Error> {
    let flow = match credentials {
        None => {
            return Err(Error::invalid(
                "credentials",
                "is missing; give jwt_bearer or client_credentials",
            ));
        }
        Some(Credentials::JwtBearer(pb::JwtBearer {
            client_id,
            username,
            private_key_pem,
        })) => GivenFlow::JwtBearer {
            client_id,
            username,
            private_key_pem: SecretString::from(private_key_pem),
        },
        Some(Credentials::ClientCredentials(pb::ClientCredentials {
            client_id,
            client_secret,
        })) => GivenFlow::ClientCredentials {
            client_id,
            client_secret: SecretString::from(client_secret),
        },
    };
    NewLogin::check(login_url, flow, extra_hosts).map_err(Error::Invalid)
}

/// Who looks at a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Viewer {
    /// Somebody who may change it, and sees who logs in.
    Admin,
    /// Somebody who sees whether it works.
    Reader,
}

/// Writes a connection, which is `locked` when its secret can't be opened.
pub(super) fn write(
    connection: SalesforceConnection,
    locked: Option<CantOpen>,
    viewer: Viewer,
) -> pb::SalesforceConnection {
    let SalesforceConnection {
        igrp: _,
        login:
            SealedLogin {
                login_url,
                flow,
                client_id,
                secret,
            },
        credentials_time,
        state,
        state_time,
        last_success_time,
        peer,
        api_usage,
        warnings,
    } = connection;
    let (state, state_time, reason) = match (locked, state) {
        (Some(why), _) => (State::Locked, None, why.to_string()),
        (None, ConnectionState::Untested) => (State::Untested, Some(state_time), String::new()),
        (None, ConnectionState::Working) => (State::Working, Some(state_time), String::new()),
        (None, ConnectionState::Broken { reason }) => (State::Broken, Some(state_time), reason),
    };
    let met = |text: fn(&ConnectedPeer) -> String| peer.as_ref().map(text).unwrap_or_default();
    let (login_flow, username) = match flow {
        LoginFlow::JwtBearer { username } => (pb::SalesforceLoginFlow::JwtBearer, username),
        LoginFlow::ClientCredentials => (
            pb::SalesforceLoginFlow::ClientCredentials,
            met(|peer| peer.username.clone()),
        ),
    };
    let for_admins = |text: String| match viewer {
        Viewer::Admin => text,
        Viewer::Reader => String::new(),
    };
    pb::SalesforceConnection {
        state: state.into(),
        state_time: state_time.map(time::write),
        reason,
        login_url,
        login_flow: login_flow.into(),
        client_id: for_admins(client_id),
        username: for_admins(username),
        credentials_time: Some(time::write(credentials_time)),
        last_success_time: last_success_time.map(time::write),
        organization_id: met(|peer| peer.organization_id.to_string()),
        organization_name: met(|peer| peer.organization_name.clone()),
        api_version: met(|peer| peer.api_version.clone()),
        api_usage: api_usage.map(write_usage),
        warnings,
        secret_key_id: secret.key_id().to_string(),
    }
}

fn write_usage(usage: ApiUsage) -> pb::SalesforceApiUsage {
    let ApiUsage { used, limit, time } = usage;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    pb::SalesforceApiUsage {
        used: count(used),
        limit: count(limit),
        time: Some(super::time::write(time)),
    }
}

/// Writes what is wrong with a field of a mapping.
pub(super) fn write_finding(finding: &MappingFinding) -> pb::LeadFieldFinding {
    let problem = match finding.problem {
        MappingProblem::Missing => pb::LeadFieldProblem::Missing,
        MappingProblem::ReadOnly => pb::LeadFieldProblem::ReadOnly,
        MappingProblem::WrongType { .. } => pb::LeadFieldProblem::WrongType,
        MappingProblem::TooShort { .. } => pb::LeadFieldProblem::TooShort,
    };
    pb::LeadFieldFinding {
        attribute: finding.attribute.to_string(),
        lead_field: finding.field.to_string(),
        problem: problem.into(),
        is_default: finding.is_default,
        description: finding.to_string(),
    }
}
