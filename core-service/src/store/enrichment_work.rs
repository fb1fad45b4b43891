//! Taking up the work on lead enrichments.

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use crate::domain::{LeadEnrichment, Lease, WrittenMarks};

/// Which jobs somebody wants to take up.
#[derive(Clone, Copy, Debug)]
pub struct EnrichmentClaim {
    /// Those of this installation: connections belong to installations.
    pub igrp: Igrp,
    /// Who takes them up; unique to a worker, and to each of its lives.
    pub owner: Uuid,
    /// Those that are due by now.
    pub now: Timestamp,
    /// When somebody else may take them up, unless they are settled by then.
    pub lease_until: Timestamp,
    /// At most so many.
    pub limit: usize,
}

/// A job that was taken up.
#[derive(Clone, Debug)]
pub struct ClaimedEnrichment {
    /// The job. Its `planned_fields` are what an earlier push, whose end nobody
    /// saw, was to write: those that the Lead holds now were written by it.
    pub enrichment: LeadEnrichment,
    /// The right to work on it.
    pub lease: Lease,
    /// What sfbridge wrote into the Lead before, or may have.
    pub written: WrittenMarks,
}

/// What work there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueEnrichments {
    /// The installations that have jobs which are due, the one whose first job
    /// is due longest first.
    pub installations: Vec<Igrp>,
    /// When the next job is due of all that are not due yet, the ends of leases
    /// included.
    pub next_time: Option<Timestamp>,
}
