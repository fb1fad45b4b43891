//! What is found where an installation logs in.

use std::sync::Arc;
use std::time::Duration;

use salesforce_client::{Error, ErrorClass, LeadDescription, Org};
use sfbridge_values::{OrganizationId, Timestamp};

use super::lead_fields;
use crate::clock;
use crate::domain::{
    ApiUsage, ConnectedPeer, ConnectionReport, Installation, LeadFieldMapping, LeadTarget,
    MappingFinding,
};

/// What is found where an installation logs in.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    peer: ConnectedPeer,
    api_usage: Option<ApiUsage>,
    leads: Arc<LeadDescription>,
}

/// Why nothing is found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSurvey {
    /// It was refused in a way that time does not mend, in Salesforce's words.
    #[error("{0}")]
    Refused(String),
    /// It may well work later.
    #[error("{0}")]
    NotNow(String),
}

impl From<Error> for NoSurvey {
    fn from(error: Error) -> Self {
        match error.class() {
            ErrorClass::Connection => Self::Refused(error.to_string()),
            ErrorClass::Transient
            | ErrorClass::Quota
            | ErrorClass::RecordGone
            | ErrorClass::RecordConverted
            | ErrorClass::Field
            | ErrorClass::Data
            | ErrorClass::Unknown => Self::NotNow(error.to_string()),
        }
    }
}

impl Survey {
    /// Logs in anew and looks around, for at most so long.
    pub(super) async fn make(org: &Org, time: Duration) -> Result<Self, NoSurvey> {
        let look = async {
            let met = org.reconnect().await?;
            org.forget_description().await;
            let leads = org.describe_leads().await?;
            // Names are for people; without the right to see them, all else
            // works.
            let organization_name = org.organization_name().await.unwrap_or_default();
            let username = org.username().await.unwrap_or_default();
            Ok(Self {
                peer: ConnectedPeer {
                    organization_id: met.organization_id,
                    organization_name,
                    username,
                    api_version: met.api_version.to_string(),
                },
                api_usage: org.quota().map(|quota| ApiUsage {
                    used: quota.used.into(),
                    limit: quota.limit.into(),
                    time: clock::now(),
                }),
                leads,
            })
        };
        match tokio::time::timeout(time, look).await {
            Ok(found) => found,
            Err(_) => Err(NoSurvey::NotNow(format!(
                "Salesforce did not answer within {} seconds",
                time.as_secs()
            ))),
        }
    }

    /// Which fields will not do that an installation has marketing data
    /// written into.
    pub(crate) fn findings(&self, mapping: &LeadFieldMapping) -> Vec<MappingFinding> {
        let targets = LeadTarget::resolve(mapping, &LeadFieldMapping::default());
        lead_fields::findings(&targets, &self.leads)
    }

    /// Why this is not the organisation that an installation is linked to, if
    /// it is not.
    pub(crate) fn stranger(&self, linked: Option<&OrganizationId>) -> Option<String> {
        let met = &self.peer.organization_id;
        let linked = linked.filter(|linked| linked.key() != met.key())?;
        Some(format!(
            "the credentials log in to the organisation {met}, and the installation is linked to \
             {linked}; set those of {linked}, or link the installation to {met}"
        ))
    }
}

/// What a survey, or the want of one, says of a connection.
pub(super) fn report(
    surveyed: &Result<Survey, NoSurvey>,
    installation: &Installation,
    credentials_time: Timestamp,
) -> ConnectionReport {
    let report = ConnectionReport::about(credentials_time);
    let survey = match surveyed {
        Ok(survey) => survey,
        Err(NoSurvey::Refused(words)) => return report.broke(words),
        Err(NoSurvey::NotNow(_)) => return report,
    };
    let linked = installation.organization_id.as_ref();
    let unlinked = linked.is_none().then(|| {
        format!(
            "the installation is linked to no organisation; link it to {}, which it logs in to",
            survey.peer.organization_id
        )
    });
    let findings = survey.findings(&installation.lead_field_mapping);
    let findings = findings.iter().map(ToString::to_string);
    let report = report
        .met(survey.peer.clone())
        .warned(unlinked.into_iter().chain(findings));
    let report = match survey.api_usage {
        Some(usage) => report.used(usage),
        None => report,
    };
    match survey.stranger(linked) {
        Some(reason) => report.broke(&reason),
        None => report.worked(),
    }
}
