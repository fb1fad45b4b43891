//! One HTTP/1.1 connection that is kept for many requests.

use std::io;
use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection to a gateway, made when it is needed.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Whether the message was acknowledged: the status is 200 and `Ack` is
    /// true. Salesforce sends anything else again.
    pub(crate) is_acknowledged: bool,
}

/// What of an answer counts here.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    /// Only the head.
    length: usize,
    /// Head and body.
    whole: usize,
    closes: bool,
}

impl Connection {
    /// A connection to this address.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            buffer: Vec::new(),
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    ///
    /// When there is no answer. The next request goes over a new connection.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = head(&self.buffer)?
                && self.buffer.len() >= head.whole
            {
                break head;
            }
        };
        if !head.closes {
            self.stream = Some(stream);
        }
        let body = &self.buffer[head.length..head.whole];
        Ok(Answer {
            status: head.status,
            is_acknowledged: head.status == 200 && acknowledges(body),
        })
    }
}

/// Whether `Ack` is true in an answer, whatever its prefix.
fn acknowledges(body: &[u8]) -> bool {
    memmem::find(body, b"Ack>true</").is_some()
}

/// Reads the head of an answer once all of it is there.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    const END: &[u8] = b"\r\n\r\n";

    let Some(end) = memmem::find(bytes, END) else {
        return Ok(None);
    };
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| invalid())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let mut length = None;
    let mut closes = false;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse::<usize>().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    let head = end + END.len();
    Ok(Some(Head {
        status: status.ok_or_else(invalid)?,
        length: head,
        whole: head + length.ok_or_else(invalid)?,
        closes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_its_head_is_whole() {
        let answer = b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
        let whole = head(answer).unwrap().unwrap();
        assert_eq!((whole.status, whole.whole), (503, answer.len()));
        assert_eq!(&answer[whole.length..], b"no");
        assert!(whole.closes);
        assert!(head(&answer[..40]).unwrap().is_none());
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn only_a_true_acknowledgement_counts() {
        assert!(acknowledges(b"<Ack>true</Ack>"));
        assert!(acknowledges(b"<ns1:Ack>true</ns1:Ack>"));
        assert!(!acknowledges(b"<Ack>false</Ack>"));
        assert!(!acknowledges(b""));
    }
}
