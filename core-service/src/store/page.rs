//! Filters and pages.

use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};

use crate::domain::{Coverage, LeadEnrichmentState, RefusalReason, RejectionReason};

/// Where a page starts: after the row of this sort key and number.
///
/// Rows are ordered by descending key (microseconds) and, among equals, by
/// descending number. A position stays good whatever is inserted around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The sort key of the last row of the page before.
    pub key: i64,
    /// Its number.
    pub number: i64,
}

impl Position {
    /// Before the first row.
    pub const START: Self = Self {
        key: i64::MAX,
        number: i64::MAX,
    };
}

/// Which page to read.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// At most this many rows.
    pub size: u32,
    /// No further rows once those read hold this many bytes.
    pub bytes: usize,
    /// After this row.
    pub after: Position,
}

impl PageRequest {
    /// Everything on one page.
    pub const ALL: Self = Self {
        size: u32::MAX,
        bytes: usize::MAX,
        after: Position::START,
    };
}

/// One page of rows.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts, unless this is the last.
    pub next: Option<Position>,
}

/// From a time on and before another.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeRange {
    /// At or after.
    pub start: Option<Timestamp>,
    /// Before.
    pub end: Option<Timestamp>,
}

/// Which events.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct EventFilter {
    pub igrp: Igrp,
    pub action: Option<String>,
    pub visitor_id: Option<VisitorId>,
    pub call_ref: Option<CallRef>,
    pub record_id: Option<String>,
    pub time: TimeRange,
}

/// Which ratings.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct CallRatingFilter {
    pub igrp: Igrp,
    pub call_ref: Option<CallRef>,
    pub rating: Option<String>,
    pub record_id: Option<String>,
    pub time: TimeRange,
}

/// Which lead enrichments.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct LeadEnrichmentFilter {
    pub igrp: Igrp,
    pub state: Option<LeadEnrichmentState>,
    pub visitor_id: Option<VisitorId>,
    pub call_ref: Option<CallRef>,
    pub record_id: Option<String>,
    pub time: TimeRange,
}

/// Which visits.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct VisitFilter {
    pub igrp: Igrp,
    pub visitor_id: Option<VisitorId>,
    pub time: TimeRange,
}

/// Which calls.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct CallFilter {
    pub igrp: Igrp,
    pub visitor_id: Option<VisitorId>,
    pub time: TimeRange,
}

/// Which installations.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct InstallationFilter {
    pub coverage: Coverage,
    pub organization_id: Option<OrganizationId>,
}

/// Which refused messages.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct RefusedMessageFilter {
    pub coverage: Coverage,
    pub organization_id: Option<String>,
    pub reason: Option<RefusalReason>,
    pub endpoint: Option<String>,
    pub time: TimeRange,
}

/// Which quarantined notifications.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each filter, and the names are the same"
)]
pub struct QuarantineFilter {
    pub coverage: Coverage,
    pub igrp: Option<Igrp>,
    pub organization_id: Option<String>,
    pub notification_id: Option<String>,
    pub record_id: Option<String>,
    pub reason: Option<RejectionReason>,
    pub endpoint: Option<String>,
    pub object_type: Option<String>,
    pub query: Option<String>,
    pub show_resolved: bool,
}
