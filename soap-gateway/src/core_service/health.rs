//! Following how a core is, for as long as the gateway runs.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tracing::{info, warn};

use super::back_off::BackOff;
use super::cause;
use super::member::Member;

/// Why a core is not listened to any more.
enum Ended {
    /// It is not there, or does not answer.
    Away(String),
    /// A request had a bad end, so that it has to be asked anew.
    Doubted,
    /// It does not tell by itself, so that it has to be asked again.
    Unasked,
}

/// Follows how a core is. That also keeps a connection to it open, so that a
/// request finds one, and a core that goes away is noticed before a request.
pub(super) async fn follow(member: Arc<Member>, channel: Channel) {
    let mut follower = Follower {
        health: HealthClient::new(channel),
        is_away: None,
        member,
    };
    let mut back_off = BackOff::new();
    loop {
        let begun = Instant::now();
        let ended = follower.listen().await;
        let was_well = begun.elapsed() > BackOff::LONGEST;
        if follower.member.take_has_answered() || was_well {
            back_off = BackOff::new();
        }
        match ended {
            Ended::Unasked => continue,
            Ended::Doubted => {}
            Ended::Away(cause) => follower.away(&cause),
        }
        // Also a core that says that it is well is left alone for a moment
        // after a bad end: that may be all that it does.
        tokio::select! {
            () = sleep(back_off.take()) => {}
            () = follower.member.answered() => {}
        }
    }
}

struct Follower {
    member: Arc<Member>,
    health: HealthClient<Channel>,
    /// What was said in the log; nothing at first.
    is_away: Option<bool>,
}

impl Follower {
    /// Listens to what the core says of itself until that breaks off.
    async fn listen(&mut self) -> Ended {
        /// How long it may take for its first word.
        const PATIENCE: Duration = Duration::from_secs(2);

        // What was doubted until now is what is asked about.
        tokio::select! {
            biased;
            () = self.member.doubted() => {}
            () = std::future::ready(()) => {}
        }
        let asked = async {
            // An empty name asks for the core as a whole.
            let request = HealthCheckRequest::default();
            let mut words = self.health.watch(request).await?.into_inner();
            let first = words.message().await?;
            Ok((words, first))
        };
        let (mut words, mut last) = match timeout(PATIENCE, asked).await {
            Err(_) => return Ended::Away("it does not answer".to_owned()),
            Ok(Ok(begun)) => begun,
            Ok(Err(refusal)) => return self.refused(&refusal).await,
        };
        loop {
            match last.as_ref().map(HealthCheckResponse::status) {
                None => return Ended::Away("it does not say any more how it is".to_owned()),
                Some(ServingStatus::Serving) => self.there(),
                Some(_) => self.away("it says that it is not serving"),
            }
            tokio::select! {
                next = words.message() => match next {
                    Ok(next) => last = next,
                    Err(refusal) => return Ended::Away(why(&refusal)),
                },
                () = self.member.doubted() => return Ended::Doubted,
            }
        }
    }

    /// What it means that a core does not say how it is.
    async fn refused(&mut self, refusal: &tonic::Status) -> Ended {
        if refusal.source().is_some() || refusal.code() == Code::Unavailable {
            return Ended::Away(why(refusal));
        }
        // Whoever refuses is there. Perhaps a proxy passes on only the rest.
        self.there();
        tokio::select! {
            () = sleep(BackOff::LONGEST) => Ended::Unasked,
            () = self.member.doubted() => Ended::Doubted,
        }
    }

    fn there(&mut self) {
        self.member.set_taking(true);
        if self.is_away == Some(true) {
            info!(core = self.member.address(), "a core is back");
        }
        self.is_away = Some(false);
    }

    fn away(&mut self, cause: &str) {
        self.member.set_taking(false);
        if self.is_away != Some(true) {
            warn!(
                core = self.member.address(),
                cause, "a core is away; where there are others, they do its work"
            );
        }
        self.is_away = Some(true);
    }
}

/// Why a call failed, for the operator. The message of a core is not repeated.
fn why(refusal: &tonic::Status) -> String {
    match refusal.source() {
        Some(source) => cause(source),
        None => format!("it answered {:?}", refusal.code()),
    }
}
