//! What the log says of a request.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;
use sfbridge_values::OrganizationId;
use tracing::{error, field, info, warn};

use super::Done;
use crate::endpoint::Endpoint;
use crate::fault::{Fault, Limit, Reason};
use crate::soap::OutboundMessage;

/// What the line of a request says besides its id. Nothing of the message itself
/// is in it.
///
/// It is made once the answer is known: fields of the span would be formatted
/// as often as one of them is added.
pub(super) struct Line<'a> {
    pub(super) endpoint: Option<Endpoint>,
    pub(super) address: Option<IpAddr>,
    /// None where the message could not be read.
    pub(super) summary: Option<&'a Summary>,
    pub(super) status: StatusCode,
    pub(super) duration: Duration,
}

/// What a message is, but nothing that it says of people.
#[derive(Debug)]
pub(super) struct Summary {
    organization_id: OrganizationId,
    notifications: usize,
    /// What was doubtful about it, if anything was.
    warnings: Option<String>,
}

impl Summary {
    /// Of a message that was read.
    pub(super) fn of(message: &OutboundMessage) -> Self {
        let warnings = &message.warnings;
        Self {
            organization_id: message.organization_id.clone(),
            notifications: message.notifications.len(),
            warnings: (!warnings.is_empty()).then(|| warnings.join(" ")),
        }
    }
}

/// Logs what all lines have, and then what one has.
macro_rules! log {
    ($level:ident, $line:expr, $organization_id:expr, $($rest:tt)*) => {{
        let line = $line;
        let organization_id: Option<&OrganizationId> = $organization_id;
        $level!(
            endpoint = line.endpoint.map(Endpoint::name),
            client = line.address.map(field::display),
            organization = organization_id.map(OrganizationId::key),
            notifications = line.summary.map(|summary| summary.notifications),
            warnings = line.summary.and_then(|summary| summary.warnings.as_deref()),
            status = line.status.as_u16(),
            duration_us = u64::try_from(line.duration.as_micros()).ok(),
            $($rest)*
        );
    }};
}

impl Line<'_> {
    /// Logs a request that got what it asked for.
    pub(super) fn done(&self, done: &Done) {
        match done {
            Done::Recorded(recorded) => log!(
                info,
                self,
                self.organization_id(),
                recorded = recorded.recorded,
                duplicate = recorded.duplicate,
                quarantined = recorded.quarantined,
                "message acknowledged"
            ),
            Done::Described(_) => log!(info, self, self.organization_id(), "WSDL given"),
        }
    }

    /// Logs a refusal, and how many were left out of the log before it.
    pub(super) fn refused(&self, fault: &Fault, left_out: u64) {
        const MAX_NAME: usize = 64;

        let reason = fault.reason().name();
        let cause = fault.cause();
        // That of a message which was not read is what it claims.
        let organization_id = self.organization_id().or_else(|| fault.organization_id());
        if fault.reason() == Reason::Internal {
            log!(
                error,
                self,
                organization_id,
                reason,
                cause,
                "message refused for a fault of ours"
            );
            return;
        }
        let parameter = fault.parameter().map(|name| name.chars().take(MAX_NAME));
        let parameter = parameter.map(String::from_iter);
        let (line, column) = fault.position().unzip();
        log!(
            warn,
            self,
            organization_id,
            reason,
            parameter = parameter.as_deref(),
            line,
            column,
            limit = fault.limit().map(Limit::name),
            left_out = (left_out > 0).then_some(left_out),
            cause,
            "message refused"
        );
    }

    fn organization_id(&self) -> Option<&OrganizationId> {
        self.summary.map(|summary| &summary.organization_id)
    }
}
