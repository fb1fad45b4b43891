use std::net::Ipv4Addr;

use test_certificates::Authority;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::*;
use crate::TlsMetrics;
use crate::tls::{ClientCertificates, ServerFiles};

const LONG: Duration = Duration::from_mins(10);
const SOON: Duration = Duration::from_millis(100);
/// As many bytes as a client has to say to count as one that speaks.
const WORDS: [u8; 24] = [b'x'; 24];

/// A listener that runs, and the connections that it hands over.
struct Running {
    address: SocketAddr,
    connections: mpsc::UnboundedReceiver<Connection>,
    metrics: ConnectionMetrics,
    shutdown: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    async fn start(limits: Limits, tls: Option<ServerTls>) -> Self {
        let (shutdown, cut) = (CancellationToken::new(), CancellationToken::new());
        let metrics = ConnectionMetrics::default();
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let listener = Listener::bind(address, tls, limits, metrics.clone(), cut.clone());
        let listener = listener.await.unwrap();
        let address = listener.local_addr();
        let (sender, connections) = mpsc::unbounded_channel();
        let tasks = TaskTracker::new();
        let (stop, openings) = (shutdown.clone(), tasks.clone());
        tasks.spawn(async move {
            let hand_over = move |connection| {
                let sender = sender.clone();
                async move { drop(sender.send(connection)) }
            };
            listener.run(stop, &openings, hand_over).await;
        });
        Self {
            address,
            connections,
            metrics,
            shutdown,
            cut,
            tasks,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Connects, and waits for the other end of the connection.
    async fn pair(&mut self) -> (TcpStream, Connection) {
        let client = self.connect().await;
        (client, self.connections.recv().await.unwrap())
    }
}

fn limits(connections: usize, connections_per_address: usize) -> Limits {
    Limits {
        connections,
        connections_per_address,
        handshake_time: LONG,
        first_words_time: LONG,
    }
}

fn tls() -> ServerTls {
    let folder = tempfile::tempdir().unwrap();
    let identity = Authority::new("servers").server(&["gateway.example"]);
    let (certificate, key) = identity.write(folder.path(), "server");
    let files = ServerFiles {
        certificate,
        key,
        client_authorities: None,
    };
    let metrics = TlsMetrics::default();
    ServerTls::load("test", files, ClientCertificates::Judged, &metrics).unwrap()
}

/// Whether the other end has closed.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let read = tokio::time::timeout(LONG, stream.read(&mut [0])).await;
    matches!(read.unwrap(), Ok(0) | Err(_))
}

#[tokio::test]
async fn a_mute_connection_makes_room_and_a_busy_one_does_not() {
    let mut listener = Running::start(limits(2, 2), None).await;
    let (mut busy_client, mut busy) = listener.pair().await;
    let _active = busy.activity().begin();
    let (mut mute_client, mut mute) = listener.pair().await;

    let (_third_client, third) = listener.pair().await;
    assert!(mute.closed().is_cancelled());
    let error = mute.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    drop(mute);
    assert!(is_closed(&mut mute_client).await);

    // Now both are at work, and there is no room for a fourth.
    let _third_active = third.activity().begin();
    assert!(is_closed(&mut listener.connect().await).await);
    busy_client.write_all(b"x").await.unwrap();
    assert_eq!(busy.read_u8().await.unwrap(), b'x');
    assert_eq!(listener.metrics.open.get(), 2);
    assert_eq!(listener.metrics.displaced.get(), 1);
    assert_eq!(listener.metrics.refused.get(), 1);
}

#[tokio::test]
async fn thousands_of_mute_connections_keep_nobody_out() {
    let mut listener = Running::start(limits(50, 50), None).await;
    let mut crowd = Vec::new();
    for _ in 0..2_000 {
        crowd.push(listener.connect().await);
        while let Ok(connection) = listener.connections.try_recv() {
            // As a service does: it reads until there is nothing any more.
            tokio::spawn(async move {
                let mut connection = connection;
                let mut bytes = [0; 24];
                let read = connection.read_exact(&mut bytes).await;
                if read.is_ok() {
                    let _active = connection.activity().begin();
                    connection.write_all(&bytes).await.unwrap();
                }
            });
        }
    }
    for _ in 0..10 {
        let (mut honest, mut connection) = listener.pair().await;
        while connection.peer() != honest.local_addr().unwrap() {
            connection = listener.connections.recv().await.unwrap();
        }
        honest.write_all(&WORDS).await.unwrap();
        connection.read_exact(&mut [0; 24]).await.unwrap();
        crowd.push(listener.connect().await);
    }
    assert_eq!(listener.metrics.refused.get(), 0);
    assert!(listener.metrics.displaced.get() >= 1_900);
}

#[tokio::test]
async fn a_handshake_that_stalls_delays_nobody_and_ends() {
    let mut limits = limits(10, 10);
    limits.handshake_time = SOON;
    let listener = Running::start(limits, Some(tls())).await;
    let mut stalled = listener.connect().await;
    stalled.write_all(&[22, 3, 1]).await.unwrap();
    let mut mute = listener.connect().await;
    let mut plain = listener.connect().await;
    plain
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    for stream in [&mut plain, &mut stalled, &mut mute] {
        let mut rest = Vec::new();
        // An alert may come before the end.
        let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut rest))
            .await
            .unwrap();
        assert!(rest.len() < 20);
    }
    assert_eq!(listener.metrics.failed_handshakes.get(), 3);
}

#[tokio::test]
async fn handshakes_that_stall_make_room() {
    let listener = Running::start(limits(3, 3), Some(tls())).await;
    let mut stalled = Vec::new();
    for _ in 0..6 {
        stalled.push(listener.connect().await);
    }
    for stream in &mut stalled[..3] {
        assert!(is_closed(stream).await);
    }
}

#[tokio::test]
async fn first_words_have_a_time_limit() {
    let mut limits = limits(10, 10);
    limits.first_words_time = SOON;
    let mut listener = Running::start(limits, None).await;
    for bytes in [0, 1, WORDS.len() - 1] {
        let (mut client, mut connection) = listener.pair().await;
        client.write_all(&WORDS[..bytes]).await.unwrap();
        let error = connection.read_exact(&mut [0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{bytes}");
    }
    let (mut client, mut connection) = listener.pair().await;
    client.write_all(&WORDS).await.unwrap();
    connection.read_exact(&mut [0; 24]).await.unwrap();
    tokio::time::sleep(2 * SOON).await;
    client.write_all(b"x").await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), b'x');
}

#[tokio::test]
async fn at_shutdown_who_has_not_spoken_is_not_waited_for() {
    let mut listener = Running::start(limits(10, 10), None).await;
    let (_mute_client, mut mute) = listener.pair().await;
    let (mut client, mut connection) = listener.pair().await;
    client.write_all(&WORDS).await.unwrap();
    connection.read_exact(&mut [0; 24]).await.unwrap();

    listener.shutdown.cancel();
    listener.tasks.close();
    listener.tasks.wait().await;
    assert!(TcpStream::connect(listener.address).await.is_err());
    assert!(mute.read(&mut [0]).await.is_err());
    client.write_all(b"x").await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), b'x');
    listener.cut.cancel();
    assert!(connection.read_u8().await.is_err());
}

#[tokio::test]
async fn at_shutdown_a_handshake_that_stalls_is_given_up() {
    let listener = Running::start(limits(10, 10), Some(tls())).await;
    let mut stalled = listener.connect().await;
    stalled.write_all(&[22, 3, 1]).await.unwrap();
    while listener.metrics.open.get() == 0 {
        tokio::task::yield_now().await;
    }
    listener.shutdown.cancel();
    listener.tasks.close();
    listener.tasks.wait().await;
    assert!(is_closed(&mut stalled).await);
}
