//! What the headers say that the body is.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::fault::{Fault, Reason};

/// How the body is written, as far as the headers tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// The charset parameter, if there is one.
    pub(crate) charset: Option<String>,
    /// Whether the body is compressed by gzip.
    pub(crate) is_gzip: bool,
}

impl MediaType {
    /// Reads `Content-Type` and `Content-Encoding`.
    ///
    /// # Errors
    ///
    /// A refusal with 415 for what is not XML, and for encodings but gzip.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        Ok(Self {
            charset: charset(headers)?,
            is_gzip: is_gzip(headers)?,
        })
    }
}

const XML: [&str; 3] = ["text/xml", "application/xml", "application/soap+xml"];

fn charset(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let unsupported = || {
        Fault::new(
            Reason::UnsupportedMediaType,
            "The body is not XML by its Content-Type; an outbound message is sent as text/xml.",
        )
    };

    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(unsupported());
    }
    let value = value.to_str().map_err(|_| unsupported())?;
    let (essence, mut rest) = value.split_once(';').unwrap_or((value, ""));
    let essence = essence.trim();
    let is_xml = XML.iter().any(|xml| xml.eq_ignore_ascii_case(essence));
    if !is_xml && !value.trim().is_empty() {
        return Err(unsupported());
    }

    let mut charset = None;
    while !rest.is_empty() {
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let Some(value) = tail.strip_prefix('=') else {
            // A parameter without a value says nothing.
            rest = tail.strip_prefix(';').unwrap_or_default();
            continue;
        };
        let (text, after) = parameter_value(value);
        if charset.is_none() && name.trim().eq_ignore_ascii_case("charset") {
            charset = Some(text);
        }
        rest = after;
    }
    Ok(charset.filter(|charset| !charset.is_empty()))
}

/// A parameter's value, quoted or not, and what follows its semicolon.
fn parameter_value(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        let value = value.trim().trim_matches('\'');
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    let rest = characters.as_str();
    let rest = rest.split_once(';').map_or("", |(_, rest)| rest);
    (value.trim().to_owned(), rest)
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Fault> {
    let unsupported = || {
        Fault::new(
            Reason::UnsupportedContentEncoding,
            "The body's Content-Encoding is not supported; send it as it is, or with gzip once.",
        )
    };

    let mut is_gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = value.to_str().map_err(|_| unsupported())?;
        for coding in value.split(',').map(str::trim) {
            let is_named = |name: &str| coding.eq_ignore_ascii_case(name);
            if coding.is_empty() || is_named("identity") {
                continue;
            }
            if is_gzip || !(is_named("gzip") || is_named("x-gzip")) {
                return Err(unsupported());
            }
            is_gzip = true;
        }
    }
    Ok(is_gzip)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &http::HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[track_caller]
    fn check_type(values: &[&str], expected: Result<Option<&str>, Reason>) {
        let read = MediaType::of(&headers(&CONTENT_TYPE, values));
        let read = read.map(|media_type| media_type.charset);
        let read = read.map_err(|fault| fault.reason());
        assert_eq!(
            read,
            expected.map(|name| name.map(str::to_owned)),
            "{values:?}"
        );
    }

    #[test]
    fn xml_types_and_none_are_read_in_any_spelling() {
        check_type(&[], Ok(None));
        check_type(&[""], Ok(None));
        check_type(&["text/xml"], Ok(None));
        check_type(&["Application/XML;"], Ok(None));
        check_type(&["text/xml; charset=UTF-8"], Ok(Some("UTF-8")));
        check_type(&["text/xml;Charset = \"uTf-8\" ; x=y"], Ok(Some("uTf-8")));
        check_type(&["text/xml; charset='utf-8'"], Ok(Some("utf-8")));
        check_type(&["text/xml; charset=' utf-8 '"], Ok(Some("utf-8")));
        check_type(&["text/xml; charset="], Ok(None));
        check_type(&["text/xml; charset"], Ok(None));
        check_type(
            &["application/soap+xml; action=\"a;charset=b\"; charset=latin1"],
            Ok(Some("latin1")),
        );
        check_type(&["text/xml; odd; charset=latin1"], Ok(Some("latin1")));
    }

    #[test]
    fn other_types_are_refused() {
        for values in [
            &["application/json"][..],
            &["text/plain; charset=utf-8"],
            &["text/xmlx"],
            &["application/octet-stream"],
            &["; charset=utf-8"],
            &["text/xml", "application/json"],
        ] {
            check_type(values, Err(Reason::UnsupportedMediaType));
        }
    }

    #[track_caller]
    fn check_coding(values: &[&str], expected: Result<bool, Reason>) {
        let read = MediaType::of(&headers(&CONTENT_ENCODING, values));
        let read = read.map(|media_type| media_type.is_gzip);
        assert_eq!(read.map_err(|fault| fault.reason()), expected, "{values:?}");
    }

    #[test]
    fn gzip_once_is_the_only_encoding() {
        check_coding(&[], Ok(false));
        check_coding(&["identity"], Ok(false));
        check_coding(&["GZip"], Ok(true));
        check_coding(&["identity, x-gzip"], Ok(true));
        check_coding(&["br"], Err(Reason::UnsupportedContentEncoding));
        check_coding(&["gzip, gzip"], Err(Reason::UnsupportedContentEncoding));
        check_coding(
            &["gzip", "deflate"],
            Err(Reason::UnsupportedContentEncoding),
        );
    }

    proptest::proptest! {
        #[test]
        fn no_content_type_stops_the_reader(value in "[ -~]{0,60}|text/xml[;=\" a-z\\\\]{0,40}") {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_TYPE, value);
                let _ = MediaType::of(&headers);
            }
        }
    }
}
