//! What the work on lead enrichments counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use salesforce_client::{CallKind, ErrorClass, Quota};
use sfbridge_values::Igrp;

/// The labels of calls to Salesforce.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CallLabels {
    /// What the call was for.
    call: &'static str,
    /// What came of it.
    outcome: &'static str,
}

/// The label of what an organisation's connection counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct InstallationLabel {
    /// The installation.
    igrp: i64,
}

/// What the work on lead enrichments counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnrichingMetrics {
    calls: Family<CallLabels, Counter>,
    api_used: Family<InstallationLabel, Gauge>,
    api_limit: Family<InstallationLabel, Gauge>,
    pub(super) lanes: Gauge,
}

impl EnrichingMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "salesforce_calls",
            "Calls to Salesforce by what they are for and what came of them",
            metrics.calls.clone(),
        );
        registry.register(
            "salesforce_api_requests_used",
            "API requests of the organisation in the last 24 hours, by installation, as Salesforce \
             said last",
            metrics.api_used.clone(),
        );
        registry.register(
            "salesforce_api_requests_limit",
            "API requests that the organisation may make in 24 hours, by installation",
            metrics.api_limit.clone(),
        );
        registry.register(
            "lead_enrichment_lanes",
            "Installations whose lead enrichments are being worked on",
            metrics.lanes.clone(),
        );
        metrics
    }

    /// Counts a call.
    pub(crate) fn count_call(&self, call: CallKind, outcome: Result<(), ErrorClass>) {
        let labels = CallLabels {
            call: call_name(call),
            outcome: outcome_name(outcome),
        };
        self.calls.get_or_create(&labels).inc();
    }

    /// Shows what an organisation has left.
    pub(super) fn show_quota(&self, igrp: Igrp, quota: Quota) {
        let label = InstallationLabel { igrp: igrp.get() };
        self.api_used.get_or_create(&label).set(quota.used.into());
        self.api_limit.get_or_create(&label).set(quota.limit.into());
    }
}

fn call_name(call: CallKind) -> &'static str {
    match call {
        CallKind::LogIn => "log_in",
        CallKind::Versions => "versions",
        CallKind::Describe => "describe",
        CallKind::Query => "query",
        CallKind::Update => "update",
        CallKind::Identity => "identity",
        CallKind::Limits => "limits",
    }
}

fn outcome_name(outcome: Result<(), ErrorClass>) -> &'static str {
    match outcome {
        Ok(()) => "ok",
        Err(ErrorClass::Transient) => "transient",
        Err(ErrorClass::Quota) => "quota",
        Err(ErrorClass::Connection) => "connection",
        Err(ErrorClass::RecordGone | ErrorClass::RecordConverted) => "record",
        Err(ErrorClass::Field) => "field",
        Err(ErrorClass::Data) => "data",
        Err(ErrorClass::Unknown) => "unknown",
    }
}
