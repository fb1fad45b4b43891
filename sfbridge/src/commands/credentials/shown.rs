//! A connection to Salesforce, for people.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::{SalesforceConnectionState as State, SalesforceLoginFlow as Flow};

use crate::commands::listing::time;
use crate::output::{Output, OutputError, note, printable};

/// Prints a connection, and what to do about it.
pub(super) fn print(
    igrp: i64,
    connection: &pb::SalesforceConnection,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    for (name, text) in rows(connection) {
        if !text.is_empty() {
            output.line(format_args!("{name:<17}  {}", printable(&text)))?;
        }
    }
    for warning in &connection.warnings {
        output.line(format_args!("{:<17}  {}", "Warning", printable(warning)))?;
    }
    if let Some(advice) = advice(igrp, connection.state()) {
        note(advice);
    }
    Ok(())
}

fn rows(connection: &pb::SalesforceConnection) -> [(&'static str, String); 11] {
    let since = time(connection.state_time);
    let state = match connection.state() {
        State::Working => format!("working since {since}"),
        State::Broken => format!("broken since {since}: {}", connection.reason),
        State::Locked => format!("locked: {}", connection.reason),
        State::Untested | State::Unspecified => "untested".to_owned(),
    };
    let flow = match connection.login_flow() {
        Flow::JwtBearer => "JWT bearer",
        Flow::ClientCredentials => "client credentials",
        Flow::Unspecified => "",
    };
    let organization = match connection.organization_name.as_str() {
        "" => connection.organization_id.clone(),
        name => format!("{} ({name})", connection.organization_id),
    };
    let usage = connection.api_usage.map_or_else(String::new, |usage| {
        let at = time(usage.time);
        format!("{} of {} requests a day, at {at}", usage.used, usage.limit)
    });
    [
        ("State", state),
        ("Last success", time(connection.last_success_time)),
        ("Login URL", connection.login_url.clone()),
        ("Flow", flow.to_owned()),
        ("Client id", connection.client_id.clone()),
        ("User", connection.username.clone()),
        ("Credentials set", time(connection.credentials_time)),
        ("Sealed by the key", connection.secret_key_id.clone()),
        ("Organisation", organization),
        ("API version", connection.api_version.clone()),
        ("API usage", usage),
    ]
}

/// What to do next, where the state alone may not say it.
fn advice(igrp: i64, state: State) -> Option<String> {
    match state {
        State::Untested => Some(format!(
            "Nobody has logged in with these credentials yet; `sfbridge credentials test {igrp}` \
             tries."
        )),
        State::Broken => Some(format!(
            "Mend what Salesforce says, there or with `sfbridge credentials set {igrp}`; then \
             `sfbridge credentials test {igrp}` tries again. Lead enrichments wait meanwhile."
        )),
        State::Locked => Some("Lead enrichments wait meanwhile.".to_owned()),
        State::Working | State::Unspecified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(connection: &pb::SalesforceConnection) -> String {
        let mut bytes = Vec::new();
        let mut output = Output::new(&mut bytes, false, false);
        print(7, connection, &mut output).unwrap();
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn people_read_what_is_known_and_no_control_characters() {
        let epoch = Some(prost_types::Timestamp::default());
        let connection = pb::SalesforceConnection {
            state: State::Broken.into(),
            state_time: epoch,
            reason: "expired \u{1b}[2J".to_owned(),
            login_url: "https://acme.my.salesforce.com".to_owned(),
            login_flow: Flow::ClientCredentials.into(),
            organization_id: "00D000000000062EAA".to_owned(),
            organization_name: "Acme".to_owned(),
            api_usage: Some(pb::SalesforceApiUsage {
                used: 18,
                limit: 15_000,
                time: epoch,
            }),
            warnings: vec!["Infinity_Path__c is missing".to_owned()],
            ..Default::default()
        };
        assert_eq!(
            printed(&connection),
            "State              broken since 1970-01-01T00:00:00Z: expired \\u{1b}[2J\n\
             Login URL          https://acme.my.salesforce.com\n\
             Flow               client credentials\n\
             Organisation       00D000000000062EAA (Acme)\n\
             API usage          18 of 15000 requests a day, at 1970-01-01T00:00:00Z\n\
             Warning            Infinity_Path__c is missing\n"
        );
    }
}
