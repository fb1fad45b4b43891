//! `sfbridge credentials test`.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::SalesforceConnectionState as State;

use super::{client, shown};
use crate::client::{Refused, block_on};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, OutputError, printable};

/// Has the core log in, and says what it found. A connection that does not work
/// is a failure.
pub(super) fn run(igrp: i64, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    let found = block_on(async {
        let request = pb::TestSalesforceConnectionRequest { igrp };
        let mut client = client(config).await?;
        let answer = client.test_salesforce_connection(request).await;
        Ok(answer.map_err(Refused)?.into_inner())
    })?;
    if output.is_json() {
        output.message("TestSalesforceConnectionResponse", &found)?;
    } else {
        print(igrp, &found, output)?;
    }
    let connection = found.salesforce_connection.unwrap_or_default();
    if !found.failure.is_empty() {
        return Err(Failure::failed(format!(
            "the connection of installation {igrp} could not be tested: {}; try again in a moment",
            printable(&found.failure)
        )));
    }
    match connection.state() {
        State::Working => Ok(()),
        State::Broken | State::Locked | State::Untested | State::Unspecified => {
            Err(Failure::failed(format!(
                "the connection of installation {igrp} does not work: {}",
                printable(&connection.reason)
            )))
        }
    }
}

fn print(
    igrp: i64,
    found: &pb::TestSalesforceConnectionResponse,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    let connection = found.salesforce_connection.clone().unwrap_or_default();
    let works = found.failure.is_empty() && connection.state() == State::Working;
    shown::print(igrp, &connection, output)?;
    if !works {
        return Ok(());
    }
    let linked = if found.is_linked_organization {
        "it is the organisation that the installation is linked to"
    } else {
        "the installation is linked to no organisation"
    };
    output.line(format_args!("{:<17}  {linked}", "Linked"))?;
    let findings = &found.lead_field_findings;
    let left_out = findings.iter().filter(|one| one.is_default).count();
    let fields = match (findings.len() - left_out, left_out) {
        (0, 0) => "all fields of the mapping will do".to_owned(),
        (0, some) => format!("{some} fields of the default mapping will not do; see the warnings"),
        (some, _) => format!("{some} fields of the mapping will not do; see the warnings"),
    };
    output.line(format_args!("{:<17}  {fields}", "Lead fields"))
}
