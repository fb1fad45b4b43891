//! `sfbridge keys`: who may call the core.

mod offline;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_client::AccessServiceClient;
use tonic::Status;

use super::listing::{Limit, more, short, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table, note};

/// Creates, lists and revokes API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Create an API key and show it, once
    Create(Create),
    /// List API keys, the newest first
    List {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        way: Way,
    },
    /// Revoke an API key at once
    Revoke {
        /// The key's id
        api_key_id: String,
        #[command(flatten)]
        way: Way,
    },
}

/// Whether to ask the core or to open its store.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// Work on the store itself, while no core runs: for the first key, and
    /// when all are lost
    #[arg(long)]
    offline: bool,
}

/// The key to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// A name for people
    #[arg(long = "name", value_name = "NAME")]
    display_name: Option<String>,
    /// What its holder may do; repeat it for several
    #[arg(long = "role", value_name = "ROLE", value_enum, required = true)]
    roles: Vec<Role>,
    /// The installation that it covers; repeat it for several [default: all]
    #[arg(long = "igrp", value_name = "IGRP")]
    igrps: Vec<i64>,
    #[command(flatten)]
    way: Way,
}

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Record events, ratings, enrichments, visits and calls
    Ingest,
    /// Read records and settings
    Read,
    /// Everything, settings and keys too
    Admin,
}

impl From<Role> for pb::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Ingest => Self::Ingest,
            Role::Read => Self::Read,
            Role::Admin => Self::Admin,
        }
    }
}

type Client = AccessServiceClient<crate::client::Core>;

impl Keys {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(config, output),
            Self::List { limit, way } => list(&limit, &way, config, output),
            Self::Revoke { api_key_id, way } => revoke(&api_key_id, &way, config, output),
        }
    }
}

impl Create {
    fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let roles = self.roles.into_iter();
        let api_key = pb::ApiKey {
            display_name: self.display_name.unwrap_or_default(),
            roles: roles.map(|role| pb::Role::from(role).into()).collect(),
            igrps: self.igrps,
            ..Default::default()
        };
        let created = block_on(async {
            if self.way.offline {
                return offline::create(api_key, config).await;
            }
            let request = pb::CreateApiKeyRequest {
                api_key: Some(api_key),
            };
            let mut client = client(config).await?;
            let answer = client.create_api_key(request).await.map_err(Refused)?;
            Ok(answer.into_inner())
        })?;
        if output.is_json() {
            return Ok(output.message("CreateApiKeyResponse", &created)?);
        }
        // The key alone on standard output, so that it can go into a file.
        output.line(&created.api_key_text)?;
        let id = created.api_key.unwrap_or_default().api_key_id;
        note(format_args!(
            "This is the API key {id}. It can't be shown again; keep it in a file that only its \
             user can read and name that in SFBRIDGE_CORE_API_KEY_FILE. Once there is a key, every \
             caller over the network needs one."
        ));
        Ok(())
    }
}

fn list(limit: &Limit, way: &Way, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    let page = block_on(async {
        if way.offline {
            let mut keys = offline::list(config).await?;
            keys.truncate(limit.get());
            return Ok(Page {
                items: keys,
                next_page_token: String::new(),
            });
        }
        let client = client(config).await?;
        collect(limit.get(), async |page_size, page_token| {
            let request = pb::ListApiKeysRequest {
                page_size,
                page_token,
            };
            let answer = client.clone().list_api_keys(request).await?.into_inner();
            Ok::<_, Status>(Page {
                items: answer.api_keys,
                next_page_token: answer.next_page_token,
            })
        })
        .await
    })?;
    if output.is_json() {
        let response = pb::ListApiKeysResponse {
            api_keys: page.items,
            next_page_token: page.next_page_token,
        };
        return Ok(output.message("ListApiKeysResponse", &response)?);
    }
    let mut table = Table::new(["KEY ID", "NAME", "ROLES", "INSTALLATIONS", "CREATED"]);
    for key in page.items {
        let roles: Vec<String> = key
            .roles()
            .map(|role| short(role.as_str_name(), "ROLE_").to_lowercase())
            .collect();
        let igrps: Vec<String> = key.igrps.iter().map(i64::to_string).collect();
        table.row([
            key.api_key_id,
            key.display_name,
            roles.join(", "),
            if igrps.is_empty() {
                "all".to_owned()
            } else {
                igrps.join(", ")
            },
            time(key.create_time),
        ]);
    }
    output.table(
        &table,
        "There are no API keys, so callers from this machine need none; create one with `sfbridge \
         keys create`.",
    )?;
    Ok(more(output, &page.next_page_token)?)
}

fn revoke(
    api_key_id: &str,
    way: &Way,
    config: &Config,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    block_on(async {
        if way.offline {
            return offline::revoke(api_key_id, config).await;
        }
        let request = pb::RevokeApiKeyRequest {
            api_key_id: api_key_id.to_owned(),
        };
        let mut client = client(config).await?;
        client.revoke_api_key(request).await.map_err(Refused)?;
        Ok(())
    })?;
    if output.is_json() {
        return Ok(output.json(&json!({ "revoked": api_key_id }))?);
    }
    Ok(output.line(format_args!("Revoked the API key {api_key_id}."))?)
}

async fn client(config: &Config) -> Result<Client, Failure> {
    Ok(AccessServiceClient::new(connect(config).await?))
}
