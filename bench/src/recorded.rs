//! Whether what was acknowledged is there, exactly once.

use std::collections::HashSet;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use sfbridge_proto::v1::{StreamEventsRequest, StreamStart};
use tonic::transport::Endpoint;

/// The numbers of the notifications that a core has recorded as events, from
/// `first` on.
///
/// # Errors
///
/// When one is there twice, or the core does not answer.
pub(crate) async fn in_core(
    core: SocketAddr,
    igrp: u32,
    first: u64,
) -> anyhow::Result<HashSet<u64>> {
    let channel = Endpoint::new(format!("http://{core}"))?.connect().await?;
    let request = StreamEventsRequest {
        igrp: igrp.into(),
        start: StreamStart::Beginning.into(),
        ..StreamEventsRequest::default()
    };
    let mut stream = EventServiceClient::new(channel)
        .stream_events(request)
        .await?
        .into_inner();
    let mut found = HashSet::new();
    while let Some(answer) = stream.message().await? {
        if let Some(event) = answer.event {
            let origin = event.salesforce.unwrap_or_default();
            let number = number_of(&origin.notification_id)?;
            if number >= first {
                ensure!(found.insert(number), "{number} is there twice");
            }
        }
        if answer.is_caught_up {
            break;
        }
    }
    Ok(found)
}

/// The number in a notification's id.
///
/// # Errors
///
/// When there is none.
pub(crate) fn number_of(notification: &str) -> anyhow::Result<u64> {
    let digits = notification.get(5..15).unwrap_or_default();
    digits
        .parse()
        .with_context(|| format!("{notification} has no number"))
}

/// Fails unless all notifications of acknowledged messages were found. Says how
/// many they are.
///
/// # Errors
///
/// When some are lost.
pub(crate) fn ensure_all(
    name: &str,
    acknowledged: impl Iterator<Item = u64>,
    found: &HashSet<u64>,
) -> anyhow::Result<u64> {
    let (mut all, mut lost) = (0, 0);
    for number in acknowledged {
        all += 1;
        lost += u64::from(!found.contains(&number));
    }
    ensure!(
        lost == 0,
        "{name}: {lost} of {all} were acknowledged and are not there"
    );
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_noticed() {
        let found = HashSet::from([1, 2, 3]);
        assert_eq!(ensure_all("x", [1, 3].into_iter(), &found).unwrap(), 2);
        let lost = ensure_all("x", [3, 4].into_iter(), &found).unwrap_err();
        assert!(lost.to_string().contains("1 of 2"), "{lost}");
    }

    #[test]
    fn a_number_is_read_with_and_without_the_checksum() {
        assert_eq!(number_of("04l5g0000000042AAA").unwrap(), 42);
        assert_eq!(number_of("04l5g0000000042").unwrap(), 42);
        assert!(number_of("04l").is_err());
    }
}
