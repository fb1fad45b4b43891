//! A request with its whole body.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use super::Form;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent.
    pub(crate) path: String,
    /// As sent, without the question mark.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A body is larger than any that is taken, or breaks off.
#[derive(Debug)]
pub(crate) struct TooLarge;

/// More than the largest request with 200 records of long texts.
const LARGEST_BODY: usize = 48 * 1024 * 1024;

impl Request {
    /// Reads the body, and decompresses it.
    pub(crate) async fn read(request: http::Request<Incoming>) -> Result<Self, TooLarge> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_BODY).collect().await;
        let mut body = body.map_err(|_| TooLarge)?.to_bytes();
        let is_gzip = parts
            .headers
            .get(http::header::CONTENT_ENCODING)
            .is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"gzip"));
        if is_gzip {
            body = gunzip(&body)?;
        }
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The method, or the one that a header or parameter puts in its place, as
    /// clients do that know no PATCH.
    pub(crate) fn method(&self) -> Method {
        let parameters = self.parameters();
        let other = self
            .header("x-http-method-override")
            .or_else(|| parameters.get("_HttpMethod"));
        match other {
            Some("PATCH") if self.method == Method::POST => Method::PATCH,
            _ => self.method.clone(),
        }
    }

    /// The names and values of the query.
    pub(crate) fn parameters(&self) -> Form {
        Form::parse(self.query.as_bytes())
    }

    /// The decoded parts of the path.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The token of the session.
    pub(crate) fn token(&self) -> Option<&str> {
        let header = self.header("authorization")?;
        let token = header
            .strip_prefix("Bearer ")
            .or_else(|| header.strip_prefix("OAuth "));
        token.map(str::trim)
    }

    /// Where the org was reached: the sender's own name for it.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("localhost"))
    }

    /// Whether it came to the host where all orgs log in, and not to an org's
    /// own. Such a host's name begins with `login.` or `test.`.
    pub(crate) fn is_at_login_host(&self) -> bool {
        let host = self.header("host").unwrap_or_default();
        host.starts_with("login.") || host.starts_with("test.")
    }

    /// Whether a compressed answer is welcome.
    pub(crate) fn takes_gzip(&self) -> bool {
        let accepted = self.header("accept-encoding").unwrap_or_default();
        accepted.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_gzip = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            is_gzip && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    }

    /// The headers that may be remembered.
    pub(crate) fn harmless_headers(&self) -> BTreeMap<String, String> {
        let is_secret = |name: &str| matches!(name, "authorization" | "cookie");
        self.headers
            .iter()
            .filter(|(name, _)| !is_secret(name.as_str()))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect()
    }
}

fn gunzip(compressed: &[u8]) -> Result<Bytes, TooLarge> {
    let mut plain = Vec::new();
    let limit = u64::try_from(LARGEST_BODY).unwrap_or(u64::MAX);
    let mut decoder = GzDecoder::new(compressed).take(limit + 1);
    let length = decoder.read_to_end(&mut plain).map_err(|_| TooLarge)?;
    if length > LARGEST_BODY {
        return Err(TooLarge);
    }
    Ok(Bytes::from(plain))
}
