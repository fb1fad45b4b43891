//! `sfbridge credentials`: how installations log in to Salesforce.

mod secret_input;
mod set;
mod shown;
mod test;

use clap::Subcommand;
use serde_json::json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;

use crate::client::{Refused, block_on, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, note};
use set::Set;

/// Sets how installations log in to Salesforce, and looks at whether it works.
#[derive(Debug, Subcommand)]
pub(crate) enum Credentials {
    /// Set how an installation logs in: by a private key, or by a client secret
    Set(Set),
    /// Show how an installation logs in and whether that works, without secrets
    Show {
        /// The installation's IGRP id
        igrp: i64,
    },
    /// Log in now, and say what is found: organisation, user, Lead fields, quota
    Test {
        /// The installation's IGRP id
        igrp: i64,
    },
    /// Forget how an installation logs in; its lead enrichments wait from then on
    Remove {
        /// The installation's IGRP id
        igrp: i64,
    },
    /// Seal all credentials anew with the core's first secret key
    Rotate,
}

type Client = InstallationServiceClient<crate::client::Core>;

impl Credentials {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Set(set) => set.run(config, output),
            Self::Show { igrp } => show(igrp, config, output),
            Self::Test { igrp } => test::run(igrp, config, output),
            Self::Remove { igrp } => remove(igrp, config, output),
            Self::Rotate => rotate(config, output),
        }
    }
}

async fn client(config: &Config) -> Result<Client, Failure> {
    Ok(InstallationServiceClient::new(connect(config).await?))
}

fn show(igrp: i64, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    let installation = block_on(async {
        let request = pb::GetInstallationRequest { igrp };
        let answer = client(config).await?.get_installation(request).await;
        Ok(answer.map_err(Refused)?.into_inner().installation)
    })?;
    let connection = installation.and_then(|installation| installation.salesforce_connection);
    let connection = connection.ok_or_else(|| {
        Failure::failed(format!(
            "installation {igrp} has no Salesforce credentials; set them with `sfbridge \
             credentials set {igrp}`"
        ))
    })?;
    if output.is_json() {
        return Ok(output.message("SalesforceConnection", &connection)?);
    }
    Ok(shown::print(igrp, &connection, output)?)
}

fn remove(igrp: i64, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    block_on(async {
        let request = pb::DeleteSalesforceCredentialsRequest { igrp };
        let mut client = client(config).await?;
        let answer = client.delete_salesforce_credentials(request).await;
        answer.map_err(Refused)?;
        Ok(())
    })?;
    if output.is_json() {
        return Ok(output.json(&json!({ "removed": igrp.to_string() }))?);
    }
    Ok(output.line(format_args!(
        "Removed the Salesforce credentials of installation {igrp}. Its lead enrichments wait \
         until new ones are set. In Salesforce they still count: revoke them there."
    ))?)
}

fn rotate(config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    let done = block_on(async {
        let request = pb::ResealSalesforceCredentialsRequest {};
        let mut client = client(config).await?;
        let answer = client.reseal_salesforce_credentials(request).await;
        Ok(answer.map_err(Refused)?.into_inner())
    })?;
    if output.is_json() {
        output.message("ResealSalesforceCredentialsResponse", &done)?;
    } else {
        output.line(format_args!(
            "Sealed anew with the key {}: the credentials of {} installations.",
            done.secret_key_id,
            done.resealed_igrps.len()
        ))?;
    }
    if done.locked_igrps.is_empty() {
        note(
            "All credentials are sealed with the first key now; the other keys can be taken away, \
             but for the backups that they open.",
        );
        return Ok(());
    }
    let locked: Vec<String> = done.locked_igrps.iter().map(i64::to_string).collect();
    Err(Failure::failed(format!(
        "no key of this core opens the credentials of installation {}; they were left as they \
         are. Add the key that sealed them (`sfbridge credentials show` names it) and run this \
         again, or set them anew",
        locked.join(", ")
    )))
}
