//! On whose account a write is.

use sfbridge_values::{Igrp, OrganizationId};

use super::Batch;
use crate::domain::Coverage;

/// On whose account a write is. Those of one sender are done in order; senders
/// take turns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// A Salesforce organisation.
    Organization(OrganizationId),
    /// An installation, for items that came from no organisation.
    Installation(Igrp),
    /// Items that name nobody. They have little hope of being recorded.
    Unnamed,
    /// Settings and other small work of operators.
    Settings,
    /// Work that nobody waits for. It has a smaller share than the others.
    Background,
}

impl Sender {
    /// How many turns it takes this sender to earn an item.
    pub fn turns_per_item(&self) -> usize {
        match self {
            Self::Organization(_) | Self::Installation(_) | Self::Unnamed | Self::Settings => 1,
            Self::Background => 4,
        }
    }
}

impl<T> Batch<T> {
    /// On whose account the batch is: that of its first item which says so.
    ///
    /// An organisation is only a claim of the caller. A caller who may touch
    /// some installations alone could claim a new one for each batch, and have
    /// more than its share; so those count by installation.
    pub fn sender(&self) -> Sender {
        let organization = match self.coverage {
            Coverage::All => self
                .items
                .iter()
                .find_map(|item| item.organization_id.clone()),
            Coverage::Only(_) => None,
        };
        if let Some(organization) = organization {
            return Sender::Organization(organization);
        }
        let mut installations = self.items.iter().filter_map(|item| item.igrp);
        installations
            .find(|igrp| self.coverage.covers(*igrp))
            .map_or(Sender::Unnamed, Sender::Installation)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sfbridge_values::Timestamp;

    use super::*;
    use crate::domain::{Rejection, RejectionReason};
    use crate::recording::{Item, UnknownInstallations};

    fn organization() -> OrganizationId {
        OrganizationId::parse("00D5g0000004242EAA").unwrap()
    }

    fn installation(igrp: i64) -> Igrp {
        Igrp::new(igrp).unwrap()
    }

    #[track_caller]
    fn check(items: &[(Option<i64>, Option<OrganizationId>)], coverage: Coverage, sender: &Sender) {
        let items = items.iter().map(|(igrp, organization_id)| Item::<()> {
            igrp: igrp.map(installation),
            organization_id: organization_id.clone(),
            content: Err(Rejection::new(RejectionReason::MissingIgrp, "", "")),
            idempotency_key: None,
            notification: None,
        });
        let batch = Batch {
            items: items.collect(),
            unknown_installations: UnknownInstallations::Reject,
            coverage,
            now: Timestamp::from_micros(0),
        };
        assert_eq!(batch.sender(), *sender);
    }

    #[test]
    fn the_first_organisation_counts_and_else_the_first_installation() {
        let named = [(Some(1), None), (None, Some(organization()))];
        let sender = Sender::Organization(organization());
        check(&named, Coverage::All, &sender);
        let unnamed = [(None, None), (Some(2), None), (Some(3), None)];
        let sender = Sender::Installation(installation(2));
        check(&unnamed, Coverage::All, &sender);
        check(&[(None, None)], Coverage::All, &Sender::Unnamed);
        check(&[], Coverage::All, &Sender::Unnamed);
    }

    #[test]
    fn a_caller_of_some_installations_has_no_more_senders_than_those() {
        let only = Coverage::Only(BTreeSet::from([installation(2)]));
        let items = [(Some(1), Some(organization())), (Some(2), None)];
        let sender = Sender::Installation(installation(2));
        check(&items, only.clone(), &sender);
        check(&items[..1], only, &Sender::Unnamed);
    }
}
