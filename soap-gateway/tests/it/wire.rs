//! A wire between a gateway and a core, for what can happen on one.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::transport::Uri;

use crate::harness::free;

/// Carries connections to a core.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    address: SocketAddr,
    traffic: Arc<watch::Sender<Traffic>>,
}

/// What becomes of what is said over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// It is carried.
    Passes,
    /// It stays on the wire until this changes.
    Stalls,
    /// Half of what the core says next is carried, then the connection is cut.
    CutsAnswers,
    /// Connections are cut, and new ones too.
    Cut,
}

impl Wire {
    /// A wire to the core at this address, with this traffic.
    pub(crate) async fn to(core: &Uri, traffic: Traffic) -> Self {
        let core: SocketAddr = core.authority().unwrap().as_str().parse().unwrap();
        let listener = TcpListener::bind(free()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let traffic = Arc::new(watch::Sender::new(traffic));
        let wire = Self { address, traffic };
        let changes = Arc::clone(&wire.traffic);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if *changes.borrow() != Traffic::Cut {
                    tokio::spawn(carry_both(stream, core, changes.subscribe()));
                }
            }
        });
        wire
    }

    pub(crate) fn uri(&self) -> Uri {
        format!("http://{}", self.address).parse().unwrap()
    }

    /// How the gateway's metrics name the core.
    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

async fn carry_both(gateway: TcpStream, core: SocketAddr, traffic: watch::Receiver<Traffic>) {
    let Ok(core) = TcpStream::connect(core).await else {
        return;
    };
    let (from_gateway, to_gateway) = gateway.into_split();
    let (from_core, to_core) = core.into_split();
    let mut cut = traffic.clone();
    tokio::select! {
        () = carry(from_gateway, to_core, false, traffic.clone()) => {}
        () = carry(from_core, to_gateway, true, traffic) => {}
        _ = cut.wait_for(|traffic| *traffic == Traffic::Cut) => {}
    }
}

/// Carries until one end is closed or the traffic ends.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    is_answer: bool,
    mut traffic: watch::Receiver<Traffic>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        let now = traffic.wait_for(|traffic| *traffic != Traffic::Stalls);
        let now = now.await.map(|now| *now);
        let is_half = is_answer && matches!(now, Ok(Traffic::CutsAnswers));
        let carried = if is_half { count / 2 } else { count };
        if to.write_all(&bytes[..carried]).await.is_err() || is_half {
            return;
        }
    }
}
