//! A piece of network that does as it is told.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What the network does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weather {
    /// It passes everything on.
    #[default]
    Fair,
    /// It breaks all connections, and lets nobody connect.
    Cut,
    /// It passes everything on after so long.
    Late(Duration),
    /// It passes on a few bytes at a time.
    Slow,
    /// It takes everything and passes nothing on. Connections that it had are
    /// half open from then on: nothing comes through them any more, and nobody
    /// says so.
    Silent,
}

/// A proxy in front of an address, which runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    _running: JoinSet<()>,
}

impl Proxy {
    /// Listens in front of an address.
    pub(crate) async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::Fair);
        let mut running = JoinSet::new();
        running.spawn(accept(listener, upstream, weather.subscribe()));
        Ok(Self {
            address,
            weather,
            _running: running,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what the network does.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connect(stream, upstream, weather.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(client: TcpStream, upstream: SocketAddr, weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        reset(&client);
        return;
    }
    let Ok(server) = TcpStream::connect(upstream).await else {
        reset(&client);
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut cut = weather.clone();
    let (mut client_in, mut client_out) = client.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let pumping = async {
        tokio::select! {
            () = pump(&mut client_in, &mut server_out, weather.clone()) => {}
            () = pump(&mut server_in, &mut client_out, weather) => {}
        }
    };
    tokio::select! {
        () = pumping => {}
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

/// Ends a connection as a machine does that does not know it.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    weather: watch::Receiver<Weather>,
) {
    const DROP: usize = 256;
    const DROP_TIME: Duration = Duration::from_millis(2);

    let mut buffer = vec![0; 16 * 1024];
    let mut silent = weather.clone();
    // Once silent, a connection stays so.
    let silenced = async {
        let _ = silent.wait_for(|weather| *weather == Weather::Silent).await;
    };
    let copying = async {
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let now = *weather.borrow();
            let sent = match now {
                Weather::Late(delay) => {
                    sleep(delay).await;
                    to.write_all(&buffer[..count]).await
                }
                Weather::Slow => {
                    let mut sent = Ok(());
                    for drop in buffer[..count].chunks(DROP) {
                        sleep(DROP_TIME).await;
                        sent = to.write_all(drop).await;
                    }
                    sent
                }
                Weather::Fair | Weather::Cut | Weather::Silent => {
                    to.write_all(&buffer[..count]).await
                }
            };
            if sent.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        biased;
        () = silenced => {}
        () = copying => return,
    }
    // Nothing goes on; the end of the connection is not told either.
    while let Ok(1..) = from.read(&mut buffer).await {}
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// A server that says everything again, behind a proxy.
    async fn echo() -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        Proxy::start(address).await.unwrap()
    }

    async fn says(stream: &mut TcpStream) -> bool {
        let mut answer = [0; 2];
        stream.write_all(b"hi").await.is_ok()
            && stream.read_exact(&mut answer).await.is_ok()
            && &answer == b"hi"
    }

    #[tokio::test]
    async fn a_cut_breaks_what_there_is_and_lets_nobody_connect() {
        let proxy = echo().await;
        let mut before = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says(&mut before).await);
        proxy.set(Weather::Cut);
        assert!(!says(&mut before).await);
        let mut meanwhile = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(!says(&mut meanwhile).await);
        proxy.set(Weather::Fair);
        let mut after = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says(&mut after).await);
    }

    #[tokio::test]
    async fn slowness_loses_nothing() {
        let proxy = echo().await;
        for weather in [Weather::Late(Duration::from_millis(1)), Weather::Slow] {
            proxy.set(weather);
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            let text = vec![7; 5_000];
            stream.write_all(&text).await.unwrap();
            let mut answer = vec![0; text.len()];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, text);
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_silent_stays_half_open() {
        const A_WHILE: Duration = Duration::from_millis(50);
        let proxy = echo().await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says(&mut stream).await);
        proxy.set(Weather::Silent);
        // It has to be seen before the weather changes again.
        assert!(timeout(A_WHILE, says(&mut stream)).await.is_err());
        proxy.set(Weather::Fair);
        assert!(timeout(A_WHILE, says(&mut stream)).await.is_err());
        let mut another = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says(&mut another).await);
    }
}
