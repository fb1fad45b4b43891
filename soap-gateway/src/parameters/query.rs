//! Query strings: decoding them strictly, and encoding them again.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::SecretString;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why a part of a query can't be decoded, as the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undecodable {
    #[error(
        "has broken percent-encoding; two hexadecimal digits follow each `%`, and `%25` is `%` \
         itself"
    )]
    PercentEncoding,
    #[error("is not UTF-8 once it is decoded; encode the URL as UTF-8")]
    Utf8,
    #[error("holds the character U+0000; remove `%00`")]
    Nul,
}

/// Encodes decoded names and values as a query string, in the order given.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, RESERVED));
        query.push('=');
        query.extend(utf8_percent_encode(value, RESERVED));
    }
    query
}

/// The token of a query.
#[derive(Clone, Debug)]
pub enum GivenToken {
    /// There is none.
    None,
    /// There is one that can't be used: it is empty, it can't be decoded, or
    /// there are several, and which of them counts is nobody's guess.
    Unusable,
    /// There is one.
    Text(SecretString),
}

/// The token of a query that may be invalid otherwise, because it is checked
/// before anything else.
pub fn token(raw_query: &str) -> GivenToken {
    let mut tokens = pairs(raw_query)
        .filter(|(name, _)| decode(name).is_ok_and(|name| name == "token"))
        .map(|(_, value)| value);
    match (tokens.next(), tokens.next()) {
        (None, _) => GivenToken::None,
        (Some(_), Some(_)) => GivenToken::Unusable,
        (Some(token), None) => decode(token)
            .ok()
            .filter(|token| !token.trim().is_empty())
            .map_or(GivenToken::Unusable, |token| {
                GivenToken::Text(token.into_owned().into())
            }),
    }
}

/// What is left of a query as sent without the parameter of a name, in any
/// case and however often it is there; None when it is not.
pub(crate) fn without(raw_query: &str, name: &str) -> Option<String> {
    let is_named = |piece: &&str| {
        let (raw_name, _) = split(piece);
        decode(raw_name).is_ok_and(|decoded| decoded.eq_ignore_ascii_case(name))
    };
    let (named, rest): (Vec<_>, Vec<_>) = pieces(raw_query).partition(is_named);
    (!named.is_empty()).then(|| rest.join("&"))
}

/// The names and values of a query as sent, without empty pieces. A piece
/// without `=` has an empty value.
pub(super) fn pairs(raw_query: &str) -> impl Iterator<Item = (&str, &str)> {
    pieces(raw_query).map(split)
}

fn pieces(raw_query: &str) -> impl Iterator<Item = &str> {
    raw_query.split('&').filter(|piece| !piece.is_empty())
}

fn split(piece: &str) -> (&str, &str) {
    piece.split_once('=').unwrap_or((piece, ""))
}

/// Decodes a name or a value, once. Most are as they are on the wire.
pub(super) fn decode(raw: &str) -> Result<Cow<'_, str>, Undecodable> {
    // The library passes a `%` without digits through.
    let is_encoded = raw.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !is_encoded {
        return Err(Undecodable::PercentEncoding);
    }
    let text = if raw.contains('+') {
        let spaced = raw.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8();
        text.map(|text| Cow::Owned(text.into_owned()))
    } else {
        percent_decode_str(raw).decode_utf8()
    };
    let text = text.map_err(|_| Undecodable::Utf8)?;
    if text.contains('\0') {
        return Err(Undecodable::Nul);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<&str, Undecodable>) {
        assert_eq!(decode(raw), expected.map(Cow::Borrowed), "{raw:?}");
    }

    /// An error is a token that can't be used.
    #[track_caller]
    fn check_token(raw_query: &str, expected: Result<Option<&str>, ()>) {
        let token = token(raw_query);
        let token = match &token {
            GivenToken::None => Ok(None),
            GivenToken::Unusable => Err(()),
            GivenToken::Text(text) => Ok(Some(text.expose_secret())),
        };
        assert_eq!(token, expected, "{raw_query:?}");
    }

    #[test]
    fn plus_and_percent_20_are_spaces_and_nothing_is_decoded_twice() {
        check("Closed+Won%20Deal", Ok("Closed Won Deal"));
        check("a%2Bb", Ok("a+b"));
        check("%2525", Ok("%25"));
        check("M%C3%BCller", Ok("Müller"));
        check("a;b", Ok("a;b"));
    }

    #[test]
    fn invalid_percent_encoding_and_utf_8_are_refused() {
        for raw in ["%", "%z", "%zz", "%2", "a%", "%%20", "%+1", "%é0"] {
            check(raw, Err(Undecodable::PercentEncoding));
        }
        for raw in ["%FF", "%C0%AF", "%ED%A0%80", "%C3"] {
            check(raw, Err(Undecodable::Utf8));
        }
        check("a%00", Err(Undecodable::Nul));
    }

    #[test]
    fn a_piece_is_split_at_its_first_equals_sign() {
        let pairs: Vec<_> = pairs("&a=b=c&&d&=e&f=&").collect();
        assert_eq!(pairs, [("a", "b=c"), ("d", ""), ("", "e"), ("f", "")]);
    }

    #[test]
    fn the_token_is_found_in_a_query_that_is_invalid_otherwise() {
        check_token("vidFeild=X&tz=%zz&token=s3%2Bcret&%zz", Ok(Some("s3+cret")));
        check_token("t%6Fken=x", Ok(Some("x")));
        check_token("Token=x", Ok(None));
        for unusable in ["token", "token=", "token=+", "token=%zz", "token=a&token=a"] {
            check_token(unusable, Err(()));
        }
        check_token("", Ok(None));
    }

    #[track_caller]
    fn check_without(raw_query: &str, expected: Option<&str>) {
        let rest = without(raw_query, "wsdl");
        assert_eq!(rest.as_deref(), expected, "{raw_query:?}");
    }

    #[test]
    fn a_parameter_is_taken_out_wherever_it_stands_and_the_rest_stays_as_sent() {
        for alone in [
            "wsdl",
            "WSDL",
            "wSdL=",
            "wsdl=1",
            "%77sdl",
            "&wsdl&",
            "wsdl&WSDL",
        ] {
            check_without(alone, Some(""));
        }
        check_without("wsdl&a=b+c&d=%2B", Some("a=b+c&d=%2B"));
        check_without("a=1&wsdl&&b", Some("a=1&b"));
        check_without("vidFeild=%zz&Wsdl=x", Some("vidFeild=%zz"));
        for other in [
            "",
            "a=wsdl",
            "wsdl2",
            "wsd",
            " wsdl",
            "wsdl%00",
            "%wsdl",
            "singleWsdl",
        ] {
            check_without(other, None);
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let shown = format!("{:?}", token("token=s3cret"));
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(name in "[^\0]{1,20}", value in "[^\0]{0,20}") {
            let query = encode([(name.as_str(), value.as_str())]);
            let pairs: Vec<_> = pairs(&query).collect();
            prop_assert_eq!(pairs.len(), 1);
            prop_assert_eq!(decode(pairs[0].0), Ok(name.as_str().into()));
            prop_assert_eq!(decode(pairs[0].1), Ok(value.as_str().into()));
        }

        #[test]
        fn no_text_makes_decoding_panic(raw in any::<String>()) {
            let _ = decode(&raw);
            let _ = token(&raw);
            let _ = without(&raw, "wsdl");
        }
    }
}
