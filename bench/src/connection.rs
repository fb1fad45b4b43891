//! One HTTP/1.1 connection that is kept for many requests.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection to a gateway, made when it is needed.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What of an answer counts here.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    /// Head and body.
    length: usize,
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

    /// Sends a request and waits for its answer, of which it gives the status.
    ///
    /// # Errors
    ///
    /// When there is no answer. The next request goes over a new connection.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
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
                && self.buffer.len() >= head.length
            {
                break head;
            }
        };
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(head.status)
    }
}

/// Reads the head of an answer once all of it is there.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    const END: &[u8] = b"\r\n\r\n";

    let Some(end) = bytes.windows(END.len()).position(|four| four == END) else {
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
    Ok(Some(Head {
        status: status.ok_or_else(invalid)?,
        length: end + END.len() + length.ok_or_else(invalid)?,
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
        assert_eq!((whole.status, whole.length), (503, answer.len()));
        assert!(whole.closes);
        assert!(head(&answer[..40]).unwrap().is_none());
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }
}
