//! The cases as they are written in `conformance/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::harness::{Message, Notification, Request, notification_id};

/// One file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Suite {
    organization_id: String,
    pub(super) cases: Vec<Case>,
}

/// Requests, and what must come of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default)]
    pub(super) why: String,
    pub(super) igrp: i64,
    pub(super) installation: Option<Value>,
    pub(super) steps: Vec<Step>,
    pub(super) expect: Expect,
}

/// One request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    gzip: bool,
    #[serde(default)]
    chunked: bool,
    body_file: Option<PathBuf>,
    body: Option<String>,
    notifications: Option<Vec<NotificationSpec>>,
    organization_id: Option<String>,
    pub(super) status: u16,
    pub(super) ack: bool,
    #[serde(default)]
    pub(super) fault_contains: Vec<String>,
    #[serde(default)]
    pub(super) response_headers: BTreeMap<String, String>,
}

/// A notification in short.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotificationSpec {
    number: u32,
    record: Option<u32>,
    #[serde(rename = "type", default = "opportunity")]
    object_type: String,
    #[serde(default)]
    fields: Map<String, Value>,
    #[serde(default)]
    xml: String,
}

/// What the core holds afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) events: Option<Vec<Value>>,
    pub(super) event_count: Option<usize>,
    pub(super) call_ratings: Option<Vec<Value>>,
    pub(super) lead_enrichments: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) quarantined: Vec<Value>,
    #[serde(default)]
    pub(super) not_quarantined: Vec<u32>,
}

/// The folder of the cases.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance")
}

impl Suite {
    /// All files of cases, by name.
    pub(super) fn all() -> Vec<(String, Self)> {
        let mut suites: Vec<_> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .map(|path| {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).unwrap();
                let suite = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                (name, suite)
            })
            .collect();
        suites.sort_by(|(one, _), (other, _)| one.cmp(other));
        suites
    }

    /// The request of a step.
    pub(super) fn request(&self, case: &Case, step: &Step) -> Request {
        let mark = if step.query.is_empty() { "" } else { "?" };
        let target = format!("{}{mark}{}", step.path, step.query);
        let mut request = Request::new(&step.method, &target).body(self.body(case, step));
        for (name, value) in &step.headers {
            request = request.header(name, value);
        }
        if step.gzip {
            request = request.gzip();
        }
        if step.chunked {
            request = request.chunked();
        }
        request
    }

    fn body(&self, case: &Case, step: &Step) -> Vec<u8> {
        if let Some(file) = &step.body_file {
            return fs::read(folder().join(file)).unwrap();
        }
        if let Some(notifications) = &step.notifications {
            let organization = step.organization_id.as_ref();
            let message = Message::of(organization.unwrap_or(&self.organization_id));
            return notifications
                .iter()
                .fold(message, |message, spec| message.with(&spec.build(case)))
                .xml()
                .into_bytes();
        }
        step.body.clone().unwrap_or_default().into_bytes()
    }
}

impl Case {
    /// The number of a notification among those of all cases.
    fn number(&self, number: u32) -> u32 {
        u32::try_from(self.igrp).unwrap() * 100 + number
    }

    /// The id of a notification of this case.
    pub(super) fn notification_id(&self, number: u32) -> String {
        notification_id(self.number(number))
    }
}

impl NotificationSpec {
    fn build(&self, case: &Case) -> Notification {
        let number = case.number(self.number);
        let notification = match self.object_type.as_str() {
            "Opportunity" => Notification::opportunity(number),
            "Lead" => Notification::lead(number),
            "Task" => Notification::task(number),
            other => panic!("{}: no ids are made for {other}", case.name),
        };
        let notification = match self.record {
            Some(record) => notification.of_record(case.number(record)),
            None => notification,
        };
        let fields = self.fields.iter();
        fields
            .fold(notification, |notification, (name, value)| {
                notification.field(name, value.as_str().unwrap())
            })
            .xml(&self.xml)
    }
}

fn opportunity() -> String {
    "Opportunity".to_owned()
}
