//! Queries of an endpoint's URL.

use secrecy::ExposeSecret;

use super::answers::check_sentence;
use super::endpoint;
use crate::parameters::{GivenToken, Parameters, encode, token, without};

/// A canonical query means what the query meant, is its own canonical query,
/// and holds no token; a query is refused with a sentence that can be shown.
///
/// The text is an endpoint's name, a `?` and the query.
pub fn query(data: &[u8]) {
    let Some((endpoint, query)) = std::str::from_utf8(data).ok().and_then(endpoint) else {
        return;
    };
    let token = token(query);
    if let Some(rest) = without(query, "wsdl") {
        assert_eq!(without(&rest, "wsdl"), None);
    }
    let parameters = match Parameters::parse(endpoint, query) {
        Ok(parameters) => parameters,
        Err(invalid) => return check_sentence(&invalid.to_string()),
    };

    let canonical = parameters.canonical_query();
    assert!(canonical.is_ascii(), "{canonical:?}");
    let again = Parameters::parse(endpoint, canonical);
    assert_eq!(
        again.as_ref().map(Parameters::canonical_query).ok(),
        Some(canonical)
    );
    // The spellings of a name are all that may differ.
    let again = again.map(|again| format!("{again:?}"));
    assert_eq!(again.ok(), Some(format!("{parameters:?}")));

    if let GivenToken::Text(token) = token {
        assert!(matches!(self::token(canonical), GivenToken::None));
        let mut more = encode([("token", token.expose_secret())]);
        if !canonical.is_empty() {
            more = format!("{more}&{canonical}");
        }
        let with_token = Parameters::parse(endpoint, &more);
        let with_token = with_token.as_ref().map(Parameters::canonical_query);
        assert_eq!(with_token.ok(), Some(canonical));
    }
}
