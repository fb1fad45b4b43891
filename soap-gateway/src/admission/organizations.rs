//! What the core knows of the organisations that send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sfbridge_values::OrganizationId;
use tokio::time::Instant;

use super::known::Known;
use crate::core_client::{CoreClient, CoreFailure, OrganizationAccess};

/// Asks the core about organisations, and remembers what it said.
#[derive(Debug)]
pub(super) struct Organizations {
    core: CoreClient,
    known: Mutex<HashMap<Box<str>, Known<OrganizationAccess>>>,
}

impl Organizations {
    /// The most organisations that are remembered.
    const MAX_KNOWN: usize = 10_000;

    /// Nothing is known yet.
    pub(super) fn new(core: CoreClient) -> Self {
        Self {
            core,
            known: Mutex::default(),
        }
    }

    /// What the core says of an organisation.
    pub(super) async fn access(
        &self,
        organization_id: &OrganizationId,
        until: Instant,
    ) -> Result<Arc<OrganizationAccess>, CoreFailure> {
        let known = self.known(organization_id);
        if let Some(access) = known.answer() {
            return Ok(access);
        }
        let ask = async || {
            let access = self.core.organization_access(organization_id, until).await;
            access.map(Arc::new)
        };
        // It is large, and nearly never needed.
        Box::pin(known.get_or_ask(ask)).await
    }

    /// What is remembered of an organisation, made anew when it is too old.
    fn known(&self, organization_id: &OrganizationId) -> Known<OrganizationAccess> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known
            .get(organization_id.key())
            .filter(|known| known.is_fresh())
        {
            return known.clone();
        }
        if known.len() >= Self::MAX_KNOWN {
            known.retain(|_, known| known.is_fresh());
        }
        if known.len() >= Self::MAX_KNOWN {
            known.clear();
        }
        let new = Known::new();
        known.insert(organization_id.key().into(), new.clone());
        new
    }
}
