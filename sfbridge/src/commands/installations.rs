//! `sfbridge installations`: tracked business units.

mod fields;
mod senders;

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::installation_service_client::InstallationServiceClient;
use tonic::Status;

use super::listing::{Limit, more};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table, note, printable};
use fields::Fields;

/// Looks at installations and changes them.
#[derive(Debug, Subcommand)]
pub(crate) enum Installations {
    /// List installations, the newest first
    List(List),
    /// Show one installation
    Show {
        /// The installation's IGRP id
        igrp: i64,
    },
    /// Create an installation
    Create {
        /// The installation's IGRP id
        igrp: i64,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change what is given, and nothing else
    Update {
        /// The installation's IGRP id
        igrp: i64,
        #[command(flatten)]
        fields: Fields,
    },
    /// Delete an installation
    Delete {
        /// The installation's IGRP id
        igrp: i64,
        /// Delete its records too, for good
        #[arg(long)]
        force: bool,
    },
}

/// Which installations to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those linked to this Salesforce organisation
    #[arg(long)]
    organization_id: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

type Client = InstallationServiceClient<crate::client::Core>;

impl Installations {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        if let Self::Update { fields, .. } = &self
            && fields.mask().is_empty()
        {
            return Err(Failure::usage(
                "nothing is given to change; `sfbridge installations update --help` lists what \
                 can be",
            ));
        }
        block_on(async {
            let client = InstallationServiceClient::new(connect(config).await?);
            match self {
                Self::List(list) => list.run(client, output).await,
                Self::Show { igrp } => show(client, igrp, output).await,
                Self::Create { igrp, fields } => create(client, igrp, fields, output).await,
                Self::Update { igrp, fields } => update(client, igrp, fields, output).await,
                Self::Delete { igrp, force } => delete(client, igrp, force, output).await,
            }
        })
    }
}

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let organization_id = self.organization_id.unwrap_or_default();
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListInstallationsRequest {
                page_size,
                page_token,
                organization_id: organization_id.clone(),
            };
            let answer = client.clone().list_installations(request).await?;
            let answer = answer.into_inner();
            Ok::<_, Status>(Page {
                items: answer.installations,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListInstallationsResponse {
                installations: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListInstallationsResponse", &response)?);
        }
        let mut table = Table::new([
            "IGRP",
            "NAME",
            "ORGANISATION",
            "TIME ZONE",
            "CURRENCY",
            "RATING ITEMS",
            "MADE BY",
        ]);
        for installation in page.items {
            table.row([
                installation.igrp.to_string(),
                installation.display_name,
                installation.organization_id,
                installation.time_zone,
                installation.currency,
                installation.rating_items.len().to_string(),
                if installation.is_provisional {
                    "open mode"
                } else {
                    ""
                }
                .to_owned(),
            ]);
        }
        output.table(
            &table,
            "There are no such installations; create one with `sfbridge installations create`.",
        )?;
        Ok(more(output, &page.next_page_token)?)
    }
}

async fn show(mut client: Client, igrp: i64, output: &mut Output<'_>) -> Result<(), Failure> {
    let request = pb::GetInstallationRequest { igrp };
    let answer = client.get_installation(request).await.map_err(Refused)?;
    print(answer.into_inner().installation, output)
}

async fn create(
    mut client: Client,
    igrp: i64,
    fields: Fields,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::CreateInstallationRequest {
        installation: Some(fields.into_installation(igrp)),
    };
    let answer = client
        .create_installation(request)
        .await
        .map_err(|status| {
            let exists = status.code() == tonic::Code::AlreadyExists;
            let refused = Failure::from(Refused(status));
            match refused {
            Failure::Failed(error) if exists => Failure::Failed(error.context(format!(
                "there is an installation {igrp} already; change it with `sfbridge installations \
                 update {igrp}`"
            ))),
            other => other,
        }
        })?;
    let answer = answer.into_inner();
    print(answer.installation, output)?;
    warn(&answer.warnings);
    Ok(())
}

async fn update(
    mut client: Client,
    igrp: i64,
    fields: Fields,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::UpdateInstallationRequest {
        update_mask: Some(FieldMask {
            paths: fields.mask(),
        }),
        installation: Some(fields.into_installation(igrp)),
    };
    let answer = client.update_installation(request).await.map_err(Refused)?;
    let answer = answer.into_inner();
    print(answer.installation, output)?;
    warn(&answer.warnings);
    Ok(())
}

/// Tells what the core has to say beside the installation.
fn warn(warnings: &[String]) {
    for warning in warnings {
        note(printable(warning));
    }
}

async fn delete(
    mut client: Client,
    igrp: i64,
    force: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::DeleteInstallationRequest { igrp, force };
    client
        .delete_installation(request)
        .await
        .map_err(|status| {
            let has_records = !force && status.code() == tonic::Code::FailedPrecondition;
            match Failure::from(Refused(status)) {
                Failure::Failed(error) if has_records => Failure::Failed(error.context(format!(
                    "installation {igrp} was not deleted; --force deletes it with all its records, \
                 for good"
                ))),
                other => other,
            }
        })?;
    if output.is_json() {
        return Ok(output.json(&serde_json::json!({ "deleted": igrp.to_string() }))?);
    }
    Ok(output.line(format_args!("Deleted installation {igrp}."))?)
}

fn print(installation: Option<pb::Installation>, output: &mut Output<'_>) -> Result<(), Failure> {
    let installation = installation.unwrap_or_default();
    if output.is_json() {
        return Ok(output.message("Installation", &installation)?);
    }
    Ok(output.fields("Installation", &installation)?)
}
