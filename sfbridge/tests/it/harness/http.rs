//! HTTP/1.1 by hand: what is sent is exactly what a test says.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::until::PATIENCE;

pub(crate) const EVENTS: &str = "/callback/v1/salesforce/events";
pub(crate) const CALL_RATING: &str = "/callback/v1/salesforce/callRating";

/// Compresses bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A request to be sent on a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    is_chunked: bool,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// A request without headers of its own and without a body.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            is_chunked: false,
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A message as Salesforce posts it.
    pub(crate) fn post(target: &str, message: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", target)
            .header("Content-Type", "text/xml; charset=UTF-8")
            .header("SOAPAction", "\"\"")
            .body(message.into())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Compresses the body, and says so.
    pub(crate) fn gzip(mut self) -> Self {
        self.body = gzip(&self.body);
        self.header("Content-Encoding", "gzip")
    }

    /// Sends the body in chunks, without a length.
    pub(crate) fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    /// The answer. An error when no complete one comes, as from a server that
    /// is killed meanwhile.
    pub(crate) async fn try_send(&self, address: SocketAddr) -> io::Result<Answer> {
        let exchange = async {
            let mut stream = TcpStream::connect(address).await?;
            // A refusal may come before all of the body was taken.
            let sent = stream.write_all(&self.bytes(address)).await;
            let mut answer = Vec::new();
            let received = stream.read_to_end(&mut answer).await;
            match Answer::parse(&answer) {
                Some(answer) => Ok(answer),
                None => Err(sent
                    .and(received.map(drop))
                    .err()
                    .unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())),
            }
        };
        timeout(PATIENCE, exchange).await?
    }

    pub(crate) async fn send(&self, address: SocketAddr) -> Answer {
        self.try_send(address).await.unwrap()
    }

    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has = |wanted: &str| {
            let mut names = self.headers.iter().map(|(name, _)| name);
            names.any(|name| name.eq_ignore_ascii_case(wanted))
        };
        if !has("Host") {
            let _ = write!(head, "Host: {address}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.is_chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        } else if self.method != "GET" && !has("Content-Length") {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("Connection: close\r\n\r\n");
        let mut bytes = head.into_bytes();
        if self.is_chunked {
            for chunk in self.body.chunks(1_000) {
                let _ = write!(bytes, "{:x}\r\n", chunk.len());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else if self.method != "GET" {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

impl Answer {
    /// Reads a complete answer, to which nothing may be missing.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = &bytes[end + 4..];
        let mut answer = Self {
            status,
            headers,
            body: String::new(),
        };
        let length: usize = answer.header("content-length")?.parse().ok()?;
        if body.len() < length {
            return None;
        }
        answer.body = String::from_utf8(body.to_vec()).ok()?;
        Some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    pub(crate) fn is_acknowledgement(&self) -> bool {
        self.status == 200 && self.body.contains("<Ack>true</Ack>")
    }

    /// Fails unless this is the acknowledgement.
    #[track_caller]
    pub(crate) fn assert_acknowledged(&self) {
        assert!(self.is_acknowledgement(), "{self:?}");
    }

    /// Fails unless this is a SOAP fault with this status.
    #[track_caller]
    pub(crate) fn assert_fault(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.body.contains("<faultstring>"), "{self:?}");
        assert!(!self.body.contains("Ack"), "{self:?}");
    }
}
