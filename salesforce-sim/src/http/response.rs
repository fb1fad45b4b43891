//! An answer before it is sent.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use serde_json::Value as Json;

use crate::refusal::Refusal;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// A page for people, as from what stands in front of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Html(pub(crate) StatusCode);

impl Response {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn json(status: StatusCode, body: &Json) -> Self {
        let mut response = Self::empty(status).with(CONTENT_TYPE, "application/json;charset=UTF-8");
        response.body = Bytes::from(body.to_string());
        response
    }

    pub(crate) fn ok(body: &Json) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// With a header; one that HTTP can't carry is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Compresses the body if that is worth it.
    pub(crate) fn gzip(mut self) -> Self {
        const WORTH_IT: usize = 256;

        if self.body.len() < WORTH_IT {
            return self;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let written = encoder.write_all(&self.body);
        match written.and_then(|()| encoder.finish()) {
            Ok(compressed) => {
                self.body = Bytes::from(compressed);
                self.with(CONTENT_ENCODING, "gzip")
                    .with(VARY, "Accept-Encoding")
            }
            Err(_) => self,
        }
    }

    pub(crate) fn into_http(self) -> http::Response<Full<Bytes>> {
        let mut response = http::Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let response = Self::json(refusal.status, &refusal.body());
        if refusal.status == StatusCode::UNAUTHORIZED {
            response.with(http::header::WWW_AUTHENTICATE, "Token")
        } else {
            response
        }
    }
}

impl From<Html> for Response {
    fn from(Html(status): Html) -> Self {
        let phrase = status.canonical_reason().unwrap_or("Error");
        let code = status.as_u16();
        let mut response = Self::empty(status).with(CONTENT_TYPE, "text/html;charset=UTF-8");
        response.body = Bytes::from(format!(
            "<!DOCTYPE html>\n<html><head><title>{code} {phrase}</title></head>\
             <body><h1>{phrase}</h1><p>The server can't answer this.</p></body></html>\n"
        ));
        response
    }
}
