use proptest::prelude::*;

use super::*;
use crate::parameters;

const OURS: &str = "00D5g0000004242";
const OTHERS: &str = "00D000000000001";

fn rule(secret: Option<&str>, organization: Option<&str>) -> TokenRule {
    TokenRule {
        secret_hash: secret.map(|secret| Sha256::digest(secret).into()),
        organization: organization.map(Box::from),
    }
}

fn rules(rules: &[(&str, TokenRule)]) -> Arc<TokenRules> {
    let rules = rules.iter().map(|(id, rule)| ((*id).into(), rule.clone()));
    Arc::new(TokenRules::new(rules.collect()))
}

/// Judges a query, and then a message of an organisation.
fn judge(rules: &Arc<TokenRules>, query: &str, organization: &str) -> Result<(), Reason> {
    let organization = OrganizationId::parse(organization).unwrap();
    rules
        .judge(&parameters::token(query))
        .and_then(|pass| pass.admit(&organization))
        .map_err(|fault| fault.reason())
}

#[track_caller]
fn check(rules: &Arc<TokenRules>, query: &str, organization: &str, expected: Result<(), Reason>) {
    let judged = judge(rules, query, organization);
    assert_eq!(judged, expected, "{query} of {organization}");
}

#[test]
fn without_any_token_none_is_needed_and_whatever_is_given_is_ignored() {
    let rules = rules(&[]);
    for query in ["", "token=a.b", "token=", "token=a&token=b", "token=%zz"] {
        check(&rules, query, OURS, Ok(()));
    }
}

#[test]
fn with_a_token_for_all_every_request_needs_a_valid_one() {
    let rules = rules(&[("a", rule(Some("s"), None))]);
    check(&rules, "token=a.s", OURS, Ok(()));
    check(&rules, "igrp=7&t%6Fken=a%2Es", OTHERS, Ok(()));
    assert_eq!(
        rules.judge(&GivenToken::None).unwrap_err().reason(),
        Reason::TokenNeeded
    );
    for query in [
        "token=",
        "token=a",
        "token=a.",
        "token=.s",
        "token=s",
        "token=a.S",
        "token=a.s.",
        "token=a.s+",
        "token=A.s",
        "token=b.s",
        "token=a.s&token=a.s",
        "token=%zz",
    ] {
        let refused = rules.judge(&parameters::token(query)).unwrap_err();
        assert_eq!(refused.reason(), Reason::TokenNotAllowed, "{query}");
    }
}

#[test]
fn with_a_token_for_an_organisation_its_messages_alone_need_one() {
    let rules = rules(&[("a", rule(Some("s"), Some(OURS)))]);
    check(&rules, "", OURS, Err(Reason::TokenNeeded));
    check(&rules, "", "00D5g0000004242EAA", Err(Reason::TokenNeeded));
    check(&rules, "", OTHERS, Ok(()));
    check(&rules, "token=a.s", "00D5g0000004242EAA", Ok(()));
    check(&rules, "token=a.s", OTHERS, Err(Reason::TokenNotAllowed));
    check(&rules, "token=b.s", OTHERS, Err(Reason::TokenNotAllowed));
}

#[test]
fn a_token_for_all_is_as_good_as_an_organisations_own() {
    let rules = rules(&[
        ("a", rule(Some("s"), Some(OURS))),
        ("b", rule(Some("t"), None)),
    ]);
    check(&rules, "token=b.t", OURS, Ok(()));
    check(&rules, "token=a.s", OURS, Ok(()));
    check(&rules, "token=b.t", OTHERS, Ok(()));
    check(&rules, "", OTHERS, Err(Reason::TokenNeeded));
}

#[test]
fn revoking_the_last_token_opens_nothing() {
    let for_all = rules(&[("a", rule(None, None))]);
    check(&for_all, "", OURS, Err(Reason::TokenNeeded));
    let for_ours = rules(&[("a", rule(None, Some(OURS)))]);
    check(&for_ours, "", OURS, Err(Reason::TokenNeeded));
    for rules in [for_all, for_ours] {
        for query in ["token=a.s", "token=a.", "token=a"] {
            check(&rules, query, OURS, Err(Reason::TokenNotAllowed));
        }
    }
}

#[test]
fn several_tokens_are_valid_at_once() {
    let rules = rules(&[
        ("old", rule(Some("s"), Some(OURS))),
        ("new", rule(Some("t"), Some(OURS))),
    ]);
    check(&rules, "token=old.s", OURS, Ok(()));
    check(&rules, "token=new.t", OURS, Ok(()));
    check(&rules, "token=old.t", OURS, Err(Reason::TokenNotAllowed));
}

#[test]
fn nothing_of_a_token_is_shown() {
    let rules = rules(&[("id", rule(Some("s3cret"), None))]);
    let wrong = rules
        .judge(&parameters::token("token=id.s3cret2"))
        .unwrap_err();
    let pass = rules.judge(&parameters::token("token=id.s3cret")).unwrap();
    let shown = format!("{wrong:?} {pass:?} {rules:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

proptest! {
    #[test]
    fn nothing_but_the_text_itself_is_valid(text in any::<String>(), near in "[ab.]{0,6}") {
        let rules = rules(&[("a", rule(Some("b"), None)), ("", rule(None, None))]);
        for text in [text, near] {
            let is_valid = rules.judge(&GivenToken::Text(text.as_str().into())).is_ok();
            prop_assert_eq!(is_valid, text == "a.b");
        }
    }
}
