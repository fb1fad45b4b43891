//! How Salesforce is spoken with.

use salesforce_client::{ApiVersion, ExtraHosts};

/// How Salesforce is spoken with.
#[derive(Clone, Debug, Default)]
pub struct SalesforceConfig {
    /// Further hosts that are taken for Salesforce: for tests and simulators.
    pub extra_hosts: ExtraHosts,
    /// The version of the API that is asked for.
    pub api_version: ApiVersion,
}
