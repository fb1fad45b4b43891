//! Where a lead enrichment stands.

/// Where a lead enrichment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeadEnrichmentState {
    /// Accepted and durable, to be worked on when it is due.
    Pending,
    /// The organisation has no working log-in.
    WaitingForConnection,
    /// Nothing is known of the visitor yet.
    WaitingForData,
    /// It is being written into the Lead.
    Pushing,
    /// The Lead holds what was to be written.
    Succeeded,
    /// The Lead held everything already.
    Unchanged,
    /// There was nothing to write.
    NoData,
    /// Salesforce refused for good.
    Failed,
    /// An operator ended it.
    Cancelled,
    /// The Lead is enriched over and over; an operator decides.
    Parked,
}

impl LeadEnrichmentState {
    /// All states, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::WaitingForConnection,
        Self::WaitingForData,
        Self::Pushing,
        Self::Succeeded,
        Self::Unchanged,
        Self::NoData,
        Self::Failed,
        Self::Cancelled,
        Self::Parked,
    ];

    /// Whether something is still to come of the job, so that a newer request
    /// for its lead joins it. A parked job is open: what arrives meanwhile must
    /// neither begin the loop again nor be lost.
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending
            | Self::WaitingForConnection
            | Self::WaitingForData
            | Self::Pushing
            | Self::Parked => true,
            Self::Succeeded | Self::Unchanged | Self::NoData | Self::Failed | Self::Cancelled => {
                false
            }
        }
    }

    /// Its name in the contract, without the prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::WaitingForConnection => "WAITING_FOR_CONNECTION",
            Self::WaitingForData => "WAITING_FOR_DATA",
            Self::Pushing => "PUSHING",
            Self::Succeeded => "SUCCEEDED",
            Self::Unchanged => "UNCHANGED",
            Self::NoData => "NO_DATA",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Parked => "PARKED",
        }
    }
}
