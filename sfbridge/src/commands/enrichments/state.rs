//! States of lead enrichments, in words.

use sfbridge_proto::v1 as pb;
use sfbridge_values::nearest;

const PREFIX: &str = "LEAD_ENRICHMENT_STATE_";

/// A state by its name, with or without the contract's prefix.
pub(super) fn parse(text: &str) -> Result<pb::LeadEnrichmentState, String> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    let known = (1..)
        .map_while(|number| pb::LeadEnrichmentState::try_from(number).ok())
        .collect::<Vec<_>>();
    let mut names = known.iter().map(|state| self::name(*state));
    if let Some(place) = names.clone().position(|known| known == name) {
        return Ok(known[place]);
    }
    Err(match nearest(name, names.clone()) {
        Some(near) => format!("this is no state; did you mean {near}?"),
        None => {
            let names: Vec<_> = names.by_ref().collect();
            format!("this is no state; there are {}", names.join(", "))
        }
    })
}

/// A state's name without the prefix.
pub(super) fn name(state: pb::LeadEnrichmentState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// What a state means, and what to do next.
pub(super) fn explain(state: pb::LeadEnrichmentState) -> &'static str {
    match state {
        pb::LeadEnrichmentState::Unspecified => {
            "This state is unknown here; sfbridge on this machine may be older than the core."
        }
        pb::LeadEnrichmentState::Pending => {
            "It is worked on by itself when its time comes. `retry` has it tried now."
        }
        pb::LeadEnrichmentState::WaitingForConnection => {
            "The Salesforce organisation has no log-in that works. Set or mend the credentials \
             of the installation; it goes on by itself then, and no limit counts the wait."
        }
        pb::LeadEnrichmentState::WaitingForData => {
            "Nothing is known of the visitor yet. It goes on by itself when a visit or call of \
             that visitor is recorded, and ends after 24 hours. If that never comes, check that \
             visits are recorded, and that the visitor id in the Lead is the tracked one."
        }
        pb::LeadEnrichmentState::Pushing => {
            "It is being written into the Lead at this moment. Nothing is to be done."
        }
        pb::LeadEnrichmentState::Succeeded => {
            "The Lead holds the values. Nothing is to be done; `retry` looks again."
        }
        pb::LeadEnrichmentState::Unchanged => {
            "The Lead held the values already, or others that are to be kept. To write over \
             those, send the Lead again with overwrite=always."
        }
        pb::LeadEnrichmentState::NoData => {
            "There was nothing to write; the last attempt says why. Once the visits are there, \
             or another attribution model is set, `retry` it."
        }
        pb::LeadEnrichmentState::Failed => {
            "Salesforce refused, and it is not tried again. Mend what the failure says, then \
             `retry` it."
        }
        pb::LeadEnrichmentState::Cancelled => {
            "An operator ended it. `retry` opens it again; a newer message for the Lead opens a \
             new one."
        }
        pb::LeadEnrichmentState::Parked => {
            "The Lead was enriched more than 5 times within 10 minutes: a flow in Salesforce \
             sends it again whenever sfbridge changes it. Exclude the integration user or the \
             mapped fields in the flow's entry conditions, then `retry` it. Nothing is written \
             until then, and newer messages for the Lead join it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_by_its_name_with_or_without_prefix() {
        assert_eq!(parse("NO_DATA"), Ok(pb::LeadEnrichmentState::NoData));
        assert_eq!(parse("parked"), Ok(pb::LeadEnrichmentState::Parked));
        let long = "LEAD_ENRICHMENT_STATE_WAITING_FOR_DATA";
        assert_eq!(parse(long), Ok(pb::LeadEnrichmentState::WaitingForData));
        assert!(parse("FALED").unwrap_err().contains("FAILED"));
        assert!(parse("xyzzy").unwrap_err().contains("SUCCEEDED"));
        assert!(parse("UNSPECIFIED").is_err());
    }
}
