//! What the batches of all kinds of record share.

use sfbridge_proto::v1 as pb;
use sfbridge_values::{CallRef, Currency, Decimal, Igrp, OrganizationId, ShortText, VisitorId};

use super::caller::Caller;
use super::notification_message::{self, ReadNotification};
use crate::clock;
use crate::config::InstallationMode;
use crate::domain::{Faults, Origin, Rejection, RejectionReason, Role};
use crate::error::Error;
use crate::metrics::{CoreMetrics, ResultLabels};
use crate::recording::{
    Batch, IdempotencyKey, Item, ItemResult, Prospect, UnknownInstallations, Verdict,
};

/// The most items of a batch.
const MAX_ITEMS: usize = 1_000;

/// How this core treats installations that nobody has created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstallationRule {
    /// As configured.
    pub(crate) mode: InstallationMode,
    /// Whether gRPC is served on a loopback address only.
    pub(crate) is_loopback: bool,
}

impl InstallationRule {
    /// What to do for a caller. A request can ask for less, never for more.
    fn for_request(self, caller: &Caller, asked: i32) -> Result<UnknownInstallations, Error> {
        let asked = pb::UnknownInstallations::try_from(asked)
            .map_err(|_| Error::invalid("unknown_installations", "has an unknown value"))?;
        if asked == pb::UnknownInstallations::Reject {
            return Ok(UnknownInstallations::Reject);
        }
        let creates = match (self.mode, caller) {
            (InstallationMode::Strict, _) => false,
            (InstallationMode::Open, _) => true,
            // The gateway of this process has looked where its request is from.
            (InstallationMode::Auto, Caller::InProcess) => true,
            (InstallationMode::Auto, Caller::Anybody) => self.is_loopback,
            (InstallationMode::Auto, Caller::Holder(_)) => false,
        };
        Ok(if creates {
            UnknownInstallations::Create
        } else {
            UnknownInstallations::Reject
        })
    }
}

/// What a batch is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be recorded.
    Record,
    /// To say what would become of it.
    Validate,
}

impl Purpose {
    /// What `validate_only` of a request says.
    pub(super) fn of(validate_only: bool) -> Self {
        if validate_only {
            Self::Validate
        } else {
            Self::Record
        }
    }

    fn require_role(self, caller: &Caller) -> Result<(), Error> {
        match self {
            Self::Record => caller.require(Role::Ingest),
            // It shows what is there, and changes nothing.
            Self::Validate => caller
                .require(Role::Ingest)
                .or_else(|_| caller.require(Role::Read)),
        }
    }
}

/// Checks a request's size and caller, and reads its items.
pub(super) fn read<M, T>(
    caller: &Caller,
    purpose: Purpose,
    rule: InstallationRule,
    (field, messages): (&str, Vec<M>),
    notifications: Vec<pb::Notification>,
    unknown_installations: i32,
    read_item: impl Fn(M, Option<ReadNotification>) -> Item<T>,
) -> Result<Batch<T>, Error> {
    purpose.require_role(caller)?;
    if messages.len() > MAX_ITEMS {
        return Err(Error::invalid(
            field,
            format!("has more than {MAX_ITEMS} items; send several batches"),
        ));
    }
    if !notifications.is_empty() && notifications.len() != messages.len() {
        return Err(Error::invalid(
            "notifications",
            format!(
                "has {} items for {} {field}; send one for each, or none",
                notifications.len(),
                messages.len()
            ),
        ));
    }
    let mut notifications = notifications.into_iter();
    let items = messages
        .into_iter()
        .map(|message| {
            let notification = notifications
                .next()
                .map(notification_message::read)
                .transpose()?;
            Ok(read_item(message, notification))
        })
        .collect::<Result<_, Error>>()?;
    Ok(Batch {
        items,
        unknown_installations: rule.for_request(caller, unknown_installations)?,
        coverage: caller.coverage(),
        now: clock::now(),
    })
}

/// An item while it is being read.
pub(super) struct Draft {
    faults: Faults,
    igrp: Option<Igrp>,
    notification: Option<crate::domain::Notification>,
    pub(super) warnings: Vec<String>,
}

impl Draft {
    /// Begins with the installation, and with what the sender found wrong.
    pub(super) fn new(
        igrp: i64,
        notification: Option<ReadNotification>,
        warnings: Vec<String>,
    ) -> Self {
        let mut faults = Faults::default();
        let notification = notification.map(
            |ReadNotification {
                 notification,
                 rejection,
             }| {
                if let Some(rejection) = rejection {
                    faults.add(rejection);
                }
                notification
            },
        );
        let igrp = match igrp {
            0 => {
                faults.add(Rejection::new(
                    RejectionReason::MissingIgrp,
                    "igrp",
                    "No installation is named: set igrp.",
                ));
                None
            }
            _ => faults.keep(Igrp::new(igrp).map_err(|invalid| {
                Rejection::of_field(RejectionReason::InvalidIgrp, "igrp", invalid)
            })),
        };
        Self {
            faults,
            igrp,
            notification,
            warnings: bounded(warnings),
        }
    }

    /// Whether the item was made from a notification.
    pub(super) fn is_from_notification(&self) -> bool {
        self.notification.is_some()
    }

    /// Takes note of a fault.
    pub(super) fn reject(&mut self, fault: Rejection) {
        self.faults.add(fault);
    }

    /// Reads a field that may be blank; its fault has the field's name.
    pub(super) fn optional<T, E: std::fmt::Display>(
        &mut self,
        reason: RejectionReason,
        field: &str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.trim().is_empty() {
            return None;
        }
        let parsed = parse(text).map_err(|invalid| Rejection::of_field(reason, field, invalid));
        self.faults.keep(parsed)
    }

    pub(super) fn visitor_id(&mut self, text: &str) -> Option<VisitorId> {
        self.optional(
            RejectionReason::InvalidVisitorId,
            "visitor_id",
            text,
            VisitorId::parse,
        )
    }

    pub(super) fn call_ref(&mut self, text: &str) -> Option<CallRef> {
        self.optional(
            RejectionReason::InvalidCallRef,
            "call_ref",
            text,
            CallRef::parse,
        )
    }

    pub(super) fn currency(&mut self, text: &str) -> Option<Currency> {
        self.optional(
            RejectionReason::InvalidCurrency,
            "currency",
            text,
            Currency::parse,
        )
    }

    pub(super) fn short_text(&mut self, field: &str, text: &str) -> Option<ShortText> {
        self.optional(RejectionReason::FieldTooLong, field, text, |text| {
            ShortText::new(text.trim())
        })
    }

    pub(super) fn decimal(&mut self, field: &str, text: &str) -> Option<Decimal> {
        let read = self.optional(RejectionReason::InvalidDecimal, field, text, Decimal::read)?;
        if read.is_rounded {
            self.warnings
                .push(format!("{field} was rounded to 8 digits after the point."));
        }
        Some(read.decimal)
    }

    /// Reads where the item came from.
    pub(super) fn origin(
        &mut self,
        origin: Option<pb::SalesforceOrigin>,
    ) -> (Option<Origin>, Option<OrganizationId>) {
        let Some(origin) = origin else {
            return (None, None);
        };
        let pb::SalesforceOrigin {
            organization_id,
            action_id,
            notification_id,
            object_type,
            record_id,
        } = origin;
        let organization = self.optional(
            RejectionReason::OrganizationNotLinked,
            "organization_id",
            &organization_id,
            OrganizationId::parse,
        );
        let origin = Origin {
            organization_id: self.short_text("organization_id", &organization_id),
            action_id: self.short_text("action_id", &action_id),
            notification_id: self.short_text("notification_id", &notification_id),
            object_type: self.short_text("object_type", &object_type),
            record_id: self.short_text("record_id", &record_id),
        };
        (
            (origin != Origin::default()).then_some(origin),
            organization,
        )
    }

    /// Ends with the content, unless something is wrong with it.
    pub(super) fn finish<T>(
        mut self,
        organization_id: Option<OrganizationId>,
        idempotency_key: &str,
        content: Option<T>,
    ) -> Item<T> {
        let text = self.short_text("idempotency_key", idempotency_key);
        let key = match (text, self.igrp) {
            (None, _) => None,
            (Some(text), _) if self.notification.is_some() => {
                Some(IdempotencyKey::of_notification(text))
            }
            (Some(text), Some(igrp)) => Some(IdempotencyKey::in_installation(text, igrp)),
            (Some(_), None) => None,
        };
        let content = match (self.faults.into_first(), content) {
            (Some(fault), _) => Err(fault),
            (None, Some(content)) => Ok(content),
            (None, None) => Err(Rejection::new(
                RejectionReason::MalformedNotification,
                "",
                "The item lacks what it must have.",
            )),
        };
        Item {
            igrp: self.igrp,
            organization_id,
            content,
            idempotency_key: key,
            notification: self.notification,
        }
    }
}

/// Warnings are for people: few and short.
fn bounded(mut warnings: Vec<String>) -> Vec<String> {
    warnings.truncate(50);
    for warning in &mut warnings {
        if let Some((end, _)) = warning.char_indices().nth(500) {
            warning.truncate(end);
        }
    }
    warnings
}

/// What became of an item, in the contract's words.
pub(super) struct Answer {
    pub(super) outcome: i32,
    pub(super) id: String,
    pub(super) rejection: Option<pb::Rejection>,
    pub(super) quarantined_notification_id: String,
    /// Only of an item that was tried.
    pub(super) prospect: Prospect,
}

/// Puts what would become of a batch into the contract's words. Nothing is
/// counted: nothing has happened.
pub(super) fn foretell(verdicts: Vec<Verdict>) -> impl Iterator<Item = Answer> {
    verdicts.into_iter().map(|verdict| {
        let (outcome, id, rejection, prospect) = match verdict {
            Verdict::Recordable(prospect) => (pb::Outcome::Recorded, None, None, prospect),
            Verdict::Duplicate(id) => (pb::Outcome::Duplicate, id, None, Prospect::default()),
            Verdict::Rejected(rejection) => {
                let rejection = notification_message::write_rejection(rejection);
                let rejection = Some(rejection);
                (pb::Outcome::Rejected, None, rejection, Prospect::default())
            }
        };
        Answer {
            outcome: outcome.into(),
            id: id.map(|id| id.to_string()).unwrap_or_default(),
            rejection,
            quarantined_notification_id: String::new(),
            prospect,
        }
    })
}

/// Counts the results of a batch and puts them into the contract's words.
pub(super) fn answer(
    metrics: &CoreMetrics,
    kind: &'static str,
    results: Vec<ItemResult>,
) -> impl Iterator<Item = Answer> {
    let results_counter = metrics.results.clone();
    results.into_iter().map(move |result| {
        let (outcome, name, reason) = match &result {
            ItemResult::Recorded(_) => (pb::Outcome::Recorded, "recorded", ""),
            ItemResult::Duplicate(_) => (pb::Outcome::Duplicate, "duplicate", ""),
            ItemResult::Rejected { rejection, .. } => {
                (pb::Outcome::Rejected, "rejected", rejection.reason.name())
            }
        };
        results_counter
            .get_or_create(&ResultLabels {
                kind,
                outcome: name,
                reason,
            })
            .inc();
        let (id, rejection, quarantined) = match result {
            ItemResult::Recorded(id) | ItemResult::Duplicate(id) => (id.to_string(), None, None),
            ItemResult::Rejected {
                rejection,
                quarantined,
            } => (
                String::new(),
                Some(notification_message::write_rejection(rejection)),
                quarantined,
            ),
        };
        Answer {
            outcome: outcome.into(),
            id,
            rejection,
            quarantined_notification_id: quarantined.map(|id| id.to_string()).unwrap_or_default(),
            prospect: Prospect::default(),
        }
    })
}
