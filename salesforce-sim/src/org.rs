//! The org: its records, its users, and what it remembers.

mod journal;
mod quota;
mod records;
mod save;
mod sessions;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sfbridge_values::{InvalidSalesforceId, OrganizationId, SalesforceId};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::SimConfig;
use crate::description::{App, OrgDescription};
use crate::failure::Failures;
use crate::id::Ids;
use crate::oauth::AppKey;
use crate::outbound::{Definition, DefinitionDescription, Due, InvalidDefinition, Origin, Outbox};
use crate::refusal::Refusal;
use crate::schema::{InvalidField, ObjectType, Schema};
use crate::soql::Cursors;

pub(crate) use journal::{Call, Journal};
pub(crate) use quota::Quota;
pub(crate) use records::{Record, Records};
pub(crate) use save::{Author, Saving};
pub(crate) use sessions::Sessions;

/// Everything that a running org knows.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) id: OrganizationId,
    pub(crate) name: String,
    pub(crate) is_sandbox: bool,
    pub(crate) schema: Schema,
    pub(crate) records: Records,
    pub(crate) ids: Ids,
    pub(crate) users: Users,
    pub(crate) app: App,
    pub(crate) app_key: AppKey,
    pub(crate) sessions: Sessions,
    pub(crate) quota: Quota,
    pub(crate) failures: Failures,
    pub(crate) journal: Journal,
    pub(crate) cursors: Cursors,
    pub(crate) outbox: Outbox,
    pub(crate) switches: Switches,
    clock: Clock,
    origin: Origin,
}

/// Who there is.
#[derive(Debug)]
pub(crate) struct Users {
    /// Who uses the API.
    pub(crate) api: SalesforceId,
    pub(crate) username: String,
    /// Who works with the records.
    pub(crate) owner: SalesforceId,
    /// Who gets Leads that nobody was told to spare.
    pub(crate) queue: SalesforceId,
}

/// What can be switched while the org runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switches {
    pub(crate) is_api_enabled: bool,
    pub(crate) has_assignment_rule: bool,
    /// Whether what the API changes fires outbound messages.
    pub(crate) api_sends_outbound_messages: bool,
    /// How much longer every call takes.
    pub(crate) delay: Duration,
}

/// A description does not make an org.
#[derive(Debug, thiserror::Error)]
pub enum InvalidOrg {
    /// Its id is none.
    #[error("the organisation's id is not one; it begins with 00D")]
    OrganizationId(#[source] InvalidSalesforceId),
    /// A prefix of ids is none. Only a mistake in this program brings this.
    #[error("ids can't be made")]
    Ids(#[source] InvalidSalesforceId),
    /// Its My Domain name is none.
    #[error("my_domain is no name; it has letters, digits and hyphens")]
    MyDomain,
    /// A field can't be added or left out.
    #[error("the fields of the Lead can't be changed as asked")]
    Field(#[source] InvalidField),
    /// An outbound message can't be sent.
    #[error("an outbound message can't be defined")]
    Definition(#[source] InvalidDefinition),
    /// The app's certificate is no PEM.
    #[error("the app's certificate is neither an RSA certificate nor an RSA public key in PEM")]
    Certificate(#[source] jsonwebtoken::errors::Error),
    /// How messages are sent.
    #[error("the settings of outbound messages: {0}")]
    Outbound(&'static str),
    /// A record breaks a rule.
    #[error("{object} number {number} can't be made: {reason}")]
    Record {
        /// The object.
        object: ObjectType,
        /// Its place in the list, from 1.
        number: usize,
        /// What Salesforce would say.
        reason: String,
    },
}

impl Org {
    /// An org as described, with its records in it. They fire nothing: they
    /// have been there all along.
    pub(crate) fn new(config: &SimConfig) -> Result<Self, InvalidOrg> {
        let OrgDescription {
            org,
            user,
            app,
            lead_fields,
            without_lead_fields,
            outbound_messages,
            ..
        } = &config.org;
        let id = OrganizationId::parse(&org.id).map_err(InvalidOrg::OrganizationId)?;
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '-';
        if org.my_domain.is_empty() || !org.my_domain.chars().all(is_name) {
            return Err(InvalidOrg::MyDomain);
        }
        config.outbound.check().map_err(InvalidOrg::Outbound)?;
        let schema = Schema::new(lead_fields, without_lead_fields).map_err(InvalidOrg::Field)?;
        let mut ids = Ids::default();
        let domain = if org.sandbox {
            "sandbox.my.salesforce.com"
        } else {
            "my.salesforce.com"
        };
        let users = Users {
            api: ids.next("005").map_err(InvalidOrg::Ids)?,
            username: user.username.clone(),
            owner: ids.next("005").map_err(InvalidOrg::Ids)?,
            queue: ids.next("00G").map_err(InvalidOrg::Ids)?,
        };
        let session = TimeDelta::seconds(i64::from(org.session_seconds));
        let mut this = Self {
            origin: Origin {
                organization: id.clone(),
                host: format!("{}.{domain}", org.my_domain),
            },
            id,
            name: org.name.clone(),
            is_sandbox: org.sandbox,
            schema,
            records: Records::default(),
            ids,
            users,
            app: app.clone(),
            app_key: AppKey::new(app.certificate.as_deref()).map_err(InvalidOrg::Certificate)?,
            sessions: Sessions::new(session),
            quota: Quota::new(org.daily_api_requests),
            failures: Failures::default(),
            journal: Journal::default(),
            cursors: Cursors::default(),
            outbox: Outbox::new(config.outbound, config.seed),
            switches: Switches {
                is_api_enabled: true,
                has_assignment_rule: org.assignment_rule,
                api_sends_outbound_messages: user.sends_outbound_messages,
                delay: Duration::ZERO,
            },
            clock: Clock::default(),
        };
        for description in outbound_messages {
            this.define(description)?;
        }
        this.fill(&config.org)?;
        for failure in &config.failures {
            this.failures.add(failure.clone());
        }
        Ok(this)
    }

    fn fill(&mut self, description: &OrgDescription) -> Result<(), InvalidOrg> {
        let lists = [
            (ObjectType::Lead, &description.leads),
            (ObjectType::Opportunity, &description.opportunities),
            (ObjectType::Task, &description.tasks),
        ];
        for (object, list) in lists {
            for (index, fields) in list.iter().enumerate() {
                let made = self.create(object, fields, &Saving::by(Author::Data));
                made.map_err(|refusal| InvalidOrg::Record {
                    object,
                    number: index + 1,
                    reason: refusal.message,
                })?;
            }
        }
        Ok(())
    }

    /// Has changes of records fire one more outbound message.
    pub(crate) fn define(&mut self, description: &DefinitionDescription) -> Result<(), InvalidOrg> {
        let action = self.ids.next("04k").map_err(InvalidOrg::Ids)?;
        let definition = Definition::new(description, action, &self.schema);
        self.outbox.add(definition.map_err(InvalidOrg::Definition)?);
        Ok(())
    }

    /// What time the org thinks it is.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// The outbound messages that are due.
    pub(crate) fn take_due(&mut self, now: Instant, most: usize) -> Vec<Due> {
        self.outbox.take_due(&self.records, &self.origin, now, most)
    }
}

/// A mistake in this program, told as Salesforce tells its own.
impl From<InvalidSalesforceId> for Refusal {
    fn from(error: InvalidSalesforceId) -> Self {
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        Self::with_status(status, "UNKNOWN_EXCEPTION", error.to_string())
    }
}
