//! Whether an item may be recorded in the installation that it names.

use std::sync::Arc;

use sfbridge_values::{Igrp, OrganizationId, Timestamp};

use super::{Batch, Item, UnknownInstallations};
use crate::domain::{Installation, Rank, Rejection, RejectionReason};

/// An item that may be recorded, and what must become of its installation.
#[derive(Debug)]
pub enum Admission {
    /// The installation is as it must be.
    Known(Arc<Installation>),
    /// The installation has to be created first.
    Create(Arc<Installation>),
    /// The installation has to be linked to the item's organisation first.
    Link(Arc<Installation>),
}

impl Admission {
    /// The installation as it will be.
    pub fn installation(&self) -> &Arc<Installation> {
        match self {
            Self::Known(installation) | Self::Create(installation) | Self::Link(installation) => {
                installation
            }
        }
    }
}

/// Judges an item's installation and organisation, and puts the item's own
/// fault in its place among them.
///
/// # Errors
///
/// The first of the item's faults.
pub fn admit<T>(
    batch: &Batch<T>,
    item: &Item<T>,
    installation: Option<Arc<Installation>>,
) -> Result<Admission, Rejection> {
    // A fault that comes before the installation's hides what is wrong with it.
    if let Err(fault) = &item.content
        && (fault.rank() < Rank::Installation || item.igrp.is_none())
    {
        return Err(fault.clone());
    }
    let igrp = item.igrp.ok_or_else(|| {
        Rejection::new(
            RejectionReason::MissingIgrp,
            "igrp",
            "No installation is named.",
        )
    })?;
    // To a key that does not cover it, an installation is as good as unknown.
    if !batch.coverage.covers(igrp) {
        return Err(unknown(igrp));
    }

    let creates = batch.unknown_installations == UnknownInstallations::Create;
    let admission = match installation {
        None if creates => {
            let organization_id = item.organization_id.clone();
            let created = Installation::provisional(igrp, organization_id, batch.now);
            Admission::Create(Arc::new(created))
        }
        None => return Err(unknown(igrp)),
        Some(installation) => {
            let links = creates.then_some(batch.now);
            admit_organization(installation, item.organization_id.as_ref(), links)?
        }
    };
    match &item.content {
        Err(fault) => Err(fault.clone()),
        Ok(_) => Ok(admission),
    }
}

fn admit_organization(
    installation: Arc<Installation>,
    sender: Option<&OrganizationId>,
    links: Option<Timestamp>,
) -> Result<Admission, Rejection> {
    match (&installation.organization_id, sender) {
        (_, None) => Ok(Admission::Known(installation)),
        (Some(linked), Some(sender)) if linked == sender => Ok(Admission::Known(installation)),
        (None, Some(sender)) if let Some(now) = links => {
            let mut linked = Installation::clone(&installation);
            linked.organization_id = Some(sender.clone());
            linked.update_time = now;
            Ok(Admission::Link(Arc::new(linked)))
        }
        (Some(_), Some(_)) => Err(Rejection::new(
            RejectionReason::OrganizationNotLinked,
            "organization_id",
            format!(
                "Installation {} is linked to another Salesforce organisation. \
                 Check the IGRP id, or link the installation to this organisation.",
                installation.igrp
            ),
        )),
        (None, Some(_)) => Err(Rejection::new(
            RejectionReason::OrganizationNotLinked,
            "organization_id",
            format!(
                "Installation {} is not linked to a Salesforce organisation. \
                 Link it with `sfbridge installations update`.",
                installation.igrp
            ),
        )),
    }
}

fn unknown(igrp: Igrp) -> Rejection {
    Rejection::new(
        RejectionReason::UnknownInstallation,
        "igrp",
        format!("There is no installation {igrp}. Create it, or correct the IGRP id."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Coverage;

    const OURS: &str = "00D000000000062EAA";
    const OTHERS: &str = "00D000000000063EAA";

    fn batch(unknown_installations: UnknownInstallations) -> Batch<()> {
        Batch {
            items: Vec::new(),
            unknown_installations,
            coverage: Coverage::All,
            now: Timestamp::from_micros(0),
        }
    }

    fn item(organization: Option<&str>, content: Result<(), RejectionReason>) -> Item<()> {
        Item {
            igrp: Some(Igrp::new(7).unwrap()),
            organization_id: organization.map(|id| OrganizationId::parse(id).unwrap()),
            content: content.map_err(|reason| Rejection::new(reason, "", "")),
            idempotency_key: None,
            notification: None,
        }
    }

    fn installation(organization: Option<&str>) -> Installation {
        let organization = organization.map(|id| OrganizationId::parse(id).unwrap());
        Installation::provisional(
            Igrp::new(7).unwrap(),
            organization,
            Timestamp::from_micros(0),
        )
    }

    #[track_caller]
    fn check(
        mode: UnknownInstallations,
        item: &Item<()>,
        known: Option<Installation>,
        expected: Result<&str, RejectionReason>,
    ) {
        let admission =
            admit(&batch(mode), item, known.map(Arc::new)).map(|admission| match admission {
                Admission::Known(_) => "known",
                Admission::Create(_) => "create",
                Admission::Link(_) => "link",
            });
        assert_eq!(admission.map_err(|rejection| rejection.reason), expected);
    }

    #[test]
    fn an_unknown_installation_is_created_only_where_that_is_allowed() {
        let item = item(Some(OURS), Ok(()));
        check(UnknownInstallations::Create, &item, None, Ok("create"));
        let unknown = Err(RejectionReason::UnknownInstallation);
        check(UnknownInstallations::Reject, &item, None, unknown);
    }

    #[test]
    fn an_installation_takes_only_its_own_organisations_items() {
        use UnknownInstallations::{Create, Reject};
        let not_linked = Err(RejectionReason::OrganizationNotLinked);
        let ours = item(Some("00D000000000062"), Ok(()));
        check(Reject, &ours, Some(installation(Some(OURS))), Ok("known"));
        check(Create, &ours, Some(installation(Some(OTHERS))), not_linked);
        check(Reject, &ours, Some(installation(None)), not_linked);
        check(Create, &ours, Some(installation(None)), Ok("link"));
        check(
            Reject,
            &item(None, Ok(())),
            Some(installation(Some(OURS))),
            Ok("known"),
        );
    }

    #[test]
    fn the_installations_fault_stands_between_the_items_own() {
        use UnknownInstallations::Reject;
        let gone = item(Some(OURS), Err(RejectionReason::RecordGone));
        check(Reject, &gone, None, Err(RejectionReason::RecordGone));
        let bad_visitor = item(Some(OURS), Err(RejectionReason::InvalidVisitorId));
        check(
            Reject,
            &bad_visitor,
            None,
            Err(RejectionReason::UnknownInstallation),
        );
        let linked_elsewhere = Some(installation(Some(OTHERS)));
        let not_linked = Err(RejectionReason::OrganizationNotLinked);
        check(Reject, &bad_visitor, linked_elsewhere, not_linked);
        let linked = Some(installation(Some(OURS)));
        check(
            Reject,
            &bad_visitor,
            linked,
            Err(RejectionReason::InvalidVisitorId),
        );
    }

    #[test]
    fn a_rejected_item_creates_no_installation() {
        let bad = item(Some(OURS), Err(RejectionReason::InvalidAction));
        check(
            UnknownInstallations::Create,
            &bad,
            None,
            Err(RejectionReason::InvalidAction),
        );
    }
}
