//! Who calls.

use std::fmt::Write;
use std::sync::Arc;

use sfbridge_values::{Igrp, Timestamp};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, watch};
use tonic::{Request, Status};

use super::secret;
use crate::domain::{ApiKey, Coverage, NewApiKey, Role};
use crate::error::Error;
use crate::store::{PageRequest, Store, StoreError};

/// Who makes a request, and what they may do.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// The gateway in this process.
    InProcess,
    /// Anybody, as long as there is no API key.
    Anybody,
    /// The holder of an API key.
    Holder(Arc<ApiKey>),
}

impl Caller {
    /// The caller of a request, as the interceptor found out.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Error> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or(Error::Unauthenticated)
    }

    /// Goes on only if the caller has this role.
    pub(super) fn require(&self, role: Role) -> Result<(), Error> {
        match self {
            Self::InProcess | Self::Anybody => Ok(()),
            Self::Holder(key) => {
                if key.roles.contains(&role) || key.roles.contains(&Role::Admin) {
                    Ok(())
                } else {
                    let name = match role {
                        Role::Ingest => "ingest",
                        Role::Read => "read",
                        Role::Admin => "admin",
                    };
                    Err(Error::PermissionDenied(format!(
                        "it needs the role `{name}`"
                    )))
                }
            }
        }
    }

    /// Goes on only if the caller has this role and may touch this
    /// installation, whether or not there is one.
    pub(super) fn require_for(&self, role: Role, igrp: Igrp) -> Result<(), Error> {
        self.require(role)?;
        if self.coverage().covers(igrp) {
            Ok(())
        } else {
            Err(Error::PermissionDenied(format!(
                "it does not cover installation {igrp}"
            )))
        }
    }

    /// Goes on only if the caller has this role and may touch all
    /// installations.
    pub(super) fn require_for_all(&self, role: Role) -> Result<(), Error> {
        self.require(role)?;
        if self.coverage() == Coverage::All {
            Ok(())
        } else {
            Err(Error::PermissionDenied(
                "it does not cover all installations".to_owned(),
            ))
        }
    }

    /// The installations that the caller may touch.
    pub(super) fn coverage(&self) -> Coverage {
        match self {
            Self::InProcess | Self::Anybody => Coverage::All,
            Self::Holder(key) => key.coverage.clone(),
        }
    }
}

/// The API keys that count now.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    keys: Arc<watch::Sender<Arc<[Arc<ApiKey>]>>>,
    // Held while keys are read again: of two readings the later one counts.
    refreshing: Arc<Mutex<()>>,
    store: Store,
    is_open_without_keys: bool,
}

impl KeyRing {
    /// Reads the keys from the store. With none, everybody may call only
    /// where gRPC is served on a loopback address.
    pub(crate) async fn load(store: Store, is_loopback: bool) -> Result<Self, StoreError> {
        let ring = Self {
            keys: Arc::new(watch::Sender::new(Arc::from([]))),
            refreshing: Arc::default(),
            store,
            is_open_without_keys: is_loopback,
        };
        ring.refresh().await?;
        Ok(ring)
    }

    /// Reads the keys again, after a change here or perhaps elsewhere.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let _guard = self.refreshing.lock().await;
        let keys = self
            .store
            .api_keys(PageRequest::ALL)
            .await?
            .rows
            .into_iter()
            .map(Arc::new)
            .collect();
        self.keys.send_replace(keys);
        Ok(())
    }

    /// Whether there is no key at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.borrow().is_empty()
    }

    /// Goes on only if a caller who was let in would be let in now: its key
    /// may have been revoked since, or the first one made.
    pub(super) fn readmit(&self, caller: &Caller) -> Result<(), Error> {
        let keys = self.keys.borrow();
        let is_let_in = match caller {
            Caller::InProcess => true,
            Caller::Anybody => keys.is_empty(),
            Caller::Holder(own) => keys.iter().any(|key| key.api_key_id == own.api_key_id),
        };
        if is_let_in {
            Ok(())
        } else {
            Err(Error::Unauthenticated)
        }
    }

    /// Returns once a caller who was let in would not be let in any more.
    pub(super) async fn expelled(&self, caller: &Caller) -> Error {
        let mut changes = self.keys.subscribe();
        loop {
            changes.mark_unchanged();
            if let Err(error) = self.readmit(caller) {
                return error;
            }
            // The ring is held here, so there will be another reading.
            let _ = changes.changed().await;
        }
    }

    /// Finds out who calls over the network.
    pub(crate) fn authenticate(&self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let keys = self.keys.borrow().clone();
        let caller = if keys.is_empty() && self.is_open_without_keys {
            Caller::Anybody
        } else {
            let text = request
                .metadata()
                .get("authorization")
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map_or("", |(_, text)| text.trim());
            Caller::Holder(find(&keys, text).ok_or(Error::Unauthenticated)?)
        };
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

/// The start of every key's text, by which secret scanners know it.
const PREFIX: &str = "sfb";

/// Makes a key and its text, which is `sfb_<id>_<secret>`.
pub(crate) fn make(new: NewApiKey, now: Timestamp) -> (ApiKey, String) {
    let (id, secret) = (random_hex::<8>(), random_hex::<32>());
    let text = format!("{PREFIX}_{id}_{secret}");
    let NewApiKey {
        display_name,
        roles,
        coverage,
    } = new;
    let key = ApiKey {
        api_key_id: id,
        display_name: display_name.as_str().to_owned(),
        roles,
        coverage,
        create_time: now,
        secret_hash: secret::hash(&secret),
    };
    (key, text)
}

/// Whether a text can be the id of a key.
pub(super) fn is_key_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn find(keys: &[Arc<ApiKey>], text: &str) -> Option<Arc<ApiKey>> {
    let mut parts = text.splitn(3, '_');
    let (prefix, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    if prefix != PREFIX {
        return None;
    }
    let hash = secret::hash(secret);
    let key = keys.iter().find(|key| key.api_key_id == id)?;
    bool::from(key.secret_hash.ct_eq(&hash)).then(|| key.clone())
}

fn random_hex<const N: usize>() -> String {
    secret::random::<N>()
        .iter()
        .fold(String::with_capacity(N * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sfbridge_values::ShortText;

    use super::*;

    #[test]
    fn only_the_whole_text_of_a_key_opens() {
        let new = NewApiKey {
            display_name: ShortText::default(),
            roles: BTreeSet::from([Role::Read]),
            coverage: Coverage::All,
        };
        let (key, text) = make(new, Timestamp::from_micros(0));
        let keys = [Arc::new(key)];
        assert!(find(&keys, &text).is_some());
        for wrong in [
            "",
            "sfb",
            "sfb__",
            &text[..text.len() - 1],
            &format!("{text}0"),
            &text[4..],
        ] {
            assert!(find(&keys, wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_role_allows_no_more_than_it_says() {
        let holder = |role| {
            let new = NewApiKey {
                display_name: ShortText::default(),
                roles: BTreeSet::from([role]),
                coverage: Coverage::Only(BTreeSet::from([Igrp::new(7).unwrap()])),
            };
            Caller::Holder(Arc::new(make(new, Timestamp::from_micros(0)).0))
        };
        assert!(holder(Role::Read).require(Role::Read).is_ok());
        assert!(holder(Role::Read).require(Role::Ingest).is_err());
        assert!(holder(Role::Admin).require(Role::Ingest).is_ok());
        assert!(
            holder(Role::Read)
                .require_for(Role::Read, Igrp::new(7).unwrap())
                .is_ok()
        );
        assert!(
            holder(Role::Read)
                .require_for(Role::Read, Igrp::new(8).unwrap())
                .is_err()
        );
        assert!(holder(Role::Admin).require_for_all(Role::Admin).is_err());
    }
}
