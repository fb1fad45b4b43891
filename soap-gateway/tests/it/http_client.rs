//! HTTP/1 by hand, where its details matter.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Long enough for anything that is to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const EVENTS: &str = "/callback/v1/salesforce/events";

/// A connection.
pub(crate) struct Client<S = TcpStream> {
    stream: S,
    read: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Connects from another of this machine's addresses.
    pub(crate) async fn connect_from(from: [u8; 4], address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        Self::over(socket.connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Over any stream, one of TLS for instance.
    pub(crate) fn over(stream: S) -> Self {
        let read = Vec::new();
        Self { stream, read }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends what the other end may not want any more.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Says that nothing more is coming.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The next answer, interim ones too.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> impl Future<Output = Answer> {
        self.answer_to("POST")
    }

    /// The next answer. Answers to HEAD have no body, whatever their header
    /// says.
    pub(crate) async fn answer_to(&mut self, method: &str) -> Answer {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.more().await, "closed before an answer");
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut answer = Answer {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: String::new(),
        };
        if method != "HEAD" && answer.status != 100 {
            let length = answer.header("content-length").unwrap();
            let length = length.parse().unwrap();
            while self.read.len() < length {
                assert!(self.more().await, "closed within an answer");
            }
            let body = self.read.drain(..length).collect();
            answer.body = String::from_utf8(body).unwrap();
        }
        answer
    }

    /// Whether the other end closes without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.read);
        matches!(timeout(PATIENCE, read).await.unwrap(), Ok(length) if length > 0)
    }
}

impl Answer {
    /// The only header of this name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice");
        value
    }

    /// The text of the fault's detail element, if it has it.
    pub(crate) fn detail(&self, element: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{element}>"))?;
        Some(rest.split_once("</")?.0)
    }

    #[track_caller]
    pub(crate) fn is_acknowledgement(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert!(self.body.contains("<Ack>true</Ack>"), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn is_fault(&self, status: u16, reason: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.detail("reason"), Some(reason), "{self:?}");
        assert!(!self.body.contains("Ack>"), "{self:?}");
    }
}

/// A request's header with these lines after the request line and `Host`.
pub(crate) fn head(method: &str, target: &str, lines: &[&str]) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for line in lines {
        let _ = write!(head, "{line}\r\n");
    }
    head + "\r\n"
}

/// A POST as Salesforce sends it.
pub(crate) fn post(target: &str, body: &str) -> Vec<u8> {
    post_with(target, &["Content-Type: text/xml; charset=UTF-8"], body)
}

/// A POST with these header lines.
pub(crate) fn post_with(target: &str, lines: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = format!("Content-Length: {}", body.len());
    let lines: Vec<_> = lines.iter().copied().chain([length.as_str()]).collect();
    [head("POST", target, &lines).as_bytes(), body].concat()
}

/// The answer to one request on a connection of its own.
pub(crate) async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::connect(address).await;
    client.send(request).await;
    client.answer().await
}

/// A body in chunks of so many bytes.
pub(crate) fn chunked(body: &str, size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.as_bytes().chunks(size) {
        write!(bytes, "{:x};name=value\r\n", chunk.len()).unwrap();
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
