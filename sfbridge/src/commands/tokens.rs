//! `sfbridge tokens`: the tokens in endpoint URLs, by which senders show that
//! they know the URL.

use clap::{Args, Subcommand};
use serde_json::json;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::access_service_client::AccessServiceClient;
use tonic::Status;

use super::listing::{Limit, more, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table, note};

/// Creates, lists and revokes URL tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Create a URL token and show it, once, as `token=...` for the endpoint's URL
    Create(Create),
    /// List URL tokens, the newest first, revoked ones too
    List {
        /// Only those of this Salesforce organisation
        #[arg(long)]
        organization_id: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Revoke a URL token; tokens go on being needed
    Revoke {
        /// The token's id
        url_token_id: String,
        /// Take it out of the list too: when it was the last one there for its organisation, or
        /// for all, no token is asked for there any more
        #[arg(long)]
        forget: bool,
    },
}

/// The token to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// A name for people
    #[arg(long, visible_alias = "name", value_name = "NAME")]
    display_name: Option<String>,
    /// The Salesforce organisation whose messages it admits, and whose messages then need a token
    /// [default: any, and every message then needs one]
    #[arg(long)]
    organization_id: Option<String>,
}

type Client = AccessServiceClient<crate::client::Core>;

impl Tokens {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let client = AccessServiceClient::new(connect(config).await?);
            match self {
                Self::Create(create) => create.run(client, output).await,
                Self::List {
                    organization_id,
                    limit,
                } => list(client, organization_id, &limit, output).await,
                Self::Revoke {
                    url_token_id,
                    forget,
                } => revoke(client, url_token_id, forget, output).await,
            }
        })
    }
}

impl Create {
    async fn run(self, mut client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let url_token = pb::UrlToken {
            display_name: self.display_name.unwrap_or_default(),
            organization_id: self.organization_id.unwrap_or_default(),
            ..Default::default()
        };
        let request = pb::CreateUrlTokenRequest {
            url_token: Some(url_token),
        };
        let answer = client.create_url_token(request).await.map_err(Refused)?;
        let created = answer.into_inner();
        if output.is_json() {
            return Ok(output.message("CreateUrlTokenResponse", &created)?);
        }
        // Alone on standard output, so that it can be put into a URL.
        output.line(format_args!("token={}", created.url_token_text))?;
        let pb::UrlToken {
            url_token_id,
            organization_id,
            ..
        } = created.url_token.unwrap_or_default();
        let needed = if organization_id.is_empty() {
            "From now on every message needs a valid token.".to_owned()
        } else {
            format!("From now on every message of the organisation {organization_id} needs one.")
        };
        note(format_args!(
            "This is the URL token {url_token_id}. It can't be shown again; add it to the endpoint \
             URLs of the outbound messages, after `?` or `&`. {needed}"
        ));
        Ok(())
    }
}

async fn list(
    client: Client,
    organization_id: Option<String>,
    limit: &Limit,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let is_filtered = organization_id.is_some();
    let organization_id = organization_id.unwrap_or_default();
    let page = collect(limit.get(), async |page_size, page_token| {
        let request = pb::ListUrlTokensRequest {
            page_size,
            page_token,
            organization_id: organization_id.clone(),
        };
        let answer = client.clone().list_url_tokens(request).await?.into_inner();
        Ok::<_, Status>(Page {
            items: answer.url_tokens,
            next_page_token: answer.next_page_token,
        })
    })
    .await?;
    if output.is_json() {
        let response = pb::ListUrlTokensResponse {
            url_tokens: page.items,
            next_page_token: page.next_page_token,
        };
        return Ok(output.message("ListUrlTokensResponse", &response)?);
    }
    let mut table = Table::new(["TOKEN ID", "NAME", "ORGANISATION", "CREATED", "REVOKED"]);
    for token in page.items {
        table.row([
            token.url_token_id,
            token.display_name,
            if token.organization_id.is_empty() {
                "any".to_owned()
            } else {
                token.organization_id
            },
            time(token.create_time),
            time(token.revoke_time),
        ]);
    }
    let when_empty = if is_filtered {
        "There are no URL tokens of this organisation; create one with `sfbridge tokens create \
         --organization-id`."
    } else {
        "There are no URL tokens, so messages need none; create one with `sfbridge tokens create`."
    };
    output.table(&table, when_empty)?;
    Ok(more(output, &page.next_page_token)?)
}

async fn revoke(
    mut client: Client,
    url_token_id: String,
    forget: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::RevokeUrlTokenRequest {
        url_token_id: url_token_id.clone(),
        forget,
    };
    client.revoke_url_token(request).await.map_err(Refused)?;
    if output.is_json() {
        return Ok(output.json(&json!({ "revoked": url_token_id, "forgotten": forget }))?);
    }
    let done = if forget {
        "Revoked and forgot"
    } else {
        "Revoked"
    };
    Ok(output.line(format_args!(
        "{done} the URL token {url_token_id}; gateways refuse it within 5 seconds."
    ))?)
}
