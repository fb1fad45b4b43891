//! Writing a batch of leads into Salesforce.

use std::collections::HashMap;
use std::time::Duration;

use salesforce_client::{
    Connection, Error, ErrorClass, LeadDescription, LeadRecord, Org, UpdateBatch,
};
use sfbridge_values::{FieldName, OrganizationId, SalesforceId, Timestamp};
use tracing::warn;

use super::decided::{self, Decided};
use super::lane::{LaneEnd, Lanes, patiently};
use super::lookup::Found;
use super::orgs::{Access, after};
use super::verdict;
use crate::clock;
use crate::domain::{
    ApiUsage, FieldTexts, Installation, LeadField, LeadFieldMapping, LeadTarget, PlannedPush,
    RunResult, Settlement,
};
use crate::salesforce::lead_fields;
use crate::store::StoreError;

/// The writing of one batch.
pub(super) struct Push<'a> {
    lanes: &'a Lanes,
    installation: &'a Installation,
    settlements: Vec<Settlement>,
    pause: Option<LaneEnd>,
}

/// What came of a batch.
#[derive(Debug)]
pub(super) struct Pushed {
    pub(super) settlements: Vec<Settlement>,
    /// How the lane is to pause, if it is.
    pub(super) pause: Option<LaneEnd>,
}

/// A lead, and what is to be written into it.
struct Item {
    found: Found,
    decided: Decided,
}

/// The fields of an organisation's Leads.
struct Fields {
    /// `None` when it does not describe them.
    known: Option<Vec<LeadField>>,
}

/// How many times leads are sent without the fields that were refused.
const ROUNDS: usize = 3;

/// Of a hundred API calls, how many may be used before the rest is left to the
/// organisation.
const QUOTA_PERCENT: u32 = 95;

const NEAR_LIMIT: &str = "Most of the organisation's API requests of the day are used, and the \
                          rest is left to it.";

impl<'a> Push<'a> {
    pub(super) fn new(lanes: &'a Lanes, installation: &'a Installation) -> Self {
        Self {
            lanes,
            installation,
            settlements: Vec::new(),
            pause: None,
        }
    }

    /// Writes leads of which it is known how they came.
    pub(super) async fn run(mut self, found: Vec<Found>) -> Result<Pushed, StoreError> {
        match self.lanes.orgs.open(self.installation).await? {
            Access::Open(org, connection) => self.write_into(&org, &connection, found).await?,
            Access::Closed(why) => {
                for found in &found {
                    self.end(found, RunResult::NoConnection(why.clone()), Vec::new());
                }
            }
            Access::Refused(error) => self.befall(&error, &found).await?,
        }
        Ok(Pushed {
            settlements: self.settlements,
            pause: self.pause,
        })
    }

    async fn write_into(
        &mut self,
        org: &Org,
        connection: &Connection,
        found: Vec<Found>,
    ) -> Result<(), StoreError> {
        let found = self.of_organization(found, &connection.organization_id);
        if found.is_empty() {
            return Ok(());
        }
        self.write(org, found).await?;
        let Some(quota) = org.quota() else {
            return Ok(());
        };
        let igrp = self.installation.igrp;
        self.lanes.metrics.show_quota(igrp, quota);
        let usage = ApiUsage {
            used: quota.used.into(),
            limit: quota.limit.into(),
            time: clock::now(),
        };
        self.lanes
            .orgs
            .note(igrp, |report| report.used(usage))
            .await
    }

    /// Leads of another organisation than the one that was logged in to can't
    /// be written.
    fn of_organization(&mut self, found: Vec<Found>, met: &OrganizationId) -> Vec<Found> {
        let is_here = |found: &Found| {
            let id = OrganizationId::parse(&found.job().organization_id);
            id.is_ok_and(|id| id == *met)
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) = found.into_iter().partition(is_here);
        for found in &elsewhere {
            let why = format!(
                "the Lead is one of the organisation {}, and the credentials log in to {met}",
                found.job().organization_id
            );
            self.end(found, RunResult::NoConnection(why), Vec::new());
        }
        here
    }

    async fn write(&mut self, org: &Org, found: Vec<Found>) -> Result<(), StoreError> {
        if self.is_over_quota(org).await {
            self.over_quota(&found, None, NEAR_LIMIT);
            return Ok(());
        }
        let mut fields = match self.describe(org).await? {
            Ok(fields) => fields,
            Err(error) => return self.befall(&error, &found).await,
        };
        if lacks_configured(&found, fields.known.as_deref()) {
            // It may have been made since.
            org.forget_description().await;
            fields = match self.describe(org).await? {
                Ok(fields) => fields,
                Err(error) => return self.befall(&error, &found).await,
            };
        }
        let now = clock::now();
        let wanted: Vec<Vec<FieldName>> = found
            .iter()
            .map(|found| decided::wanted_fields(found, fields.known.as_deref()))
            .collect();
        let read = match self.read(org, &found, &wanted, &mut fields, now).await {
            Ok(read) => read,
            Err(error) => return self.befall(&error, &found).await,
        };
        if is_near_limit(org) {
            self.over_quota(&found, None, NEAR_LIMIT);
            return Ok(());
        }
        let items = self.decide(found, &wanted, &read, &fields, now);
        let items = self.begin(items).await?;
        self.send(org, items).await
    }

    /// Whether the organisation has hardly any calls left; asked again before
    /// it is believed, because nobody calls while the lane pauses.
    async fn is_over_quota(&self, org: &Org) -> bool {
        if !is_near_limit(org) {
            return false;
        }
        match org.refresh_quota().await {
            Ok(_) => is_near_limit(org),
            // The next call will tell.
            Err(error) => error.class() == ErrorClass::Quota,
        }
    }

    /// The organisation's fields. It can be done without where Salesforce does
    /// not describe them and never will.
    async fn describe(&mut self, org: &Org) -> Result<Result<Fields, Error>, StoreError> {
        let igrp = self.installation.igrp;
        match org.describe_leads().await {
            Ok(description) => {
                let known = description.fields.iter().map(lead_fields::lead_field);
                let known = known.collect();
                let warnings = mapping_warnings(self.installation, &description);
                self.lanes
                    .orgs
                    .note(igrp, |report| report.worked().warned(warnings))
                    .await?;
                Ok(Ok(Fields { known: Some(known) }))
            }
            Err(error) => match error.class() {
                ErrorClass::Transient | ErrorClass::Quota | ErrorClass::Connection => {
                    Ok(Err(error))
                }
                ErrorClass::RecordGone
                | ErrorClass::RecordConverted
                | ErrorClass::Field
                | ErrorClass::Data
                | ErrorClass::Unknown => {
                    let warning = format!(
                        "Salesforce does not describe the Lead object ({error}); every field is \
                         taken for a long text."
                    );
                    self.lanes
                        .orgs
                        .note(igrp, |report| report.warned([warning]))
                        .await?;
                    Ok(Ok(Fields { known: None }))
                }
            },
        }
    }

    /// Reads the present values of the leads that need it, in one call.
    async fn read(
        &self,
        org: &Org,
        found: &[Found],
        wanted: &[Vec<FieldName>],
        fields: &mut Fields,
        now: Timestamp,
    ) -> Result<HashMap<SalesforceId, LeadRecord>, Error> {
        let must_be_read = found
            .iter()
            .zip(wanted)
            .filter(|(found, wanted)| decided::must_be_read(found, wanted, now));
        let mut ids = Vec::new();
        let mut names: Vec<FieldName> = Vec::new();
        for (found, wanted) in must_be_read {
            ids.push(found.record_id.to_long());
            for name in wanted {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        // A query names one unknown field at a time.
        loop {
            let error = match org.read_leads(&ids, &names).await {
                Ok(leads) => return Ok(leads),
                Err(error) => error,
            };
            let before = names.len();
            if error.class() == ErrorClass::Field {
                let is_unknown = |name: &FieldName| {
                    let mut unknown = error.fields().iter();
                    unknown.any(|field| field.eq_ignore_ascii_case(name.as_str()))
                };
                names.retain(|name| !is_unknown(name));
                fields.remove(is_unknown);
            }
            if names.len() == before {
                return Err(error);
            }
            org.forget_description().await;
        }
    }

    /// Decides about each lead; those with nothing to write are done.
    fn decide(
        &mut self,
        found: Vec<Found>,
        wanted: &[Vec<FieldName>],
        read: &HashMap<SalesforceId, LeadRecord>,
        fields: &Fields,
        now: Timestamp,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        for (found, wanted) in found.into_iter().zip(wanted) {
            let present = if decided::must_be_read(&found, wanted, now) {
                match read.get(&found.record_id) {
                    None => {
                        self.end(&found, verdict::gone(), Vec::new());
                        continue;
                    }
                    Some(lead) if lead.is_converted => {
                        self.end(&found, verdict::converted(), Vec::new());
                        continue;
                    }
                    Some(lead) => FieldTexts::new(lead.values.clone()),
                }
            } else {
                FieldTexts::new(found.job().known_values.clone())
            };
            let zone = self.installation.time_zone;
            let mut decided = decided::decide(&found, fields.known.as_deref(), &present, zone);
            match decided.result.take() {
                Some(result) => self.end(&found, result, decided.warnings),
                None => items.push(Item { found, decided }),
            }
        }
        items
    }

    /// Keeps what is about to be written. Whoever has lost the right to is left
    /// out, and nobody begins while the process goes down.
    async fn begin(&mut self, items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        if items.is_empty() {
            return Ok(items);
        }
        if self.lanes.stop.is_cancelled() {
            let now = clock::now();
            for item in &items {
                let result = RunResult::Postponed(now, "The process goes down.".to_owned());
                self.end(&item.found, result, Vec::new());
            }
            return Ok(Vec::new());
        }
        let pushes: Vec<PlannedPush> = items
            .iter()
            .map(|item| PlannedPush {
                lease: item.found.claimed.lease,
                fields: item.decided.texts(),
                attribution: Some(item.found.attribution.clone()),
            })
            .collect();
        let now = clock::now();
        let lease_until = after(now, self.lanes.config.lease);
        let store = &self.lanes.store;
        let begun = patiently(|| store.begin_push(pushes.clone(), lease_until, now)).await?;
        let pairs = items.into_iter().zip(begun);
        Ok(pairs
            .filter_map(|(item, has_begun)| has_begun.then_some(item))
            .collect())
    }

    /// Sends leads, and again without the fields that Salesforce refuses.
    async fn send(&mut self, org: &Org, mut items: Vec<Item>) -> Result<(), StoreError> {
        for round in 0..ROUNDS {
            if items.is_empty() {
                return Ok(());
            }
            let is_last = round + 1 == ROUNDS;
            let mut updates = Vec::with_capacity(items.len());
            let mut sent = Vec::with_capacity(items.len());
            for item in items {
                match item.decided.update(&item.found) {
                    Ok(update) => {
                        updates.push(update);
                        sent.push(item);
                    }
                    Err(invalid) => {
                        let result = verdict::failed(format!("The mapping {invalid}."));
                        self.end(&item.found, result, item.decided.warnings);
                    }
                }
            }
            let batch = match UpdateBatch::new(updates) {
                Ok(batch) => batch,
                Err(invalid) => {
                    let result = verdict::failed(format!("The update {invalid}."));
                    for item in sent {
                        self.end(&item.found, result.clone(), item.decided.warnings);
                    }
                    return Ok(());
                }
            };
            let results = match org.update_leads(&batch).await {
                Ok(results) => results,
                Err(error) if error.class() == ErrorClass::Field && !is_last => {
                    sent.iter().map(|_| Err(error.clone())).collect()
                }
                Err(error) => {
                    let found: Vec<Found> = sent.into_iter().map(|item| item.found).collect();
                    return self.befall(&error, &found).await;
                }
            };
            items = Vec::new();
            for (item, result) in sent.into_iter().zip(results) {
                items.extend(self.settle_row(item, result, is_last));
            }
        }
        Ok(())
    }

    /// What came of one lead; the lead again when it is to be sent once more.
    fn settle_row(&mut self, item: Item, result: Result<(), Error>, is_last: bool) -> Option<Item> {
        let Item { found, mut decided } = item;
        let error = match result {
            Ok(()) => {
                let result = RunResult::Succeeded(decided.written());
                self.end(&found, result, decided.warnings);
                return None;
            }
            Err(error) => error,
        };
        let is_of_fields = error.class() == ErrorClass::Field && !is_last;
        if is_of_fields {
            let code = error.code().unwrap_or_default();
            let has_dropped = decided.drop_fields(error.fields(), code);
            if has_dropped && !decided.writes.is_empty() {
                return Some(Item { found, decided });
            }
        }
        let refusals = found.job().progress.refusal_count;
        let result = match error.class() {
            // It is not about the connection when the others were written.
            ErrorClass::Connection => verdict::refused(&error, rand::random()),
            ErrorClass::Transient
            | ErrorClass::Quota
            | ErrorClass::RecordGone
            | ErrorClass::RecordConverted
            | ErrorClass::Field
            | ErrorClass::Data
            | ErrorClass::Unknown => verdict::of_error(&error, refusals, rand::random()),
        };
        self.end(&found, result, decided.warnings);
        None
    }

    /// A call has failed, which befalls all leads of the batch.
    async fn befall(&mut self, error: &Error, found: &[Found]) -> Result<(), StoreError> {
        match error.class() {
            ErrorClass::Connection => {
                let igrp = self.installation.igrp;
                self.lanes.orgs.broke(igrp, error.to_string()).await?;
            }
            ErrorClass::Quota => {
                self.over_quota(found, error.retry_after(), &error.to_string());
                return Ok(());
            }
            ErrorClass::Transient | ErrorClass::Unknown => {
                self.pause = Some(LaneEnd::Failing(error.retry_after()));
            }
            ErrorClass::RecordGone
            | ErrorClass::RecordConverted
            | ErrorClass::Field
            | ErrorClass::Data => {}
        }
        for found in found {
            let refusals = found.job().progress.refusal_count;
            let result = verdict::of_error(error, refusals, rand::random());
            self.end(found, result, Vec::new());
        }
        Ok(())
    }

    /// The lane pauses, and goes on by itself.
    fn over_quota(&mut self, found: &[Found], retry_after: Option<Duration>, why: &str) {
        let wait = self
            .lanes
            .config
            .quota_pause
            .max(retry_after.unwrap_or_default());
        warn!(
            igrp = self.installation.igrp.get(),
            wait_seconds = wait.as_secs(),
            "the organisation has no API requests to spare; its lead enrichments pause"
        );
        let until = after(clock::now(), wait);
        for found in found {
            self.end(
                found,
                RunResult::Postponed(until, why.to_owned()),
                Vec::new(),
            );
        }
        self.pause = Some(LaneEnd::OverQuota(wait));
    }

    fn end(&mut self, found: &Found, result: RunResult, warnings: Vec<String>) {
        self.settlements.push(found.settle(result, warnings));
    }
}

impl Fields {
    /// Takes fields out that turned out not to be there.
    fn remove(&mut self, is_unknown: impl Fn(&FieldName) -> bool) {
        if let Some(known) = &mut self.known {
            known.retain(|field| {
                let name = FieldName::parse(&field.name);
                name.is_ok_and(|name| !is_unknown(&name))
            });
        }
    }
}

/// Whether a mapping that somebody configured has a field that is not there.
fn lacks_configured(found: &[Found], fields: Option<&[LeadField]>) -> bool {
    let Some(fields) = fields else { return false };
    let has = |name: &FieldName| {
        fields
            .iter()
            .any(|field| field.name.eq_ignore_ascii_case(name.as_str()))
    };
    let mut targets = found.iter().flat_map(|found| &found.targets);
    targets.any(|target| !target.is_default && !has(&target.field))
}

/// Whether hardly any calls are left, as far as the last answer says.
fn is_near_limit(org: &Org) -> bool {
    org.quota()
        .is_some_and(|quota| quota.is_used_to(QUOTA_PERCENT))
}

/// What does not fit between an installation's mapping and the organisation.
fn mapping_warnings(installation: &Installation, leads: &LeadDescription) -> Vec<String> {
    let mapping = &installation.lead_field_mapping;
    let targets = LeadTarget::resolve(mapping, &LeadFieldMapping::default());
    let findings = lead_fields::findings(&targets, leads);
    findings.iter().map(ToString::to_string).collect()
}
