//! API keys in a store that no core runs on.

use std::collections::BTreeSet;

use anyhow::Context as _;
use core_service::domain::{self, Coverage};
use core_service::offline::Keys;
use sfbridge_proto::v1 as pb;
use sfbridge_values::{Igrp, ShortText};

use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;

/// Makes a key, in the words of the contract.
pub(super) async fn create(
    new: pb::ApiKey,
    config: &Config,
) -> Result<pb::CreateApiKeyResponse, Failure> {
    let new = parsed(&new)?;
    let keys = open(config).await?;
    let created = keys.create(new).await;
    keys.close().await;
    let (key, api_key_text) = created.context("the API key was not created")?;
    Ok(pb::CreateApiKeyResponse {
        api_key: Some(in_contract(key)),
        api_key_text,
    })
}

/// All keys, the newest first.
pub(super) async fn list(config: &Config) -> Result<Vec<pb::ApiKey>, Failure> {
    let keys = open(config).await?;
    let all = keys.list().await;
    keys.close().await;
    let all = all.context("the API keys can't be listed")?;
    Ok(all.into_iter().map(in_contract).collect())
}

/// Removes a key.
pub(super) async fn revoke(api_key_id: &str, config: &Config) -> Result<(), Failure> {
    let keys = open(config).await?;
    let revoked = keys.revoke(api_key_id).await;
    keys.close().await;
    if revoked.context("the API key was not revoked")? {
        return Ok(());
    }
    // What was given is not repeated: it may be the whole text of a key.
    Err(Failure::failed(
        "there is no API key of this id; `sfbridge keys list --offline` lists them",
    ))
}

async fn open(config: &Config) -> Result<Keys, Failure> {
    data_dir::make(config)?;
    let keys = Keys::open(&config.store).await;
    Ok(keys.with_context(|| format!("the store {} can't be opened", config.store))?)
}

/// Checks a key as the core would.
fn parsed(new: &pb::ApiKey) -> Result<domain::NewApiKey, Failure> {
    let roles: BTreeSet<domain::Role> = new
        .roles()
        .filter_map(|role| match role {
            pb::Role::Unspecified => None,
            pb::Role::Ingest => Some(domain::Role::Ingest),
            pb::Role::Read => Some(domain::Role::Read),
            pb::Role::Admin => Some(domain::Role::Admin),
        })
        .collect();
    let igrps = new
        .igrps
        .iter()
        .map(|igrp| Igrp::new(*igrp))
        .collect::<Result<BTreeSet<Igrp>, _>>()
        .map_err(|invalid| Failure::usage(format!("--igrp {invalid}")))?;
    Ok(domain::NewApiKey {
        display_name: ShortText::new(&new.display_name)
            .map_err(|invalid| Failure::usage(format!("--name {invalid}")))?,
        roles,
        coverage: if igrps.is_empty() {
            Coverage::All
        } else {
            Coverage::Only(igrps)
        },
    })
}

fn in_contract(key: domain::ApiKey) -> pb::ApiKey {
    let domain::ApiKey {
        api_key_id,
        display_name,
        roles,
        coverage,
        create_time,
        // Not even its hash leaves the store.
        secret_hash: _,
    } = key;
    let (seconds, nanos) = create_time.to_parts();
    pb::ApiKey {
        api_key_id,
        display_name,
        roles: roles
            .into_iter()
            .map(|role| match role {
                domain::Role::Ingest => pb::Role::Ingest.into(),
                domain::Role::Read => pb::Role::Read.into(),
                domain::Role::Admin => pb::Role::Admin.into(),
            })
            .collect(),
        igrps: match coverage {
            Coverage::All => Vec::new(),
            Coverage::Only(igrps) => igrps.into_iter().map(Igrp::get).collect(),
        },
        create_time: Some(prost_types::Timestamp { seconds, nanos }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Role, Setting};

    fn config(folder: &std::path::Path) -> Config {
        let data_dir = (Setting::DataDir, folder.display().to_string());
        Config::new(Layers::read(None, [], [data_dir]).unwrap(), Role::Up).unwrap()
    }

    #[test]
    fn keys_are_made_listed_and_revoked_without_a_core() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let new = pb::ApiKey {
            display_name: "first".to_owned(),
            roles: vec![pb::Role::Admin.into()],
            ..Default::default()
        };
        crate::client::block_on(async {
            let created = create(new, &config).await?;
            let key = created.api_key.unwrap();
            assert!(!created.api_key_text.is_empty());
            assert_eq!(list(&config).await?, std::slice::from_ref(&key));
            revoke(&key.api_key_id, &config).await?;
            assert_eq!(list(&config).await?, []);
            assert!(revoke(&key.api_key_id, &config).await.is_err());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn an_installation_that_can_not_be_is_wrong_usage() {
        let new = pb::ApiKey {
            igrps: vec![0],
            ..Default::default()
        };
        assert!(matches!(parsed(&new), Err(Failure::Usage(_))));
    }
}
