//! What there is to try when the story is told.

use super::cast;
use super::story::Place;
use crate::process::program;

/// Lines that a shell takes as they stand, each with what it does.
pub(super) fn lines(place: &Place) -> [(&'static str, String); 7] {
    let (simulator, core) = (place.simulator, place.core);
    let program = program();
    [
        (
            "One more lead of the same visitor:",
            format!(
                "curl -sS http://{simulator}/__sim/records/Lead -d '{{\"LastName\": \"Second\", \
                 \"Company\": \"Example\", \"Infinity_Visitor_ID__c\": \"{}\"}}'",
                cast::ADA
            ),
        ),
        (
            "What became of all leads:",
            format!(
                "{program} enrichments list --igrp {} --core http://{core}",
                cast::IGRP
            ),
        ),
        (
            "The Leads as Salesforce has them:",
            format!("curl -sS http://{simulator}/__sim/records/Lead"),
        ),
        (
            "What sfbridge asked of Salesforce:",
            format!("curl -sS http://{simulator}/__sim/calls"),
        ),
        (
            "Let the next three writes find the Lead locked, then make another lead:",
            format!(
                "curl -sS http://{simulator}/__sim/failures -d '{{\"on\": \"update\", \"error\": \
                 \"UNABLE_TO_LOCK_ROW\", \"times\": 3}}'"
            ),
        ),
        (
            "Whether the log-in works:",
            format!(
                "{program} credentials test {} --core http://{core}",
                cast::IGRP
            ),
        ),
        (
            "Fifty made-up leads by outbound messages of an org of its own:",
            format!(
                "{program} simulate --listen 127.0.0.1:0 --leads 50 --send-to \
                 'http://{}/callback/v1/salesforce/leadEnrich?igrp={}'",
                place.gateway,
                cast::IGRP
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_every_line_as_it_stands() {
        let place = Place {
            gateway: "127.0.0.1:8080".parse().unwrap(),
            core: "127.0.0.1:50051".parse().unwrap(),
            simulator: "127.0.0.1:8090".parse().unwrap(),
        };
        for (what, line) in lines(&place) {
            assert!(what.ends_with(':'), "{what}");
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(line.matches('\'').count() % 2, 0, "{line}");
        }
    }
}
